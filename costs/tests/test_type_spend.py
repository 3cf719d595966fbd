"""The money that stands on a type which nobody mapped: in the query and on the pages of triage."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.tests.factories import UserFactory
from costs.tests.factories import DailyCostFactory
from costs.type_spend import type_spend
from inventory.tests.factories import ResourceFactory
from providers.tests.conftest import fake_provider as fake_provider  # a fixture, for `usefixtures`
from syncs.tests.factories import UnrecognizedResourceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

GPU = ("fake", "gpu")


def _resource(**fields: Any) -> Any:
    return ResourceFactory(native_type="gpu", resource_type="other", **fields)


def test_days_and_amounts_of_all_resources_of_the_type() -> None:
    one = _resource()
    other = _resource(connection=one.connection)
    DailyCostFactory(resource=one, date=date(2026, 3, 1), billed_cost=Decimal("1200"))
    DailyCostFactory(resource=one, date=date(2026, 3, 2), billed_cost=Decimal("1000.5"))
    DailyCostFactory(resource=other, date=date(2026, 3, 2), billed_cost=Decimal("2"), currency="USD")
    DailyCostFactory(resource=one, date=date(2026, 3, 3), billed_cost=Decimal("0"))
    DailyCostFactory(resource=ResourceFactory(connection=one.connection, native_type="vps"))
    DailyCostFactory(resource=_resource(), billed_cost=Decimal("5"))

    mine = type_spend([GPU, ("fake", "fpga")], organization=one.organization)

    assert mine.keys() == {GPU}
    assert (mine[GPU].amounts, mine[GPU].day_count) == ({"RUB": Decimal("2200.5"), "USD": Decimal("2")}, 2)
    assert str(mine[GPU]) == "₽2,200.50, $2.00 over 2 days"
    assert type_spend([GPU])[GPU].amounts["RUB"] == Decimal("2205.5")


@pytest.mark.parametrize("count", [1, 11])
def test_costs_one_query_and_none_without_types(django_assert_num_queries: Any, count: int) -> None:
    for _ in range(count):
        DailyCostFactory(resource=_resource())

    with django_assert_num_queries(1):
        assert len(type_spend([GPU])) == 1
    with django_assert_num_queries(0):
        assert type_spend([]) == {}


def test_triage_shows_what_a_type_has_cost_that_is_gone_by_now() -> None:
    user = UserFactory(administrator=True)
    user.user_permissions.set(Permission.objects.filter(codename="manage_resources"))
    operator = Client()
    operator.force_login(user)
    resource = _resource()
    record = UnrecognizedResourceFactory(snapshot__connection=resource.connection, snapshot__earlier=True)
    DailyCostFactory(resource=resource, billed_cost=Decimal("3400"))

    pages = [
        operator.get(f"/admin/syncs/unrecognizedresource/{path}").text for path in ("", "map/?type=fake:gpu")
    ]

    assert record.native_type == "gpu"
    for page in pages:
        assert "₽3,400.00 over 1 day" in page
        assert "no resource now" in page
