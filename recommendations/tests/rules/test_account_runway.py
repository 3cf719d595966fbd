"""A prepaid balance that runs out."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, NotMatched, Skip, SkipReason
from recommendations.engine.facts import CostSummary
from recommendations.rulebook import describe
from recommendations.rules.account_runway import AccountRunway
from recommendations.tests.facts import LONG_AGO, ask_together, connection, options_of, resource, server

TOTAL = {"amount": "1395", "currency": "RUB", "period": "day"}


def account(balance="12600", days_left=9, total=TOTAL, **more):
    values = {
        "balance": None if balance is None else Decimal(balance),
        "balance_currency": "RUB",
        "charge_days_left": days_left,
        "total": total,
    }
    return values | more


def about(said, *, plan=True, daily_cost=None, **options):
    home = connection(account=said, daily_cost=daily_cost, name="Beget Dev")
    shown = [server(connection=home), resource("account_plan", connection=home)]
    answers = ask_together(AccountRunway, shown if plan else shown[:1], **options)
    assert list(answers) == ["account"]
    return answers["account"]


def mean(amount, currency="RUB"):
    return CostSummary(day_cost=Decimal(amount), full_days=7, currency=currency)


def test_account_that_the_provider_blocks_soon_is_told_once():
    answer = about(account())

    assert isinstance(answer, Finding)
    assert answer.saving_monthly is None
    assert answer.facts["Days left"] == 9
    assert answer.facts["Runs out on"] == {"kind": "day", "value": "2026-10-10"}
    assert answer.facts["To top up"]["value"] == "29250.00"  # 1 395 x 30 - 12 600
    assert answer.facts["Cost a day"]["value"] == "1395.00"


@pytest.mark.parametrize(
    ("said", "options", "expected"),
    [
        (account(days_left=29), {}, Finding),
        (account(days_left=30, balance="99999"), {}, NotMatched),
        (account(days_left=30, balance="99999"), {"provider_days": 31}, Finding),
        (account(days_left=40, balance="19529"), {}, Finding),
        (account(days_left=40, balance="19530"), {}, NotMatched),
        (account(days_left=None, balance="19529"), {}, Finding),
        (account(days_left=None, balance="19530"), {}, NotMatched),
        (account(days_left=None, balance="19530"), {"days": 15}, Finding),
        (account(days_left=0, balance="-5"), {}, Finding),
        (account(balance=None), {}, SkipReason.NO_EVIDENCE),
        ({}, {}, SkipReason.NO_EVIDENCE),
        (account(days_left=None, total=None), {}, SkipReason.NO_COST),
        (account(days_left=None, total={**TOTAL, "amount": "0"}), {}, SkipReason.NO_COST),
        (account(days_left=None, total={**TOTAL, "currency": "USD"}), {}, SkipReason.NO_COST),
        (account(days_left=9, total=None), {}, Finding),
        (account(days_left=None, balance="649", total={**TOTAL, "period": "month"}), {}, Finding),
        (account(days_left=None, balance="652", total={**TOTAL, "period": "month"}), {}, NotMatched),
    ],
)
def test_when_it_holds(said, options, expected):
    answer = about(said, **options)

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


@pytest.mark.parametrize(
    ("cost", "expected"), [(mean(100), NotMatched), (mean(101), Finding), (mean(101, "USD"), Skip)]
)
def test_mean_of_the_last_days_stands_in_where_the_account_has_no_figure(cost, expected):
    answer = about(account(balance="1400", days_left=None, total=None), daily_cost=cost)

    assert isinstance(answer, expected)


def test_connection_without_a_plan_shows_it_at_what_was_seen_first():
    home = connection(account=account())
    shown = [server(connection=home), server(connection=home, first_seen_at=LONG_AGO - timedelta(days=1))]

    answers = ask_together(AccountRunway, shown)

    assert answers["account"].resource_pks == (shown[1].pk,)


def test_plan_leads_and_nothing_guards_it():
    home = connection(account=account())
    plan = resource("account_plan", connection=home, is_stale=True)

    answers = ask_together(AccountRunway, [server(connection=home, is_stale=True), plan])

    assert {key: answer.resource_pks for key, answer in answers.items()} == {"account": (plan.pk,)}


def test_fingerprint_moves_by_the_week():
    prints = []
    for days in (9, 8, 6):
        home = connection(account=account(days_left=days))
        (answer,) = ask_together(AccountRunway, [server(pk=5, connection=home)]).values()
        prints.append(answer.fingerprint(AccountRunway.id))

    assert prints[0] == prints[1] != prints[2]


def test_description_has_the_options_in_it():
    assert "less than 10 days" in describe(AccountRunway, options_of(AccountRunway, days=10))
