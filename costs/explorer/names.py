"""What the values of a dimension are called, and which colour a group has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from accounts.models import Organization
from costs.explorer.dimensions import RESOURCE, Dimension
from costs.explorer.filters import NUMBERS
from costs.models import CostDimensions
from inventory.models import Resource, ResourceType
from providers import registry
from providers.badges import series_of
from providers.contract.records import ChargeCategory
from providers.models import ProviderConnection

Names = Mapping[str, Mapping[str, str]]
"""{dimension's key: {value: name}}; values that are their own name are absent."""


def names(organization: Organization, wanted: Mapping[str, Iterable[str]]) -> dict[str, dict[str, str]]:
    """The names of values, by dimension: a query each for connections, projects and resources, if asked for."""
    found: dict[str, dict[str, str]] = {}
    for key, values in wanted.items():
        given = {value for value in values if value}
        if key == "provider":
            plugins = registry.plugins()
            found[key] = {value: plugins[value].display_name for value in given if value in plugins}
        elif key == "type":
            labels = dict(ResourceType.choices)
            found[key] = {value: str(labels[value]) for value in given if value in labels}
        elif key == "connection":
            rows = ProviderConnection.objects.of(organization).filter(pk__in=given)
            found[key] = {str(pk): name for pk, name in rows.values_list("pk", "connection_name")}
        elif key == "sub_account":
            projects = CostDimensions.objects.of(organization).filter(sub_account_id__in=given)
            pairs = projects.exclude(sub_account_name="").values_list("sub_account_id", "sub_account_name")
            found[key] = dict(pairs.distinct())
        elif key == RESOURCE:
            resources = Resource.objects.of(organization).filter(pk__in=given)
            found[key] = {str(pk): name for pk, name in resources.values_list("pk", "name")}
        else:
            found[key] = {}
    return found


def label(kind: Dimension, value: str, known: Names) -> str:
    """The name of a value; what no longer exists is called by its id."""
    if not value:
        return str(kind.none_label)
    name = known.get(kind.key, {}).get(value)
    if name is None and kind.key in NUMBERS:
        return f"№ {value}"
    return name or value


def connection_numbers(organization: Organization, values: Iterable[str]) -> dict[str, str]:
    """The colour that each connection keeps in every chart; one query."""
    rows = ProviderConnection.objects.of(organization).filter(pk__in=set(values))
    return {str(connection.pk): series_of(connection) for connection in rows.only("series_number")}


def choices(organization: Organization, kinds: Iterable[Dimension]) -> dict[str, list[tuple[str, str]]]:
    """The values that a filter may offer, with their names, by dimension: what costs were ever booked to. Two queries.

    Dimensions that only facts know (resources, tags) have none here.
    """
    offered = [kind for kind in kinds if kind.column.startswith(("dimensions__", "connection"))]
    columns = [kind.column.removeprefix("dimensions__") for kind in offered]
    rows = CostDimensions.objects.of(organization).values_list(*columns, "sub_account_name").distinct()
    values: dict[str, set[str]] = {kind.key: set() for kind in offered}
    projects: dict[str, str] = {}
    for *row, project in rows:
        for kind, value in zip(offered, row, strict=True):
            values[kind.key].add(str(value))
            if kind.key == "sub_account" and project:
                projects[str(value)] = project
    plain = {key: given for key, given in values.items() if key != "sub_account"}
    known = {**names(organization, plain), "sub_account": projects}
    listed = {
        kind.key: sorted(
            ((value, label(kind, value, known)) for value in values[kind.key]),
            key=lambda pair: (not pair[0], pair[1].casefold()),
        )
        for kind in offered
    }
    return {**listed, "category": [(one.value, one.value) for one in ChargeCategory]}
