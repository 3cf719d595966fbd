"""A hosting plan larger than needed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, NotMatched, Skip, SkipReason
from recommendations.rulebook import describe
from recommendations.rules.account_plan_downgrade import PlanDowngrade
from recommendations.tests.facts import NOW, ask, connection, offer, options_of, prices, resource


def plan(name, monthly, sites, **changes):
    limits = {"Sites": Decimal(sites), "Disk": Decimal(10000)} | changes.pop("more_limits", {})
    return offer(
        sku_id=f"plan:{name}",
        resource_type="account_plan",
        name=name,
        monthly=Decimal(monthly),
        plan_limits=limits,
        **changes,
    )


BOOK = prices(plan("Noble", 750, 25), plan("Start", 450, 10), plan("Blog", 300, 2))


def limit(name, used, **more):
    used = None if used is None else str(used)
    return {"name": name, "used": used, "allowed": "99999", "unit": "", "is_readable": True} | more


def account(sites=8, disk=8000, **changes):
    limits = changes.pop("limits", [limit("Sites", sites), limit("Disk", disk)])
    facts = changes.pop("facts", {"Access": {"Plan": "Noble", "SSH": "on"}})
    home = {
        "prices": changes.pop("book", BOOK),
        "account": {"limits": limits, "facts": facts},
        "highest_limits": changes.pop("highest", {"Sites": Decimal(sites or 0), "Disk": Decimal(disk)}),
    }
    values = {"connection": connection(**home), "name": "Noble", "day_cost": 25}
    return resource("account_plan", **(values | changes))


def test_cheapest_plan_that_holds_what_is_used_is_advised():
    answer = ask(PlanDowngrade, account())

    assert isinstance(answer, Finding)
    assert answer.saving_monthly == Decimal("300.00")  # 750 x (1 - 450 / 750)
    assert answer.facts["Cheaper plan"] == "Start"
    assert answer.facts["Sites"] == "8 / 10"
    assert answer.confidence == Decimal("0.80")


def test_discounted_plan_saves_in_proportion():
    answer = ask(PlanDowngrade, account(day_cost=20))

    assert answer.saving_monthly == Decimal("240.00")  # 600 x (1 - 450 / 750)


def test_what_else_stands_in_the_account_s_remainder_is_not_saved():
    answer = ask(PlanDowngrade, account(day_cost=40))

    assert (answer.current_monthly, answer.saving_monthly) == (Decimal("750.00"), Decimal("300.00"))


def test_use_of_today_alone_is_less_sure():
    answer = ask(PlanDowngrade, account(highest=None))

    assert answer.confidence == Decimal("0.56")
    assert any("today only" in note.message for note in answer.notes)


@pytest.mark.parametrize(
    ("changes", "options", "expected"),
    [
        ({"sites": 9}, {}, NotMatched),
        ({"sites": 9}, {"limit": Decimal(90)}, Finding),
        ({"disk": 8001}, {}, NotMatched),
        ({"sites": 3, "highest": {"Sites": Decimal(9), "Disk": Decimal(1)}}, {}, NotMatched),
        ({"limits": []}, {}, SkipReason.NO_EVIDENCE),
        ({"limits": [limit("Sites", 1, is_readable=False)]}, {}, SkipReason.NO_EVIDENCE),
        ({"limits": [limit("Sites", None)]}, {}, SkipReason.NO_EVIDENCE),
        ({"limits": [limit("Mail", 1)]}, {}, SkipReason.NO_EVIDENCE),
        ({"name": "Other", "facts": {}}, {}, SkipReason.NO_PRICE),
        ({"name": "account", "facts": {"Access": {"Plan": "noble"}}}, {}, Finding),
        ({"book": prices()}, {}, SkipReason.NO_PRICE),
        ({"book": prices(plan("Noble", 750, 25))}, {}, SkipReason.ALREADY_OPTIMAL),
        (
            {"book": prices(plan("Noble", 750, 25), plan("Start", 450, 10, more_limits={"SSH": Decimal(0)}))},
            {},
            NotMatched,
        ),
        (
            {"book": prices(plan("Noble", 750, 25), plan("Start", 450, 10, currency="USD"))},
            {},
            SkipReason.ALREADY_OPTIMAL,
        ),
        ({"book": prices(plan("Noble", 750, 25), plan("Start", 676, 10))}, {}, SkipReason.SAVING_TOO_SMALL),
        ({"book": prices(plan("Noble", 750, 25), plan("Start", 675, 10))}, {}, Finding),
        ({"provider_created_at": NOW - timedelta(days=29)}, {}, SkipReason.TOO_YOUNG),
        ({"cost_days_count": 2}, {}, SkipReason.NO_COST),
        ({"is_stale": True}, {}, SkipReason.SCOPE_INCOMPLETE),
    ],
)
def test_when_it_holds(changes, options, expected):
    answer = ask(PlanDowngrade, account(**changes), **options)

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


def test_fingerprint_moves_with_the_plans_alone():
    same, busier = account(pk=5), account(pk=5, sites=7)
    other = account(pk=5, book=prices(plan("Noble", 750, 25), plan("Small", 450, 10)))
    prints = [ask(PlanDowngrade, each).fingerprint(PlanDowngrade.id) for each in (same, busier, other)]

    assert prints[0] == prints[1] != prints[2]


def test_description_has_the_options_in_it():
    assert "more than 70 %" in describe(PlanDowngrade, options_of(PlanDowngrade, limit=Decimal(70)))
