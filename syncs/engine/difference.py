"""What changed between an open state and the form of today. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from providers.contract.records import ResourceStatus

from .records import Carried, Cost, Difference, Form, OpenState


def difference(form: Form, state: OpenState, *, tolerance: Decimal) -> Difference:
    """Compare in three parts; a cost that moved by no more than `tolerance` a day has not changed."""
    return Difference(
        has_cost_change=cost_differs(form.cost, state, tolerance=tolerance),
        has_status_change=(
            form.status.value != state.status
            or form.provider_status != state.provider_status
            or form.is_orphan != state.is_orphan
            or form.is_provisional != state.is_provisional
        ),
        has_configuration_change=form.configuration_hash != state.configuration_hash
        or form.scope != state.scope,
    )


def carried_difference(carried: Carried, state: OpenState, *, tolerance: Decimal) -> Difference:
    """The same for a form that goes on: its configuration cannot differ."""
    status_changed = carried.becomes_zombie and (
        state.status != ResourceStatus.DELETED_BILLED or state.is_provisional != carried.is_provisional
    )
    return Difference(
        has_cost_change=cost_differs(carried.cost, state, tolerance=tolerance),
        has_status_change=status_changed,
        has_configuration_change=False,
    )


def cost_differs(cost: Cost | None, state: OpenState, *, tolerance: Decimal) -> bool:
    if cost is None or state.daily_cost is None:
        return (cost is None) != (state.daily_cost is None)
    if cost.currency != state.currency or cost.in_account_total != state.in_account_total:
        return True
    return abs(cost.daily - state.daily_cost) > max(tolerance, cost.uncertainty)


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """{field: [before, after]} for every field that differs; a missing one is None."""
    names = [*before, *(name for name in after if name not in before)]
    return {
        name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)
    }
