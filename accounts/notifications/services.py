"""The writers of notifications, channels and preferences.

    notify("sync.failed", organization=organization, key=f"snapshot-{snapshot.pk}", data={"connection": "Beget"}, path="/syncs/7/")

Said inside the transaction of what happened, an event and its message are kept together; said twice under one key, it
is told once.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.audit.services import record
from accounts.models import Membership, Organization, User
from accounts.notifications import kinds
from accounts.notifications.models import (
    Channel,
    ChatCode,
    Delivery,
    Mode,
    Notification,
    Preference,
)

DIGEST_AT = time(9)
"""When a day's digest is due, on the reader's clock."""

NEWS_FOR = timedelta(days=1)
"""An older event is history when we learn of it, and nobody is told: it only is in the log."""

CODE_LIFETIME = timedelta(minutes=15)
CHANNELS_AT_MOST = 20


class ChannelError(Exception):
    """A channel cannot be made; the door words it."""


class TooManyChannels(ChannelError):
    pass


@transaction.atomic
def notify(
    kind_code: str,
    *,
    organization: Organization,
    key: str,
    data: Mapping[str, Any],
    path: str = "",
    channels: QuerySet[Channel] | None = None,
    now: datetime | None = None,
) -> Notification | None:
    """Tells the members whose business it is; None where there is nothing to tell. Returns at once, sends later.

    `channels` names the readers instead: only members' are used, and what they switched off stays off.
    """
    kind = kinds.find(kind_code)
    now = now or timezone.now()
    notification, is_new = Notification.objects.get_or_create(
        organization=organization,
        kind=kind.code,
        key=key,
        defaults={"data": dict(data), "path": path, "created_at": now},
    )
    if not is_new or now < timezone.now() - NEWS_FOR:
        return None
    deliveries = [
        Delivery(
            notification=notification,
            channel=channel,
            is_digest=mode == Mode.DAILY,
            due_at=next_digest(channel.user, now) if mode == Mode.DAILY else now,
        )
        for channel, mode in _channels_for(kind, organization, channels)
        if mode != Mode.OFF
    ]
    Delivery.objects.bulk_create(deliveries)
    if any(not delivery.is_digest for delivery in deliveries):
        from accounts.notifications.tasks import deliver_due

        deliver_due.delay_on_commit()  # type: ignore[attr-defined]  # Celery's Django task
    return notification


def _channels_for(
    kind: kinds.Kind, organization: Organization, chosen_channels: QuerySet[Channel] | None
) -> list[tuple[Channel, str]]:
    """Every active channel of every member who should hear, with when."""
    readers = User.objects.filter(
        pk__in=Membership.objects.filter(organization=organization, role__in=kind.roles).values("user"),
        is_active=True,
    )
    if chosen_channels is None:
        ensure_email_channels(list(readers.exclude(notification_channels__kind=Channel.Kind.EMAIL)))
        chosen_channels = Channel.objects.all()
    channels = list(chosen_channels.filter(user__in=readers, is_active=True).select_related("user"))
    chosen = dict(
        Preference.objects.filter(channel__in=channels, kind=kind.code).values_list("channel_id", "mode")
    )
    return [(channel, chosen.get(channel.pk, kind.default)) for channel in channels]


def ensure_email_channels(people: list[User]) -> None:
    """Everybody can be reached by the e-mail they sign in with, unless they say otherwise."""
    Channel.objects.bulk_create(
        [Channel(user=person, kind=Channel.Kind.EMAIL) for person in people], ignore_conflicts=True
    )


def next_digest(user: User, now: datetime) -> datetime:
    """The next `DIGEST_AT` on the person's clock."""
    zone = ZoneInfo(user.time_zone or settings.TIME_ZONE)
    local = now.astimezone(zone)
    day = local.date() if local.time() < DIGEST_AT else local.date() + timedelta(days=1)
    return datetime.combine(day, DIGEST_AT, tzinfo=zone)


@transaction.atomic
def add_webhook(*, user: User, name: str, url: str) -> tuple[Channel, str]:
    """The channel, and the secret that signs its calls, shown this once. Raises TooManyChannels."""
    _check_count(user)
    secret = secrets.token_urlsafe(32)
    channel = Channel.objects.create(
        user=user,
        kind=Channel.Kind.WEBHOOK,
        name=name,
        address=urlsplit(url).hostname or "",
        configuration={"url": url, "secret": secret},
    )
    record("channel.added", obj=channel, details={"kind": channel.kind})
    return channel, secret


@transaction.atomic
def remove_channel(*, channel: Channel) -> None:
    """With its preferences and what was still to be sent; an e-mail channel is switched off instead."""
    if channel.kind == Channel.Kind.EMAIL:
        set_active(channel=channel, is_active=False)
        return
    record("channel.removed", obj=channel, details={"kind": channel.kind})
    channel.delete()


@transaction.atomic
def set_active(*, channel: Channel, is_active: bool) -> None:
    if channel.is_active == is_active:
        return
    record("channel.changed", obj=channel, changes={"is_active": [channel.is_active, is_active]})
    channel.is_active = is_active
    channel.last_error = ""
    channel.save(update_fields=["is_active", "last_error"])


@transaction.atomic
def set_preferences(*, user: User, modes: Mapping[tuple[int, str], Mode]) -> None:
    """{(channel's number, kind): when}; numbers of somebody else's channels and unknown kinds are left out."""
    own = set(Channel.objects.filter(user=user).values_list("pk", flat=True))
    known = {kind.code for kind in kinds.all_kinds()}
    Preference.objects.bulk_create(
        [
            Preference(channel_id=channel, kind=kind, mode=mode)
            for (channel, kind), mode in modes.items()
            if channel in own and kind in known
        ],
        update_conflicts=True,
        unique_fields=["channel", "kind"],
        update_fields=["mode"],
    )


@transaction.atomic
def make_chat_code(*, user: User, now: datetime) -> str:
    """A new code takes the place of the person's last one."""
    code = secrets.token_urlsafe(18)
    ChatCode.objects.update_or_create(
        user=user, defaults={"digest": digest_of(code), "expires_at": now + CODE_LIFETIME}
    )
    return code


@transaction.atomic
def link_chat(*, code: str, chat_id: int, title: str, now: datetime) -> Channel | None:
    """The chat from which a living code came becomes a channel of its owner; None for any other code."""
    found = (
        ChatCode.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(digest=digest_of(code), expires_at__gt=now)
        .first()
    )
    if found is None:
        return None
    found.delete()
    for channel in Channel.objects.filter(user=found.user, kind=Channel.Kind.TELEGRAM):
        if channel.configuration["chat_id"] == chat_id:
            set_active(channel=channel, is_active=True)
            return channel
    _check_count(found.user)
    channel = Channel.objects.create(
        user=found.user,
        kind=Channel.Kind.TELEGRAM,
        address=title[:255],
        configuration={"chat_id": chat_id},
    )
    record("channel.added", obj=channel, actor=found.user, details={"kind": channel.kind})
    return channel


def digest_of(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def remove_old(*, now: datetime) -> int:
    """Deletes what was told long ago, and codes that nobody sent; returns how many notifications went."""
    ChatCode.objects.filter(expires_at__lt=now).delete()
    keep = timedelta(days=settings.NOTIFICATION_RETENTION_DAYS)
    living = Q(deliveries__status__in=[Delivery.Status.PENDING, Delivery.Status.SENDING])
    old = Notification.objects.filter(created_at__lt=now - keep).exclude(living)
    count, _by_model = Notification.objects.filter(
        pk__in=list(old.values_list("pk", flat=True)[:5000])
    ).delete()
    return count


def _check_count(user: User) -> None:
    User.objects.select_for_update().get(pk=user.pk)  # two requests at once count as one
    if Channel.objects.filter(user=user).count() >= CHANNELS_AT_MOST:
        raise TooManyChannels(f"{CHANNELS_AT_MOST} channels")
