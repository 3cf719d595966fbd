"""Routes of the pages of reports."""

from django.urls import path

from costs.reports import views

app_name = "reports"

urlpatterns = [
    path("", views.report_list, name="report_list"),
    path("new/", views.report_new, name="report_new"),
    path("<int:pk>/", views.report_detail, name="report_detail"),
    path("<int:pk>/edit/", views.report_edit, name="report_edit"),
    path("<int:pk>/delete/", views.report_delete, name="report_delete"),
    path("<int:pk>/preview/", views.report_preview, name="report_preview"),
    path("<int:pk>/sections/add/", views.section_add, name="section_add"),
    path("<int:pk>/sections/<slug:section>/", views.section_edit, name="section_edit"),
    path("<int:pk>/sections/<slug:section>/move/", views.section_move, name="section_move"),
    path("<int:pk>/sections/<slug:section>/remove/", views.section_remove, name="section_remove"),
    path("<int:pk>/run/", views.run_start, name="run_start"),
    path("<int:pk>/runs/", views.run_list, name="run_list"),
    path("runs/<int:pk>/send/", views.run_send, name="run_send"),
    path("runs/<int:pk>/delete/", views.run_delete, name="run_delete"),
    path("files/<int:pk>/", views.file_download, name="file_download"),
]
