"""Every address of the site, as (method, route) pairs, and what each kind of caller gets there.

A row of `matrix.txt` is one method of one route with one letter for each caller:

    o  let in: answered, or refused for what the request says and not for who says it
    L  asked to sign in
    F  forbidden
    N  not found: nothing there, as far as this caller is concerned
    m  no such method here
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Invitation, Membership, User
from accounts.notifications.models import Channel
from accounts.tests.factories import UserFactory
from accounts.tokens.models import ApiToken
from costs.allocation.models import AllocationRule, ContextNode
from costs.anomalies.models import Anomaly
from costs.budgets.models import Budget, PlannedChange
from costs.explorer.models import ChartNote, SavedView
from costs.reports.models import Report, ReportFile, ReportRun
from costs.unit_costs.models import UnitMetric
from inventory.models import Resource
from providers.models import ProviderConnection, ProviderType
from recommendations.models import Exclusion, Recommendation
from recommendations.policies.models import Policy, Violation
from recommendations.prices.models import Price
from recommendations.schedules.models import PowerSchedule
from syncs.models import BillingFile, CompleteSync, ResourceState, SyncSnapshot

MATRIX = Path(__file__).with_name("matrix.txt")

CALLERS = (
    "anonymous",
    "viewer",
    "manager",
    "owner",
    "stranger",
    "admin",
    "manage_users",
    "impersonate_users",
    "view_all_data",
    "manage_providers",
    "manage_resources",
    "super_admin",
)
"""Members of the organization that everything belongs to; an owner of another; administrators by permission."""

ADMIN_PAGES = ("changelist", "add", "change", "delete", "history")
ALWAYS_THERE = ("jsi18n", "autocomplete", "view_on_site", "password_change", "login", "logout", "app_list")
"""Pages of Django's admin itself that show nothing of ours."""

Row = tuple[str, str]
"""(method, route); the route is its name and, where there are any, its arguments."""


def rows() -> Iterator[Row]:
    """Of a page GET and POST, of an endpoint its methods, of the admin's standard pages GET."""
    for name, pattern, path in _patterns():
        actions = getattr(pattern.callback, "actions", None)
        if name.startswith("admin:") and not name.endswith(":index"):
            methods = ["get"]
        elif actions:
            methods = sorted(set(actions) - {"head"})  # the framework adds it to a view that was asked
        else:
            methods = ["get", "post"]
        for method in methods:
            yield method.upper(), f"{name or '-'} {path}".strip()


def _patterns(
    resolver: URLResolver | None = None, namespace: str = "", prefix: str = ""
) -> Iterator[tuple[str, URLPattern, str]]:
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = ":".join(part for part in (namespace, entry.namespace) if part)
            yield from _patterns(entry, inner, path)
            continue
        name = ":".join(part for part in (namespace, entry.name or "") if part)
        if namespace == "admin" and (
            not entry.name or entry.name in ALWAYS_THERE or entry.name.endswith("password_change_done")
        ):
            continue
        yield name, entry, re.sub(r"[\^$]|\\Z|\(\?P", "", path)


class Estate:
    """One row of each kind that addresses name, all of one organization."""

    def __init__(self, organization: Any) -> None:
        self.organization = organization
        self.other = UserFactory(email="somebody@example.com")
        organization.memberships.create(user=self.other, role="viewer")
        Channel.objects.get_or_create(user=self.other, kind=Channel.Kind.EMAIL)
        ProviderType.objects.get_or_create(key="fake")

    def argument(self, route: str, name: str) -> str:
        """What stands in the address for this argument."""
        if name in ("provider_type", "provider_id"):
            return "fake"
        if name == "rule_id" or "recommendation_rule" in route:
            return "server.idle"
        if name in ("object_id", "id"):
            return str(self._admin_key(route))
        if name != "pk":
            return "x"
        for word, model in self.KINDS:
            if word in route:
                found = model._base_manager.filter(**self._scope(model)).order_by("pk").first()
                return str(found.pk if found else 1)
        return "1"

    KINDS = (
        ("api:price", Price),
        ("resource-outcomes", Resource),
        ("resource_report", Resource),
        ("exclusion", Exclusion),
        ("schedule", PowerSchedule),
        ("recommendations:recommendation", Recommendation),
        ("api:recommendation-", Recommendation),
        ("violation", Violation),
        ("polic", Policy),
        ("reports:run_start", Report),
        ("reports:run_list", Report),
        ("reports:run_", ReportRun),
        ("report_run", ReportRun),
        ("reports:file", ReportFile),
        ("reports:", Report),
        ("api:report-", Report),
        ("explorer:view", SavedView),
        ("saved_view", SavedView),
        ("explorer:note", ChartNote),
        ("anomal", Anomaly),
        ("budgets:change", PlannedChange),
        ("planned_change", PlannedChange),
        ("budget", Budget),
        ("rule", AllocationRule),
        ("node", ContextNode),
        ("token", ApiToken),
        ("unit", UnitMetric),
        ("channel", Channel),
        ("invitation", Invitation),
        ("member", Membership),
        ("import", BillingFile),
        ("complete", CompleteSync),
        ("syncs:snapshot_list", ProviderConnection),
        ("syncs:snapshot_start", ProviderConnection),
        ("snapshot", SyncSnapshot),
        ("state", ResourceState),
        ("resource", Resource),
        ("charges", Resource),
        ("inventory", Resource),
        ("connection", ProviderConnection),
    )

    def _scope(self, model: Any) -> dict[str, Any]:
        if model is Channel:
            return {"user": self.other}
        if model is Membership:
            return {"user": self.other}
        return {"organization": self.organization}

    @staticmethod
    def _admin_key(route: str) -> Any:
        if "_user_password_" in route:
            return User.objects.order_by("pk").values_list("pk", flat=True).first()
        name = route.split(" ")[0].removeprefix("admin:")
        for model in admin.site._registry:
            if name.startswith(f"{model._meta.app_label}_{model._meta.model_name}_"):
                found = model._base_manager.order_by("pk").first()
                return found.pk if found else 1
        return 1

    def address(self, route: str) -> str:
        path = route.partition(" ")[2] if " " in route else ""
        path = re.sub(r"<(?:\w+:)?(\w+)>(?:[^/]*\))?", lambda found: self.argument(route, found[1]), path)
        return "/" + path.replace("\\", "").replace(".*/", "nothing/").replace("(", "").replace(")", "")


def letter(client: Client, method: str, address: str) -> str:
    """What this caller gets; nothing that the request did stays."""
    cookies = client.cookies.copy()
    with transaction.atomic():
        answer = getattr(client, method.lower())(address)
        transaction.set_rollback(True)
    client.cookies = cookies
    return _letter(answer)


def _letter(answer: HttpResponseBase) -> str:
    status = answer.status_code
    if status == 302 and re.match(r"/accounts/login/|/admin/login/", answer["Location"]):
        return "L"
    if (
        status == 302 and answer["Location"] == "/admin/"
    ):  # where the admin leads who asks for what is not there
        return "N"
    if status >= 500:
        return "!"
    return {401: "L", 403: "F", 404: "N", 405: "m"}.get(status, "o")


def read_matrix() -> dict[Row, str]:
    """{row: a letter for each of CALLERS}"""
    found = {}
    for line in MATRIX.read_text().splitlines():
        if line and not line.startswith("#"):
            letters, method, route = line.split(" ", 2)
            found[method, route] = letters
    return found
