"""Routes of a person's small doors; signing in and out is allauth's."""

from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("organization/", views.organization_switch, name="organization_switch"),
    path("theme/", views.theme_set, name="theme_set"),
    path("language/", views.language_set, name="language_set"),
    path("demo/", views.demo_sign_in, name="demo_sign_in"),
]
