"""The API of recommendations."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from recommendations.models import Exclusion, RuleSetting
from recommendations.tests.factories import (
    ConnectionEvaluationFactory,
    ExclusionFactory,
    RecommendationFactory,
)


@pytest.fixture
def found(estate):
    ConnectionEvaluationFactory(connection=estate.connection)
    return RecommendationFactory(resource__connection=estate.connection, resource__name="ci-runner")


@pytest.fixture
def api(client, people):
    client.force_login(people.manager)
    return client


def at(name, *args):
    return reverse(f"api:{name}", args=args)


def send(client, address, data, method="post"):
    return getattr(client, method)(address, data, content_type="application/json")


def test_list_holds_amounts_facts_and_texts(api, found):
    RecommendationFactory()

    (row,) = api.get(at("recommendation-list")).json()["results"]

    assert (row["id"], row["summary"], row["resource_name"]) == (found.pk, "Delete it", "ci-runner")
    assert row["facts"] == [{"label": "Average CPU", "value": "1.2%"}]
    assert (row["saving_monthly"], row["formula"]) == ("300.000000", "Saves ₽300.00 a month")


def test_unknown_saving_is_null_and_not_zero(api, estate):
    RecommendationFactory(resource__connection=estate.connection, saving_monthly=None, counted_monthly_rub=0)

    (row,) = api.get(at("recommendation-list")).json()["results"]

    assert row["saving_monthly"] is None


def test_list_is_filtered(api, found, estate):
    other = RecommendationFactory(resource__connection=estate.connection, category="storage")

    rows = api.get(at("recommendation-list"), {"category": "storage"}).json()["results"]

    assert [row["id"] for row in rows] == [other.pk]
    assert api.get(at("recommendation-list"), {"category": "none"}).status_code == 400


def test_queries_of_the_list_do_not_grow(api, found, estate, django_assert_num_queries):
    api.get(at("recommendation-list"))
    with django_assert_num_queries(5):
        api.get(at("recommendation-list"))
    for _n in range(10):
        RecommendationFactory(resource__connection=estate.connection)
    with django_assert_num_queries(5):
        api.get(at("recommendation-list"))


def test_decision_is_carried_out(api, found):
    answer = send(api, at("recommendation-decide", found.pk), {"action": "dismiss", "reason": "risky"})

    assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
    events = api.get(at("recommendation-events", found.pk)).json()
    assert [(each["kind"], each["description"]) for each in events] == [("dismissed", "Dismissed: too risky")]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "action"),
        ({"action": "delete"}, "action"),
        ({"action": "dismiss"}, "reason"),
        ({"action": "dismiss", "reason": "other"}, "text"),
        ({"action": "snooze"}, "until"),
        ({"action": "snooze", "until": "2020-01-01"}, "action"),
        ({"action": "comment", "text": " "}, "text"),
        ({"action": "assign", "to": 10**9}, "to"),
    ],
)
def test_decision_that_lacks_something_names_the_field(api, found, data, field):
    answer = send(api, at("recommendation-decide", found.pk), data)

    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_stranger_finds_nothing_and_viewer_decides_nothing(client, found, people):
    from accounts.tests.factories import MembershipFactory

    MembershipFactory(user=people.stranger, role="owner")
    client.force_login(people.stranger)
    assert client.get(at("recommendation-detail", found.pk)).status_code == 404
    assert send(client, at("recommendation-decide", found.pk), {"action": "approve"}).status_code == 404

    client.force_login(people.viewer)
    assert client.get(at("recommendation-detail", found.pk)).status_code == 200
    assert send(client, at("recommendation-decide", found.pk), {"action": "approve"}).status_code == 403


def test_summary_tells_what_is_to_save_and_what_was_proven(api, found, estate):
    RecommendationFactory(resource__connection=estate.connection, verified=True)

    answer = api.get(at("recommendation-summary")).json()

    assert (answer["saving"], answer["pending_count"]) == ("300.000000", 1)
    assert (answer["proven_promised"], answer["proven_realised"]) == ("300.000000", "270.000000")


def test_report_tells_why_there_is_none(api, found):
    rules = {row["rule"]: row for row in api.get(at("evaluation-report")).json()}

    idle = rules["server.idle"]
    assert (idle["matched"], idle["skipped"]) == (1, [{"reason": "no_metrics", "count": 2}])
    other = ConnectionEvaluationFactory()
    assert api.get(at("evaluation-report"), {"connection": other.connection_id}).status_code == 404


def test_resource_is_asked_now(api, estate, only_quiet):
    server = estate.server(cpu=None)
    estate.snapshot.observed_at = timezone.now()
    estate.snapshot.save()

    (row,) = api.get(at("resource-outcomes", server.pk)).json()

    assert (row["rule"], row["outcome"], row["why"]) == (
        "test.quiet",
        "no_metrics",
        "There is no series “CPU, %”.",
    )
    assert api.get(at("resource-outcomes", RecommendationFactory().resource_id)).status_code == 404


def test_rule_is_set_and_told(api, estate):
    answer = send(
        api,
        at("recommendation_rule-detail", "server.idle"),
        {"is_enabled": False, "options": {"minimum_saving": "100"}},
        "patch",
    )

    assert (answer.status_code, answer.json()["is_enabled"]) == (200, False)
    assert RuleSetting.objects.get().options == {"minimum_saving": "100"}
    rules = {row["id"]: row for row in api.get(at("recommendation_rule-list")).json()}
    assert not rules["server.idle"]["is_enabled"]
    assert rules["ip.unused"]["is_enabled"]


@pytest.mark.parametrize("options", [{"minimum_saving": "x"}, {"no_such": 1}])
def test_option_that_cannot_be_is_refused(api, estate, options):
    answer = send(api, at("recommendation_rule-detail", "server.idle"), {"options": options}, "patch")

    assert answer.status_code == 400
    assert "options" in answer.json()["errors"]
    assert not RuleSetting.objects.exists()


def test_what_is_set_is_asked_for_at_once(api, estate, monkeypatch, django_capture_on_commit_callbacks):
    asked = []
    monkeypatch.setattr(
        "recommendations.tasks.services.evaluate_organization",
        lambda **given: asked.append(given["organization"]),
    )

    with django_capture_on_commit_callbacks(execute=True):
        send(api, at("recommendation_rule-detail", "server.idle"), {"is_enabled": False}, "patch")
        send(api, at("exclusion-list"), {"name": "Kept", "scope": "name=keep", "reason": "Agreed."})

    assert asked == [estate.organization] * 2


def test_setting_that_says_nothing_is_refused(api, estate):
    answer = send(api, at("recommendation_rule-detail", "server.idle"), {}, "patch")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["is_enabled"])


def test_exclusion_is_made_changed_and_removed(api, estate):
    given = {"name": "Kept", "scope": "name=keep", "reason": "Agreed."}
    made = send(api, at("exclusion-list"), given)
    assert made.status_code == 201
    address = at("exclusion-detail", made.json()["id"])

    assert send(api, address, {"rule": "server.idle"}, "patch").json()["rule"] == "server.idle"
    assert send(api, at("exclusion-list"), given).status_code == 400
    assert api.delete(address).status_code == 204
    assert not Exclusion.objects.exists()


@pytest.mark.parametrize(("field", "value"), [("scope", ""), ("scope", "tag.x="), ("rule", "no.such")])
def test_exclusion_that_cannot_be_names_the_field(api, estate, field, value):
    given = {"name": "Kept", "scope": "name=keep", "reason": "Agreed.", field: value}

    answer = send(api, at("exclusion-list"), given)

    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_exclusion_of_another_tenant_is_not_found(api, estate):
    other = ExclusionFactory()

    assert api.get(at("exclusion-detail", other.pk)).status_code == 404
    assert api.delete(at("exclusion-detail", other.pk)).status_code == 404
    assert Exclusion.objects.count() == 1
