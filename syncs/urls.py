"""Routes under /syncs/; the history of the whole organization, `syncs`, is registered beside the other sections."""

from django.urls import path

from syncs import complete_views, snapshot_views, views

app_name = "syncs"

urlpatterns = [
    path("start/", views.snapshot_start_all, name="snapshot_start_all"),
    path("progress/", views.snapshot_progress, name="snapshot_progress"),
    path("connections/<int:pk>/", views.snapshot_list, name="snapshot_list"),
    path("connections/<int:pk>/start/", views.snapshot_start, name="snapshot_start"),
    path("complete/", complete_views.complete_list, name="complete_list"),
    path("complete/<int:pk>/", complete_views.complete_detail, name="complete_detail"),
    path("complete/<int:pk>/retry/", complete_views.complete_retry, name="complete_retry"),
    path("complete/<int:pk>/compare/", complete_views.complete_compare, name="complete_compare"),
    path("<int:pk>/", snapshot_views.snapshot_detail, name="snapshot_detail"),
]
