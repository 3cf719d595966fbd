"""Routes of the price catalogue."""

from django.urls import path

from recommendations.prices import views

app_name = "prices"

urlpatterns = [
    path("", views.comparison, name="comparison"),
    path("list/", views.price_list, name="price_list"),
    path("history/", views.price_history, name="price_history"),
    path("read/", views.reading_start, name="reading_start"),
]
