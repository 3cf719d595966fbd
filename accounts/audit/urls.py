"""Routes of an organization's part of the audit trail."""

from django.urls import path

from accounts.audit import views

app_name = "audit"

urlpatterns = [
    path("", views.entry_list, name="entry_list"),
    path("export/", views.entry_export, name="entry_export"),
]
