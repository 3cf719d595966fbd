"""What pages, the API and reports read."""

from __future__ import annotations

from decimal import Decimal

from recommendations import queries, wording
from recommendations.engine.contract import Text, day, money, number, percent, term
from recommendations.tests.factories import (
    ConnectionEvaluationFactory,
    RecommendationEventFactory,
    RecommendationFactory,
    ResourceEvaluationFactory,
)
from recommendations.tests.facts import TODAY


def test_summary_counts_what_is_open_and_sums_what_counts(estate, django_assert_num_queries):
    mine = {"resource__connection": estate.connection}
    RecommendationFactory(**mine)
    RecommendationFactory(**mine, category="storage", saving_monthly=Decimal(50), counted_monthly_rub=40)
    RecommendationFactory(**mine, status="snoozed", snoozed_until=TODAY, counted_monthly_rub=0)
    RecommendationFactory(**mine, saving_monthly=None, counted_monthly_rub=0)
    RecommendationFactory(**mine, dismissed=True)
    RecommendationFactory(**mine, closed=True)
    RecommendationFactory(**mine, is_excluded=True, counted_monthly_rub=0)
    RecommendationFactory()  # somebody else's

    with django_assert_num_queries(1):
        found = queries.summary(estate.organization)

    assert (found.saving, found.open_count, found.pending_count, found.unpriced_count) == (340, 4, 3, 1)
    assert [(each.category, each.count, each.saving) for each in found.categories] == [
        ("cleanup", 3, 300),
        ("storage", 1, 40),
    ]


def test_report_sums_connections_and_names_rules_that_saw_nothing(estate, monkeypatch):
    monkeypatch.setattr(queries, "all_rules", lambda: {"server.idle": object, "ip.unused": object})
    ConnectionEvaluationFactory(connection=estate.connection)
    ConnectionEvaluationFactory(
        connection__organization=estate.organization,
        counts={"server.idle": {"not_matched": 3, "no_metrics": 1}},
        errors={"ip.unused": "rule_failed"},
    )
    ConnectionEvaluationFactory(counts={"server.idle": {"matched": 100}})

    quiet, idle = queries.report(estate.organization)

    assert (quiet.rule_id, quiet.checked, quiet.has_failed) == ("ip.unused", 0, True)
    assert (idle.checked, idle.matched, idle.not_matched) == (7, 1, 3)
    assert idle.skipped == (("no_metrics", 3),)


def test_resources_of_which_a_rule_said_something(estate, monkeypatch):
    monkeypatch.setattr(queries, "rule_of", {"server.idle": object}.get)
    row = ResourceEvaluationFactory(resource__connection=estate.connection)
    ResourceEvaluationFactory(resource__connection=estate.connection, outcomes={"server.idle": "matched"})
    ResourceEvaluationFactory()

    assert list(queries.resources_with(estate.organization, "server.idle", "no_metrics")) == [row]
    assert not queries.resources_with(estate.organization, "server.idle__regex", "x").exists()


def test_values_are_put_into_words():
    stored = Text(
        "%(a)s, %(b)s, %(c)s, %(d)s, %(e)s, %(f)s",
        {
            "a": money(Decimal("28500")),
            "b": percent(Decimal("4.25")),
            "c": number(Decimal("2.50"), "vCPU"),
            "d": day(TODAY),
            "e": term("Server"),
            "f": 1234,
        },
    ).as_json()

    assert wording.text(stored) == "₽28,500.00, 4.2%, 2.5 vCPU, 1\u00a0Oct, Server, 1,234"


def test_event_tells_its_value(db):
    event = RecommendationEventFactory(kind="dismissed", data={"reason": "needed"})
    until = RecommendationEventFactory(kind="snoozed", data={"until": "2026-10-08"})

    assert wording.event(event) == "Dismissed: it is needed as it is"
    assert wording.event(until) == "Put off until 8\u00a0Oct"
