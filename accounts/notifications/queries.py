"""Reads of the settings page of notifications."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from accounts.notifications import kinds
from accounts.notifications.models import Channel, Delivery, Mode, Preference


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """When a person hears of one kind through one channel; `name` is the form field's."""

    name: str
    channel: Channel
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    kind: kinds.Kind
    cells: list[Cell]


def channels_of(user: User) -> QuerySet[Channel]:
    return Channel.objects.filter(user=user).select_related("user")


def preference_rows(channels: list[Channel]) -> list[Row]:
    """Kinds of events by the given channels; one query."""
    chosen = {
        (channel, kind): mode
        for channel, kind, mode in Preference.objects.filter(channel__in=channels).values_list(
            "channel_id", "kind", "mode"
        )
    }
    return [
        Row(
            kind=kind,
            cells=[
                Cell(
                    name=field_name(channel.pk, kind.code),
                    channel=channel,
                    mode=chosen.get((channel.pk, kind.code), kind.default.value),
                )
                for channel in channels
            ],
        )
        for kind in kinds.all_kinds()
    ]


def field_name(channel_id: int, kind: str) -> str:
    return f"mode:{channel_id}:{kind}"


def chosen_modes(posted: Any) -> dict[tuple[int, str], Mode]:
    """What a form of `preference_rows` says; fields that are no such choice are left out."""
    found: dict[tuple[int, str], Mode] = {}
    for name, value in posted.items():
        prefix, _colon, rest = name.partition(":")
        number, _colon, kind = rest.partition(":")
        if prefix == "mode" and number.isascii() and number.isdigit() and value in Mode.values:
            found[int(number), kind] = Mode(value)
    return found


def last_deliveries(user: User, count: int) -> QuerySet[Delivery]:
    """The log of what was sent to the person, the newest first, from organizations that they still belong to."""
    return Delivery.objects.filter(
        channel__user=user, notification__organization__in=user.organizations()
    ).select_related("notification__organization", "channel")[:count]
