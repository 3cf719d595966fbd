"""An estate of one organization in the database, and rules of the tests' own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.tests.factories import OrganizationFactory
from costs.models import DailyCost, DailyTotal
from costs.tests.factories import DailyCostFactory, DailyTotalFactory
from inventory.models import MetricPoint
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory
from recommendations.engine import registry
from recommendations.tests.facts import LONG_AGO, MIDNIGHT, NOW, TODAY
from recommendations.tests.test_evaluation import Quiet
from syncs.models import ResourceState
from syncs.tests.factories import ResourceStateFactory, ScopeCoverageFactory, SnapshotFactory


@pytest.fixture
def only_quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The rules are `Quiet` alone: idle servers could be deleted for a third of their cost."""
    monkeypatch.setattr("recommendations.rulebook.all_rules", lambda: {Quiet.id: Quiet})
    yield
    registry.all_rules.cache_clear()


class Estate:
    """One connection with a complete snapshot; `server` adds one that is measured and billed for forty days."""

    def __init__(self) -> None:
        self.organization = OrganizationFactory(time_zone="Europe/Moscow")
        self.connection = ConnectionFactory(organization=self.organization)
        self.first = SnapshotFactory(
            connection=self.connection, is_current=False, observed_at=LONG_AGO, requested_at=LONG_AGO
        )
        self.snapshot = SnapshotFactory(
            connection=self.connection, observed_at=NOW - timedelta(hours=1), requested_at=NOW
        )
        ScopeCoverageFactory(snapshot=self.snapshot, scope="servers")

    def server(
        self,
        *,
        cpu: float | None = 1.0,
        day_cost: str = "100",
        days: int = 20,
        kind: str = "server",
        parent: Any = None,
        **state: Any,
    ) -> Any:
        resource = ResourceFactory(
            connection=self.connection,
            resource_type=kind,
            first_seen_at=LONG_AGO,
            **({"name": state["name"]} if "name" in state else {}),
        )
        values = {
            "name": resource.name,
            "scope": "servers",
            "opened_at": LONG_AGO,
            "opened_by": self.first,
            "daily_cost": Decimal(day_cost),
            "vcpus": Decimal(4),
            "memory_mib": 8192,
            "parent": parent,
        }
        ResourceStateFactory(resource=resource, **(values | state))
        self.bill(resource, Decimal(day_cost), first=TODAY - timedelta(days=days), last=TODAY)
        if cpu is not None:
            self.measure(resource, cpu)
        return resource

    def bill(self, resource: Any, day_cost: Decimal, *, first: date, last: date) -> None:
        """Facts of every day; totals only of the first and the last, which say what days are known."""
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        DailyCost.objects.bulk_create(
            DailyCostFactory.build(
                organization=self.organization,
                connection=self.connection,
                resource=resource,
                date=day,
                billed_cost=day_cost,
                effective_cost=day_cost,
            )
            for day in days
        )
        for day in (first, last):
            known = {"organization": self.organization, "connection": self.connection, "date": day}
            if not DailyTotal.objects.filter(**known).exists():
                DailyTotalFactory(**known)

    def measure(self, resource: Any, cpu: float, *, days: int = 14) -> None:
        MetricPoint.objects.bulk_create(
            MetricPoint(
                organization=self.organization,
                resource=resource,
                metric="cpu_percent",
                observed_at=MIDNIGHT - timedelta(hours=n),
                value=cpu,
                maximum=cpu,
            )
            for n in range(1, days * 24 + 1)
        )

    def change(self, resource: Any, *, at: Any = None, **values: Any) -> ResourceState:
        """Close its open state and open another one with these values."""
        state = ResourceState.objects.open().get(resource=resource)
        moment = at or NOW
        state.closed_at, state.closed_by = moment, self.snapshot
        state.save(update_fields=["closed_at", "closed_by"])
        state.pk, state.closed_at, state.closed_by = None, None, None
        state.opened_at, state.opened_by, state.action = moment, self.snapshot, "updated"
        for name, value in values.items():
            setattr(state, name, value)
        state.save(force_insert=True)
        return state

    def remove(self, resource: Any, *, at: Any = None) -> None:
        ResourceState.objects.open().filter(resource=resource).update(
            closed_at=at or NOW, closed_by=self.snapshot
        )


@pytest.fixture
def estate(db: None) -> Estate:
    return Estate()


@pytest.fixture
def evaluate(only_quiet: None) -> Callable[..., Any]:
    """Evaluate a connection as of NOW or another instant."""
    from recommendations.services import evaluate_connection

    def run(estate: Any, *, now: Any = NOW, changed: Any = None) -> Any:
        return evaluate_connection(connection=estate.connection, now=now, changed=changed)

    return run


@pytest.fixture
def people(estate: Estate) -> SimpleNamespace:
    from accounts.tests.factories import MembershipFactory, UserFactory

    manager, viewer, stranger = UserFactory(), UserFactory(), UserFactory()
    MembershipFactory(user=manager, organization=estate.organization, role="manager")
    MembershipFactory(user=viewer, organization=estate.organization, role="viewer")
    return SimpleNamespace(manager=manager, viewer=viewer, stranger=stranger)
