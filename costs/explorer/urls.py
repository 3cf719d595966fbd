"""Routes of the explorer."""

from django.urls import path

from costs.explorer import difference_pages, pages, reconciliation_pages, saved_pages

app_name = "explorer"

urlpatterns = [
    path("", pages.explorer, name="explorer"),
    path("table.csv", pages.table_csv, name="table_csv"),
    path("facts.csv", pages.facts_csv, name="facts_csv"),
    path("difference/", difference_pages.difference, name="difference"),
    path("difference.csv", difference_pages.difference_csv, name="difference_csv"),
    path("reconciliation/", reconciliation_pages.reconciliation, name="reconciliation"),
    path(
        "reconciliation/<int:pk>/",
        reconciliation_pages.reconciliation_connection,
        name="reconciliation_connection",
    ),
    path("views/", saved_pages.view_list, name="view_list"),
    path("views/save/", saved_pages.view_save, name="view_save"),
    path("views/<int:pk>/", saved_pages.view_change, name="view_change"),
    path("views/<int:pk>/delete/", saved_pages.view_delete, name="view_delete"),
    path("notes/", saved_pages.note_add, name="note_add"),
    path("notes/<int:pk>/delete/", saved_pages.note_delete, name="note_delete"),
    path("charges/<int:pk>/", pages.charges, name="charges"),
]
