"""Pages of recommendations, for their people and for strangers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from inventory.tests.factories import MetricPointFactory
from recommendations.models import Exclusion, Recommendation, RuleSetting
from recommendations.tests.factories import (
    ConnectionEvaluationFactory,
    ExclusionFactory,
    RecommendationEventFactory,
    RecommendationFactory,
    ResourceEvaluationFactory,
    RuleSettingFactory,
)

LIST = reverse("recommendations:recommendation_list")


@pytest.fixture
def found(estate):
    ConnectionEvaluationFactory(connection=estate.connection)
    row = RecommendationFactory(resource__connection=estate.connection, resource__name="ci-runner")
    RecommendationEventFactory(recommendation=row)
    return row


@pytest.fixture
def manager(client, people):
    client.force_login(people.manager)
    return client


@pytest.fixture
def viewer(client, people):
    client.force_login(people.viewer)
    return client


def at(name, *args):
    return reverse(f"recommendations:{name}", args=args)


def decide(client, row, **data):
    return client.post(at("recommendation_decide", row.pk), data)


def test_list_shows_what_to_do_and_what_it_saves(manager, found):
    page = manager.get(LIST).content.decode()

    assert "Delete it" in page
    assert "ci-runner" in page
    assert "₽300.00" in page
    assert "high, 80%" in page


def test_list_for_htmx_is_the_fragment_alone(manager, found):
    answer = manager.get(LIST, headers={"HX-Request": "true"})

    assert "<html" not in answer.content.decode()
    assert "Delete it" in answer.content.decode()


def test_list_without_an_evaluation_says_that_nothing_was_asked(manager, estate):
    assert "The rules have not been asked yet" in manager.get(LIST).content.decode()


def test_list_is_narrowed_by_the_address(manager, found, estate):
    RecommendationFactory(
        resource__connection=estate.connection, category="storage", resource__name="archive", risk="low"
    )

    assert "archive" not in manager.get(LIST, {"category": "cleanup"}).content.decode()
    assert "ci-runner" not in manager.get(LIST, {"risk": "low"}).content.decode()
    assert "fits this filter" in manager.get(LIST, {"q": "nothing"}).content.decode()
    assert "archive" in manager.get(LIST, {"q": "ARCH"}).content.decode()


@pytest.mark.parametrize(
    ("status", "is_shown"), [("", True), ("dismissed", False), ("excluded", False), ("pending", True)]
)
def test_list_shows_open_ones_unless_asked_otherwise(manager, found, status, is_shown):
    page = manager.get(LIST, {"status": status} if status else {}).content.decode()

    assert ("ci-runner" in page) == is_shown


def test_csv_holds_the_filtered_rows(manager, found):
    Recommendation.objects.update(saving_monthly=None, saving_monthly_rub=None)
    found.resource.name = "=HYPERLINK()"
    found.resource.save()

    answer = manager.get(LIST, {"format": "csv"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")

    head, line = text.splitlines()
    cells = dict(zip(head.split(","), line.split(","), strict=True))
    assert cells["saves_a_month"] == ""
    assert cells["costs_a_month"] == "660.00"
    assert cells["resource"] == "'=HYPERLINK()"


def test_queries_of_the_list_do_not_grow(manager, found, estate, django_assert_num_queries):
    manager.get(LIST)
    with django_assert_num_queries(11):
        manager.get(LIST)
    for _n in range(10):
        row = RecommendationFactory(resource__connection=estate.connection, instead_of=found)
        RecommendationEventFactory(recommendation=row)
    with django_assert_num_queries(11):
        manager.get(LIST)


def test_detail_shows_facts_formula_steps_and_history(manager, found):
    page = manager.get(at("recommendation_detail", found.pk)).content.decode()

    for text in ("Average CPU", "1.2%", "Saves ₽300.00 a month", "Ask the owner.", "Found"):
        assert text in page


def test_detail_draws_the_series_that_are_the_evidence(manager, found):
    found.metrics, found.refreshed_at = ["cpu_percent"], timezone.now()
    found.save()
    MetricPointFactory(resource=found.resource, observed_at=timezone.now() - timedelta(days=1), value=7.25)

    page = manager.get(at("recommendation_detail", found.pk)).content.decode()

    assert 'id="evidence-0"' in page
    assert "7.25" in page


def test_queries_of_a_detail_do_not_grow(manager, found, django_assert_num_queries):
    manager.get(at("recommendation_detail", found.pk))
    with django_assert_num_queries(10):
        manager.get(at("recommendation_detail", found.pk))
    for _n in range(10):
        RecommendationEventFactory(recommendation=found, kind="comment", text="Seen.")
    with django_assert_num_queries(10):
        manager.get(at("recommendation_detail", found.pk))


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"action": "approve"}, "approved"),
        ({"action": "snooze", "days": "30"}, "snoozed"),
        ({"action": "dismiss", "reason": "needed"}, "dismissed"),
        ({"action": "implement"}, "implemented"),
    ],
)
def test_manager_decides(manager, found, people, data, status):
    answer = decide(manager, found, **data)

    found.refresh_from_db()
    assert answer.status_code == 302
    assert (found.status, found.decided_by) == (status, people.manager)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"action": "dismiss"}, "Say why, so that nobody has to ask again."),
        ({"action": "dismiss", "reason": "other"}, "Say which other reason."),
        ({"action": "snooze"}, "Choose a day to come."),
        ({"action": "snooze", "until": "2020-01-01"}, "a year ahead at most"),
        ({"action": "comment", "text": "  "}, "Write something first."),
    ],
)
def test_decision_that_lacks_something_says_what(manager, found, data, sentence):
    answer = decide(manager, found, **data)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    found.refresh_from_db()
    assert found.status == "pending"


def test_what_has_ended_cannot_be_decided(manager, estate):
    row = RecommendationFactory(resource__connection=estate.connection, closed=True)

    answer = decide(manager, row, action="approve")

    assert answer.status_code == 422
    assert "It has ended" in answer.content.decode()


def test_comment_and_assignment_stand_in_the_history(manager, found, people):
    decide(manager, found, action="comment", text="Asked Olga.")
    decide(manager, found, action="assign", to=people.viewer.pk)

    page = manager.get(at("recommendation_detail", found.pk)).content.decode()
    assert "Asked Olga." in page
    assert f"Assigned to {people.viewer.display_name}" in page


def test_work_cannot_be_given_to_a_stranger(manager, found, people):
    assert decide(manager, found, action="assign", to=people.stranger.pk).status_code == 422


def test_several_are_decided_at_once_and_what_has_ended_is_left(manager, found, estate):
    closed = RecommendationFactory(resource__connection=estate.connection, closed=True)

    answer = manager.post(
        at("recommendation_bulk"),
        {"action": "approve", "pk": [found.pk, closed.pk], "next": LIST},
        follow=True,
    )

    assert "1 recommendation decided. 1 was left alone" in answer.content.decode()
    found.refresh_from_db()
    assert found.status == "approved"


def test_choosing_none_says_so(manager, found):
    answer = manager.post(at("recommendation_bulk"), {"action": "approve"}, follow=True)

    assert "Choose at least one recommendation." in answer.content.decode()


def test_somebody_else_s_recommendation_in_a_bulk_is_left_untouched(manager, found):
    other = RecommendationFactory()

    manager.post(at("recommendation_bulk"), {"action": "approve", "pk": [other.pk]})

    other.refresh_from_db()
    assert other.status == "pending"


def test_decision_does_not_lead_to_another_site(manager, found):
    answer = decide(manager, found, action="approve", next="https://evil.example/")

    assert answer.url == at("recommendation_detail", found.pk)


@pytest.mark.parametrize("name", ["recommendation_detail", "recommendation_decide"])
def test_stranger_finds_nothing(client, found, people, name):
    from accounts.tests.factories import MembershipFactory

    MembershipFactory(user=people.stranger, role="owner")
    client.force_login(people.stranger)
    address = at(name, found.pk)

    answer = client.post(address) if name.endswith("decide") else client.get(address)

    assert answer.status_code == 404


def test_viewer_looks_and_does_not_decide(viewer, found):
    page = viewer.get(at("recommendation_detail", found.pk)).content.decode()

    assert "Dismiss" not in page
    assert decide(viewer, found, action="approve").status_code == 403
    assert viewer.post(at("recommendation_bulk"), {"pk": [found.pk]}).status_code == 403
    assert viewer.get(at("rule_edit", "server.idle")).status_code == 403


def test_proof_is_told_with_both_weeks(manager, estate):
    row = RecommendationFactory(
        resource__connection=estate.connection,
        verified=True,
        before={"day_cost": "100", "cpu": 1.5},
        proof={
            "day_cost": "10",
            "repriced_day_cost": "104",
            "is_repriced": True,
            "cpu": None,
            "problem": "",
        },
    )

    page = manager.get(at("recommendation_detail", row.pk)).content.decode()

    for text in ("₽100.00", "₽104.00", "₽10.00", "Saves ₽270.00 a month; ₽300.00 was promised."):
        assert text in page


# ---- why is there none ----------------------------------------------------------------------------------------


def test_report_tells_of_each_rule_why_it_was_not_asked(manager, found):
    page = manager.get(at("report")).content.decode()

    assert "it is not measured" in page
    assert at("rule_report", "server.idle") in page


def test_report_of_another_tenant_s_connection_is_not_found(manager, found):
    other = ConnectionEvaluationFactory()

    assert manager.get(at("report"), {"connection": other.connection_id}).status_code == 404
    assert manager.get(at("report"), {"connection": "x"}).status_code == 404


def test_rule_s_resources_are_listed_by_what_it_said(manager, found, estate):
    ResourceEvaluationFactory(resource__connection=estate.connection, resource__name="unmeasured")

    page = manager.get(at("rule_report", "server.idle"), {"said": "no_metrics"}).content.decode()

    assert "unmeasured" in page
    assert manager.get(at("rule_report", "no.such")).status_code == 404


def test_resource_is_asked_now(manager, estate, only_quiet):
    server = estate.server(cpu=50.0)

    page = manager.get(at("resource_report", server.pk)).content.decode()

    assert "Quiet" in page
    assert at("rule_report", "test.quiet") in page
    assert manager.get(at("resource_report", RecommendationFactory().resource_id)).status_code == 404


# ---- rules and exclusions -------------------------------------------------------------------------------------


def test_threshold_is_set_for_the_organization(manager, found, estate):
    answer = manager.post(at("rule_edit", "server.idle"), {"minimum_saving": "1 000,50", "is_enabled": ""})

    setting = RuleSetting.objects.get()
    assert answer.status_code == 302
    assert (setting.organization, setting.options) == (estate.organization, {"minimum_saving": "1000.50"})


def test_threshold_is_set_for_a_connection_and_a_tag(manager, found, estate):
    address = at("rule_edit", "server.idle")
    manager.post(f"{address}?connection={estate.connection.pk}", {"is_enabled": "0"})
    manager.post(f"{address}?tag_key=team&tag_value=web", {"minimum_confidence": "0.9"})

    assert list(
        RuleSetting.objects.order_by("pk").values_list("connection", "tag_key", "is_enabled", "options")
    ) == [
        (estate.connection.pk, "", False, {}),
        (None, "team", None, {"minimum_confidence": "0.9"}),
    ]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [("many", "is a number"), ("2", "is at most 1"), ("-1", "is at least 0"), ("NaN", "is a number")],
)
def test_threshold_that_cannot_be_says_which(manager, found, given, sentence):
    answer = manager.post(at("rule_edit", "server.idle"), {"minimum_confidence": given})

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not RuleSetting.objects.exists()


def test_emptied_setting_goes(manager, found, estate):
    RuleSettingFactory(organization=estate.organization, is_enabled=False)

    manager.post(at("rule_edit", "server.idle"), {"is_enabled": ""})

    assert not RuleSetting.objects.exists()


def test_rule_of_another_tenant_s_connection_is_not_set(manager, found):
    other = ConnectionEvaluationFactory().connection

    assert manager.post(f"{at('rule_edit', 'server.idle')}?connection={other.pk}", {}).status_code == 404


def test_list_of_rules_shows_their_thresholds(manager, found, estate, django_assert_num_queries):
    page = manager.get(at("rule_list")).content.decode()
    assert at("rule_edit", "server.idle") in page
    with django_assert_num_queries(8):
        manager.get(at("rule_list"))
    for number in range(10):
        RuleSettingFactory(organization=estate.organization, tag_key=f"k{number}")
    with django_assert_num_queries(8):
        manager.get(at("rule_list"))


def test_exclusion_is_made_changed_and_removed(manager, found, estate):
    given = {"name": "Kept", "name_contains": "keep", "reason": "Agreed.", "rule_id": "", "until": ""}
    manager.post(at("exclusion_new"), given)
    row = Exclusion.objects.get()
    assert (row.scope, row.organization) == ("name=keep", estate.organization)

    manager.post(at("exclusion_edit", row.pk), given | {"rule_id": "server.idle"})
    row.refresh_from_db()
    assert row.rule_id == "server.idle"
    assert "Kept" in manager.get(at("exclusion_list")).content.decode()

    manager.post(at("exclusion_delete", row.pk))
    assert not Exclusion.objects.exists()


def test_exclusion_of_everything_is_refused(manager, found):
    answer = manager.post(at("exclusion_new"), {"name": "All", "reason": "No."})

    assert answer.status_code == 422
    assert "everything cannot be" in answer.content.decode()


def test_second_exclusion_of_a_name_is_refused(manager, found, estate):
    ExclusionFactory(organization=estate.organization, name="Kept")

    answer = manager.post(at("exclusion_new"), {"name": "Kept", "name_contains": "x", "reason": "Yes."})

    assert answer.status_code == 422
    assert "choose another" in answer.content.decode()


def test_exclusion_of_another_tenant_is_not_found(manager, found):
    other = ExclusionFactory()

    assert manager.get(at("exclusion_edit", other.pk)).status_code == 404
    assert manager.post(at("exclusion_delete", other.pk)).status_code == 404


def test_sidebar_counts_what_is_to_decide(manager, found, estate):
    RecommendationFactory(resource__connection=estate.connection, status="approved")
    RecommendationFactory(resource__connection=estate.connection, is_excluded=True)

    from infrazen.context import sidebar_counts

    assert sidebar_counts(estate.organization)["recommendation_count"] == 1
