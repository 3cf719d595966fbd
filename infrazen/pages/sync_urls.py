"""Routes under /syncs/: those of the app, and the import of files, whose pages show costs too."""

from django.urls import path

from infrazen.pages import imports
from syncs.urls import urlpatterns as own

app_name = "syncs"

urlpatterns = [
    path("imports/", imports.import_new, name="import_new"),
    path("imports/<int:pk>/", imports.import_detail, name="import_detail"),
    path("imports/<int:pk>/confirm/", imports.import_confirm, name="import_confirm"),
    *own,
]
