"""Which rules share costs out in proportion to unit metrics."""

from __future__ import annotations

from collections.abc import Iterable

from costs.unit_costs.models import UnitMetric

from .models import Measure, RuleVersion


def metric_names(organization_id: int) -> dict[int, str]:
    """{pk: name} of the organization's unit metrics, by name. One query."""
    return dict(
        UnitMetric.objects.filter(organization=organization_id).order_by("name").values_list("pk", "name")
    )


def names_in(versions: Iterable[RuleVersion]) -> dict[int, str]:
    """{pk: name} of the unit metrics that the versions count by. One query, none without such a version."""
    wanted = {each["metric"] for version in versions for each in version.targets if "metric" in each}
    return dict(UnitMetric.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}


def rules_counting(metric: UnitMetric) -> list[str]:
    """The names of the rules that count by the metric, or did, by name. One query."""
    versions = RuleVersion.objects.filter(organization=metric.organization_id, measure=Measure.UNITS)
    return sorted(
        {
            version.rule.name
            for version in versions.select_related("rule")
            if any(each["metric"] == metric.pk for each in version.targets)
        }
    )
