"""Pages and endpoints of policies, for their people and for strangers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.audit.models import AuditEntry
from accounts.tests.factories import MembershipFactory
from inventory.tests.factories import ResourceFactory, TagCategoryFactory
from recommendations.policies import tasks
from recommendations.policies.kinds import KINDS
from recommendations.policies.losses import of_organization
from recommendations.policies.models import Policy, Violation, ViolationStatus
from recommendations.policies.tests.factories import PolicyFactory, ViolationFactory
from recommendations.schedules.tests.factories import PowerScheduleFactory

LIST = reverse("policies:policy_list")
API = "/api/v1/"


def at(name, *args):
    return reverse(f"policies:{name}", args=args)


def tomorrow():
    return (timezone.now() + timedelta(days=1)).date().isoformat()


@pytest.fixture
def manager(client, people):
    client.force_login(people.manager)
    return client


@pytest.fixture
def policy(estate):
    return PolicyFactory(organization=estate.organization, name="Everything has a team")


@pytest.fixture
def found(estate, policy):
    resource = ResourceFactory(connection=estate.connection, name="ci-runner", owner="Olga")
    return ViolationFactory(resource=resource, policy=policy, due_date="2100-01-01")


def form(**changes):
    given = {"name": "Tags", "p_tags": "team\nenv=prod|dev", "grace_days": "3", "is_enabled": "on"}
    return given | {"notifies": "on"} | changes


def send(client, address, data, method="post"):
    return getattr(client, method)(address, data, content_type="application/json")


# ---- pages ----------------------------------------------------------------------------------------------------


def test_list_invites_and_then_counts(manager, estate, policy):
    Policy.objects.all().delete()
    assert "Say what must be so" in manager.get(LIST).content.decode()
    policy = PolicyFactory(organization=estate.organization, name="Regions")
    ViolationFactory(resource__connection=estate.connection, policy=policy, due_date="2020-01-01")
    ViolationFactory(resource__connection=estate.connection, policy=policy, due_date="2100-01-01")

    page = manager.get(LIST)

    assert "Regions" in page.content.decode()
    row = page.context["rows"][0]["policy"]
    assert (row.open_count, row.overdue_count, row.excepted_count) == (2, 1, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_form(manager, estate, kind):
    assert manager.get(at("policy_choose")).status_code == 200
    page = manager.get(at("policy_new", kind))

    assert page.status_code == 200
    for option in KINDS[kind].options:
        assert f'name="p_{option.name}"' in page.content.decode()


def test_policy_of_tags_begins_with_what_was_agreed_on(manager, estate):
    TagCategoryFactory(organization=estate.organization, key="env", is_required=True)
    TagCategoryFactory(organization=estate.organization, key="team", is_required=True, allowed_values=[])
    TagCategoryFactory(organization=estate.organization, key="colour")
    TagCategoryFactory(key="theirs", is_required=True)

    page = manager.get(at("policy_new", "required_tags"))

    assert page.context["form"]["p_tags"].value() == "env=prod|dev\nteam"


def test_policy_is_made_changed_and_deleted(manager, estate, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks.check_organization, "delay_on_commit", lambda **given: asked.append(given))

    manager.post(at("policy_new", "required_tags"), form(name_contains="web"))
    row = Policy.objects.get()
    assert (row.name, row.kind, row.scope) == ("Tags", "required_tags", "name=web")
    assert row.parameters == {"tags": ["team", "env=prod|dev"]}
    assert (row.grace_days, row.is_enabled, row.notifies) == (3, True, True)

    manager.post(at("policy_edit", row.pk), {"name": "Tags", "p_tags": "team", "grace_days": "0"})
    row.refresh_from_db()
    assert (row.parameters, row.grace_days, row.is_enabled) == ({"tags": ["team"]}, 0, False)
    assert asked == [{"organization_id": estate.organization.pk}] * 2

    manager.post(at("policy_delete", row.pk))
    assert not Policy.objects.exists()
    actions = AuditEntry.objects.filter(action__startswith="policy.").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        "policy.created",
        "policy.changed",
        "policy.deleted",
    ]


def test_pattern_may_have_a_comma(manager, estate):
    given = {"name": "Names", "p_patterns": "[a-z]{2,3}-.*", "grace_days": "7"}

    manager.post(at("policy_new", "naming"), given)

    assert Policy.objects.get().parameters == {"patterns": ["[a-z]{2,3}-.*"]}


def test_off_hours_take_an_own_schedule_alone(manager, estate):
    own, theirs = PowerScheduleFactory(organization=estate.organization), PowerScheduleFactory()
    given = {"name": "Nights", "p_start": "9", "p_end": "18", "p_sightings": "2", "grace_days": "7"}

    refused = manager.post(at("policy_new", "off_hours"), given | {"schedule": theirs.pk})
    manager.post(at("policy_new", "off_hours"), given | {"schedule": own.pk})

    assert refused.status_code == 422
    assert Policy.objects.get().schedule == own


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"p_tags": ""}, "This field is required."),
        ({"p_tags": "=prod"}, "Name at least one tag"),
        ({"name": ""}, "This field is required."),
        ({"name": "Taken"}, "choose another"),
        ({"grace_days": "400"}, "less than or equal to 366"),
        ({"scope": "category=Tax"}, "resources themselves do not have"),
    ],
)
def test_form_says_what_cannot_be(manager, estate, changes, sentence):
    PolicyFactory(organization=estate.organization, name="Taken")

    answer = manager.post(at("policy_new", "required_tags"), form(**changes))

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert Policy.objects.count() == 1


def test_detail_tells_what_is_wrong_whose_it_is_and_until_when(manager, policy, found):
    page = manager.get(at("policy_detail", policy.pk)).content.decode().replace("\xa0", " ")

    for text in ("ci-runner", "Without the tags: team.", "Olga", "1 Jan 2100", "all resources"):
        assert text in page


def test_detail_for_htmx_is_the_fragment_alone(manager, policy, found):
    answer = manager.get(at("policy_detail", policy.pk), headers={"HX-Request": "true"})

    assert "<html" not in answer.content.decode()
    assert "ci-runner" in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"ci-runner", "late"}),
        ({"status": "overdue"}, {"late"}),
        ({"status": "excepted"}, {"kept"}),
        ({"status": "resolved"}, {"done"}),
        ({"status": "all"}, {"ci-runner", "late", "kept", "done"}),
        ({"status": "nonsense"}, set()),
        ({"owner": "Olga"}, {"ci-runner"}),
        ({"owner": "~"}, {"late"}),
        ({"q": "LAT"}, {"late"}),
    ],
)
def test_violations_are_narrowed_by_the_address(manager, estate, policy, found, query, names):
    def another(name, **values):
        ViolationFactory(resource__connection=estate.connection, resource__name=name, policy=policy, **values)

    another("late", due_date="2020-01-01")
    another("kept", status="excepted", excepted_until="2100-01-01", exception_reason="x")
    another("done", status="resolved", resolved_at=timezone.now())
    ViolationFactory(resource__connection=estate.connection, resource__name="of another policy")

    page = manager.get(at("policy_detail", policy.pk), query)

    assert {each["row"].resource.name for each in page.context["rows"]} == names


def test_csv_has_what_the_page_shows(manager, policy, found):
    answer = manager.get(at("policy_detail", policy.pk), {"format": "csv"})

    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("id,policy,kind,status,resource,")
    assert "ci-runner" in lines[1]
    assert len(lines) == 2


def test_violation_is_assigned_excepted_and_opened_again(manager, people, found):
    address = at("violation_decide", found.pk)

    manager.post(address, {"action": "assign", "to": people.viewer.pk})
    manager.post(address, {"action": "except", "until": tomorrow(), "reason": "Moves soon."})
    found.refresh_from_db()
    assert (found.assigned_to, found.status) == (people.viewer, ViolationStatus.EXCEPTED)
    assert (found.exception_reason, found.excepted_by) == ("Moves soon.", people.manager)
    manager.post(address, {"action": "reopen"})

    found.refresh_from_db()
    assert found.status == ViolationStatus.OPEN
    told = AuditEntry.objects.filter(action__startswith="violation.").order_by("pk")
    assert list(told.values_list("action", flat=True)) == [
        "violation.assigned",
        "violation.excepted",
        "violation.reopened",
    ]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"action": "except", "until": "2020-01-01", "reason": "x"}, "a day to come"),
        ({"action": "except", "reason": "x"}, "Say until when."),
        ({"action": "except", "until": "2100-01-01"}, "Say why"),
        ({"action": "assign", "to": "0"}, "valid choice"),
        ({"action": "explode"}, "valid choice"),
    ],
)
def test_decision_that_cannot_be_says_why(manager, found, given, sentence):
    answer = manager.post(at("violation_decide", found.pk), given)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    found.refresh_from_db()
    assert (found.status, found.assigned_to) == (ViolationStatus.OPEN, None)


def test_what_was_put_right_is_decided_no_more(manager, found):
    Violation.objects.update(status="resolved", resolved_at=timezone.now())

    answer = manager.post(at("violation_decide", found.pk), {"action": "assign", "to": ""})

    assert answer.status_code == 422
    assert "put right already" in answer.content.decode()


def test_next_leads_to_pages_of_ours_alone(manager, policy, found):
    given = {"action": "assign", "to": "", "next": "https://example.com/"}

    assert manager.post(at("violation_decide", found.pk), given)["Location"] == at("policy_detail", policy.pk)


def test_queries_of_the_pages_do_not_grow(manager, estate, policy, found):
    def counted(address):
        with CaptureQueriesContext(database) as queries:
            assert manager.get(address).status_code == 200
        return len(queries)

    addresses = (LIST, at("policy_detail", policy.pk))
    for address in addresses:
        manager.get(address)
    few = [counted(address) for address in addresses]
    for number in range(10):
        PolicyFactory(organization=estate.organization)
        ViolationFactory(resource__connection=estate.connection, resource__owner=f"P{number}", policy=policy)

    assert [counted(address) for address in addresses] == few


PAGES = ("policy_detail", "policy_edit")


def test_stranger_finds_nothing(client, people, policy, found):
    MembershipFactory(user=people.stranger, role="owner")
    client.force_login(people.stranger)

    assert policy.name not in client.get(LIST).content.decode()
    assert [client.get(at(name, policy.pk)).status_code for name in PAGES] == [404, 404]
    assert client.post(at("policy_delete", policy.pk)).status_code == 404
    assert client.post(at("violation_decide", found.pk), {"action": "reopen"}).status_code == 404


def test_viewer_looks_and_changes_nothing(client, people, policy, found):
    client.force_login(people.viewer)

    page = client.get(at("policy_detail", policy.pk))

    assert page.status_code == 200
    assert "Assign or except" not in page.content.decode()
    assert client.get(at("policy_choose")).status_code == 403
    assert client.post(at("policy_new", "naming"), {}).status_code == 403
    assert client.post(at("policy_delete", policy.pk)).status_code == 403
    assert client.post(at("violation_decide", found.pk), {"action": "reopen"}).status_code == 403


def test_anonymous_signs_in(client, policy):
    assert client.get(LIST)["Location"].startswith("/accounts/login/")
    assert client.get(at("policy_detail", policy.pk)).status_code == 302


def test_unknown_kind_is_not_found(manager):
    assert manager.get(at("policy_new", "colours")).status_code == 404


def test_losses_count_policies(estate, policy):
    assert [loss.count for loss in of_organization(estate.organization)] == [1]


# ---- API ------------------------------------------------------------------------------------------------------


def test_api_makes_changes_lists_and_deletes(manager, estate):
    given = {"name": "Regions", "kind": "allowed_regions", "parameters": {"regions": ["ru-1"]}}

    made = send(manager, f"{API}policies/", given)

    assert made.status_code == 201, made.json()
    address = f"{API}policies/{made.json()['id']}/"
    changed = send(manager, address, {"parameters": {"regions": ["ru-2"]}, "grace_days": 1}, "patch").json()
    assert (changed["parameters"], changed["grace_days"], changed["name"]) == (
        {"regions": ["ru-2"]},
        1,
        "Regions",
    )
    assert manager.get(f"{API}policies/").json()["results"][0]["open_count"] == 0
    assert manager.delete(address).status_code == 204


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"parameters": {"regions": []}}, "parameters"),
        ({"parameters": {"colour": "red"}}, "parameters"),
        ({"scope": "category=Tax"}, "scope"),
        ({"name": "Taken"}, "name"),
        ({"kind": "colours"}, "kind"),
        ({"grace_days": 367}, "grace_days"),
        ({"schedule": 1}, "schedule"),
    ],
)
def test_api_refuses(manager, estate, changes, field):
    PolicyFactory(organization=estate.organization, name="Taken")
    given = {"name": "Regions", "kind": "allowed_regions", "parameters": {"regions": ["ru-1"]}}

    answer = send(manager, f"{API}policies/", given | changes)

    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {field}


def test_api_keeps_the_kind_of_a_policy(manager, policy):
    answer = send(manager, f"{API}policies/{policy.pk}/", {"kind": "naming"}, "patch")

    assert answer.json()["errors"].keys() == {"kind"}


def test_api_tells_violations_and_takes_decisions(manager, people, found):
    row = manager.get(f"{API}violations/", {"status": "open", "policy": found.policy_id}).json()["results"][0]
    assert (row["resource_name"], row["why"], row["owner"], row["is_overdue"]) == (
        "ci-runner",
        "Without the tags: team.",
        "Olga",
        False,
    )
    address = f"{API}violations/{found.pk}/"

    excepted = send(manager, f"{address}except/", {"until": tomorrow(), "reason": "Moves."}).json()
    assert (excepted["status"], excepted["excepted_by"]) == ("excepted", people.manager.pk)
    assert send(manager, f"{address}reopen/", {}).json()["status"] == "open"
    assigned = send(manager, f"{address}assign/", {"to": people.viewer.pk}).json()
    assert assigned["assigned_to"] == people.viewer.pk

    late = send(manager, f"{address}except/", {"until": "2020-01-01", "reason": "x"})
    assert late.json()["errors"].keys() == {"until"}
    assert send(manager, f"{address}assign/", {"to": people.stranger.pk}).status_code == 400


def test_api_of_a_whole_scope_names_no_resource(manager, policy):
    row = ViolationFactory(policy=policy, organization=policy.organization, resource=None, connection=None)

    found = manager.get(f"{API}violations/{row.pk}/").json()

    assert (found["resource"], found["resource_name"], found["owner"]) == (None, "", "")


def test_api_is_closed_to_strangers_and_to_viewers_for_writing(client, people, policy, found):
    MembershipFactory(user=people.stranger, role="owner")
    client.force_login(people.stranger)
    assert client.get(f"{API}policies/{policy.pk}/").status_code == 404
    assert client.get(f"{API}violations/{found.pk}/").status_code == 404
    assert send(client, f"{API}violations/{found.pk}/reopen/", {}).status_code == 404

    client.force_login(people.viewer)
    assert client.get(f"{API}violations/{found.pk}/").status_code == 200
    assert send(client, f"{API}violations/{found.pk}/reopen/", {}).status_code == 403
    assert client.delete(f"{API}policies/{policy.pk}/").status_code == 403


# ---- admin ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["policy", "violation"])
def test_admin_shows_them(admin_client, found, model):
    changelist = admin_client.get(reverse(f"admin:recommendation_policies_{model}_changelist"))
    row = found if model == "violation" else found.policy

    assert changelist.status_code == 200
    change = reverse(f"admin:recommendation_policies_{model}_change", args=[row.pk])
    assert admin_client.get(change).status_code == 200
