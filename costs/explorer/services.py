"""Writes of saved views and chart notes; each is audited.

ExplorerError
├── NameTaken       the owner has a view of that name in this organization
├── TooMany         an organization has enough of them
└── NotYours        somebody else's view
"""

from __future__ import annotations

from datetime import date

from django.db import IntegrityError, transaction

from accounts.audit.services import record
from accounts.models import Membership
from costs.explorer.models import ChartNote, SavedView
from costs.explorer.saved import may_change
from costs.explorer.view import View, parse_view

VIEWS_AT_MOST = 500
NOTES_AT_MOST = 5000


class ExplorerError(Exception):
    """A rule forbids it; doors word their own messages."""


class NameTaken(ExplorerError):
    pass


class TooMany(ExplorerError):
    pass


class NotYours(ExplorerError):
    pass


def save_view(*, membership: Membership, name: str, query: str, is_shared: bool, today: date) -> SavedView:
    """Keeps the canonical form of `query`. Raises NameTaken, TooMany."""
    organization = membership.organization
    if SavedView.objects.of(organization).count() >= VIEWS_AT_MOST:
        raise TooMany(f"{VIEWS_AT_MOST} views")
    try:
        with transaction.atomic():
            view = SavedView.objects.create(
                organization=organization,
                owner=membership.user,
                name=name,
                query=parse_view(query, today).view.query_string(),
                is_shared=is_shared,
            )
            record(
                "view.saved",
                obj=view,
                organization=organization,
                details={"query": view.query, "shared": is_shared},
            )
    except IntegrityError as error:
        raise NameTaken(name) from error
    return view


def change_view(
    *,
    membership: Membership,
    view: SavedView,
    today: date,
    name: str | None = None,
    query: str | None = None,
    is_shared: bool | None = None,
) -> SavedView:
    """Renames, shares or shows something else; what is None stays. Raises NotYours, NameTaken."""
    if not may_change(membership, view):
        raise NotYours(view.name)
    given = {
        "name": name,
        "query": None if query is None else parse_view(query, today).view.query_string(),
        "is_shared": is_shared,
    }
    changes = {
        field: [getattr(view, field), value]
        for field, value in given.items()
        if value is not None and value != getattr(view, field)
    }
    if not changes:
        return view
    for field, (_before, after) in changes.items():
        setattr(view, field, after)
    try:
        with transaction.atomic():
            view.save(update_fields=[*changes, "updated_at"])
            record("view.changed", obj=view, organization=view.organization, changes=changes)
    except IntegrityError as error:
        raise NameTaken(view.name) from error
    return view


@transaction.atomic
def delete_view(*, membership: Membership, view: SavedView) -> None:
    """Raises NotYours."""
    if not may_change(membership, view):
        raise NotYours(view.name)
    record("view.deleted", obj=view, organization=view.organization, details={"query": view.query})
    view.delete()


@transaction.atomic
def add_note(*, membership: Membership, day: date, text: str, query: str, today: date) -> ChartNote:
    """About what the filters of `query` look at. Raises TooMany."""
    organization = membership.organization
    if ChartNote.objects.of(organization).count() >= NOTES_AT_MOST:
        raise TooMany(f"{NOTES_AT_MOST} notes")
    scope = View(filters=parse_view(query, today).view.filters)
    note = ChartNote.objects.create(
        organization=organization,
        author=membership.user,
        date=day,
        text=text,
        filters=scope.query_string(),
    )
    record("chart_note.added", obj=note, organization=organization, details={"about": note.filters})
    return note


@transaction.atomic
def delete_note(*, note: ChartNote) -> None:
    record("chart_note.deleted", obj=note, organization=note.organization)
    note.delete()
