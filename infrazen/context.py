"""What every page's frame shows. All of it is lazy: a fragment that draws no sidebar costs no query."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Organization
from providers.models import ProviderConnection
from recommendations.models import Recommendation, Status
from syncs.models import ResourceState


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One item of the sidebar; `url_name` may come from an app that is not installed yet.

    `around`: beginnings of further addresses whose pages belong to the section.
    """

    url_name: str
    label: Any
    icon: str
    count: str = ""
    around: tuple[str, ...] = ()


SECTIONS = (
    Section(url_name="dashboard", label=_("Dashboard"), icon="dashboard"),
    Section(url_name="connections", label=_("Connections"), icon="plug", count="connection_count"),
    Section(url_name="inventory:resource_list", label=_("Resources"), icon="server", count="resource_count"),
    Section(url_name="explorer:explorer", label=_("Analytics"), icon="chart", around=("/exports/",)),
    Section(
        url_name="recommendations:recommendation_list",
        label=_("Recommendations"),
        icon="bulb",
        count="recommendation_count",
    ),
    Section(url_name="anomalies:anomaly_list", label=_("Anomalies"), icon="pulse"),
    Section(url_name="context:overview", label=_("Business context"), icon="tree"),
    Section(url_name="budgets:budget_list", label=_("Budgets"), icon="target"),
    Section(url_name="reports:report_list", label=_("Reports"), icon="file"),
    Section(url_name="syncs", label=_("Sync history"), icon="clock"),
    Section(url_name="syncs:import_new", label=_("File import"), icon="upload"),
    Section(
        url_name="accounts:settings_profile",
        label=_("Settings"),
        icon="gear",
        around=("/settings/", "/accounts/"),
    ),
)


def page(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `navigation`, `admin_url`, `organization`, `memberships`, `membership_role`, `theme`, `demo_mode`.

    Drawn in full it costs two queries: the person's memberships and the sidebar's counts.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"navigation": [], "admin_url": "", "theme": "", "demo_mode": settings.DEMO_MODE}
    lazy: Any = request  # carries what accounts.middleware sets
    return {
        "navigation": SimpleLazyObject(lambda: _navigation(lazy)),
        "admin_url": reverse("admin:index") if user.is_staff else "",
        "organization": lazy.organization,
        "memberships": lazy.memberships,
        "membership_role": SimpleLazyObject(lambda: _role(lazy.membership)),
        "theme": user.theme,
        "demo_mode": settings.DEMO_MODE,
    }


def _role(membership: Membership | None) -> str:
    return str(membership.get_role_display()) if membership else ""


def _navigation(request: Any) -> list[dict[str, Any]]:
    counts = sidebar_counts(request.organization) if request.organization else {}
    urls: dict[str, str] = {}
    for section in SECTIONS:
        with suppress(NoReverseMatch):
            urls[section.url_name] = reverse(section.url_name)
    around = [
        (len(beginning), urls[section.url_name])
        for section in SECTIONS
        if section.url_name in urls
        for beginning in (urls[section.url_name], *section.around)
        if request.path == beginning or (beginning != "/" and request.path.startswith(beginning))
    ]
    active = max(around, default=(0, ""))[1]  # a section may lie inside another one
    return [
        {
            "url": urls[section.url_name],
            "label": section.label,
            "icon": section.icon,
            "active": urls[section.url_name] == active,
            "count": counts.get(section.count),
        }
        for section in SECTIONS
        if section.url_name in urls
    ]


def sidebar_counts(organization: Organization) -> dict[str, int]:
    """Connections and resources that exist now, and recommendations to decide, in one query."""
    found: Any = (
        Organization.objects.filter(pk=organization.pk)
        .values(
            connection_count=_count(ProviderConnection.objects.all()),
            resource_count=_count(ResourceState.objects.open()),
            recommendation_count=_count(
                Recommendation.objects.filter(status=Status.PENDING, is_excluded=False)
            ),
        )
        .get()
    )
    return {name: int(count) for name, count in found.items()}


def _count(rows: QuerySet[Any]) -> Coalesce:
    """How many of the rows belong to the organization of the outer query."""
    mine = rows.filter(organization=OuterRef("pk")).order_by().values("organization")
    return Coalesce(
        Subquery(mine.annotate(total=Count("pk")).values("total"), output_field=IntegerField()), 0
    )
