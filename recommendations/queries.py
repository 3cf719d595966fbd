"""Reads of recommendations, shaped for pages, the API and reports. Every query starts from an organization."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Sum, Value, When

from accounts.models import Organization
from inventory.models import Resource
from recommendations.engine.registry import all_rules, rule_of
from recommendations.models import (
    COUNTED,
    OPEN,
    ConnectionEvaluation,
    Recommendation,
    ResourceEvaluation,
    Status,
)
from recommendations.wording import MATCHED, NOT_MATCHED

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryTotal:
    """Open findings of one category, and what of their savings is counted, roubles a month."""

    category: str
    count: int
    saving: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`saving` is counted over what is to decide or approved; `unpriced_count` findings promise an unknown sum."""

    saving: Decimal
    open_count: int
    pending_count: int
    unpriced_count: int
    categories: tuple[CategoryTotal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReport:
    """One rule over the connections asked about: how many resources, found, not found, skipped by reason."""

    rule_id: str
    checked: int
    matched: int
    not_matched: int
    skipped: tuple[tuple[str, int], ...]
    has_failed: bool


def recommendations(organization: Organization) -> QuerySet[Recommendation]:
    """All of them with what a row shows, the largest saving that counts first."""
    return (
        Recommendation.objects.of(organization)
        .select_related("resource", "connection", "assigned_to", "instead_of__resource")
        .annotate(
            is_open_row=Case(
                When(status__in=OPEN, then=Value(0)), default=Value(1), output_field=IntegerField()
            )
        )
        .order_by("is_open_row", "-counted_monthly_rub", "-saving_monthly_rub", "pk")
    )


def summary(organization: Organization) -> Summary:
    """What the list's head, the dashboard and reports say; one query."""
    rows = (
        Recommendation.objects.of(organization)
        .filter(status__in=OPEN, is_excluded=False)
        .order_by()
        .values("category")
        .annotate(
            count=Count("pk"),
            pending=Count("pk", filter=Q(status=Status.PENDING)),
            unpriced=Count("pk", filter=Q(saving_monthly_rub=None)),
            saving=Sum("counted_monthly_rub", filter=Q(status__in=COUNTED)),
        )
    )
    found = sorted(rows, key=lambda row: (-(row["saving"] or ZERO), row["category"]))
    return Summary(
        saving=sum((round(Decimal(row["saving"] or 0), 6) for row in found), ZERO),
        open_count=sum(row["count"] for row in found),
        pending_count=sum(row["pending"] for row in found),
        unpriced_count=sum(row["unpriced"] for row in found),
        categories=tuple(
            CategoryTotal(
                category=row["category"],
                count=row["count"],
                saving=round(Decimal(row["saving"] or 0), 6),
            )
            for row in found
        ),
    )


def is_evaluated(organization: Organization) -> bool:
    """Whether the rules were ever asked; without that an empty list says nothing."""
    return ConnectionEvaluation.objects.of(organization).exists()


def top(organization: Organization, count: int) -> list[Recommendation]:
    """Those whose savings count most."""
    rows = recommendations(organization).filter(
        status__in=COUNTED, is_excluded=False, counted_monthly_rub__gt=0
    )
    return list(rows[:count])


def of_resource(resource: Resource) -> QuerySet[Recommendation]:
    """The open ones about a resource."""
    return recommendations(resource.organization).filter(resource=resource, status__in=OPEN)


def report(organization: Organization, connection_id: int | None = None) -> list[RuleReport]:
    """Every rule: what its last evaluation saw, rules without a resource among them; one query."""
    rows = ConnectionEvaluation.objects.of(organization)
    if connection_id is not None:
        rows = rows.filter(connection_id=connection_id)
    counts: dict[str, dict[str, int]] = {rule: {} for rule in all_rules()}
    failed: set[str] = set()
    for found, errors in rows.values_list("counts", "errors"):
        failed.update(errors)
        for rule, words in found.items():
            mine = counts.setdefault(rule, {})
            for word, number in words.items():
                mine[word] = mine.get(word, 0) + number
    return [
        RuleReport(
            rule_id=rule,
            checked=sum(words.values()),
            matched=words.get(MATCHED, 0),
            not_matched=words.get(NOT_MATCHED, 0),
            skipped=tuple(
                sorted(
                    ((word, n) for word, n in words.items() if word not in (MATCHED, NOT_MATCHED)),
                    key=lambda each: (-each[1], each[0]),
                )
            ),
            has_failed=rule in failed,
        )
        for rule, words in sorted(counts.items())
    ]


def resources_with(
    organization: Organization, rule_id: str, word: str, connection_id: int | None = None
) -> QuerySet[ResourceEvaluation]:
    """The resources of which the rule said this in its last evaluation."""
    rows = ResourceEvaluation.objects.of(organization)
    # Only a known rule's id becomes a part of the lookup
    rows = rows.filter(**{f"outcomes__{rule_id}": word}) if rule_of(rule_id) else rows.none()
    if connection_id is not None:
        rows = rows.filter(connection_id=connection_id)
    return rows.select_related("resource", "connection").order_by("resource__name", "pk")
