"""Routes of FOCUS exports."""

from django.urls import path

from costs.focus import pages

app_name = "focus"

urlpatterns = [
    path("", pages.export_new, name="export_new"),
    path("file/", pages.export_file, name="export_file"),
]
