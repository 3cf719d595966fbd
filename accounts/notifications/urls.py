"""Routes of the settings page of notifications."""

from django.urls import path

from accounts.notifications import views

app_name = "notifications"

urlpatterns = [
    path("", views.settings_page, name="settings"),
    path("preferences/", views.preferences_save, name="preferences_save"),
    path("webhooks/", views.webhook_add, name="webhook_add"),
    path("chats/begin/", views.chat_begin, name="chat_begin"),
    path("chats/finish/", views.chat_finish, name="chat_finish"),
    path("channels/<int:pk>/test/", views.channel_test, name="channel_test"),
    path("channels/<int:pk>/switch/", views.channel_switch, name="channel_switch"),
    path("channels/<int:pk>/remove/", views.channel_remove, name="channel_remove"),
]
