"""Reads of the audit trail: who sees what, readable changes, lines for an export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Model, QuerySet

from accounts.audit import chain, words
from accounts.audit.models import AuditEntry, AuditSeal

EXPORT_ROWS = 1000
"""Read at once while a download runs."""

ORGANIZATION = "accounts.organization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field, before and after, in words; "" where there was nothing."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry for a page."""

    entry: AuditEntry
    kind: str
    changes: list[Change]
    details: list[tuple[str, str]]


def row(entry: AuditEntry) -> Row:
    return Row(entry=entry, kind=kind(entry), changes=changes(entry), details=details(entry))


def of_organization(organization: Any) -> QuerySet[AuditEntry]:
    """What an owner may read: what happened in the organization, the newest first."""
    return AuditEntry.objects.filter(organization_id=organization.pk).order_by("-at", "-pk")


def kind(entry: AuditEntry) -> str:
    """What sort of object it was, in words."""
    model = words.model_of(entry.object_type) if entry.object_type else None
    return str(model._meta.verbose_name) if model else entry.object_type


def changes(entry: AuditEntry) -> list[Change]:
    model = words.model_of(entry.object_type) if entry.object_type else None
    return [
        Change(
            name=words.field_name(model, name),
            before=words.field_words(model, name, pair[0]),
            after=words.field_words(model, name, pair[-1]),
        )
        for name, pair in entry.changes.items()
        if pair
    ]


def details(entry: AuditEntry) -> list[tuple[str, str]]:
    return [words.detail(name, value, entry.details) for name, value in entry.details.items()]


@dataclass(frozen=True, slots=True)
class Living:
    """Which of the people and organizations that entries name are still there; two queries, for however many."""

    people: dict[int, Any]
    organizations: dict[int, Any]

    @classmethod
    def of(cls, entries: Iterable[AuditEntry]) -> Living:
        rows = list(entries)
        people = {row.actor_id for row in rows} | {row.impersonator_id for row in rows}
        organizations = {row.organization_id for row in rows}
        return cls(
            people=get_user_model()._default_manager.in_bulk(people - {None}),
            organizations=apps.get_model(ORGANIZATION)._default_manager.in_bulk(organizations - {None}),
        )


def living_object(entry: AuditEntry) -> Model | None:
    """The object that the entry tells about, if it is still there."""
    model = words.model_of(entry.object_type) if entry.object_type else None
    if model is None:
        return None
    try:
        return model._base_manager.filter(pk=entry.object_id).first()
    except (ValueError, TypeError):  # a number that this kind of object never has
        return None


def export_rows(entries: QuerySet[AuditEntry]) -> Iterator[dict[str, Any]]:
    """Each entry as plain values, the newest first, with its place in the hash chain (None: not sealed yet).

    Read in batches by number, so that a long download holds no transaction and little memory.
    """
    ordered = entries.order_by("-pk")
    last: int | None = None
    while batch := list(ordered.filter(pk__lt=last)[:EXPORT_ROWS] if last else ordered[:EXPORT_ROWS]):
        seals = AuditSeal.objects.in_bulk([entry.pk for entry in batch], field_name="entry_id")
        for entry in batch:
            seal = seals.get(entry.pk)
            yield {
                **chain.facts(entry),
                "action_label": entry.action_label,
                "sequence": seal.sequence if seal else None,
                "hash": seal.hash if seal else None,
            }
        last = batch[-1].pk
