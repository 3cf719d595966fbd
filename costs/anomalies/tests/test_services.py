"""What a sync leaves of anomalies: stored once, explained in roubles, told once, quiet when accepted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from accounts.audit.models import AuditEntry
from accounts.notifications.models import Notification
from accounts.notifications.wording import message_for
from accounts.tests.factories import OrganizationFactory, member_of
from costs.anomalies import services, wording
from costs.anomalies.models import Anomaly
from costs.models import DailyCost, DailyTotal
from costs.tests.days import charge
from inventory.models import Resource
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory
from syncs.tests.factories import (
    ChargeBatchFactory,
    ChargeLineFactory,
    ResourceStateFactory,
    SnapshotFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plugins")]

FIRST = date(2026, 2, 2)
NOW = datetime(2026, 3, 5, 9, tzinfo=UTC)
JUMP = [100] * 26 + [4600, 4600] + [100] * 3


@pytest.fixture
def cloud() -> Any:
    return ConnectionFactory(
        organization=OrganizationFactory(), provider_type="lines-cloud", connection_name="Cloud"
    )


@pytest.fixture
def server(cloud: Any) -> Resource:
    """1 March and 2 March cost 4 500 roubles more than the others; the bill says that it is traffic."""
    resource: Resource = ResourceFactory(connection=cloud, name="etl-01")
    charge(resource, FIRST, JUMP)
    charge(ResourceFactory(connection=cloud, name="db-01"), FIRST, [1000] * 31)
    batch = ChargeBatchFactory(snapshot=SnapshotFactory(connection=cloud))
    for number, amount in enumerate(JUMP):
        start = datetime.combine(FIRST + timedelta(number), datetime.min.time(), tzinfo=UTC)
        traffic = amount - 80
        for description, cost, quantity, unit in (
            ("vCPU", 80, 24, "Item-Hours"),
            ("Traffic", traffic, traffic / 2, "GB"),
        ):
            ChargeLineFactory(
                batch=batch,
                resource=resource,
                charge_description=description,
                pricing_unit=unit,
                pricing_quantity=Decimal(str(quantity)),
                charge_period_start=start,
                charge_period_end=start + timedelta(days=1),
                billed_cost=cost,
                effective_cost=cost,
                list_cost=cost,
            )
    return resource


def find(connection: Any) -> list[Anomaly]:
    return services.find_anomalies(connection=connection, now=NOW)


def test_jump_is_found_explained_to_the_rouble_and_told_once(server: Resource, cloud: Any) -> None:
    reader = member_of(cloud.organization)

    [anomaly] = find(cloud)

    assert (anomaly.first_date, anomaly.last_date) == (date(2026, 2, 28), date(2026, 3, 1))
    assert (anomaly.resource, anomaly.excess, anomaly.expected_cost) == (server, 9000, 200)
    assert (anomaly.is_over, anomaly.is_settled) == (True, False)
    explanation = wording.explanation(anomaly)
    assert [(row.title, row.detail, row.amount) for row in explanation.rows] == [
        ("More use, Traffic", "10 → 2,260 GB a day", Decimal(9000))
    ]
    assert explanation.rest == 0
    assert anomaly.around["connection"] == ["11200.000000", "2200.000000", "5600.000000"]
    notification = Notification.objects.get()
    text = message_for(reader, [notification], None)
    assert "etl-01 costs ₽9,000.00 more than expected" in text.title
    assert "₽200.00 was to be expected" in text.text

    assert find(cloud) == []
    assert Anomaly.objects.count() == Notification.objects.count() == 1


def test_anomaly_that_goes_on_is_extended_and_one_that_was_restated_goes(cloud: Any) -> None:
    server = ResourceFactory(connection=cloud)
    charge(server, FIRST, [1000] * 26 + [4600, 4600])
    [anomaly] = find(cloud)
    assert (anomaly.last_date, anomaly.is_over) == (date(2026, 2, 28), False)

    charge(server, date(2026, 3, 2), [4600, 1000, 1000])
    assert find(cloud) == []
    anomaly.refresh_from_db()
    assert (anomaly.first_date, anomaly.last_date) == (date(2026, 2, 28), date(2026, 3, 2))
    assert (anomaly.day_count, anomaly.is_over, anomaly.excess) == (3, True, 10800)

    for model in (DailyCost, DailyTotal):
        model.objects.filter(billed_cost=4600).update(billed_cost=1000, billed_cost_rub=1000)
    assert find(cloud) == []
    assert not Anomaly.objects.exists()
    charge(server, date(2026, 3, 5), [1000])
    assert Notification.objects.count() == 1


def test_what_a_person_accepted_is_quiet_until_it_costs_more_still(server: Resource, cloud: Any) -> None:
    owner = member_of(cloud.organization)
    [anomaly] = find(cloud)

    services.acknowledge(anomaly=anomaly, reason=" Yearly backfill. ", by=owner, now=NOW)
    services.acknowledge(anomaly=anomaly, reason="Again", by=owner, now=NOW)
    anomaly.refresh_from_db()
    assert (anomaly.reason, anomaly.accepted_daily_cost, anomaly.acknowledged_by) == (
        "Yearly backfill.",
        4600,
        owner,
    )
    assert AuditEntry.objects.filter(action="anomaly.acknowledged").count() == 1
    with pytest.raises(services.ReasonMissing):
        services.acknowledge(anomaly=anomaly, reason=" ", by=owner, now=NOW)

    charge(server, date(2026, 3, 5), [4600, 100, 9000, 100])
    charge(Resource.objects.get(name="db-01"), date(2026, 3, 5), [1000] * 4)
    [further] = find(cloud)

    assert Anomaly.objects.count() == 2
    assert (further.first_date, further.excess) == (date(2026, 3, 7), 8900)


def test_days_of_different_height_are_accepted_whole(cloud: Any) -> None:
    """The sums above the resource are accepted with it: nobody hears of the same days again from them."""
    server = ResourceFactory(connection=cloud)
    charge(server, FIRST, [100] * 26 + [9000, 2000] + [100] * 3)
    charge(ResourceFactory(connection=cloud), FIRST, [1000] * 31)
    [anomaly] = find(cloud)

    services.acknowledge(anomaly=anomaly, reason="Backfill", by=member_of(cloud.organization), now=NOW)

    assert find(cloud) == []
    assert Anomaly.objects.get() == anomaly


def test_new_resource_resize_and_price_are_causes(cloud: Any) -> None:
    prices = ConnectionFactory(organization=cloud.organization, provider_type="rates-cloud")
    resized, dearer = (ResourceFactory(connection=prices, name=name) for name in ("resized", "dearer"))
    for resource, changes in (
        (resized, {"vcpus": [2, 8], "daily_cost": ["500", "900"]}),
        (dearer, {"daily_cost": ["500", "900"]}),
    ):
        charge(resource, FIRST, [500] * 28 + [900] * 3)
        ResourceStateFactory(
            resource=resource,
            action="updated",
            opened_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
            changes=changes,
            has_cost_change=True,
            has_configuration_change="vcpus" in changes,
        )
    charge(ResourceFactory(connection=prices, name="fresh"), FIRST, [None] * 28 + [700] * 3)

    found = {wording.title(one): one for one in find(prices)}

    [service] = found.values()  # three at once are the service's
    assert {(row.name, row.title, row.detail) for row in wording.explanation(service).rows} == {
        ("fresh", "New resource", ""),
        ("resized", "Resized", "₽500.00/day → ₽900.00/day"),
        ("dearer", "Price changed", "₽500.00/day → ₽900.00/day"),
    }
    assert wording.explanation(service).rest == 0


def test_other_connections_and_a_short_history_are_left_alone(server: Resource, cloud: Any) -> None:
    young = ConnectionFactory(organization=cloud.organization, provider_type="lines-cloud")
    charge(ResourceFactory(connection=young), FIRST, [10, 10, 900, 10])
    empty = ConnectionFactory(organization=cloud.organization, provider_type="lines-cloud")

    assert find(young) == find(empty) == []
    assert not Anomaly.objects.exists()


def test_queries_do_not_grow_with_resources(cloud: Any) -> None:
    for _round in range(2):
        charge(ResourceFactory(connection=cloud), FIRST, [1000] * 31)
    with CaptureQueriesContext(database) as few:
        find(cloud)
    for _round in range(9):
        charge(ResourceFactory(connection=cloud), FIRST, [1000] * 31)
    with CaptureQueriesContext(database) as many:
        find(cloud)

    assert len(many) == len(few) == 9


def test_what_stops_unnoticed_is_stored_without_a_message(cloud: Any) -> None:
    member_of(cloud.organization)
    charge(ResourceFactory(connection=cloud, name="db-01"), FIRST, [1000] * 31)
    silent = ResourceFactory(connection=cloud, name="etl-01")
    charge(silent, FIRST, [400] * 28 + [None] * 3)
    ResourceStateFactory(resource=silent)

    [fall] = find(cloud)

    assert (fall.kind, fall.resource, fall.excess, fall.shortfall) == ("fall", silent, -800, 800)
    assert (fall.first_date, fall.is_over) == (date(2026, 3, 2), False)
    [row] = wording.explanation(fall).rows
    assert (row.title, row.amount) == ("Not charged any more, though it is still there", Decimal(-800))
    assert wording.explanation(fall).rest == 0
    assert wording.status(fall) == ("off", "Goes on")
    assert not Notification.objects.exists()
    assert find(cloud) == []
    charge(silent, date(2026, 3, 5), [400, 400])
    charge(Resource.objects.get(name="db-01"), date(2026, 3, 5), [1000, 1000])
    assert find(cloud) == []
    fall.refresh_from_db()
    assert (fall.is_over, fall.day_count) == (True, 3)
    assert wording.status(fall) == ("off", "Over")


def test_what_was_deleted_is_no_fall_neither_by_itself_nor_in_the_sums(cloud: Any) -> None:
    charge(ResourceFactory(connection=cloud), FIRST, [1000] * 31)
    for number in range(3):
        gone = ResourceFactory(connection=cloud)
        charge(gone, FIRST, [400 + number] * 28 + [None] * 3, service_name="Old")
        ResourceStateFactory(
            resource=gone,
            opened_at=datetime(2026, 2, 1, tzinfo=UTC),
            closed_at=datetime(2026, 3, 2, tzinfo=UTC),
            closed_by=SnapshotFactory(connection=cloud, earlier=True),
        )

    assert find(cloud) == []


def test_a_fall_says_what_is_used_less_and_a_price_that_fell(cloud: Any) -> None:
    resource = ResourceFactory(connection=cloud, name="etl-01")
    charge(resource, FIRST, [1000] * 28 + [300] * 3)
    batch = ChargeBatchFactory(snapshot=SnapshotFactory(connection=cloud))
    for number in range(31):
        start = datetime.combine(FIRST + timedelta(number), datetime.min.time(), tzinfo=UTC)
        is_less = number >= 28
        for description, cost, quantity in (
            ("Traffic", 100 if is_less else 600, 10 if is_less else 60),
            ("vCPU", 200 if is_less else 400, 24),
        ):
            ChargeLineFactory(
                batch=batch,
                resource=resource,
                charge_description=description,
                pricing_unit="GB",
                pricing_quantity=Decimal(quantity),
                charge_period_start=start,
                charge_period_end=start + timedelta(days=1),
                billed_cost=Decimal(cost),
            )

    [fall] = find(cloud)

    rows = [(row.title, row.amount) for row in wording.explanation(fall).rows]
    assert rows == [("Less use, Traffic", Decimal(-1000)), ("Price changed, vCPU", Decimal(-400))]
    assert wording.explanation(fall).rest == 0


def test_a_fall_that_was_noted_stays_and_is_not_found_again(cloud: Any) -> None:
    charge(ResourceFactory(connection=cloud), FIRST, [1000] * 31)
    silent = ResourceFactory(connection=cloud)
    charge(silent, FIRST, [400] * 28 + [100] * 3)
    [fall] = find(cloud)

    services.acknowledge(anomaly=fall, reason="Saved", by=member_of(cloud.organization), now=NOW)

    assert find(cloud) == []
    assert Anomaly.objects.get().reason == "Saved"
