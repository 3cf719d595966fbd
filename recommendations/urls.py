"""Routes of the pages of recommendations."""

from django.urls import path

from recommendations import report_views, settings_views, views

app_name = "recommendations"

urlpatterns = [
    path("", views.recommendation_list, name="recommendation_list"),
    path("<int:pk>/", views.recommendation_detail, name="recommendation_detail"),
    path("<int:pk>/decide/", views.recommendation_decide, name="recommendation_decide"),
    path("decide/", views.recommendation_bulk, name="recommendation_bulk"),
    path("evaluate/", views.evaluation_start, name="evaluation_start"),
    path("why/", report_views.report, name="report"),
    path("why/rules/<str:rule_id>/", report_views.rule_report, name="rule_report"),
    path("why/resources/<int:pk>/", report_views.resource_report, name="resource_report"),
    path("rules/", settings_views.rule_list, name="rule_list"),
    path("rules/<str:rule_id>/", settings_views.rule_edit, name="rule_edit"),
    path("exclusions/", settings_views.exclusion_list, name="exclusion_list"),
    path("exclusions/new/", settings_views.exclusion_new, name="exclusion_new"),
    path("exclusions/<int:pk>/", settings_views.exclusion_edit, name="exclusion_edit"),
    path("exclusions/<int:pk>/delete/", settings_views.exclusion_delete, name="exclusion_delete"),
]
