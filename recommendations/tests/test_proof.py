"""Proof: what it cost before and after, at the same prices."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from recommendations import proof, services
from recommendations.models import Recommendation
from recommendations.tests.factories import RecommendationFactory
from recommendations.tests.facts import NOW, TODAY


def one() -> Recommendation:
    return Recommendation.objects.get()


def deleted(estate, evaluate, **server):
    """A quiet server that was found and is gone an hour later."""
    resource = estate.server(**server)
    evaluate(estate)
    estate.remove(resource)
    evaluate(estate, now=NOW + timedelta(hours=1))
    return resource


def costs_until(estate, resource, days, day_cost="0"):
    """The connection is billed for so many days more; the resource costs this on each."""
    other = estate.server(cpu=None, days=1)
    estate.bill(other, Decimal(1), first=TODAY + timedelta(days=1), last=TODAY + timedelta(days=days))
    if Decimal(day_cost):
        estate.bill(
            resource,
            Decimal(day_cost),
            first=TODAY + timedelta(days=1),
            last=TODAY + timedelta(days=days),
        )


def test_deleted_server_is_proven_after_a_fortnight(estate, evaluate):
    resource = deleted(estate, evaluate, day_cost="100")
    costs_until(estate, resource, 16)

    assert proof.verify_due(estate.organization, now=NOW + timedelta(days=14)) == 0
    assert proof.verify_due(estate.organization, now=NOW + timedelta(days=15)) == 1
    assert proof.verify_due(estate.organization, now=NOW + timedelta(days=15)) == 0

    row = one()
    assert row.status == "verified"
    assert row.realised_monthly == Decimal(3000)
    assert row.proof["day_cost"] == "0.000000"


def test_nothing_is_proven_before_the_costs_are_known(estate, evaluate):
    resource = deleted(estate, evaluate)
    costs_until(estate, resource, 10)

    assert proof.verify_due(estate.organization, now=NOW + timedelta(days=20)) == 0
    assert one().verified_at is None


def test_half_of_the_promise_is_told_as_half(estate, evaluate):
    resource = deleted(estate, evaluate, day_cost="100")
    costs_until(estate, resource, 16, day_cost="83.333333")

    proof.verify_due(estate.organization, now=NOW + timedelta(days=15))

    assert one().realised_monthly == Decimal("500.000010")
    proven = proof.proven(estate.organization)
    assert (proven.count, proven.promised, proven.waiting) == (1, Decimal(1000), 0)
    assert round(proven.percent) == 50


def test_said_to_be_done_and_still_there_is_to_decide_again_after_two_weeks(estate, evaluate, people):
    estate.server()
    evaluate(estate)
    services.implement(recommendation=one(), by=people.manager, now=NOW)

    evaluate(estate, now=NOW + timedelta(hours=3))
    assert one().status == "implemented"
    Recommendation.objects.update(implemented_at=NOW - timedelta(days=14))
    evaluate(estate, now=NOW + timedelta(hours=4))

    assert one().status == "pending"
    assert one().events.order_by("-pk").first().kind == "not_seen"


def test_said_to_be_done_and_gone_waits_for_its_proof(estate, evaluate, people):
    resource = estate.server()
    evaluate(estate)
    services.implement(recommendation=one(), by=people.manager, now=NOW)

    estate.remove(resource)
    evaluate(estate, now=NOW + timedelta(hours=1))

    assert (one().status, one().applied_at) == ("implemented", NOW + timedelta(hours=1))


def test_what_was_said_to_be_done_is_proven_although_it_is_evaluated_every_day(estate, evaluate, people):
    resource = estate.server(day_cost="100")
    evaluate(estate)
    services.implement(recommendation=one(), by=people.manager, now=NOW)
    estate.remove(resource)
    costs_until(estate, resource, 16)

    for days in range(1, 17):
        moment = NOW + timedelta(days=days)
        evaluate(estate, now=moment)
        proof.verify_due(estate.organization, now=moment)

    row = one()
    assert (row.status, row.applied_at) == ("verified", NOW + timedelta(days=1))
    assert row.realised_monthly == Decimal(3000)
    kinds = list(row.events.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["found", "implemented", "applied", "verified"]


def test_what_was_seen_applied_and_is_found_again_is_not_proven(estate, evaluate, people):
    estate.server()
    evaluate(estate)
    services.implement(recommendation=one(), by=people.manager, now=NOW)
    Recommendation.objects.update(applied_at=NOW, before={"day_cost": "100"})

    evaluate(estate, now=NOW + timedelta(hours=3))

    assert (one().status, one().applied_at, one().before) == ("implemented", None, {})


def test_moved_server_without_a_successor_is_not_proven(estate, evaluate):
    resource = deleted(estate, evaluate)
    Recommendation.objects.update(category="rate", status="implemented")
    costs_until(estate, resource, 16)

    proof.verify_due(estate.organization, now=NOW + timedelta(days=15))

    assert one().realised_monthly is None
    assert one().proof["problem"] == proof.NO_SUCCESSOR
    assert proof.proven(estate.organization).count == 0


def test_cost_of_the_successor_counts(estate, evaluate):
    resource = deleted(estate, evaluate, day_cost="100")
    successor = estate.server(cpu=None, days=1)
    Recommendation.objects.update(category="rate", status="implemented", replaced_by=successor)
    costs_until(estate, successor, 16, day_cost="60")

    proof.verify_due(estate.organization, now=NOW + timedelta(days=15))

    assert resource.pk != successor.pk
    assert one().realised_monthly == Decimal(1200)


def test_rule_that_keeps_half_of_what_it_promises_is_trusted_half(estate):
    for _n in range(5):
        RecommendationFactory(
            resource__connection=estate.connection,
            verified=True,
            saving_monthly=Decimal(100),
            realised_monthly=Decimal(60),
        )
    RecommendationFactory(
        resource__connection=estate.connection, verified=True, rule_id="ip.unused", realised_monthly=1
    )

    assert proof.trust(estate.organization) == {"server.idle": Decimal("0.6")}


def test_advice_that_costs_more_is_not_waited_for(estate, evaluate):
    resource = estate.server()
    evaluate(estate)
    Recommendation.objects.update(saving_monthly=-100, category="performance")

    estate.remove(resource)
    evaluate(estate, now=NOW + timedelta(hours=1))

    assert (one().status, one().applied_at) == ("closed", None)
    assert proof.proven(estate.organization).waiting == 0
