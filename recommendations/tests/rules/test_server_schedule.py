"""server.schedule: hours quiet in every week, and what the provider does not charge in them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from providers.contract.stopping import StopBy, StopSaves
from recommendations.engine.calendar import Calendar
from recommendations.engine.contract import Effort, Risk, SkipReason
from recommendations.engine.facts import BilledPart
from recommendations.rules.server_schedule import ServerSchedule
from recommendations.tests.facts import ask, connection, hourly, offer, prices, resource, server
from recommendations.tests.rules.cases import (
    MATCHED,
    NOT_MATCHED,
    ago,
    check_description,
    check_fingerprint,
    check_scope_and_cost,
    found,
    word,
)

SHELVING = connection(stop_saves={"server": StopSaves(by=StopBy.SHELVE)})
BY_DAY = connection(stop_saves={"server": StopSaves(by=StopBy.RECREATE, least_hours=24)})
HALF = connection(stop_saves={"server": StopSaves(by=StopBy.STOP, share=Decimal("0.5"))})
IMAGES = prices(offer(resource_type="image", component="storage_gib", monthly=Decimal(2)))
WORK = [[day, 9, 18] for day in range(5)]


def office(at):
    return 15.0 if at.weekday() < 5 and 9 <= at.hour < 18 else 0.0


def nightly(at):
    """A backup at three at night, besides."""
    return 40.0 if at.hour == 3 else office(at)


def two_days(hours):
    """Quiet for so many hours of Friday and of Saturday each."""
    return lambda at: 0.0 if at.weekday() in (4, 5) and at.hour < hours else 30.0


def dev(**changes):
    values = {
        "name": "dev-k8s-node-01",
        "connection": SHELVING,
        "environment": "development",
        "series": {"cpu_percent": hourly(office)},
        "day_cost": 300,
    }
    return server(**(values | changes))


def cpu(value, days=35):
    return {"series": {"cpu_percent": hourly(value, days=days)}}


def test_calendar_and_saving_of_working_hours():
    answer = found(ask(ServerSchedule, dev()))

    assert answer.matters["calendar"] == WORK
    assert Calendar.of_text(answer.facts["Runs"]["value"]).as_data() == WORK
    assert answer.facts["Of them not charged"] == 123
    # 9 000 / 720 = 12.5 an hour x 123 hours x 30 / 7
    assert answer.saving_monthly == Decimal("6589.29")
    assert answer.target_monthly == Decimal("2410.71")
    assert (answer.confidence, answer.risk, answer.effort) == (Decimal("0.75"), Risk.LOW, Effort.HOURS)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (cpu(lambda at: 5.0 if office(at) == 0 else 15.0), MATCHED),
        (cpu(lambda at: 5.1 if office(at) == 0 else 15.0), NOT_MATCHED),
        (cpu(0.4), NOT_MATCHED),
        (cpu(30.0), NOT_MATCHED),
        (cpu(two_days(20)), MATCHED),
        (cpu(two_days(19)), NOT_MATCHED),
        (cpu(nightly), MATCHED),
        (cpu(office, days=14), MATCHED),
        (cpu(office, days=9), MATCHED),  # too little: the usual working hours are suggested
        ({"first_seen_at": ago(13.9)}, SkipReason.TOO_YOUNG),
        ({"connection": connection()}, SkipReason.UNSUPPORTED_BY_PROVIDER),
        ({"status": "stopped"}, NOT_MATCHED),
        ({"tags": {"schedule.weekdays": "9-18"}}, NOT_MATCHED),
        ({"name": "dev-standby"}, SkipReason.TWIN),
        ({"changed_at": ago(2)}, SkipReason.CHANGED_LATELY),
    ],
)
def test_cases(changes, expected):
    assert word(ask(ServerSchedule, dev(**changes))) == expected


def test_hour_that_was_busy_in_one_week_is_busy():
    once = cpu(lambda at: 90.0 if (at.day, at.hour) == (26, 4) else office(at))  # one Saturday of five

    assert [5, 4, 5] in found(ask(ServerSchedule, dev(**once))).matters["calendar"]


def test_hour_seen_in_one_week_alone_stays_on():
    assert [3, 0, 24] not in found(ask(ServerSchedule, dev(**cpu(office, days=14)))).matters["calendar"]
    assert [3, 0, 24] in found(ask(ServerSchedule, dev(**cpu(office, days=13)))).matters["calendar"]
    assert word(ask(ServerSchedule, dev(**cpu(office, days=14)), weeks=3)) == NOT_MATCHED
    assert word(ask(ServerSchedule, dev(**cpu(office, days=21)), weeks=3)) == MATCHED


def test_window_shorter_than_wished_stays_on():
    lunch = cpu(lambda at: 0.0 if at.hour in (12, 13, 14) else office(at))

    assert found(ask(ServerSchedule, dev(**lunch))).matters["calendar"] == WORK
    assert len(found(ask(ServerSchedule, dev(**lunch), window_hours=3)).matters["calendar"]) == 10


def test_traffic_keeps_an_hour_on():
    busy = {
        "cpu_percent": hourly(office),
        "network_rx": hourly(lambda at: 600.0 if at.hour == 23 else 0.0),
        "network_tx": hourly(lambda at: 401.0 if at.hour == 23 else 0.0),
    }
    allowed = {**busy, "network_tx": hourly(lambda at: 400.0 if at.hour == 23 else 0.0)}

    assert [6, 23, 24] in found(ask(ServerSchedule, dev(series=busy))).matters["calendar"]
    assert found(ask(ServerSchedule, dev(series=allowed))).matters["calendar"] == WORK


def test_by_the_day_only_whole_days_are_free_and_the_image_costs():
    around = connection(prices=IMAGES, stop_saves=BY_DAY.stop_saves)
    priced = found(ask(ServerSchedule, dev(connection=around, storage_gib=Decimal(100))))
    unpriced = found(ask(ServerSchedule, dev(connection=BY_DAY)))

    # 12.5 x 48 hours x 30 / 7, less 100 GiB of image at 2
    assert (priced.saving_monthly, priced.confidence) == (Decimal("2371.43"), Decimal("0.52"))
    assert (unpriced.saving_monthly, unpriced.confidence) == (Decimal("2571.43"), Decimal("0.42"))
    assert priced.facts["Of them not charged"] == 48
    assert (priced.risk, priced.effort) == (Risk.MEDIUM, Effort.DAYS)
    assert any("not taken off" in note.message for note in unpriced.notes)


def test_by_the_day_without_a_quiet_day_nothing_is_saved():
    nights = cpu(lambda at: 15.0 if 9 <= at.hour < 18 else 0.0)

    assert word(ask(ServerSchedule, dev(connection=BY_DAY, **nights))) == SkipReason.UNSUPPORTED_BY_PROVIDER


def test_part_of_the_price_that_stays_is_not_saved():
    disk = BilledPart(
        sku_id="traffic",
        description="",
        unit="GB",
        quantity=Decimal(1),
        day_cost=Decimal(75),
        currency="RUB",
        is_usage=True,
    )
    cores = BilledPart(
        sku_id="cores",
        description="",
        unit="Item",
        quantity=Decimal(4),
        day_cost=Decimal(225),
        currency="RUB",
    )

    assert found(ask(ServerSchedule, dev(connection=HALF))).saving_monthly == Decimal("3294.64")
    assert found(ask(ServerSchedule, dev(parts=(disk, cores)))).saving_monthly == Decimal("4941.96")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, MATCHED),
        ({"environment": "production"}, SkipReason.NO_METRICS),
        ({"environment": ""}, SkipReason.NO_METRICS),
        ({"day_cost": "33.33"}, NOT_MATCHED),
        ({"day_cost": "33.34"}, MATCHED),
        ({"day_cost": "33", "currency": "USD"}, MATCHED),
    ],
)
def test_without_measurements_working_hours_are_suggested(changes, expected):
    answer = ask(ServerSchedule, dev(series={}, **changes))

    assert word(answer) == expected
    if expected == MATCHED:
        assert found(answer).matters["calendar"] == Calendar.office().as_data()
        assert found(answer).confidence == Decimal("0.35")


def test_scope_and_cost():
    check_scope_and_cost(ServerSchedule, dev)


@pytest.mark.parametrize(
    ("environment", "risk", "sure"),
    [("stage", Risk.LOW, "0.75"), ("", Risk.MEDIUM, "0.75"), ("prod", Risk.HIGH, "0.68")],
)
def test_risk_follows_the_environment(environment, risk, sure):
    answer = found(ask(ServerSchedule, dev(environment=environment)))

    assert (answer.risk, answer.confidence) == (risk, Decimal(sure))


def test_other_types_only_where_they_can_be_stopped():
    around = connection(stop_saves={"database": StopSaves(by=StopBy.STOP)})
    stoppable, not_so = (
        resource(kind, connection=around, day_cost=300, series={"cpu_percent": hourly(office)})
        for kind in ("database", "kubernetes_node_group")
    )

    assert word(ask(ServerSchedule, stoppable)) == MATCHED
    assert word(ask(ServerSchedule, not_so)) == SkipReason.UNSUPPORTED_BY_PROVIDER


def test_fingerprint_knows_the_calendar():
    check_fingerprint(
        ServerSchedule,
        dev(pk=7),
        dev(pk=7, **cpu(lambda at: office(at) * 2)),
        dev(pk=7, **cpu(nightly)),
    )


def test_description_states_the_options():
    check_description(ServerSchedule, days=35, cpu=Decimal(7), quiet_hours=55, suggest_from=Decimal(2222))
