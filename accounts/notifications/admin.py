"""Notifications for administrators: what was told, through what, and what did not arrive."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.notifications.errors import Problem
from accounts.notifications.models import Channel, Delivery
from common.admin import ReadOnlyModelAdmin, admin_link, object_link

PROBLEMS = dict(Problem.choices)


@admin.register(Channel)
class ChannelAdmin(ReadOnlyModelAdmin):
    """Where do people want to be told? Addresses and secrets of webhooks and chats are not shown."""

    manage_permission = "accounts.manage_users"
    list_display = ["kind", "user_link", "name", "address", "is_active", "problem", "created_at"]
    list_filter = ["kind", "is_active", "created_at"]
    search_fields = ["user__email", "name", "address"]
    list_select_related = ["user"]
    fields = ["user_link", "kind", "name", "address", "is_active", "problem", "created_at"]
    facts = ["user_link", "problem"]
    user_link = object_link("user", _("person"))

    @admin.display(description=_("last error"), ordering="last_error")
    def problem(self, channel: Channel) -> str:
        return str(PROBLEMS.get(channel.last_error, "—"))


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyModelAdmin):
    """What was sent to whom, and what did not arrive?"""

    manage_permission = "accounts.manage_users"
    list_display = [
        "created",
        "kind",
        "organization_link",
        "channel_link",
        "is_digest",
        "status",
        "attempts",
        "problem",
        "sent_at",
    ]
    list_filter = ["status", "notification__kind", "channel__kind", "is_digest", "sent_at"]
    search_fields = ["channel__user__email", "notification__organization__name", "notification__key"]
    list_select_related = ["notification__organization", "channel__user"]
    fields = [
        "created",
        "kind",
        "organization_link",
        "channel_link",
        "is_digest",
        "status",
        "attempts",
        "due_at",
        "sent_at",
        "batch",
        "problem",
    ]
    facts = ["created", "kind", "organization_link", "channel_link", "problem"]
    actions = ["send_again"]
    channel_link = object_link("channel", _("channel"))

    @admin.display(description=_("organization"), ordering="notification__organization")
    def organization_link(self, delivery: Delivery) -> SafeString:
        return admin_link(delivery.notification.organization)

    @admin.display(description=_("created"), ordering="notification__created_at")
    def created(self, delivery: Delivery) -> Any:
        return delivery.notification.created_at

    @admin.display(description=_("kind of event"), ordering="notification__kind")
    def kind(self, delivery: Delivery) -> str:
        return delivery.notification.kind

    @admin.display(description=_("error"), ordering="error")
    def problem(self, delivery: Delivery) -> str:
        return str(PROBLEMS.get(delivery.error, "—"))

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return self._may_manage(request) or bool(getattr(request.user, "is_superuser", False))

    @admin.action(description=_("Send what failed again"), permissions=["manage"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        count = queryset.filter(status=Delivery.Status.FAILED).update(
            status=Delivery.Status.PENDING, attempts=0, due_at=timezone.now(), error=""
        )
        text = ngettext("%d delivery is sent again.", "%d deliveries are sent again.", count) % count
        self.message_user(request, text, messages.SUCCESS)
