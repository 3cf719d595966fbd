"""server.autoscale: like servers behind a balancer, or a single one in peaks, that stand idle most hours."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recommendations.engine.contract import Category, SkipReason
from recommendations.engine.demand import demand_of
from recommendations.rules.server_autoscale import ServerAutoscale
from recommendations.tests.facts import ask_together, connection, hourly, resource, server
from recommendations.tests.rules.cases import MATCHED, NOT_MATCHED, ago, check_description, found, word

AROUND = connection()
GROUP = "group:p:ru-1:web-frontend"


def weekdays(at, busy=45.0, quiet=9.0):
    return quiet if at.weekday() > 4 else busy


def web(number, use=weekdays, days=35, **changes):
    values = {
        "name": f"web-frontend-0{number}",
        "sub_account_id": "p",
        "connection": AROUND,
        "day_cost": 500,
        "series": {"cpu_percent": hourly(use, days=days)},
    }
    return server(**(values | changes))


def balancer(**changes):
    values = {
        "sub_account_id": "p",
        "region_id": "ru-1",
        "connection": AROUND,
        "configuration": {"member_count": 2},
    }
    return resource("load_balancer", **(values | changes))


def about_pair(balanced=True, count=2, options=None, lb=None, **changes):
    servers = [web(number, **changes) for number in range(1, count + 1)]
    answers = ask_together(
        ServerAutoscale, [*servers, *([balancer(**(lb or {}))] if balanced else [])], **(options or {})
    )
    return servers, answers


def test_pair_that_rests_at_weekends():
    servers, answers = about_pair()

    answer = found(answers[GROUP])
    # 4 of 14 days one of two servers is spare: 2 x 9 % at 65 % is one server
    assert answer.saving_monthly == Decimal("4285.71")
    assert answer.current_monthly == Decimal("30000.00")
    assert answer.resource_pks == (servers[1].pk, servers[0].pk)
    assert (answer.confidence, answer.category) == (Decimal("0.45"), Category.ARCHITECTURE)
    assert answer.facts["Servers"] == "web-frontend-01, web-frontend-02"
    assert list(answers) == [GROUP]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"use": lambda at: weekdays(at, 45.0, 10.0)}, MATCHED),  # 35 % on average
        ({"use": lambda at: weekdays(at, 45.1, 10.0)}, NOT_MATCHED),
        ({"use": lambda at: weekdays(at, 30.0, 10.0)}, MATCHED),  # three times
        ({"use": lambda at: weekdays(at, 29.9, 10.0)}, NOT_MATCHED),
        ({"use": lambda at: 0.0 if at.hour < 13 else 30.0}, NOT_MATCHED),  # half of the time nothing
        ({"use": lambda at: 0.0 if at.hour < 11 else 30.0}, MATCHED),
        ({"days": 9}, SkipReason.NO_METRICS),
        ({"series": {}}, SkipReason.NO_METRICS),
        ({"software": ("PostgreSQL",)}, SkipReason.GUARDED),
        ({"environment": "production"}, SkipReason.GUARDED),
        ({"environment": "production", "count": 3, "lb": {"configuration": {}}}, MATCHED),
        ({"environment": "stage"}, MATCHED),
    ],
)
def test_cases(changes, expected):
    assert word(about_pair(**changes)[1][GROUP]) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"balanced": False},
        {"lb": {"sub_account_id": "other"}},
        {"lb": {"region_id": "ru-2"}},
        {"lb": {"status": "stopped"}},
        {"lb": {"configuration": {"member_count": 1}}},
    ],
)
def test_pair_without_a_balancer_is_no_group(changes):
    servers, answers = about_pair(**changes)

    assert {key: word(answer) for key, answer in answers.items()} == {
        f"resource:{each.pk}": NOT_MATCHED for each in servers
    }


def test_production_keeps_two():
    _servers, answers = about_pair(environment="production", count=3, lb={"configuration": {}})

    # weekdays 3 x 45 / 65 is three servers; weekends two stay
    assert found(answers[GROUP]).saving_monthly == Decimal("4285.71")


def peaks(at, high=40.0):
    return high if at.hour in (3, 4) else 10.0


@pytest.mark.parametrize(
    ("use", "environment", "expected"),
    [
        (peaks, "", MATCHED),
        (lambda at: peaks(at, 39.9), "", NOT_MATCHED),
        (peaks, "production", SkipReason.GUARDED),
        (lambda at: 0.0 if at.hour > 5 else 40.0, "", NOT_MATCHED),
    ],
)
def test_single_server_in_peaks(use, environment, expected):
    alone = web(1, use=use, name="etl", environment=environment)

    answer = ask_together(ServerAutoscale, [alone])[f"resource:{alone.pk}"]

    assert word(answer) == expected
    if expected == MATCHED:
        # 22 hours of 10 and 2 of 40 at 65: 12.5 / 65 of it is needed
        assert found(answer).saving_monthly == Decimal("12115.38")


def test_stopped_and_unlike_servers_are_no_group():
    off, other, one = web(1, status="stopped"), web(2, vcpus=Decimal(8)), web(3)

    answers = ask_together(ServerAutoscale, [off, other, one, balancer()])

    assert {key: word(answer) for key, answer in answers.items()} == {
        f"resource:{each.pk}": NOT_MATCHED for each in (off, other, one)
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_stale": True}, SkipReason.SCOPE_INCOMPLETE),
        ({"cost_days_count": 0}, SkipReason.NO_COST),
        ({"first_seen_at": ago(13)}, SkipReason.TOO_YOUNG),
        ({"tags": {"finops:ignore": ""}}, SkipReason.EXCLUDED_BY_USER),
    ],
)
def test_guards(changes, reason):
    alone = web(1, **changes)

    assert word(ask_together(ServerAutoscale, [alone])[f"resource:{alone.pk}"]) == reason


def test_currencies_are_not_added():
    answers = ask_together(ServerAutoscale, [web(1), web(2, currency="USD"), balancer()])

    assert word(answers[GROUP]) == SkipReason.NO_COST


def test_hours_in_which_one_is_not_measured_do_not_count():
    demand = demand_of([web(1), web(2, days=10)], days=14, coverage=0.7)

    assert demand is not None
    assert len(demand.hours) == 240
    assert demand_of([web(1), web(2, days=9)], days=14, coverage=0.7) is None


def test_fingerprint_knows_the_size():
    def pair(**changes):
        answers = ask_together(
            ServerAutoscale, [web(1, pk=7, **changes), web(2, pk=8, **changes), balancer()]
        )
        return found(answers[GROUP]).fingerprint(ServerAutoscale.id)

    assert pair() == pair(use=lambda at: weekdays(at, 44.0))
    assert pair() != pair(vcpus=Decimal(8))


def test_description_states_the_options():
    check_description(
        ServerAutoscale, days=21, cpu=Decimal(31), swing=Decimal(7), burst=Decimal(9), target=Decimal(55)
    )
