"""The changes of one sync, sorted by what happened: prices first, then what came, went, grew and moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from inventory.models import ResourceType
from syncs.models import ResourceState
from syncs.price_wording import price_mark, price_rows
from syncs.prices import PriceMove
from syncs.queries import Change
from syncs.wording import FieldChange, change_title, field_changes

HEADINGS = {
    "price": _("Price changed"),
    "created": _("New"),
    "returned": _("Seen again"),
    "deleted": _("Gone"),
    "zombie": _("Deleted, still billed"),
    "resized": _("Resized"),
    "moved": _("Moved or attached elsewhere"),
    "status": _("Status changed"),
    "cost": _("Cost moved, price and configuration the same"),
    "other": _("Changed otherwise"),
}
"""Kinds in the order in which they are shown."""

RESIZING = {"vcpus", "memory_mib", "storage_gib", "configuration.flavor"}
MOVING = {"region_id", "sub_account_id", "sub_account_name", "parent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One resource; `effect` is a month in the state's currency, `mark` a price that moved.

    A cost that moved alone is told by `summary` in one line, everything else by the table of `changes`.
    """

    state: ResourceState
    title: str
    mark: str
    summary: str
    changes: list[FieldChange]
    effect: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One price that moved for `count` resources; `effect` is what that comes to a month."""

    row: FieldChange
    since: date | None
    count: int
    effect: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeGroup:
    """All changes of one kind. `prices` are told once for all resources, and only in the group of prices."""

    kind: str
    heading: str
    rows: list[ChangeRow]
    prices: list[PriceRow]


def change_groups(
    changes: Iterable[Change], moves: Mapping[int, Sequence[PriceMove]], parents: Mapping[int, str]
) -> list[ChangeGroup]:
    """`moves` are the prices that moved by pk of the state, `parents` the names of resources that a change names."""
    found: dict[str, list[ChangeRow]] = {}
    for change in changes:
        prices = moves.get(change.state.pk, ()) if change.kind == ResourceState.Action.UPDATED else ()
        found.setdefault(_kind(change, bool(prices)), []).append(_row(change, prices, parents))
    return [
        ChangeGroup(
            kind=kind,
            heading=gettext(heading),
            rows=found[kind],
            prices=_price_rows(moves) if kind == "price" else [],
        )
        for kind, heading in HEADINGS.items()
        if kind in found
    ]


def _kind(change: Change, has_prices: bool) -> str:
    if change.kind != ResourceState.Action.UPDATED:
        return change.kind
    changed = set(change.changes)
    if "status" in changed and change.changes["status"][1] == ResourceState.Status.DELETED_BILLED:
        return "zombie"
    if changed & RESIZING:
        return "resized"
    if changed & MOVING:
        return "moved"
    if has_prices:
        return "price"
    if change.is_cost_only:
        return "cost"
    return "status" if change.state.has_status_change else "other"


def _row(change: Change, prices: Sequence[PriceMove], parents: Mapping[int, str]) -> ChangeRow:
    is_update = change.kind == ResourceState.Action.UPDATED
    changes = dict(change.changes) if is_update else {}
    if "parent" in changes:
        changes["parent"] = [parents.get(pk, pk) for pk in changes["parent"]]
    kind = ResourceType(change.state.resource.resource_type)
    rows = field_changes(changes, change.state.currency)
    own = [row for row, move in zip(price_rows(prices), prices, strict=True) if not move.label]
    return ChangeRow(
        state=change.state,
        title=str(kind.label) if change.is_cost_only or not is_update else change_title(change),
        mark=price_mark(prices) if prices else "",
        summary=_summary((own or rows)[0]) if change.is_cost_only and rows else "",
        changes=[] if change.is_cost_only else [*price_rows(prices), *rows],
        effect=change.monthly_effect,
    )


def _summary(row: FieldChange) -> str:
    """`Cost a day: ₽593.28/day → ₽600.96/day`."""
    nothing = gettext("no data")
    return f"{row.label}: {row.before or nothing} → {row.after or nothing}"


def _price_rows(moves: Mapping[int, Sequence[PriceMove]]) -> list[PriceRow]:
    """Each price once, the dearest effect first; a resource's own price is told at the resource."""
    same: dict[tuple[str, str, str], list[tuple[FieldChange, PriceMove]]] = {}
    for each in moves.values():
        for move, row in zip(each, price_rows(each), strict=True):
            if move.label:
                same.setdefault((row.label, row.before, row.after), []).append((row, move))
    rows = [
        PriceRow(
            row=found[0][0],
            since=min((move.since for _row, move in found if move.since), default=None),
            count=len(found),
            effect=sum((move.monthly_effect for _row, move in found), Decimal(0)),
            currency=found[0][1].currency,
        )
        for found in same.values()
    ]
    return sorted(rows, key=lambda row: abs(row.effect), reverse=True)
