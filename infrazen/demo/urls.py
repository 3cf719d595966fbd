"""Addresses below /admin/demo/."""

from django.urls import path

from infrazen.demo import pages

app_name = "demo"

urlpatterns = [
    path("", pages.panel, name="panel"),
    path("reset/", pages.reset, name="reset"),
    path("forward/", pages.forward, name="forward"),
    path("switch/", pages.switch, name="switch"),
]
