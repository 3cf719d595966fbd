"""A registered domain that serves nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from recommendations.engine.contract import Finding, NotMatched, Risk, Skip, SkipReason
from recommendations.rulebook import describe
from recommendations.rules.domain_unused import DomainUnused
from recommendations.tests.facts import NOW, ask_together, connection, options_of, resource


def about(*others, listed=frozenset(), options=None, **changes):
    """Of a name for 730 a year; `others` are (type, changes) of what else the account has."""
    home = connection(listed_ids=listed)
    values = {
        "connection": home,
        "name": "old-shop.ru",
        "day_cost": 2,
        "configuration": {"record_count": 0, "date_expire": "2027-01-01"},
    }
    domain = resource("domain", **(values | changes))
    shown = [domain, *(resource(kind, connection=home, **each) for kind, each in others)]
    return ask_together(DomainUnused, shown, **(options or {}))[f"resource:{domain.pk}"]


def test_name_without_site_mail_and_records_is_found():
    answer = about()

    assert isinstance(answer, Finding)
    assert answer.saving_monthly == Decimal("60.83")  # 730 / 12
    assert (answer.confidence, answer.risk) == (Decimal("0.60"), Risk.HIGH)


def test_step_lets_the_name_expire_and_deletes_nothing():
    assert not any("Delete" in step.message for step in about().steps)


@pytest.mark.parametrize(
    ("others", "changes", "expected"),
    [
        ([("website", {"name": "s", "configuration": {"domains": ["Old-Shop.ru"]}})], {}, NotMatched),
        ([("website", {"name": "s", "configuration": {"domains": ["www.old-shop.ru"]}})], {}, NotMatched),
        ([("website", {"name": "s", "configuration": {"domains": ["very-old-shop.ru"]}})], {}, Finding),
        ([("mailbox", {"name": "info@old-shop.ru"})], {}, NotMatched),
        ([("mailbox", {"name": "info@shop.ru"})], {}, Finding),
        ([], {"configuration": {"record_count": 1}}, NotMatched),
        ([], {"configuration": {"record_count": 4, "is_parked": True}}, Finding),
        ([], {"configuration": {}}, SkipReason.NO_EVIDENCE),
        (
            [("dns_zone", {"name": "old-shop.ru", "configuration": {"record_count": 0}})],
            {"configuration": {}},
            Finding,
        ),
        (
            [("dns_zone", {"name": "old-shop.ru", "configuration": {"record_count": 2}})],
            {"configuration": {}},
            NotMatched,
        ),
        ([], {"listed": None}, SkipReason.SCOPE_INCOMPLETE),
        ([], {"is_stale": True}, SkipReason.SCOPE_INCOMPLETE),
        ([], {"tags": {"brand": ""}}, SkipReason.GUARDED),
        ([], {"tags": {"brand": ""}, "options": {"protection_tags": ()}}, Finding),
        ([], {"configuration": {"record_count": 0, "redirect": "shop.ru"}}, SkipReason.GUARDED),
        ([], {"first_seen_at": NOW - timedelta(days=89)}, SkipReason.TOO_YOUNG),
        ([], {"first_seen_at": NOW - timedelta(days=90)}, Finding),
        ([], {"first_seen_at": NOW - timedelta(days=89), "options": {"days": 60}}, Finding),
        ([], {"changed_at": NOW - timedelta(days=89)}, SkipReason.TOO_YOUNG),
        ([], {"day_cost": 0}, NotMatched),
        ([], {"daily_rate": None}, SkipReason.NO_COST),
        ([], {"day_cost": "1.6"}, SkipReason.SAVING_TOO_SMALL),
    ],
)
def test_when_it_holds(others, changes, expected):
    answer = about(*others, **changes)

    if isinstance(expected, SkipReason):
        assert isinstance(answer, Skip)
        assert answer.reason == expected
    else:
        assert isinstance(answer, expected)


def test_fingerprint_moves_with_what_it_is_alone():
    prints = [
        about(pk=5, **changes).fingerprint(DomainUnused.id)
        for changes in (
            {},
            {"first_seen_at": NOW - timedelta(days=91)},
            {"configuration": {"is_parked": True}},
        )
    ]

    assert prints[0] == prints[1] != prints[2]


def test_description_has_the_options_in_it():
    assert "for 120 days" in describe(DomainUnused, options_of(DomainUnused, days=120))
