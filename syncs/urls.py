"""Routes under /syncs/; the history of the whole organization, `syncs`, is registered beside the other sections."""

from django.urls import path

from syncs import views

app_name = "syncs"

urlpatterns = [
    path("start/", views.snapshot_start_all, name="snapshot_start_all"),
    path("progress/", views.snapshot_progress, name="snapshot_progress"),
    path("connections/<int:pk>/", views.snapshot_list, name="snapshot_list"),
    path("connections/<int:pk>/start/", views.snapshot_start, name="snapshot_start"),
    path("<int:pk>/", views.snapshot_detail, name="snapshot_detail"),
]
