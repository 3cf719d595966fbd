"""What `bulk_create` stores, `bulk.insert` stores: the same values, conflicts resolved the same way."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from common import bulk
from costs.models import DailyCost
from costs.tests.factories import DailyCostFactory
from inventory.models import Resource, Tag
from inventory.tests.factories import ResourceFactory, TagFactory
from syncs.models import ChargeLine, ResourceState
from syncs.tests.factories import ChargeLineFactory, ResourceStateFactory

pytestmark = pytest.mark.django_db

AWKWARD = 'Tab\t, newline\n, backslash \\N \\., quote " and percent %s, \u2028 and ёжик'
IN_MOSCOW = datetime(2026, 3, 1, 10, 0, 0, 123456, tzinfo=timezone(timedelta(hours=3)))


def without_key(row: models.Model) -> models.Model:
    fresh = copy.copy(row)
    fresh.pk = None
    return fresh


def stored(model: type[models.Model]) -> list[dict]:
    rows = model._base_manager.order_by("pk").values()
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


def emptied(row: models.Model) -> models.Model:
    """The row as it would be inserted anew, its place in the table free."""
    type(row)._base_manager.filter(pk=row.pk)._raw_delete("default")
    return without_key(row)


@pytest.mark.parametrize(
    ("factory", "values"),
    [
        (
            ResourceStateFactory,
            {
                "name": AWKWARD,
                "configuration": {"text": AWKWARD, "nested": [1, {"a": None}], "empty": {}},
                "ip_addresses": ["10.0.0.1", "::1"],
                "tags": {},
                "daily_cost": Decimal("12345678901.123456"),
                "absent_since": IN_MOSCOW,
            },
        ),
        (ResourceStateFactory, {"daily_cost": None, "currency": "", "vcpus": None, "is_orphan": True}),
        (DailyCostFactory, {"billed_cost": Decimal("-0.000001"), "rub_rate": None, "billed_cost_rub": None}),
        (ChargeLineFactory, {"extra": {"key": AWKWARD}, "pricing_quantity": Decimal("1E+3")}),
    ],
)
def test_insert_stores_what_bulk_create_stores(factory, values) -> None:
    row = emptied(factory(**values))
    model = type(row)
    model._base_manager.bulk_create([without_key(row)])
    expected = stored(model)
    model._base_manager.all()._raw_delete("default")

    bulk.insert([without_key(row)])

    assert stored(model) == expected


def test_insert_writes_all_rows_in_one_statement() -> None:
    rows = [emptied(ResourceStateFactory(name=f"server-{number}")) for number in range(60)]

    with CaptureQueriesContext(connection) as queries:
        bulk.insert(rows)

    assert ResourceState.objects.count() == 60
    inserts = [query["sql"] for query in queries if "INSERT" in query["sql"]]
    assert len(inserts) == (0 if connection.vendor == "postgresql" else 1)  # COPY is no query to Django


def test_insert_fills_times_that_are_set_by_themselves() -> None:
    resource = emptied(ResourceFactory())
    resource.created_at = resource.updated_at = None
    before = datetime.now(UTC)

    bulk.insert([resource])

    kept = Resource.objects.get()
    assert before <= kept.created_at <= datetime.now(UTC)
    assert before <= kept.updated_at <= datetime.now(UTC)


def test_a_row_is_what_its_model_would_make() -> None:
    made = bulk.row(Resource, resource_id="vps-1", connection_id=7)

    assert {f.attname: getattr(made, f.attname) for f in Resource._meta.concrete_fields} == {
        f.attname: getattr(Resource(resource_id="vps-1", connection_id=7), f.attname)
        for f in Resource._meta.concrete_fields
    }
    assert bulk.row(ResourceState).configuration is not bulk.row(ResourceState).configuration
    with pytest.raises(TypeError, match="Resource has no column colour, connection"):
        bulk.row(Resource, colour="red", connection=None)


def test_insert_nothing_writes_nothing(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        bulk.insert([])


def test_insert_of_a_row_that_is_there_raises_and_keeps_none_of_the_rows() -> None:
    known = ResourceFactory(resource_id="known")
    fresh = without_key(known)
    fresh.resource_id = "fresh"

    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert([fresh, without_key(known)])

    assert [each.resource_id for each in Resource.objects.all()] == ["known"]


def test_insert_leaves_a_row_that_is_there_as_it_is() -> None:
    known = TagFactory(key="env", value="prod")
    again, fresh = without_key(known), without_key(known)
    again.value = "dev"
    fresh.key = "team"

    bulk.insert([again, fresh], ignore_conflicts=True)

    assert set(Tag.objects.values_list("key", "value")) == {("env", "prod"), ("team", "prod")}


def test_insert_gives_a_row_that_is_there_the_new_values_of_the_fields_named() -> None:
    known = DailyCostFactory(billed_cost=Decimal("1"), list_cost=Decimal("1"))
    again = without_key(known)
    again.billed_cost = again.list_cost = Decimal("2.5")

    bulk.insert(
        [again],
        unique_fields=["organization", "date", "resource", "charge_category", "source", "currency"],
        update_fields=["billed_cost"],
    )

    kept = DailyCost.objects.get()
    assert (kept.pk, kept.billed_cost, kept.list_cost) == (known.pk, Decimal("2.5"), Decimal("1"))


def test_insertion_adapts_its_rows_before_it_touches_the_database(django_assert_num_queries) -> None:
    row = emptied(ChargeLineFactory())

    with django_assert_num_queries(0):
        insertion = bulk.Insertion([row])

    assert not ChargeLine.objects.exists()
    insertion.execute()
    assert ChargeLine.objects.count() == 1
