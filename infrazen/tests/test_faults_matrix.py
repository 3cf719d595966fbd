"""Every switch of the emulators on every API that a plugin reads: what a reader is told, and that nothing is lost.

The rows and columns come from the emulators themselves: a new family or switch fails here until `faults/table.py` says
what a reader is told of it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Role
from accounts.tests.factories import UserFactory
from costs.services import computed_facts, history_days, stored_facts
from providers import emulators, registry
from providers.emulators.faults import KINDS, Fault
from providers.emulators.scenario import Scenario
from providers.emulators.server import load_provider
from providers.messages import explain, sentence
from providers.models import ProviderConnection
from syncs.models import ResourceState, SnapshotTotal, SyncSnapshot
from syncs.queries import coverage_problems

from .faults import house
from .faults.house import HOUR, NOON, READS, House, Standing
from .faults.table import SWITCHES, TABLE, Failure, Family, Switch, Words, cells

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SHOWN = frozenset({"beget.cloud", "selectel.billing", "openstack.keystone", "openstack.cinder"})
"""Families for which the page itself is looked at; the sentences of the others are the same."""


@pytest.fixture(scope="module")
def settled(django_db_setup: None, django_db_blocker: Any) -> Iterator[House]:
    """All three accounts read twice, so that nothing is new any more; what a test does to them is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic():
        with house.opened() as opened:
            for provider_type in READS:
                for at in (NOON, NOON + 4 * HOUR):
                    assert opened.sync(provider_type, at).status == "success"
            opened.server.requests.clear()
            yield opened
        transaction.set_rollback(True)


# ---- the table is whole ---------------------------------------------------------------------------------------------


def test_every_kind_of_fault_has_a_switch() -> None:
    assert {switch.kind for switch in SWITCHES} == KINDS


def test_every_plugin_that_is_read_over_the_network_has_its_families() -> None:
    networked = {key for key, plugin in registry.plugins().items() if not plugin.capabilities.reads_files}

    assert set(TABLE) == set(READS) == networked


def test_every_emulator_is_read_by_some_plugin() -> None:
    emulated = {module.name for module in pkgutil.iter_modules(emulators.__path__) if module.ispkg}

    assert {name for names in READS.values() for name in names} == emulated - {"tests"}


@pytest.mark.parametrize("provider_type", TABLE)
def test_every_family_of_the_emulators_has_a_row(provider_type: str) -> None:
    scenario = Scenario.load(house.SCENARIO, anchor=house.ANCHOR)
    families = {
        family
        for name in READS[provider_type]
        for family in load_provider(name, scenario.providers[name], scenario).families
    }

    assert set(TABLE[provider_type]) == families


@pytest.mark.parametrize("provider_type", TABLE)
def test_families_are_asked_as_their_rows_say(settled: House, provider_type: str) -> None:
    settled.server.requests.clear()

    settled.sync(provider_type, NOON + 5 * HOUR)

    asked = {".".join(record.path.split("/")[1:3]) for record in settled.server.requests}
    assert asked == {family for family, row in TABLE[provider_type].items() if row is not None}
    assert settled.server.violations == []


# ---- its cells --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider_type", "family", "switch"),
    [pytest.param(*cell, id=f"{cell[0]}-{cell[1]}-{cell[2].name}") for cell in cells()],
)
def test_a_fault_is_told_and_loses_nothing(
    settled: House, provider_type: str, family: str, switch: Switch
) -> None:
    row = TABLE[provider_type][family]
    assert row is not None
    connection = settled.connections[provider_type]
    name = registry.plugin_class(provider_type).display_name
    expected = row.told(switch, name)
    before, totals = house.inventory(connection), costs(connection)
    fault = Fault(
        kind=switch.kind, family=family, account=house.ACCOUNTS[provider_type], **row.options(switch)
    )

    with settled.struck(fault, silent=[family] if switch.name == "silent" else []):
        snapshot = settled.sync(provider_type, NOON + 5 * HOUR)

    if isinstance(expected, Failure):
        error = explain(snapshot.error, provider_type=provider_type)
        assert (snapshot.status, error.title, error.text) == ("error", expected.title, expected.sentence)
        told = {error.title, error.text}
    else:
        assert problems(snapshot) == expected
        assert snapshot.status == ("partial" if expected else "success")
        told = {words.sentence for words in expected.values()}
    found = [sentence(finding["message"], finding["params"]) for finding in snapshot.findings or []]
    assert found == [text for key, text in row.findings.items() if key == switch.name]
    if switch.kind == "unknown_value" and not told:
        before = with_unknown_status(connection, before, row)
    assert house.inventory(connection) == before
    assert costs(connection) == totals
    assert_conserved(snapshot)
    assert_facts_follow(connection)
    if family in SHOWN:
        page = page_of(settled, snapshot)
        assert [text for text in {*told, *found} if text not in page] == []


def problems(snapshot: SyncSnapshot) -> dict[str, Words]:
    """What the page tells of each section that was not read, by the section's short name."""
    return {
        section(problem.scope): Words(problem.reason, problem.is_denied)
        for problem in coverage_problems(snapshot)
    }


def section(scope: str) -> str:
    first, *rest = scope.split("/")
    if first == "project":
        return rest[-1]
    return first if first in ("usage", "billing") else scope


def costs(connection: ProviderConnection) -> dict[str, Any]:
    """What everything costs a day, by currency, as the open states say."""
    sums: dict[str, Any] = {}
    for state in ResourceState.objects.open().filter(connection=connection, daily_cost__isnull=False):
        sums[state.currency] = sums.get(state.currency, 0) + state.daily_cost
    return {currency: amount for currency, amount in sums.items() if amount}


def with_unknown_status(
    connection: ProviderConnection, before: dict[str, Standing], row: Family
) -> dict[str, Standing]:
    """The inventory in which what the family lists has a status that nobody knows, since the struck sync."""
    states = ResourceState.objects.open().filter(connection=connection).exclude(status="deleted_billed")
    struck = {
        state.resource.resource_id
        for state in states.select_related("resource")
        if row.word and section(state.scope) in row.lists and state.resource.resource_type not in row.wordless
    }
    return {
        resource_id: standing.with_status("unknown", NOON + 5 * HOUR) if resource_id in struck else standing
        for resource_id, standing in before.items()
    }


def assert_conserved(snapshot: SyncSnapshot) -> None:
    """The snapshot's own sum is that of the states that hold, and all of it is explained."""
    if snapshot.status == "error":
        assert not SnapshotTotal.objects.filter(snapshot=snapshot).exists()
        return
    totals = {total.currency: total for total in snapshot.totals.all()}
    assert {currency: total.resources_daily_cost for currency, total in totals.items()} == costs(
        snapshot.connection
    )
    assert {total.unexplained_daily_cost for total in totals.values()} == {0}


def assert_facts_follow(connection: ProviderConnection) -> None:
    """Costs a day are what lines and states say."""
    first, last = history_days(connection)
    assert stored_facts(connection, first, last) == computed_facts(connection, first, last)


def page_of(settled: House, snapshot: SyncSnapshot) -> str:
    user = UserFactory()
    Membership.objects.create(user=user, organization=settled.organization, role=Role.OWNER)
    client = Client()
    client.force_login(user)
    response = client.get(reverse("syncs:snapshot_detail", args=[snapshot.pk]))
    assert response.status_code == 200
    return unescape(response.content.decode())
