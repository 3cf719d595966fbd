"""How the demo stands: for the command and for the page in the admin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Organization
from common import clock
from infrazen import embedded
from infrazen.demo.faults import Offer, offers
from infrazen.demo.operations import is_under_way, required_organization, required_state
from infrazen.demo.plan import Plan
from infrazen.demo.state import Operation, State
from providers.models import ProviderConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`now` is the product's time; `operation` the latest one, which was interrupted where it neither ended nor goes on."""

    organization: Organization
    connections: list[ProviderConnection]
    offers: list[Offer]
    state: State
    now: datetime
    machine_now: datetime
    is_served: bool
    is_under_way: bool

    @property
    def ahead(self) -> timedelta:
        return self.state.ahead

    @property
    def operation(self) -> Operation | None:
        return self.state.operation

    @property
    def switched(self) -> list[Offer]:
        return [each for each in self.offers if each.switched]


def status() -> Status:
    """One query for the organization, one for its connections. Raises DemoError where there is no demo."""
    found = required_state()
    organization = required_organization()
    return Status(
        organization=organization,
        connections=list(ProviderConnection.objects.of(organization).order_by("created_at", "pk")),
        offers=offers(Plan.load(), found.switched),
        state=found,
        now=timezone.now(),
        machine_now=clock.machine_now(),
        is_served=embedded.is_served(settings.DATA),
        is_under_way=is_under_way(found),
    )
