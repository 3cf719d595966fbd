"""Reports and their runs, for tests."""

from __future__ import annotations

from datetime import UTC, date, datetime

import factory

from accounts.tests.factories import OrganizationFactory
from costs.reports.models import Report, ReportRun, RunStatus


class ReportFactory(factory.django.DjangoModelFactory):
    """Last month's key figures as HTML, by hand."""

    class Meta:
        model = Report

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Report {n}")
    language = "en"
    formats = ["html"]
    sections = [{"id": "aaaa", "kind": "figures", "options": {}}]


class ReportRunFactory(factory.django.DjangoModelFactory):
    """One that was made of March."""

    class Meta:
        model = ReportRun

    report = factory.SubFactory(ReportFactory)
    organization = factory.SelfAttribute("report.organization")
    status = RunStatus.SUCCESS
    first_date = date(2026, 3, 1)
    last_date = date(2026, 3, 31)
    requested_at = datetime(2026, 4, 1, 8, tzinfo=UTC)
    finished_at = datetime(2026, 4, 1, 8, 5, tzinfo=UTC)
