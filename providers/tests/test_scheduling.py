"""When a connection is read next, and what its row remembers of the last reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from providers import scheduling
from providers.contract.records import AccountRecord, Limit, Rate, RatePeriod
from providers.models import ConnectionStatus, ProviderConnection
from providers.tests.factories import ConnectionFactory

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ERROR = {"code": "provider_unavailable", "message": "No answer.", "params": {}}


def connection(pk: int = 1, *, minutes: int = 60, failures: int = 0) -> ProviderConnection:
    return ProviderConnection(pk=pk, sync_interval_minutes=minutes, consecutive_failures=failures)


def wait(of: ProviderConnection) -> timedelta:
    return scheduling.next_sync_at(of, now=NOW) - NOW


def test_connections_are_spread_over_a_tenth_of_their_interval_and_each_keeps_its_place() -> None:
    waits = [wait(connection(pk)) for pk in range(1, 50)]

    assert all(timedelta(minutes=60) <= each <= timedelta(minutes=66) for each in waits)
    assert len(set(waits)) > 40
    assert waits == [wait(connection(pk)) for pk in range(1, 50)]


@pytest.mark.parametrize(("failures", "factor"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 8), (1000, 8)])
def test_failures_in_a_row_double_the_wait_up_to_eightfold(failures, factor) -> None:
    assert wait(connection(failures=failures)) - wait(connection()) == timedelta(minutes=60) * (factor - 1)


@pytest.mark.django_db
def test_due_are_the_active_ones_whose_time_has_come() -> None:
    due = ConnectionFactory(next_sync_at=NOW)
    ConnectionFactory(next_sync_at=NOW + timedelta(seconds=1))
    ConnectionFactory(next_sync_at=None)
    ConnectionFactory(next_sync_at=NOW, is_active=False)
    ConnectionFactory(next_sync_at=NOW, auto_sync=False)

    assert list(ProviderConnection.objects.due(NOW)) == [due]


@pytest.mark.django_db
def test_a_good_reading_is_remembered_with_the_accounts_facts() -> None:
    read = ConnectionFactory(failing=True)
    account = AccountRecord(
        account_id="acme",
        name="Acme",
        balance=Decimal("1234.56"),
        currency="RUB",
        charge_days_left=12,
        total=Rate(amount=Decimal("22.50"), currency="RUB", period=RatePeriod.DAY),
        remainder_id="account:plan",
        limits=(Limit(name="Sites", used=Decimal(3), allowed=None),),
        facts={"Server": {"Memory": "8 GiB"}},
    )

    scheduling.record_sync_result(
        connection=read, status=ConnectionStatus.SUCCESS, at=NOW, error={}, account=account
    )

    read.refresh_from_db()
    assert (read.last_sync_status, read.last_sync_at, read.last_sync_error) == ("success", NOW, {})
    assert read.consecutive_failures == 0
    assert (read.balance, read.balance_currency, read.charge_days_left) == (Decimal("1234.56"), "RUB", 12)
    assert read.account_read_at == NOW
    metadata = read.provider_metadata
    assert metadata["total"] == {"amount": "22.50", "currency": "RUB", "period": "day"}
    assert metadata["remainder_id"] == "account:plan"
    assert metadata["limits"] == [
        {"name": "Sites", "used": "3", "allowed": None, "unit": "", "is_readable": True}
    ]
    assert metadata["facts"] == {"Server": {"Memory": "8 GiB"}}


@pytest.mark.django_db
def test_a_failed_reading_keeps_the_accounts_facts_and_the_time_of_the_last_good_one() -> None:
    read = ConnectionFactory(
        balance=Decimal(10), balance_currency="RUB", last_sync_at=NOW - timedelta(days=1), account_read_at=NOW
    )

    for failures in (1, 2):
        scheduling.record_sync_result(
            connection=read, status=ConnectionStatus.ERROR, at=NOW, error=ERROR, account=None
        )
        read.refresh_from_db()
        assert read.consecutive_failures == failures

    assert (read.last_sync_status, read.last_sync_error) == ("error", ERROR)
    assert (read.last_sync_at, read.balance) == (NOW - timedelta(days=1), Decimal(10))
    assert read.next_sync_at >= NOW + timedelta(minutes=4 * read.sync_interval_minutes)


@pytest.mark.django_db
def test_a_partial_reading_is_no_failure_and_without_an_account_keeps_its_facts() -> None:
    read = ConnectionFactory(failing=True, balance=Decimal(10), balance_currency="RUB")

    scheduling.record_sync_result(
        connection=read, status=ConnectionStatus.PARTIAL, at=NOW, error={}, account=None
    )

    read.refresh_from_db()
    assert (read.last_sync_status, read.consecutive_failures, read.balance) == ("partial", 0, 10)


@pytest.mark.django_db
def test_another_connection_is_left_alone() -> None:
    read, other = ConnectionFactory(), ConnectionFactory()

    scheduling.schedule_next_sync(connection=read, now=NOW)

    read.refresh_from_db()
    other.refresh_from_db()
    assert read.next_sync_at == scheduling.next_sync_at(read, now=NOW)
    assert other.next_sync_at is None


@pytest.mark.django_db
def test_a_result_counts_from_what_people_changed_while_the_sync_ran() -> None:
    began_with = ConnectionFactory(consecutive_failures=4, sync_interval_minutes=60)
    ProviderConnection.objects.filter(pk=began_with.pk).update(consecutive_failures=0)

    scheduling.record_sync_result(
        connection=began_with, status=ConnectionStatus.ERROR, at=NOW, error=ERROR, account=None
    )

    assert ProviderConnection.objects.get(pk=began_with.pk).consecutive_failures == 1


@pytest.mark.django_db
def test_the_failure_that_stops_the_syncs_is_remembered_until_somebody_tries_again() -> None:
    read = ConnectionFactory(failing=True)
    moments = [NOW + timedelta(hours=number) for number in range(3)]
    remembered = []

    for moment in moments:
        scheduling.record_sync_result(
            connection=read, status=ConnectionStatus.ERROR, at=moment, error=ERROR, account=None
        )
        read.refresh_from_db()
        remembered.append((read.is_given_up, read.given_up_at))
    scheduling.try_again(connection=read, now=NOW)
    read.refresh_from_db()

    assert remembered == [(False, None), (True, moments[1]), (True, moments[1])]
    assert (read.is_given_up, read.given_up_at) == (False, None)
