"""Steady use that would cost less if it were paid ahead."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, NotMatched, Skip, SkipReason
from recommendations.rulebook import describe
from recommendations.rules.rate_commitment import Commitment
from recommendations.tests.facts import (
    LONG_AGO,
    NOW,
    ask_together,
    connection,
    offer,
    options_of,
    prices,
    resource,
    server,
)
from recommendations.tests.rules.catalogue import PARTS_PROVIDER, cloud_server, parts

APP = {
    "region_id": "ru1",
    "family": "high_cpu",
    "vcpus": Decimal(4),
    "memory_mib": 8192,
    "storage_gib": Decimal(100),
}


def tariff(monthly, months=0, **changes):
    values = {
        "sku_id": f"vps:app:{months}",
        "name": "4/8/100",
        "monthly": Decimal(monthly),
        "term_months": months,
    }
    return offer(**(values | APP | changes))


YEARLY = (tariff(12500), tariff(10625, 12))


def home(*offers, **changes):
    return connection(**({"prices": prices(*(offers or YEARLY)), "provider_name": "Beget"} | changes))


def app(where=None, **changes):
    """vps-app-01 of the demo: 12 500 a month for a tariff that costs 10 625 paid a year ahead."""
    values = {
        "connection": where or home(),
        "name": "vps-app-01",
        "configuration": {"group": "high_cpu"},
        "day_cost": Decimal(12500) / 30,
        "provider_created_at": LONG_AGO,
        **{key: value for key, value in APP.items() if key != "family"},
    }
    return server(**(values | changes))


def about(*facts, **options):
    """The one answer about them all."""
    answers = ask_together(Commitment, facts, **options)
    assert len(answers) == 1, answers
    return next(iter(answers.values()))


def test_steady_server_of_the_demo_is_paid_a_year_ahead():
    facts = app()

    answer = about(facts)

    assert isinstance(answer, Finding)
    assert answer.resource_pks == (facts.pk,)
    assert (answer.current_monthly, answer.target_monthly) == (Decimal("12500.00"), Decimal("10625.00"))
    assert answer.saving_monthly == Decimal("1875.00")
    assert answer.facts["To pay at once"]["value"] == "127500.00"  # 10 625 x 12
    assert answer.facts["Pays back in month"] == 11  # 127 500 / 12 500 = 10.2
    assert answer.facts["Gain a month in the worst case"]["value"] == "-1875.00"  # 12 500 x 0.7 - 10 625
    assert answer.confidence == Decimal("0.70")


def test_younger_twin_is_not_paid_ahead_for():
    where = home()
    old = app(where)
    young = app(where, name="vps-app-02", provider_created_at=NOW - timedelta(days=84), cost_days_count=84)

    answers = ask_together(Commitment, [old, young])

    assert answers[f"resource:{young.pk}"].reason == SkipReason.TOO_YOUNG
    (finding,) = (each for each in answers.values() if isinstance(each, Finding))
    assert finding.resource_pks == (old.pk,)
    assert finding.saving_monthly == Decimal("1875.00")


def test_like_servers_are_one_load_and_the_oldest_leads():
    where = home()
    young, old = app(where, provider_created_at=LONG_AGO + timedelta(days=5)), app(where)

    answer = about(young, old)

    assert answer.resource_pks == (old.pk, young.pk)
    assert answer.saving_monthly == Decimal("3750.00")


def absent(facts, *days_ago):
    """No charge on these days before today."""
    keys = list(facts.daily_costs)
    facts.daily_costs = {
        day: cost
        for day, cost in facts.daily_costs.items()
        if keys[-1] - day not in {timedelta(days=each - 1) for each in days_ago}
    }
    return facts


@pytest.mark.parametrize(
    ("days_off", "expected"), [(range(40, 48), Finding), (range(40, 49), NotMatched), ((3,), NotMatched)]
)
def test_base_is_what_was_there_on_nine_of_ten_days_and_all_of_the_last_seven(days_off, expected):
    assert isinstance(about(absent(app(), *days_off)), expected)


def test_base_of_two_is_one_where_one_of_them_comes_and_goes():
    where = home()
    steady, wavering = app(where), absent(app(where), *range(40, 60))

    answer = about(steady, wavering)

    assert answer.current_monthly == Decimal("12500.00")
    assert answer.facts["What is steady"] == "4/8/100: 1 ×"


def test_discounted_server_saves_in_proportion():
    answer = about(app(day_cost=Decimal(11250) / 30))

    assert answer.saving_monthly == Decimal("1687.50")  # 11 250 x (1 - 10 625 / 12 500)


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({"provider_created_at": NOW - timedelta(days=89)}, {}, SkipReason.TOO_YOUNG),
        ({"provider_created_at": NOW - timedelta(days=90)}, {}, Finding),
        ({"cost_days_count": 84}, {}, SkipReason.NO_COST),
        ({"cost_days_count": 85}, {}, Finding),
        ({"cost_days_count": 84}, {"least_days": 60}, Finding),
        ({"day_cost": Decimal(10625) / 30}, {}, NotMatched),
        ({"storage_gib": Decimal(120)}, {}, SkipReason.NO_PRICE),
        ({"where": home(tariff(12500))}, {}, SkipReason.UNSUPPORTED_BY_PROVIDER),
        ({"where": home(tariff(12500), tariff(12500, 12))}, {}, SkipReason.NO_TARGET),
        ({"where": home(tariff(12500), tariff(11251, 12))}, {}, SkipReason.SAVING_TOO_SMALL),
        ({"where": home(tariff(12500), tariff(11250, 12))}, {}, Finding),
        ({"where": home(tariff(12500, currency="USD"), tariff(10625, 12))}, {}, SkipReason.NO_PRICE),
        (
            {"where": home(tariff(12500), tariff(10625, 12, provider_type="x"))},
            {},
            SkipReason.UNSUPPORTED_BY_PROVIDER,
        ),
        ({"where": connection()}, {}, SkipReason.NO_PRICE),
        ({"status": "stopped"}, {}, NotMatched),
        ({"open_categories": frozenset({"cleanup"})}, {}, SkipReason.GUARDED),
        ({"open_categories": frozenset({"rightsizing"})}, {}, SkipReason.GUARDED),
        ({"open_categories": frozenset({"rightsizing"})}, {"other_findings": ("cleanup",)}, Finding),
        ({"open_categories": frozenset({"rate"})}, {}, Finding),
        ({"tags": {"migration": "2027"}}, {}, SkipReason.GUARDED),
        ({"is_stale": True}, {}, SkipReason.SCOPE_INCOMPLETE),
        ({"tags": {"finops:ignore": ""}}, {}, SkipReason.EXCLUDED_BY_USER),
    ],
)
def test_when_it_holds(changes, options, expected):
    answer = about(app(**changes), **options)

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


def fallen(part):
    """The last thirty days cost `part` of the sixty before; never resized, always there."""
    facts = app()
    keys = list(facts.daily_costs)
    full = facts.daily_costs[keys[-1]]
    facts.daily_costs = {
        day: full if n >= len(keys) - 30 else full / Decimal(part) for n, day in enumerate(keys)
    }
    return facts


@pytest.mark.parametrize(("part", "expected"), [("0.85", Finding), ("0.849", NotMatched)])
def test_falling_cost_is_not_steady(part, expected):
    assert isinstance(about(fallen(part)), expected)


def test_server_that_grew_lately_is_only_steady_at_what_it_was():
    facts = app(resized_at=NOW - timedelta(days=30))
    keys = list(facts.daily_costs)
    full = facts.daily_costs[keys[-1]]
    facts.daily_costs = {day: full if n >= len(keys) - 29 else full / 2 for n, day in enumerate(keys)}

    assert isinstance(about(facts), NotMatched)


@pytest.mark.parametrize(
    ("six", "twelve", "months"), [("11250", "10800", 6), ("11311", "10800", 12), ("11310", "10800", 6)]
)
def test_shortest_term_with_most_of_the_best_saving_is_named(six, twelve, months):
    where = home(tariff(12500), tariff(six, 6), tariff(twelve, 12))

    answer = about(app(where), minimum_saving_percent=Decimal(5))

    assert answer.facts["Term, months"] == months
    assert len(answer.alternatives) == 1


def cores_ahead(share):
    """A processor of the cloud sold by parts, paid a year ahead for a share of its price."""
    return [
        replace(each, sku_id=f"{each.sku_id}:12", monthly=each.monthly * Decimal(share), term_months=12)
        for each in parts()
        if each.component == "vcpu"
    ]


def test_parts_of_one_line_are_added_up():
    where = connection(provider_type=PARTS_PROVIDER, prices=prices(*parts(), *cores_ahead("0.7")))
    first = cloud_server(None, connection=where, disks=())
    second = cloud_server(None, connection=where, disks=(), vcpus=Decimal(4))

    answer = about(first, second)

    assert answer.saving_monthly == Decimal("5171.04")  # 12 vCPU x 1 436.40 x 0.3
    assert answer.current_monthly == Decimal("17236.80")
    assert answer.facts["What is steady"] == "standard: 12 vCPU"


def plan(**changes):
    account = {"facts": {"Access": {"Plan": "Noble", **changes.pop("access", {})}}}
    offers = [
        offer(
            sku_id=f"plan:{months}",
            resource_type="account_plan",
            name="Noble",
            monthly=Decimal(monthly),
            term_months=months,
        )
        for monthly, months in ((750, 0), (600, 12))
    ]
    values = {
        "connection": connection(prices=prices(*offers), account=account),
        "name": "Noble",
        "day_cost": 25,
    }
    return resource("account_plan", **(values | changes))


def test_plan_is_paid_a_year_ahead():
    assert about(plan()).saving_monthly == Decimal("150.00")


def test_plan_that_is_paid_for_a_year_is_left_alone():
    assert isinstance(about(plan(access={"Plan paid for a year": "yes"})), NotMatched)


def test_regions_and_sizes_are_loads_of_their_own():
    where = home(
        *YEARLY,
        tariff(25000, vcpus=Decimal(8), sku_id="big"),
        tariff(20000, 12, vcpus=Decimal(8), sku_id="big12"),
    )

    answers = ask_together(Commitment, [app(where), app(where, vcpus=Decimal(8), day_cost=800)])

    assert len(answers) == 2
    assert all(isinstance(answer, Finding) for answer in answers.values())


def test_fingerprint_moves_with_the_base_and_the_term_alone():
    where = home(tariff(12500), tariff(10625, 6))
    prints = [
        about(facts).fingerprint(Commitment.id)
        for facts in (app(pk=5), app(pk=5, day_cost=Decimal(12450) / 30), app(where, pk=5))
    ]

    assert prints[0] == prints[1] != prints[2]


def test_description_has_the_options_in_it():
    assert "For 120 days" in describe(Commitment, options_of(Commitment, days=120))
