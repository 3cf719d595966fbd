"""Routes of the pages of budgets, planned changes and forecasts."""

from django.urls import path

from costs.budgets import views

app_name = "budgets"

urlpatterns = [
    path("", views.budget_list, name="budget_list"),
    path("new/", views.budget_new, name="budget_new"),
    path("forecast/", views.forecast, name="forecast"),
    path("changes/", views.change_list, name="change_list"),
    path("changes/new/", views.change_new, name="change_new"),
    path("changes/<int:pk>/", views.change_edit, name="change_edit"),
    path("changes/<int:pk>/delete/", views.change_delete, name="change_delete"),
    path("<int:pk>/", views.budget_detail, name="budget_detail"),
    path("<int:pk>/edit/", views.budget_edit, name="budget_edit"),
    path("<int:pk>/delete/", views.budget_delete, name="budget_delete"),
]
