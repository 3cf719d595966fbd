"""Stored findings: found, refreshed, decided, closed with their reason, and counted once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from inventory.models import MetricPoint
from recommendations import services
from recommendations.models import (
    ConnectionEvaluation,
    Recommendation,
    RecommendationEvent,
    ResourceEvaluation,
    RuleSetting,
    Status,
)
from recommendations.tests.factories import ExclusionFactory, RuleSettingFactory
from recommendations.tests.facts import MIDNIGHT, NOW
from syncs.models import ScopeCoverage

TOMORROW = NOW + timedelta(days=1)


def one() -> Recommendation:
    return Recommendation.objects.get()


def kinds(row: Recommendation) -> list[str]:
    return list(row.events.order_by("pk").values_list("kind", flat=True))


def test_quiet_server_is_found_with_its_saving_counted(estate, evaluate):
    server = estate.server(day_cost="100")

    evaluated = evaluate(estate)

    row = one()
    assert (evaluated.resource_count, evaluated.made) == (1, 1)
    assert (row.resource, row.status, row.rule_id) == (server, "pending", "test.quiet")
    assert (row.current_monthly, row.saving_monthly) == (Decimal(3000), Decimal(1000))
    assert row.counted_monthly_rub == Decimal(1000)
    assert kinds(row) == ["found"]


def test_evaluating_again_writes_nothing(estate, evaluate):
    estate.server()
    evaluate(estate)
    before = one()

    evaluate(estate, now=NOW + timedelta(hours=2))

    assert one().updated_at == before.updated_at
    assert RecommendationEvent.objects.count() == 1


def test_report_says_of_each_rule_what_it_saw(estate, evaluate):
    quiet, busy, unmeasured = estate.server(), estate.server(cpu=50.0), estate.server(cpu=None)

    evaluate(estate)

    outcomes = dict(ResourceEvaluation.objects.values_list("resource_id", "outcomes"))
    assert outcomes == {
        quiet.pk: {"test.quiet": "matched"},
        busy.pk: {"test.quiet": "not_matched"},
        unmeasured.pk: {"test.quiet": "no_metrics"},
    }
    assert ConnectionEvaluation.objects.get().counts == {
        "test.quiet": {"matched": 1, "not_matched": 1, "no_metrics": 1}
    }


def test_finding_whose_facts_vanish_is_closed(estate, evaluate):
    server = estate.server()
    evaluate(estate)

    MetricPoint.objects.filter(resource=server).update(value=80.0, maximum=80.0)
    evaluate(estate)

    row = one()
    assert (row.status, row.close_reason, row.counted_monthly_rub) == ("closed", "no_longer_true", Decimal(0))
    assert kinds(row) == ["found", "closed"]


def test_finding_whose_metrics_are_missing_stays_marked_for_two_weeks(estate, evaluate):
    server = estate.server()
    evaluate(estate)

    MetricPoint.objects.filter(resource=server).delete()
    evaluate(estate)

    row = one()
    assert (row.status, row.stale_since, row.stale_reason) == ("pending", NOW, "no_metrics")
    estate.snapshot.observed_at = NOW + timedelta(days=14)
    estate.snapshot.save()
    evaluate(estate, now=NOW + timedelta(days=14))
    row.refresh_from_db()
    assert (row.status, row.close_reason) == ("closed", "data_missing")


def test_finding_in_a_scope_that_could_not_be_read_stays(estate, evaluate):
    estate.server()
    evaluate(estate)

    ScopeCoverage.objects.filter(snapshot=estate.snapshot).update(status="failed")
    evaluate(estate)

    assert (one().status, one().stale_reason) == ("pending", "scope_incomplete")


def test_deleted_resource_closes_a_cleanup_as_applied(estate, evaluate):
    server = estate.server()
    evaluate(estate)

    estate.remove(server)
    evaluate(estate, now=NOW + timedelta(hours=1))

    row = one()
    assert (row.status, row.close_reason) == ("closed", "applied")
    assert row.before["day_cost"] == "100.000000"
    assert ResourceEvaluation.objects.count() == 0


def test_dismissed_finding_returns_only_when_its_facts_change(estate, evaluate, people):
    server = estate.server()
    evaluate(estate)
    services.dismiss(recommendation=one(), reason="needed", by=people.manager, now=NOW)

    evaluate(estate)
    assert one().status == "dismissed"

    estate.change(server, at=NOW - timedelta(days=5), vcpus=Decimal(8))
    evaluate(estate)
    row = one()
    assert (row.status, row.dismiss_reason) == ("pending", "")
    assert kinds(row) == ["found", "dismissed", "returned"]


def test_dismissed_finding_does_not_return_with_noise_in_its_cost(estate, evaluate, people):
    server = estate.server()
    evaluate(estate)
    services.dismiss(recommendation=one(), reason="risky", by=people.manager, now=NOW)

    server.daily_costs.update(effective_cost=Decimal(109))
    evaluate(estate)

    assert one().status == "dismissed"


def test_snoozed_finding_comes_back_on_its_day(estate, evaluate, people):
    estate.server()
    evaluate(estate)
    services.snooze(recommendation=one(), until=(NOW + timedelta(days=7)).date(), by=people.manager, now=NOW)
    assert one().counted_monthly_rub == 0

    assert services.wake(now=NOW + timedelta(days=6)) == 0
    assert services.wake(now=NOW + timedelta(days=7)) == 1

    row = one()
    assert (row.status, row.snoozed_until, row.counted_monthly_rub) == ("pending", None, Decimal(1000))


def test_threshold_of_the_organization_closes_what_it_excludes(estate, evaluate):
    estate.server(cpu=3.0)
    evaluate(estate)
    RuleSettingFactory(organization=estate.organization, rule_id="test.quiet", options={"limit": "2"})

    evaluate(estate, changed=set())

    assert (one().status, one().close_reason) == ("closed", "options_changed")


def test_rule_that_is_switched_off_for_a_tag_leaves_those_alone(estate, evaluate):
    from inventory.tests.factories import TagFactory

    tagged, other = estate.server(), estate.server()
    TagFactory(resource=tagged, key="Team", value="web")
    RuleSettingFactory(
        organization=estate.organization,
        rule_id="test.quiet",
        tag_key="team",
        tag_value="web",
        is_enabled=False,
    )

    evaluate(estate)

    assert one().resource == other


def test_narrower_setting_wins(estate, evaluate):
    estate.server(cpu=3.0)
    RuleSetting.objects.create(rule_id="test.quiet", is_enabled=False)
    RuleSettingFactory(organization=estate.organization, rule_id="test.quiet", options={"limit": "2"})
    RuleSettingFactory(
        organization=estate.organization,
        connection=estate.connection,
        rule_id="test.quiet",
        is_enabled=True,
        options={"limit": "4"},
    )

    evaluate(estate)

    assert one().status == "pending"


def test_setting_of_another_organization_says_nothing(estate, evaluate):
    estate.server()
    RuleSettingFactory(rule_id="test.quiet", is_enabled=False)

    evaluate(estate)

    assert one().status == "pending"


def test_excluded_finding_is_kept_apart_and_not_summed(estate, evaluate):
    estate.server(name="keep-me")
    ExclusionFactory(organization=estate.organization, scope="name=keep")

    evaluate(estate)

    assert (one().is_excluded, one().counted_monthly_rub) == (True, Decimal(0))


def test_exclusion_that_ended_says_nothing(estate, evaluate):
    estate.server(name="keep-me")
    ExclusionFactory(organization=estate.organization, scope="name=keep", until=MIDNIGHT.date())

    evaluate(estate, now=NOW + timedelta(days=1))

    assert not one().is_excluded


def test_after_a_sync_only_what_it_changed_is_evaluated(estate, evaluate):
    first, second = estate.server(), estate.server()
    evaluate(estate)
    MetricPoint.objects.update(value=90.0, maximum=90.0)

    evaluated = evaluate(estate, changed={first.pk})

    assert (evaluated.is_whole, evaluated.resource_count) == (False, 1)
    assert dict(Recommendation.objects.values_list("resource_id", "status")) == {
        first.pk: "closed",
        second.pk: "pending",
    }


def test_family_of_what_a_sync_changed_is_evaluated_with_it(estate, evaluate):
    parent = estate.server()
    disk = estate.server(kind="volume", parent=parent)
    estate.server()
    evaluate(estate)

    assert evaluate(estate, changed={disk.pk}).resource_count == 2


def test_first_sync_of_a_day_evaluates_everything(estate, evaluate):
    estate.server(), estate.server()
    evaluate(estate)
    estate.snapshot.observed_at = TOMORROW
    estate.snapshot.save()

    evaluated = evaluate(estate, now=TOMORROW, changed=set())

    assert (evaluated.is_whole, evaluated.resource_count) == (True, 2)


def test_evaluation_takes_the_same_queries_for_two_and_for_twelve(estate, evaluate):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    estate.server(), estate.server(cpu=50.0)
    evaluate(estate)
    estate.snapshot.observed_at = TOMORROW
    estate.snapshot.save()
    with CaptureQueriesContext(connection) as few:
        evaluate(estate, now=TOMORROW)
    for _n in range(10):
        estate.server(cpu=50.0)
    evaluate(estate, now=TOMORROW)
    with CaptureQueriesContext(connection) as many:
        evaluate(estate, now=TOMORROW + timedelta(days=1))

    assert len(many) == len(few)


@pytest.mark.parametrize("status", [Status.VERIFIED, Status.CLOSED])
def test_what_has_ended_cannot_be_decided(estate, evaluate, people, status):
    estate.server()
    evaluate(estate)
    Recommendation.objects.update(status=status, close_reason="applied", closed_at=NOW)

    with pytest.raises(services.WrongStatus):
        services.approve(recommendation=one(), by=people.manager, now=NOW)


def test_decision_said_twice_is_one_event(estate, evaluate, people):
    estate.server()
    evaluate(estate)

    for _n in range(2):
        services.approve(recommendation=one(), by=people.manager, now=NOW)

    assert kinds(one()) == ["found", "approved"]


def test_dismissing_needs_a_reason(estate, evaluate, people):
    estate.server()
    evaluate(estate)

    for reason, text in (("", ""), ("because", ""), ("other", " ")):
        with pytest.raises(services.ReasonMissing):
            services.dismiss(recommendation=one(), reason=reason, text=text, by=people.manager, now=NOW)
    assert one().status == "pending"


def test_putting_off_needs_a_day_to_come(estate, evaluate, people):
    estate.server()
    evaluate(estate)

    for days in (0, 367):
        with pytest.raises(services.BadDay):
            services.snooze(
                recommendation=one(),
                until=(NOW + timedelta(days=days)).date(),
                by=people.manager,
                now=NOW,
            )


def test_work_is_given_to_members_alone(estate, evaluate, people):
    estate.server()
    evaluate(estate)

    services.assign(recommendation=one(), to=people.viewer, by=people.manager, now=NOW)
    with pytest.raises(services.NotAMember):
        services.assign(recommendation=one(), to=people.stranger, by=people.manager, now=NOW)

    assert one().assigned_to == people.viewer


def test_connection_that_is_not_read_any_more_closes_its_findings(estate, evaluate):
    estate.server()
    evaluate(estate)
    estate.connection.is_active = False
    estate.connection.save()

    services.evaluate_organization(organization=estate.organization, now=NOW)

    assert (one().status, one().close_reason) == ("closed", "connection_removed")
