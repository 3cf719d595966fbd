"""Routes of the settings page of API tokens."""

from django.urls import path

from accounts.tokens import views

app_name = "tokens"

urlpatterns = [
    path("", views.token_list, name="token_list"),
    path("<int:pk>/revoke/", views.token_revoke, name="token_revoke"),
]
