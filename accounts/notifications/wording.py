"""A notification as words: in the reader's language and time zone, from its template and data."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.notifications import kinds
from accounts.notifications.models import Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One event in words; `data` is what programs get besides."""

    id: int
    kind: str
    organization_id: int
    organization: str
    created_at: datetime
    title: str
    text: str
    url: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What leaves through a channel: one item, or a digest of many. `id` stays the same over attempts."""

    id: UUID
    title: str
    items: Sequence[Item]
    settings_url: str
    attachments: Sequence[kinds.Attachment] = ()

    @property
    def is_digest(self) -> bool:
        return len(self.items) > 1

    @property
    def text(self) -> str:
        """Plain text without the title."""
        if not self.is_digest:
            return _plain(self.items[0], with_title=False)
        return "\n\n".join(_plain(item, with_title=True) for item in self.items)


def message_for(user: User, notifications: Sequence[Notification], message_id: UUID) -> Message:
    with as_reader(user):
        items = [_item(notification) for notification in notifications]
        title = f"{items[0].organization}: {items[0].title}"
        if len(items) > 1:
            title = ngettext("%d event", "%d events", len(items)) % len(items)
        return Message(
            id=message_id,
            title=title,
            items=items,
            settings_url=absolute_url("/settings/notifications/"),
            attachments=[file for notification in notifications for file in _attachments(notification)],
        )


def trial_message(user: User, message_id: UUID) -> Message:
    """What the button «Test» sends."""
    with as_reader(user):
        item = Item(
            id=0,
            kind="test",
            organization_id=0,
            organization="InfraZen",
            created_at=timezone.now(),
            title=_("Test message"),
            text=_("This channel works: messages from InfraZen will come here."),
            url="",
            data={},
        )
        return Message(
            id=message_id,
            title=f"InfraZen: {item.title}",
            items=[item],
            settings_url=absolute_url("/settings/notifications/"),
        )


def as_reader(user: User) -> AbstractContextManager[Any]:
    """The person's language and time zone, inside the `with`."""
    stack = ExitStack()
    language = user.language if user.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    stack.enter_context(translation.override(language))
    try:
        stack.enter_context(timezone.override(zoneinfo.ZoneInfo(user.time_zone or settings.TIME_ZONE)))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):  # a name that this system does not know
        stack.enter_context(timezone.override(None))
    return stack


def absolute_url(path: str) -> str:
    """The page's address for who reads outside the browser; "" for no page."""
    return f"{settings.SITE_URL.rstrip('/')}{path}" if path else ""


def _item(notification: Notification) -> Item:
    kind = kinds.find(notification.kind)
    context = {**notification.data, **(kind.enrich(notification.data) if kind.enrich else {})}
    context |= {"organization": notification.organization, "created_at": notification.created_at}
    title, _line, text = render_to_string(kind.template, context).strip().partition("\n")
    return Item(
        id=notification.pk,
        kind=notification.kind,
        organization_id=notification.organization_id,
        organization=notification.organization.name,
        created_at=notification.created_at,
        title=title.strip(),
        text=text.strip(),
        url=absolute_url(notification.path),
        data=notification.data,
    )


def _attachments(notification: Notification) -> Sequence[kinds.Attachment]:
    kind = kinds.find(notification.kind)
    return kind.attach(notification.data) if kind.attach else ()


def _plain(item: Item, *, with_title: bool) -> str:
    lines = [f"{item.organization}: {item.title}"] if with_title else []
    return "\n".join(part for part in (*lines, item.text, item.url) if part)
