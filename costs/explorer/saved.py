"""Reads of saved views and chart notes: a person's own, and what the organization shares."""

from __future__ import annotations

from datetime import date

from django.db.models import Q, QuerySet

from accounts.models import Membership, Organization
from costs.explorer import subtrees
from costs.explorer.filters import Filters
from costs.explorer.models import ChartNote, SavedView
from costs.explorer.periods import Span
from costs.explorer.view import View, parse_view


def visible_views(membership: Membership) -> QuerySet[SavedView]:
    """A member's own views and the shared ones, by name, with their owners."""
    return (
        SavedView.objects.of(membership.organization)
        .filter(Q(owner=membership.user_id) | Q(is_shared=True))
        .select_related("owner")
        .order_by("name", "pk")
    )


def may_change(membership: Membership, view: SavedView) -> bool:
    """Its owner may, where they may write at all; of a shared one the organization's owners too."""
    if not membership.may_write:
        return False
    return view.owner_id == membership.user_id or (view.is_shared and membership.is_owner)


def chart_notes(organization: Organization, view: View, span: Span, today: date) -> list[ChartNote]:
    """The notes of a period that are about what the view looks at; two queries at most."""
    notes = list(
        ChartNote.objects.of(organization)
        .filter(date__gte=span.first, date__lte=span.last)
        .order_by("date", "pk")
    )
    scopes = [view.filters, *(parse_view(note.filters, today).view.filters for note in notes)]
    looked_at, *parts = subtrees.all_whole(organization, scopes)
    return [note for note, part in zip(notes, parts, strict=True) if _is_within(looked_at, part)]


def _is_within(filters: Filters, scope: Filters) -> bool:
    """Whether filters look at the scope or at a part of it."""
    for wanted in scope.conditions:
        own = set(filters.values(wanted.key, is_excluded=wanted.is_excluded))
        given = set(wanted.values)
        if not own or not (given <= own if wanted.is_excluded else own <= given):
            return False
    return not scope.name or scope.name.casefold() in filters.name.casefold()
