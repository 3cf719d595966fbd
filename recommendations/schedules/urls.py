"""Routes of the pages of power schedules."""

from django.urls import path

from recommendations.schedules import views

app_name = "schedules"

urlpatterns = [
    path("", views.schedule_list, name="schedule_list"),
    path("new/", views.schedule_new, name="schedule_new"),
    path("<int:pk>/", views.schedule_detail, name="schedule_detail"),
    path("<int:pk>/edit/", views.schedule_edit, name="schedule_edit"),
    path("<int:pk>/delete/", views.schedule_delete, name="schedule_delete"),
]
