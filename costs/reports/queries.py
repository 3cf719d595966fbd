"""Reads about reports, their runs and who may get them."""

from __future__ import annotations

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from accounts.models import Membership, Organization
from accounts.notifications.models import Channel
from costs.reports.models import Report, ReportFile, ReportRun


def reports(organization: Organization) -> QuerySet[Report]:
    """By name, each with `last_run_at` and `last_status`."""
    latest = ReportRun.objects.filter(report=OuterRef("pk")).order_by("-requested_at", "-pk")
    return (
        Report.objects.of(organization)
        .select_related("organization")
        .annotate(
            last_run_at=Subquery(latest.values("requested_at")[:1]),
            last_status=Subquery(latest.values("status")[:1]),
        )
        .order_by("name", "pk")
    )


def runs(organization: Organization) -> QuerySet[ReportRun]:
    """The latest first, with their files."""
    return (
        ReportRun.objects.of(organization)
        .select_related("report", "requested_by", "organization")
        .prefetch_related(Prefetch("files", ReportFile.objects.order_by("pk")))
        .order_by("-requested_at", "-pk")
    )


def recipients(organization: Organization) -> QuerySet[Channel]:
    """Active channels of the organization's members."""
    members = Membership.objects.filter(organization=organization, user__is_active=True)
    return (
        Channel.objects.filter(user__in=members.values("user"), is_active=True)
        .select_related("user")
        .order_by("user__full_name", "user__email", "pk")
    )


def recipients_of(report: Report) -> QuerySet[Channel]:
    """The report's recipients who are still there: people leave, and switch channels off."""
    return recipients(report.organization).filter(pk__in=report.channels.values("pk"))
