"""Routes under /connections/; the list itself, `connections`, is a page of the house."""

from django.urls import path

from providers import views

app_name = "providers"

urlpatterns = [
    path("new/", views.provider_choose, name="provider_choose"),
    path("new/<slug:provider_type>/", views.connection_create, name="connection_create"),
    path("new/<slug:provider_type>/test/", views.credentials_test, name="credentials_test"),
    path("guides/<slug:provider_type>/", views.provider_guide, name="provider_guide"),
    path("<int:pk>/edit/", views.connection_edit, name="connection_edit"),
    path("<int:pk>/test/", views.connection_test, name="connection_test"),
    path("<int:pk>/delete/", views.connection_delete, name="connection_delete"),
]
