"""Reads of policies and violations, shaped for pages and the API. Every query starts from an organization."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import BooleanField, Count, ExpressionWrapper, Q, QuerySet

from accounts.models import Organization
from inventory.models import TagCategory
from recommendations.policies.models import Policy, Violation, ViolationStatus
from syncs.models import ResourceState


def policies(organization: Organization, today: date) -> QuerySet[Policy]:
    """With `open_count`, `overdue_count` and `excepted_count`; those with the most to do first."""
    rows: QuerySet[Any] = with_counts(Policy.objects.of(organization), today)
    return rows.order_by("-open_count", "name", "pk")


def with_counts(rows: QuerySet[Policy], today: date) -> QuerySet[Policy]:
    is_open = Q(violations__status=ViolationStatus.OPEN)
    return rows.select_related("schedule", "organization").annotate(
        open_count=Count("violations", filter=is_open),
        overdue_count=Count("violations", filter=is_open & Q(violations__due_date__lt=today)),
        excepted_count=Count("violations", filter=Q(violations__status=ViolationStatus.EXCEPTED)),
    )


def violations(organization: Organization, today: date) -> QuerySet[Violation]:
    """All of them with what a row shows and whether it `is_overdue`; what is due first comes first."""
    return with_overdue(Violation.objects.of(organization), today)


def with_overdue(rows: QuerySet[Violation], today: date) -> QuerySet[Violation]:
    is_overdue = Q(status=ViolationStatus.OPEN, due_date__lt=today)
    return (
        rows.select_related("policy", "connection", "resource", "assigned_to", "excepted_by")
        .annotate(is_overdue=ExpressionWrapper(is_overdue, output_field=BooleanField()))
        .order_by("due_date", "-first_seen_at", "pk")
    )


def owners(rows: QuerySet[Violation]) -> list[str]:
    """Owners of the resources, by name; "" where some resource has none."""
    found = (
        rows.order_by().filter(resource__isnull=False).values_list("resource__owner", flat=True).distinct()
    )
    return sorted(found, key=lambda name: (not name, name))


def regions(organization: Organization) -> list[str]:
    """Where the organization has something now."""
    states = ResourceState.objects.of(organization).open().exclude(region_id="")
    return sorted(states.order_by().values_list("region_id", flat=True).distinct())


def agreed_tags(organization: Organization) -> list[str]:
    """Tags that the organization agreed to require, as the policy of required tags has them: `env=prod|dev`."""
    categories: Iterable[TagCategory] = TagCategory.objects.of(organization).filter(is_required=True)
    return [
        f"{row.key}={'|'.join(row.allowed_values)}" if row.allowed_values else row.key
        for row in sorted(categories, key=lambda row: row.key)
    ]
