"""Run rate, spend, reconciliation and runway: exact sums, gaps that stay gaps, other tenants left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Organization
from accounts.tests.factories import OrganizationFactory
from costs import queries
from costs.tests.factories import DailyCostFactory, ExchangeRateFactory
from inventory.tests.factories import ResourceFactory
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory
from syncs.tests.factories import ResourceStateFactory, SnapshotFactory, SnapshotTotalFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_provider")]

MARCH = date(2026, 3, 1)
READ_AT = datetime(2026, 11, 21, 6, 40, tzinfo=UTC)


@pytest.fixture
def organization() -> Organization:
    return OrganizationFactory()


@pytest.fixture
def connection(organization: Organization) -> ProviderConnection:
    return ConnectionFactory(organization=organization)


def state(connection: ProviderConnection, daily: str | None, **fields: Any) -> Any:
    return ResourceStateFactory(
        resource=ResourceFactory(connection=connection),
        daily_cost=None if daily is None else Decimal(daily),
        **fields,
    )


def facts(connection: ProviderConnection, first: date, costs: list[str | None], **fields: Any) -> Any:
    """One fact a day from `first` on; None leaves the day out."""
    resource = fields.pop("resource", None) or ResourceFactory(connection=connection)
    for offset, cost in enumerate(costs):
        if cost is not None:
            DailyCostFactory(
                resource=resource, date=first + timedelta(days=offset), billed_cost=Decimal(cost), **fields
            )
    return resource


class TestRunRate:
    def test_run_rate_adds_open_states_by_connection(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        other = ConnectionFactory(organization=organization)
        state(connection, "22.1")
        state(connection, "0.2")
        state(other, "10")
        state(ConnectionFactory(), "1000")

        rate = queries.run_rate(organization)

        assert rate.daily == Decimal("32.3")
        assert rate.monthly == Decimal("969.0")
        assert rate.resource_count == 3
        assert rate.connections[connection.pk].daily == Decimal("22.3")
        assert rate.connections[connection.pk].resource_count == 2
        assert rate.connections[other.pk].monthly == Decimal("300")

    def test_run_rate_as_of_a_moment_takes_the_states_of_then(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        then = datetime(2026, 3, 5, tzinfo=UTC)
        state(connection, "22", opened_at=then - timedelta(days=1), closed_at=then)
        state(connection, "30", opened_at=then)

        assert queries.run_rate(organization, then - timedelta(hours=1)).daily == Decimal("22")
        assert queries.run_rate(organization, then).daily == Decimal("30")
        assert queries.run_rate(organization).daily == Decimal("30")

    def test_unknown_cost_is_counted_and_not_added(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        state(connection, None)

        rate = queries.run_rate(organization)

        assert rate.daily is None
        assert (rate.resource_count, rate.unpriced_count) == (1, 1)

    def test_free_resources_cost_nothing_which_is_known(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        state(connection, "0")

        assert queries.run_rate(organization).daily == Decimal("0")

    def test_currency_without_a_rate_is_kept_apart(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        state(connection, "22")
        state(connection, "3.5", currency="USD")

        rate = queries.run_rate(organization)

        assert rate.daily == Decimal("22")
        assert rate.unconverted == {"USD": Decimal("3.5")}

    def test_currency_is_converted_at_the_rate_of_that_day(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        ExchangeRateFactory(currency="USD", date=date(2026, 3, 1), rub_per_unit=Decimal("90"))
        ExchangeRateFactory(currency="USD", date=date(2026, 4, 1), rub_per_unit=Decimal("100"))
        state(connection, "2", currency="USD")

        assert queries.run_rate(organization).daily == Decimal("200")
        assert queries.run_rate(organization, datetime(2026, 3, 31, tzinfo=UTC)).daily == Decimal("180")

    def test_new_organization_has_no_run_rate(self, organization: Organization) -> None:
        rate = queries.run_rate(organization)

        assert (rate.daily, rate.monthly, rate.resource_count, rate.connections) == (None, None, 0, {})


class TestSpend:
    def test_spend_adds_the_facts_of_the_period_by_day_and_connection(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        facts(connection, MARCH, ["9", "10.5", "11", "12"])
        facts(ConnectionFactory(organization=organization), MARCH, [None, "1"])
        facts(ConnectionFactory(), MARCH, ["1000", "1000"])

        daily = queries.daily_spend(organization, date(2026, 3, 2), date(2026, 3, 3))

        assert daily.total == Decimal("22.5")
        assert daily.totals == (Decimal("11.5"), Decimal("11"))
        assert [one.values for one in daily.connections] == [
            (Decimal("10.5"), Decimal("11")),
            (Decimal("1"), None),
        ]
        assert [one.total for one in daily.connections] == [Decimal("21.5"), Decimal("1")]

    def test_gap_is_none_and_not_zero(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        facts(connection, MARCH, ["5", None, "7"])

        daily = queries.daily_spend(organization, MARCH, date(2026, 3, 3))

        assert daily.totals == (Decimal("5"), None, Decimal("7"))
        assert daily.known_days == 2

    def test_ends_of_the_history_and_missing_days_are_incomplete(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        facts(connection, MARCH, ["5", "5", "5", "5", "5"])
        facts(ConnectionFactory(organization=organization), MARCH, [None, "1", "1", None, "1"])

        daily = queries.daily_spend(organization, MARCH, date(2026, 3, 6))

        assert sorted(day.day for day in daily.incomplete) == [1, 2, 4, 5]

    def test_days_of_files_are_whole(self, organization: Organization) -> None:
        facts(ConnectionFactory(organization=organization, provider_type="files"), MARCH, ["5", None, "5"])

        assert queries.daily_spend(organization, MARCH, date(2026, 3, 3)).incomplete == frozenset()

    def test_unconverted_amounts_stand_apart(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        facts(connection, MARCH, ["5"])
        facts(connection, MARCH, ["3", "4"], unconverted=True)

        daily = queries.daily_spend(organization, MARCH, date(2026, 3, 2))

        assert daily.totals == (Decimal("5"), None)
        assert daily.unconverted == {"USD": Decimal("7")}

    def test_nothing_known_is_none(self, organization: Organization) -> None:
        spend = queries.spend(organization, MARCH, date(2026, 3, 7))

        assert spend.total is None
        assert spend.comparison is None

    def test_period_is_compared_with_the_equal_one_before(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        facts(connection, date(2026, 2, 20), ["1"] + ["10"] * 7 + ["11"] * 7 + ["1"])

        comparison = queries.spend(organization, date(2026, 2, 28), date(2026, 3, 6)).comparison

        assert comparison is not None
        assert (comparison.days, comparison.now, comparison.before) == (7, Decimal("77"), Decimal("70"))
        assert comparison.percent == Decimal("10")

    def test_short_history_compares_what_exists(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        facts(connection, date(2026, 2, 1), ["1"] + ["10"] * 20 + ["1"])

        comparison = queries.spend(organization, date(2026, 1, 23), date(2026, 2, 21)).comparison

        assert comparison is not None
        assert (comparison.days, comparison.percent) == (7, Decimal("0"))

    def test_connection_that_is_too_new_is_left_out_of_the_comparison(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        facts(connection, date(2026, 2, 20), ["1"] + ["10"] * 14 + ["1"])
        new = ConnectionFactory(organization=organization)
        facts(new, date(2026, 3, 2), ["500"] * 6)

        comparison = queries.spend(organization, date(2026, 2, 28), date(2026, 3, 6)).comparison

        assert comparison is not None
        assert (comparison.now, comparison.before, comparison.excluded) == (
            Decimal("70"),
            Decimal("70"),
            (new.pk,),
        )

    def test_first_days_have_nothing_to_compare_with(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        facts(connection, MARCH, ["1", "10", "1"])

        assert queries.spend(organization, date(2026, 2, 24), date(2026, 3, 2)).comparison is None

    @pytest.mark.parametrize("count", [1, 11])
    def test_spend_costs_three_queries(
        self, organization: Organization, django_assert_num_queries: Any, count: int
    ) -> None:
        for _ in range(count):
            facts(
                ConnectionFactory(organization=organization), date(2026, 2, 20), ["1"] + ["10"] * 14 + ["1"]
            )

        with django_assert_num_queries(3):
            queries.spend(organization, date(2026, 2, 28), date(2026, 3, 6))

    def test_resource_spend_keeps_resources_apart(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        one = facts(connection, MARCH, ["5", None, "7"])
        facts(connection, MARCH, ["100"])
        foreign = facts(ConnectionFactory(), MARCH, ["9"])

        found = queries.resource_spend(organization, [one.pk, foreign.pk], MARCH, date(2026, 3, 3))

        assert set(found) == {one.pk}
        assert found[one.pk].values == (Decimal("5"), None, Decimal("7"))
        assert found[one.pk].total == Decimal("12")

    def test_history_bounds_are_the_first_and_last_day(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        assert queries.history_bounds(organization) is None
        facts(connection, MARCH, ["5", None, "7"])

        assert queries.history_bounds(organization) == (MARCH, date(2026, 3, 3))


class TestReconciliation:
    def total(self, connection: ProviderConnection, billed: str, unexplained: str, **fields: Any) -> None:
        SnapshotTotalFactory(
            snapshot=SnapshotFactory(connection=connection, is_current=fields.pop("is_current", True)),
            billed_daily_cost=Decimal(billed),
            resources_daily_cost=Decimal(billed) - Decimal(unexplained),
            unexplained_daily_cost=Decimal(unexplained),
            **fields,
        )

    def test_differences_cannot_hide_each_other(self, organization: Organization) -> None:
        self.total(ConnectionFactory(organization=organization), "900", "1")
        self.total(ConnectionFactory(organization=organization), "100", "-1")
        self.total(ConnectionFactory(), "5", "5")

        found = queries.reconciliation(organization)

        assert (found.billed_daily, found.unexplained_daily) == (Decimal("1000"), Decimal("2"))
        assert found.explained_percent == Decimal("99.8")
        assert found.differing_count == 2

    def test_only_current_snapshots_count(self, organization: Organization) -> None:
        self.total(ConnectionFactory(organization=organization), "900", "1", is_current=False)

        assert queries.reconciliation(organization).explained_percent is None

    def test_not_itemised_is_the_account_plan(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        self.total(connection, "100", "0")
        plan = ResourceFactory(connection=connection, resource_type="account_plan")
        ResourceStateFactory(resource=plan, daily_cost=Decimal("5"))
        state(connection, "95")

        found = queries.reconciliation(organization)

        assert found.not_itemised_daily == Decimal("5")
        assert found.connections[connection.pk].explained_percent == Decimal("100")

    def test_currency_without_a_rate_is_kept_apart(
        self, organization: Organization, connection: ProviderConnection
    ) -> None:
        self.total(connection, "100", "0", currency="USD")

        found = queries.reconciliation(organization)

        assert found.unconverted == {"USD": Decimal("100")}
        assert found.explained_percent is None


class TestRunway:
    def connection(self, **fields: Any) -> ProviderConnection:
        given = {
            "balance": Decimal("12990.40"),
            "balance_currency": "RUB",
            "account_read_at": READ_AT,
            "provider_metadata": {"total": {"amount": "1395", "currency": "RUB", "period": "day"}},
        }
        return ConnectionFactory(**given | fields)

    def test_runway_says_days_date_and_what_thirty_days_need(self) -> None:
        found = queries.runway(self.connection())

        assert found is not None
        assert (found.days, found.until, found.daily) == (9, date(2026, 11, 30), Decimal("1395"))
        assert found.top_up == Decimal("29000")
        assert found.is_short

    def test_providers_own_count_wins(self) -> None:
        found = queries.runway(self.connection(charge_days_left=7))

        assert found is not None
        assert (found.days, found.days_at_rate, found.until) == (7, 9, date(2026, 11, 28))

    def test_small_top_up_is_rounded_to_hundreds(self) -> None:
        found = queries.runway(self.connection(balance=Decimal("41000")))

        assert found is not None
        assert (found.days, found.top_up) == (29, Decimal("900"))

    def test_long_runway_needs_nothing(self) -> None:
        found = queries.runway(self.connection(balance=Decimal("139500")))

        assert found is not None
        assert (found.days, found.top_up, found.is_short) == (100, Decimal("0"), False)

    def test_monthly_rate_is_a_thirtieth_a_day(self) -> None:
        total = {"amount": "41850", "currency": "RUB", "period": "month"}
        found = queries.runway(self.connection(provider_metadata={"total": total}))

        assert found is not None
        assert found.daily == Decimal("1395")

    def test_run_rate_stands_in_where_the_provider_names_no_rate(self) -> None:
        found = queries.runway(self.connection(provider_metadata={}), daily=Decimal("1000"))

        assert found is not None
        assert found.days == 12

    @pytest.mark.parametrize(
        "fields",
        [{"balance": None}, {"provider_metadata": {}}, {"account_read_at": None}],
        ids=["no balance", "no rate", "never read"],
    )
    def test_without_balance_or_rate_there_is_none(self, fields: dict[str, Any]) -> None:
        assert queries.runway(self.connection(**fields)) is None
