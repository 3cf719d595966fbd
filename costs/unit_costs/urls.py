"""Routes of the pages of unit economics."""

from django.urls import path

from costs.unit_costs import views

app_name = "unit_costs"

urlpatterns = [
    path("", views.metric_list, name="metric_list"),
    path("new/", views.metric_new, name="metric_new"),
    path("<int:pk>/", views.metric_detail, name="metric_detail"),
    path("<int:pk>/edit/", views.metric_edit, name="metric_edit"),
    path("<int:pk>/delete/", views.metric_delete, name="metric_delete"),
    path("<int:pk>/values/", views.values_set, name="values_set"),
    path("<int:pk>/values/import/", views.values_import, name="values_import"),
]
