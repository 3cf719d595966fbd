"""The API as a whole: no stranger finds anything, errors are problems, the schema and its page are there."""

import io
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.tests.factories import InvitationFactory, MembershipFactory, OrganizationFactory, member_of
from costs.allocation.models import AllocationRule, ContextNode
from costs.anomalies.tests.factories import AnomalyFactory
from costs.budgets.tests.factories import BudgetFactory, PlannedChangeFactory
from costs.explorer.models import SavedView
from costs.reports.tests.factories import ReportFactory, ReportRunFactory
from costs.tests.factories import DailyCostFactory, ExchangeRateFactory
from costs.unit_costs.tests.factories import UnitMetricFactory
from recommendations.policies.tests.factories import PolicyFactory, ViolationFactory
from recommendations.prices.tests.factories import PriceFactory
from recommendations.schedules.tests.factories import PowerScheduleFactory
from recommendations.tests.factories import ExclusionFactory, RecommendationFactory
from syncs.tests.factories import (
    BillingFileFactory,
    CompleteSyncFactory,
    ReferenceFactory,
    ResourceStateFactory,
    SnapshotFactory,
)

pytestmark = pytest.mark.django_db

SAME_FOR_ALL = {"providers", "exchange-rates"}
"""Lists that belong to nobody: a stranger may read them."""

ROWS_FOR_ALL = {"coverage", "evaluation-report", "recommendation-rules"}
"""Lists with a row for each dimension or rule, also where there is nothing to tell of it."""

OF_EVERYBODY = {"organizations", "members"}
"""Lists in which everybody finds themselves, and nobody else."""


def _routes(patterns=None, prefix: str = "") -> list[tuple[str, type]]:
    """Every address below /api/v1/ as the URL configuration spells it, with its methods' view."""
    if patterns is None:
        resolver = next(r for r in get_resolver().url_patterns if str(r.pattern) == "api/")
        patterns = next(r for r in resolver.url_patterns if str(r.pattern) == "v1/").url_patterns
    found = []
    for pattern in patterns:
        path = prefix + str(pattern.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        if isinstance(pattern, URLResolver):
            found += _routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            found.append((path, pattern.callback))
    return found


def _methods(callback) -> list[str]:
    actions = getattr(callback, "actions", None)
    allowed = callback.cls.http_method_names
    names = list(actions) if actions else [m for m in allowed if hasattr(callback.cls, m)]
    return [name for name in names if name in {"get", "post", "put", "patch", "delete"} & set(allowed)]


CALLS = [(method, path) for path, callback in _routes() for method in _methods(callback)]


@pytest.fixture
def foreign() -> dict[str, int]:
    """One of each kind in somebody's organization, by the first part of its address."""
    state = ResourceStateFactory(resource__connection__provider_type="beget", name="secret-name")
    fact = DailyCostFactory(resource=state.resource)
    billing_file = BillingFileFactory(connection=state.connection, name="secret-name.csv")
    snapshot = SnapshotFactory(connection=state.connection, earlier=True)
    ExchangeRateFactory()
    complete = CompleteSyncFactory(organization=state.organization)
    ReferenceFactory(complete_sync=complete, connection=state.connection, snapshot=snapshot)
    own = {"organization": state.organization}
    report = ReportFactory(name="secret-name", **own)
    policy = PolicyFactory(name="secret-name", **own)
    return {
        "organizations": state.organization.pk,
        "members": MembershipFactory(user__full_name="secret-name", **own).pk,
        "invitations": InvitationFactory(email="secret-name@example.com", **own).pk,
        "connections": state.connection.pk,
        "snapshots": snapshot.pk,
        "states": state.pk,
        "resources": state.resource.pk,
        "imports": billing_file.pk,
        "daily-costs": fact.pk,
        "complete-syncs": complete.pk,
        "anomalies": AnomalyFactory(resource=state.resource, parts=[], causes=[]).pk,
        "budgets": BudgetFactory(name="secret-name", **own).pk,
        "planned-changes": PlannedChangeFactory(name="secret-name", **own).pk,
        "unit-metrics": UnitMetricFactory(name="secret-name", **own).pk,
        "reports": report.pk,
        "report-runs": ReportRunFactory(report=report).pk,
        "context-nodes": ContextNode.objects.create(dimension="owner", name="secret-name", **own).pk,
        "allocation-rules": AllocationRule.objects.create(name="secret-name", **own).pk,
        "saved-views": SavedView.objects.create(name="secret-name", is_shared=True, **own).pk,
        "prices": PriceFactory(name="secret-name", plugin=True, **own).pk,
        "recommendations": RecommendationFactory(resource=state.resource).pk,
        "exclusions": ExclusionFactory(name="secret-name", **own).pk,
        "power-schedules": PowerScheduleFactory(name="secret-name", **own).pk,
        "policies": policy.pk,
        "violations": ViolationFactory(resource=state.resource, policy=policy).pk,
    }


def _address(path: str, pks: dict[str, Any]) -> str:
    kind = path.split("/", 1)[0]
    for spelling in (r"(?P<pk>\d+)", r"(?P<pk>\d{1,18})", "<int:pk>", "<pk>"):
        path = path.replace(spelling, str(pks.get(kind, 0)))
    path = path.replace("(?P<file_format>[a-z]+)", pks.get("file_format", "html"))
    path = path.replace("(?P<rule_id>[a-z0-9_.]+)", pks.get("rule_id", "server.idle"))
    assert not set(path) & set("(<\\"), path
    return f"/api/v1/{path}"


def _is_of_one(path: str) -> bool:
    return "pk" in path


def test_the_walk_knows_every_kind_of_address() -> None:
    paths = {path for _method, path in CALLS}

    assert len(paths) >= 17
    assert {path.split("/", 1)[0] for path in paths} == {
        "allocation-rules",
        "anomalies",
        "assignments",
        "budgets",
        "complete-syncs",
        "connections",
        "context-nodes",
        "coverage",
        "daily-costs",
        "difference",
        "evaluation-report",
        "exchange-rates",
        "exclusions",
        "explore",
        "focus-export",
        "forecast",
        "imports",
        "invitations",
        "members",
        "organizations",
        "planned-changes",
        "policies",
        "power-schedules",
        "price-comparison",
        "prices",
        "providers",
        "recommendation-rules",
        "recommendations",
        "reconciliation",
        "report-runs",
        "reports",
        "resources",
        "saved-views",
        "snapshots",
        "states",
        "unit-metrics",
        "violations",
    }


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_stranger_finds_nothing(foreign, method, path) -> None:
    stranger = Client()
    stranger.force_login(member_of(OrganizationFactory()))
    url = _address(path, foreign)

    response = getattr(stranger, method)(
        url, **({} if method == "get" else {"content_type": "application/json"})
    )

    body = b"".join(response.streaming_content) if response.streaming else response.content
    assert b"secret-name" not in body
    if response.streaming:
        return  # a file without a row of anybody else
    if _is_of_one(path):
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    elif method == "get" and path.split("/", 1)[0] not in SAME_FOR_ALL:
        found = response.json()
        assert response.status_code == 200
        if isinstance(found, dict) and "results" not in found:
            return  # figures of one's own organization, not a list
        rows = found["results"] if isinstance(found, dict) else found
        if path.split("/", 1)[0] not in ROWS_FOR_ALL:
            assert len(rows) == (path.split("/", 1)[0] in OF_EVERYBODY)
    elif method != "get":
        assert response.status_code in {400, 409, 415}


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_stranger_cannot_name_the_organization(foreign, method, path) -> None:
    stranger = Client()
    stranger.force_login(member_of(OrganizationFactory()))
    owner = str(ResourceStateFactory._meta.model.objects.get().organization_id)

    response = getattr(stranger, method)(_address(path, foreign), headers={"X-Organization": owner})

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_the_anonymous_are_asked_to_sign_in(foreign, client, method, path) -> None:
    response = getattr(client, method)(_address(path, foreign))

    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not_authenticated"
    assert response["WWW-Authenticate"] == 'Bearer realm="InfraZen"'


def test_a_request_of_a_browser_needs_its_token(foreign) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member_of(OrganizationFactory()))

    response = client.post("/api/v1/connections/", {}, content_type="application/json")

    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")


def test_addresses_that_are_none_are_problems(client) -> None:
    response = client.get("/api/v1/nowhere/")

    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_json_that_cannot_be_read_is_a_problem() -> None:
    client = Client()
    client.force_login(member_of(OrganizationFactory()))

    response = client.post("/api/v1/connections/", "{", content_type="application/json")

    assert (response.status_code, response.json()["code"]) == (400, "parse_error")


def test_an_error_of_ours_is_told_without_details(monkeypatch, caplog) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(member_of(OrganizationFactory()))

    def broken() -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("providers.queries.available_plugins", broken)

    response = client.get("/api/v1/providers/")

    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert "secret" not in response.content.decode()
    assert "a secret detail" in caplog.text


def test_pages_have_a_largest_size() -> None:
    organization = OrganizationFactory()
    client = Client()
    client.force_login(member_of(organization))
    state = ResourceStateFactory(resource__connection__organization=organization)
    SnapshotFactory.create_batch(510, connection=state.connection, earlier=True)

    def size(query: str) -> int:
        return len(client.get(f"/api/v1/snapshots/{query}").json()["results"])

    assert (size(""), size("?page_size=7"), size("?page_size=9999")) == (50, 7, 500)
    assert client.get("/api/v1/snapshots/?page=99").status_code == 404


def test_the_schema_is_valid_and_has_every_address() -> None:
    out = io.StringIO()

    call_command("spectacular", fail_on_warn=True, validate=True, stdout=out)

    schema = yaml.safe_load(out.getvalue())
    described = {(method, path) for path, methods in schema["paths"].items() for method in methods}
    served = {
        (
            method,
            _address(path, {"file_format": "{file_format}", "rule_id": "{rule_id}"}).replace("/0/", "/{id}/"),
        )
        for method, path in CALLS
    }
    assert described == served
    connection = schema["components"]["schemas"]["Connection"]["properties"]
    assert connection["credentials"]["writeOnly"] is True


def test_the_schema_and_its_page_are_for_signed_in_people(client) -> None:
    assert client.get("/api/docs/").status_code == 401

    client.force_login(member_of(OrganizationFactory()))
    page = client.get("/api/docs/")

    assert page.status_code == 200
    assert b"<style" not in page.content  # our content security policy refuses it
    assert b"https://" not in page.content  # nothing from elsewhere: it works offline
    assert b"/api/schema/" in client.get("/api/docs/?script=").content
    assert client.get("/api/schema/").status_code == 200


def test_every_list_can_be_sorted_by_all_that_it_offers(client) -> None:
    owner = member_of(OrganizationFactory())
    client.force_login(owner)
    out = io.StringIO()
    call_command("spectacular", stdout=out)
    schema = yaml.safe_load(out.getvalue())
    offered = [
        (path, value)
        for path, operations in schema["paths"].items()
        for parameter in operations.get("get", {}).get("parameters", [])
        if parameter.get("name") == "ordering"
        for value in parameter["schema"]["items"]["enum"]
    ]

    refused = [
        f"{path}?ordering={value}"
        for path, value in offered
        if client.get(path, {"ordering": value}).status_code != 200
    ]

    assert len(offered) > 30
    assert refused == []
