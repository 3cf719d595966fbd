"""Routes under /resources/. The pages show costs and syncs beside the inventory, so they live here."""

from django.urls import path

from infrazen.pages import resource_detail, resources
from inventory import views

app_name = "inventory"

urlpatterns = [
    path("", resources.resource_list, name="resource_list"),
    path("tags/", views.tags_set, name="tags_set"),
    path("<int:pk>/", resource_detail.resource_detail, name="resource_detail"),
    path("<int:pk>/tags/", views.tag_set, name="tag_set"),
    path("<int:pk>/tags/remove/", views.tag_remove, name="tag_remove"),
    path("<int:pk>/notes/", views.note_add, name="note_add"),
]
