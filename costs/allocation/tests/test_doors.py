"""Pages, endpoints and the admin of business context."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, Role
from accounts.tests.factories import OrganizationFactory, UserFactory, member_of
from costs.allocation import services
from costs.allocation.models import AllocationRule, ContextAssignment, ContextNode, RuleVersion, TagFeed
from costs.allocation.queries import context_of
from costs.allocation.services import Draft
from costs.tests.factories import CostDimensionsFactory, DailyTotalFactory
from costs.unit_costs.tests.factories import UnitMetricFactory
from inventory.tests.factories import ResourceFactory
from providers.tests.factories import ConnectionFactory
from syncs.tests.factories import ResourceStateFactory

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 10)
NAMED = {"field": "name", "operator": "starts", "value": "server-"}


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "localdate", lambda *_arguments: TODAY)


@pytest.fixture
def acme() -> Organization:
    return OrganizationFactory(name="Acme")


@pytest.fixture
def owner(client: Client, acme: Organization) -> Client:
    client.force_login(member_of(acme))
    return client


@pytest.fixture
def viewer(acme: Organization) -> Client:
    client = Client()
    client.force_login(member_of(acme, Role.VIEWER))
    return client


def rule(acme: Organization, name: str = "Units", value: str = "Data") -> AllocationRule:
    draft = Draft(name=name, conditions=[NAMED], values={"business_unit": value})
    return services.save_rule(organization=acme, draft=draft, since=date(2026, 3, 1), by=None)


def spent(acme: Organization, count: int) -> None:
    """Resources with a run rate, and a daily total each; every other one belongs to Data."""
    connection = ConnectionFactory(organization=acme)
    for number in range(count):
        resource = ResourceFactory(connection=connection, business_unit="Data" if number % 2 else "")
        ResourceStateFactory(resource=resource, name=resource.name)
        dimensions = CostDimensionsFactory(
            connection=connection,
            business_unit="Data" if number % 2 else "",
            region_id=f"ru-{number}",
            provenance={"business_unit": "rule"} if number % 2 else {},
        )
        DailyTotalFactory(dimensions=dimensions, date=TODAY, billed_cost=Decimal(10))


FORM = {
    "name": "Units",
    "match": "all",
    "method": "direct",
    "value_business_unit": "Core",
    "since": "2026-03-05",
    "conditions-TOTAL_FORMS": "3",
    "conditions-INITIAL_FORMS": "0",
    "conditions-0-field": "name",
    "conditions-0-operator": "in",
    "conditions-0-value": "server-1, server-2",
    "conditions-1-field": "tag",
    "conditions-1-key": "team",
    "conditions-1-operator": "missing",
}


def test_coverage_trees_and_rules_are_told(owner: Client, acme: Organization) -> None:
    spent(acme, 4)
    rule(acme)

    overview = owner.get(reverse("context:overview")).content.decode()
    tree = owner.get(reverse("context:tree"), {"dimension": "business_unit"}).content.decode()
    rules = owner.get(reverse("context:rule_list")).content.decode()
    board = owner.get(reverse("context:board")).content.decode()

    assert "50" in overview
    assert "Data" in tree
    assert "server-" in rules
    assert board.count("data-board-card=") == 4
    assert owner.get(reverse("context:tree"), {"dimension": "color"}).status_code == 404


def test_a_rule_is_previewed_saved_edited_moved_and_switched_off(
    owner: Client, acme: Organization, django_capture_on_commit_callbacks: Any
) -> None:
    new = reverse("context:rule_new")
    preview = owner.post(new, {**FORM, "preview": "1"})
    refused = owner.post(new, {**FORM, "conditions-0-field": "", "conditions-1-field": ""})
    before = RuleVersion.objects.count()
    with django_capture_on_commit_callbacks() as callbacks:
        saved = owner.post(new, FORM)

    stored = AllocationRule.objects.get()
    assert (preview.status_code, refused.status_code, before, saved.status_code) == (200, 422, 0, 302)
    assert len(callbacks) == 1
    version = stored.versions.get()
    assert version.valid_from == date(2026, 3, 5)
    assert version.conditions == [
        {"field": "name", "operator": "in", "value": ["server-1", "server-2"]},
        {"field": "tag:team", "operator": "missing", "value": ""},
    ]
    page = owner.get(reverse("context:rule_edit", args=[stored.pk])).content.decode()
    assert 'value="server-1, server-2"' in page
    assert 'name="conditions-INITIAL_FORMS" value="2"' in page
    known = {**FORM, "conditions-INITIAL_FORMS": "2"}
    shared = {**known, "method": "fixed", "dimension": "project", "targets": "A = 60\nB=40", "since": TODAY}
    owner.post(reverse("context:rule_edit", args=[stored.pk]), shared)
    assert stored.versions.get(valid_until=None).targets == [
        {"name": "A", "weight": "60"},
        {"name": "B", "weight": "40"},
    ]
    other = rule(acme, "Other")
    owner.post(reverse("context:rule_move", args=[other.pk]), {"up": "1"})
    owner.post(reverse("context:rule_switch", args=[stored.pk]), {"off": "1"})
    order = [(each.rule.name, each.is_on) for each in services.present_versions(acme.pk)]
    assert order == [("Other", True), ("Units", False)]
    assert "60 %" in owner.get(reverse("context:rule_list")).content.decode()


def test_a_rule_is_previewed_and_saved_at_a_chosen_place(owner: Client, acme: Organization) -> None:
    spent(acme, 1)
    first = rule(acme, "First", "Data")
    second = rule(acme, "Second", "Product")
    foreign = rule(OrganizationFactory(), "Foreign")
    new = reverse("context:rule_new")
    given = {**FORM, "conditions-0-operator": "starts", "conditions-0-value": "server-"}

    page = owner.get(new).content.decode()
    last = owner.post(new, {**given, "place": "last", "preview": "1"}).content.decode()
    before = owner.post(new, {**given, "place": first.pk, "preview": "1"}).content.decode()
    refused = owner.post(new, {**given, "place": foreign.pk})
    saved = owner.post(new, {**given, "place": second.pk})

    assert ("before “First”" in page, "Foreign" in page) == (True, False)
    assert '<option value="last" selected>' in page
    assert ("Would move 0 resources" in last, "Would move 1 resource:" in before) == (True, True)
    assert f'<option value="{first.pk}" selected>' in before
    assert (refused.status_code, saved.status_code) == (422, 302)

    def order() -> list[str]:
        return [each.rule.name for each in services.present_versions(acme.pk)]

    assert order() == ["First", "Units", "Second"]
    edit = reverse("context:rule_edit", args=[first.pk])
    units = AllocationRule.objects.get(name="Units")
    assert f'<option value="{units.pk}" selected>' in owner.get(edit).content.decode()
    owner.post(edit, {**given, "name": "First", "place": "last"})
    assert order() == ["Units", "Second", "First"]


def test_the_api_previews_and_saves_rules_at_a_place(owner: Client, acme: Organization) -> None:
    spent(acme, 1)
    first, second = rule(acme, "First", "Data"), rule(acme, "Second", "Product")
    foreign = rule(OrganizationFactory(), "Foreign")
    rules, api = "/api/v1/allocation-rules/", {"content_type": "application/json"}
    said = {"name": "Second", "conditions": [NAMED], "values": {"business_unit": "Core"}}

    def moved(**place: Any) -> int:
        return owner.post(f"{rules}preview/", {**said, **place}, **api).json()["resource_count"]

    assert [moved(), moved(before=None), moved(before=first.pk)] == [0, 0, 1]
    assert [moved(rule=second.pk), moved(rule=second.pk, before=first.pk), moved(rule=first.pk)] == [0, 1, 1]
    for place in ({"before": foreign.pk}, {"rule": foreign.pk}):
        assert owner.post(f"{rules}preview/", {**said, **place}, **api).status_code == 400
    assert owner.post(rules, {**said, "before": foreign.pk}, **api).status_code == 400
    assert owner.put(f"{rules}{second.pk}/", {**said, "before": first.pk}, **api).status_code == 200
    assert [each.rule_id for each in services.present_versions(acme.pk)] == [second.pk, first.pk]


def test_a_rule_counts_by_unit_metrics(
    owner: Client, acme: Organization, django_capture_on_commit_callbacks: Any
) -> None:
    orders = UnitMetricFactory(organization=acme, name="Orders = A")
    requests = UnitMetricFactory(organization=acme, name="Requests")
    UnitMetricFactory(name="Foreign")
    given = {
        **FORM,
        "method": "proportional",
        "measure": "units",
        "dimension": "project",
        "targets": "Client A = orders = a\nClient B=Requests",
    }
    new = reverse("context:rule_new")

    page = owner.get(new).content.decode()
    preview = owner.post(new, {**given, "preview": "1"})
    refused = [
        owner.post(new, {**given, "targets": targets})
        for targets in ("Client A = Requests\nClient B = Foreign", "Client A = Requests\nClient B")
    ]
    saved = owner.post(new, given)

    assert ("Orders = A; Requests" in page, "Foreign" in page) == (True, False)
    assert (preview.status_code, saved.status_code) == (200, 302)
    assert [answer.status_code for answer in refused] == [422, 422]
    assert "There is no unit metric “Foreign”." in refused[0].content.decode()
    assert "which unit metric counts" in refused[1].content.decode()
    version = RuleVersion.objects.get()
    assert version.targets == [
        {"name": "Client A", "metric": orders.pk},
        {"name": "Client B", "metric": requests.pk},
    ]
    edit = owner.get(reverse("context:rule_edit", args=[version.rule_id])).content.decode()
    assert "Client A = Orders = A\nClient B = Requests" in edit
    told = "Client A (Orders = A), Client B (Requests) in proportion to unit metrics"
    assert told in edit
    assert told in owner.get(reverse("context:rule_list")).content.decode()


def test_quantities_and_rules_of_unit_metrics_restate_costs(
    owner: Client, acme: Organization, django_capture_on_commit_callbacks: Any, monkeypatch: Any
) -> None:
    followed: list[tuple[int, str]] = []
    monkeypatch.setattr(
        services,
        "restate",
        lambda *, organization, since, now: followed.append((organization.pk, str(since))),
    )
    counted, other = UnitMetricFactory(organization=acme), UnitMetricFactory(organization=acme)
    api = {"content_type": "application/json"}
    said = {
        "name": "Customers",
        "conditions": [NAMED],
        "method": "proportional",
        "dimension": "project",
        "measure": "units",
        "targets": [{"name": "A", "metric": counted.pk}, {"name": "B", "metric": counted.pk}],
        "since": "2026-03-05",
    }
    foreign = [{"name": "A", "metric": UnitMetricFactory().pk}, {"name": "B", "metric": counted.pk}]
    with django_capture_on_commit_callbacks(execute=True):
        made = owner.post("/api/v1/allocation-rules/", said, **api)
    stranger = owner.post("/api/v1/allocation-rules/", {**said, "targets": foreign}, **api)
    assert (made.status_code, stranger.status_code) == (201, 400)
    assert followed == [(acme.pk, "2026-03-05")]

    values = [{"date": "2026-03-04", "quantity": "5"}, {"date": "2026-03-02", "quantity": "6"}]
    file = SimpleUploadedFile("orders.csv", b"date,quantity\n2026-03-07,5\n2026-03-06,5\n")
    kind = {"name": counted.name, "unit": "order", "kind": "level", "filters": ""}
    with django_capture_on_commit_callbacks(execute=True):
        for metric in (counted, other):
            owner.post(f"/api/v1/unit-metrics/{metric.pk}/values/", values, **api)
            day = {"date": "2026-03-03", "quantity": "1"}
            owner.post(reverse("unit_costs:values_set", args=[metric.pk]), day)
        owner.post(reverse("unit_costs:values_import", args=[counted.pk]), {"file": file})
        owner.post(reverse("unit_costs:metric_edit", args=[counted.pk]), kind)
        owner.patch(f"/api/v1/unit-metrics/{counted.pk}/", {"kind": "level"}, **api)

    assert [since for _pk, since in followed[1:]] == ["2026-03-02", "2026-03-03", "2026-03-06", "None"]
    page = owner.post(reverse("unit_costs:metric_delete", args=[counted.pk]), follow=True).content.decode()
    assert "The rules “Customers” share costs out by" in page
    assert owner.delete(f"/api/v1/unit-metrics/{counted.pk}/").status_code == 400
    assert owner.delete(f"/api/v1/unit-metrics/{other.pk}/").status_code == 204


def test_trees_tags_and_the_board_are_changed(owner: Client, acme: Organization) -> None:
    owner.post(reverse("context:tree"), {"dimension": "owner", "name": "Anna"})
    node = ContextNode.objects.get()
    taken = owner.post(reverse("context:tree"), {"dimension": "owner", "name": "Anna"})
    owner.post(reverse("context:node_edit", args=[node.pk]), {"name": "Anna B.", "code": "7"})
    owner.post(reverse("context:feed_set"), {"dimension": "owner", "keys": "squad, team"})
    resource = ResourceFactory(connection__organization=acme)
    strange = ResourceFactory()
    owner.post(
        reverse("context:board_assign"),
        {
            "dimension": "owner",
            "value": "Anna B.",
            "since": "2026-03-02",
            "resource": [resource.pk, strange.pk, "x"],
        },
    )
    owner.post(reverse("context:node_remove", args=[node.pk]))

    node.refresh_from_db()  # it is in use
    assert (taken.status_code, node.name, node.code) == (422, "Anna B.", "7")
    assert TagFeed.objects.get().keys == ["squad", "team"]
    said = ContextAssignment.objects.get()
    assert (said.resource, said.value, said.valid_from) == (resource, "Anna B.", date(2026, 3, 2))


def test_viewers_read_and_change_nothing(viewer: Client, acme: Organization) -> None:
    stored = rule(acme)
    node = ContextNode.objects.get()

    read = [
        viewer.get(reverse(f"context:{name}")).status_code
        for name in ("overview", "tree", "rule_list", "board")
    ]
    written = [
        viewer.post(reverse(f"context:{name}", args=arguments)).status_code
        for name, arguments in (
            ("tree", []),
            ("feed_set", []),
            ("node_edit", [node.pk]),
            ("node_remove", [node.pk]),
            ("rule_new", []),
            ("rule_edit", [stored.pk]),
            ("rule_move", [stored.pk]),
            ("rule_switch", [stored.pk]),
            ("board_assign", []),
            ("resource_edit", [ResourceFactory(connection__organization=acme).pk]),
        )
    ]

    assert read == [200] * 4
    assert written == [403] * 10


@pytest.mark.parametrize(
    ("name", "queries"),
    [("overview", 5), ("tree", 8), ("rule_list", 5), ("board", 8)],
)
def test_pages_ask_a_fixed_number_of_queries(
    owner: Client, acme: Organization, django_assert_max_num_queries: Any, name: str, queries: int
) -> None:
    spent(acme, 1)
    rule(acme)
    owner.get(reverse(f"context:{name}"))
    for count in (1, 11):
        for number in range(count):
            rule(acme, f"{number}", f"unit {count} {number}")
        spent(acme, count)

        with django_assert_max_num_queries(queries):
            assert owner.get(reverse(f"context:{name}")).status_code == 200


def test_a_preview_asks_a_fixed_number_of_queries(
    owner: Client, acme: Organization, django_assert_max_num_queries: Any
) -> None:
    for count in (1, 11):
        spent(acme, count)

        with django_assert_max_num_queries(17):
            answer = owner.post(
                reverse("context:rule_new"),
                {**FORM, "conditions-0-operator": "starts", "conditions-0-value": "server", "preview": "1"},
            )
        assert answer.status_code == 200


def test_the_api_writes_and_tells_rules_nodes_assignments_and_coverage(
    owner: Client, acme: Organization, viewer: Client
) -> None:
    spent(acme, 2)
    api = {"content_type": "application/json"}
    said = {"name": "Core", "conditions": [NAMED], "values": {"business_unit": "Core"}, "since": "2026-03-05"}
    rules, nodes = "/api/v1/allocation-rules/", "/api/v1/context-nodes/"

    preview = owner.post(f"{rules}preview/", said, **api).json()
    assert (preview["resource_count"], preview["matched_count"]) == (2, 2)
    assert not AllocationRule.objects.exists()
    made = owner.post(rules, said, **api)
    assert made.status_code == 201
    address = f"{rules}{made.json()['id']}/"
    changed = owner.put(address, {**said, "values": {"owner": "Anna"}, "since": "2026-03-06"}, **api).json()
    assert [(each["valid_from"], each["values"]) for each in changed["versions"]] == [
        ("2026-03-06", {"owner": "Anna"}),
        ("2026-03-05", {"business_unit": "Core"}),
    ]
    off = owner.post(f"{address}switch/", {"on": False, "since": "2026-03-07"}, **api).json()
    assert off["versions"][0]["is_on"] is False
    assert owner.post(f"{address}move/", {"up": True}, **api).status_code == 200
    assert owner.post(rules, {**said, "conditions": []}, **api).status_code == 400
    assert viewer.post(rules, said, **api).status_code == 403

    parent = owner.post(nodes, {"dimension": "project", "name": "Shop"}, **api).json()
    child = owner.post(nodes, {"dimension": "project", "name": "Cart", "parent": parent["id"]}, **api).json()
    owner.patch(f"{nodes}{child['id']}/", {"code": "C"}, **api)
    assert ContextNode.objects.get(name="Cart").parent_id == parent["id"]
    assert owner.delete(f"{nodes}{parent['id']}/").status_code == 400
    assert owner.delete(f"{nodes}{child['id']}/").status_code == 204
    assert owner.post(nodes, {"dimension": "project", "name": "Shop"}, **api).status_code == 400
    assert owner.post(nodes, {"dimension": "project", "name": "X", "parent": 99999}, **api).status_code == 400

    resource = acme.pk and ResourceFactory(connection__organization=acme)
    assigned = {"resources": [resource.pk], "dimension": "owner", "value": "Anna"}
    assert owner.post("/api/v1/assignments/", assigned, **api).json() == {"resource_count": 1}
    foreign = {**assigned, "resources": [ResourceFactory().pk]}
    assert owner.post("/api/v1/assignments/", foreign, **api).status_code == 400
    assert owner.get("/api/v1/assignments/").json()["results"][0]["value"] == "Anna"

    covered = {each["dimension"]: each for each in owner.get("/api/v1/coverage/").json()}
    assert (covered["business_unit"]["share"], covered["business_unit"]["by_provenance"]) == (
        "50.0",
        {"rule": "10.000000"},
    )


def test_operators_see_rules_in_words(client: Client, acme: Organization) -> None:
    rule(acme)
    services.set_context(
        resources=[ResourceFactory(connection__organization=acme)],
        dimension="owner",
        value="Anna",
        since=TODAY,
        by=None,
    )
    client.force_login(UserFactory(is_staff=True, is_superuser=True))

    for name in ("ruleversion", "contextnode", "contextassignment"):
        page = client.get(reverse(f"admin:allocation_{name}_changelist"))
        assert page.status_code == 200
        assert acme.name in page.content.decode() or name != "contextnode"
    version = RuleVersion.objects.get()
    page = client.get(reverse("admin:allocation_ruleversion_change", args=[version.pk]))
    assert "server-" in page.content.decode()


@pytest.mark.usefixtures("fake_provider")
def test_a_resource_says_who_or_what_set_each_value(owner: Client, acme: Organization) -> None:
    resource = ResourceFactory(connection__organization=acme, name="server-prod-1")
    ResourceStateFactory(resource=resource, name=resource.name, tags={"Team": "anna"})
    stored = rule(acme)
    shares = Draft(
        name="Customers",
        conditions=[NAMED],
        method="even",
        dimension="project",
        targets=[{"name": "A"}, {"name": "B"}],
    )
    services.save_rule(organization=acme, draft=shares, since=date(2026, 3, 1), by=None)
    page = reverse("context:resource_edit", args=[resource.pk])

    assert owner.get(page, {"dimension": "feature"}).status_code == 200
    given = {"dimension": "feature", "value": "Search", "since": "2026-03-02"}
    assert owner.post(page, given).status_code == 302
    services.restate(organization=acme, since=None, now=timezone.now())
    resource.refresh_from_db()
    found = context_of(resource, resource.states.get(), today=TODAY)

    assert {fact.dimension: (fact.value, fact.source, fact.rule and fact.rule.name) for fact in found} == {
        "business_unit": ("Data", "by a rule", stored.name),
        "project": ("A / B", "shared out by the rule", "Customers"),
        "feature": ("Search", f"set by {ContextAssignment.objects.get().assigned_by.display_name}", None),
        "cost_center": ("", "", None),
        "environment": ("production", "a guess", None),
        "owner": ("anna", "from the tag Team", None),
    }


def test_a_value_of_a_resource_is_set_with_a_day(owner: Client, acme: Organization) -> None:
    resource = ResourceFactory(connection__organization=acme)
    page = reverse("context:resource_edit", args=[resource.pk])

    assert owner.post(page, {"dimension": "owner", "value": "x", "since": ""}).status_code == 422
    assert owner.get(page, {"dimension": "colour"}).status_code == 404
    assert not ContextAssignment.objects.exists()
