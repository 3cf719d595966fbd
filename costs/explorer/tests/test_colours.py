"""A connection, a type and a service look the same in every chart."""

from __future__ import annotations

import pytest

from accounts.tests.factories import OrganizationFactory
from costs.explorer import colours
from costs.explorer.queries import explore
from costs.explorer.tests.estate import MARCH, NOW, Estate, estate
from costs.explorer.view import parse_view
from costs.reports.sections.views import ExplorerView
from costs.reports.tests.test_content import frame
from costs.tests.factories import CostDimensionsFactory
from inventory.models import ResourceType
from providers.tests.factories import ConnectionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]


def shown(land: Estate, query: str) -> dict[str, str]:
    """{label: number} of a view's series."""
    found = explore(land.organization, parse_view(query, NOW.date()).view, NOW)
    return {series.label: series.number for series in found.series}


def test_every_type_has_a_number_of_its_own() -> None:
    assert set(colours.TYPE_NUMBERS) == set(ResourceType.values)
    assert set(colours.TYPE_NUMBERS.values()) == set(range(1, 9))
    assert colours.TYPE_NUMBERS["server"] == 1


def test_a_type_keeps_its_colour_whichever_is_dearer() -> None:
    land = estate()

    assert shown(land, f"period={MARCH}&group=type") == {"Server": "1", "S3 bucket": "4"}
    assert shown(land, f"period={MARCH}&group=type&not.type=server") == {"S3 bucket": "4"}
    assert shown(land, f"period={MARCH}&group=type&chart=doughnut") == {"Server": "1", "S3 bucket": "4"}
    built = ExplorerView().build(frame(land.organization), {"query": "group=type&chart=line"})
    assert {line.label: line.number for line in built.charts[0].lines} == {"Server": "1", "S3 bucket": "4"}


def test_a_service_keeps_the_number_of_its_first_cost() -> None:
    land = estate()

    assert shown(land, f"period={MARCH}&group=service") == {"VPS": "1", "S3": "2"}
    assert shown(land, f"period={MARCH}&group=service&service=S3") == {"S3": "2"}
    assert shown(land, f"period={MARCH}&group=service&type=server") == {"VPS": "1"}


def test_services_of_others_count_for_nothing() -> None:
    organization = OrganizationFactory()
    connection = ConnectionFactory(organization=organization)
    CostDimensionsFactory(service_name="Somebody's")
    for name in [*"abcdefgh", "a", "i"]:
        CostDimensionsFactory(connection=connection, service_name=name, region_id=name * 2)

    found = colours.numbers(organization, ("service",), [("i",), ("h",), ("b",), ("new",)])

    assert found == {("i",): "1", ("h",): "8", ("b",): "2", ("new",): "3"}


def test_of_two_that_share_a_number_the_dearer_has_it() -> None:
    organization = OrganizationFactory()
    keys = [("website",), ("server",), ("volume",)]

    assert colours.numbers(organization, ("type",), keys) == {
        ("website",): "1",
        ("volume",): "2",
        ("server",): "3",
    }
    everything = colours.numbers(organization, ("type",), [(kind,) for kind in ResourceType.values[:8]])
    assert sorted(everything.values()) == list("12345678")


@pytest.mark.parametrize("group_by", [(), ("region",), ("type", "region")])
def test_other_groups_are_numbered_by_their_total(group_by: tuple[str, ...]) -> None:
    keys = [("volume", "ru1")[: len(group_by)], ("server", "ru1")[: len(group_by)]]

    found = colours.numbers(OrganizationFactory(), group_by, keys[: 2 if group_by else 1])

    assert list(found.values()) == ["1", "2"][: len(found)]
    assert list(found) == keys[: len(found)]


@pytest.mark.parametrize(
    ("group_by", "count"), [("type", 0), ("service", 1), ("connection", 1), ("region", 0)]
)
def test_colours_cost_one_query_at_most(django_assert_num_queries, group_by: str, count: int) -> None:
    land = estate(days=2)
    value = str(land.resources[0].connection_id)

    with django_assert_num_queries(count):
        colours.numbers(land.organization, (group_by,), [(value,)])
