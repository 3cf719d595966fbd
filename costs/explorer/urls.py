"""Routes of the explorer."""

from django.urls import path

from costs.explorer import difference_pages, pages

app_name = "explorer"

urlpatterns = [
    path("", pages.explorer, name="explorer"),
    path("table.csv", pages.table_csv, name="table_csv"),
    path("facts.csv", pages.facts_csv, name="facts_csv"),
    path("difference/", difference_pages.difference, name="difference"),
    path("difference.csv", difference_pages.difference_csv, name="difference_csv"),
    path("charges/<int:pk>/", pages.charges, name="charges"),
]
