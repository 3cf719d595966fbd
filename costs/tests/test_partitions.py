"""Facts and totals in one part a month on PostgreSQL, and that nobody who reads or writes them notices."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils import timezone

from common import bulk
from common import partitions as parts
from costs import partitions, tasks
from costs.models import DailyCost, DailyTotal
from costs.tests.factories import DailyCostFactory, DailyTotalFactory
from costs.totals import rewrite_totals

FACTS, TOTALS = partitions.TABLES
SAME = ["organization", "date", "resource", "charge_category", "source", "currency"]
MARCH, APRIL = date(2023, 3, 1), date(2023, 4, 1)
TODAY = date(2023, 4, 20)

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no partitions")


def part_of(row: DailyCost | DailyTotal) -> str:
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(row._meta.db_table)
        cursor.execute(f"SELECT tableoid::regclass::text FROM {table} WHERE id = %s", [row.pk])  # noqa: S608
        return str(cursor.fetchone()[0])


def described(table: str) -> dict[str, tuple]:
    """Indexes and constraints by name, without the column that the key gets."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    return {
        name: (
            one["columns"][:1] if one["primary_key"] else one["columns"],
            one["unique"],
            one["foreign_key"],
        )
        for name, one in found.items()
    }


@on_postgresql
@pytest.mark.django_db
class TestMonths:
    def test_rows_wait_in_the_default_part_until_their_month_is_made(self) -> None:
        march, april = DailyCostFactory(date=date(2023, 3, 31)), DailyCostFactory(date=APRIL)
        total = DailyTotalFactory(date=APRIL)
        assert {part_of(march), part_of(april)} == {f"{FACTS}_default"}
        assert parts.waiting_months(FACTS) == {MARCH: 1, APRIL: 1}
        before = list(DailyCost.objects.order_by("pk").values())

        partitions.keep_months(today=TODAY)

        assert (part_of(march), part_of(april)) == (f"{FACTS}_2023_03", f"{FACTS}_2023_04")
        assert part_of(total) == f"{TOTALS}_2023_04"
        assert list(DailyCost.objects.order_by("pk").values()) == before
        assert list(partitions.rows_without_a_month(today=TODAY)) == []
        assert {MARCH, APRIL, date(2023, 5, 1), date(2023, 6, 1)} <= parts.months(FACTS)
        assert parts.ensure_months(FACTS, [MARCH, date(2023, 4, 9)]) == []
        # Both ends of a month, and a change of its month, find the right part
        assert part_of(DailyCostFactory(date=date(2023, 4, 30))) == f"{FACTS}_2023_04"
        DailyCost.objects.filter(pk=april.pk).update(date=MARCH)
        assert part_of(april) == f"{FACTS}_2023_03"

    def test_days_that_no_bill_has_make_no_part_and_are_kept(self) -> None:
        odd = [DailyCostFactory(date=date(year, 1, 1)) for year in (1, 1970, 2012, 2030, 9999)]

        partitions.keep_months(today=TODAY)

        assert {part_of(row) for row in odd} == {f"{FACTS}_default"}
        assert not {day.year for day in parts.months(FACTS)} & {1, 1970, 2012, 2030, 9999}
        assert list(partitions.rows_without_a_month(today=TODAY)) == []

    def test_the_doctor_names_months_that_have_no_part(self, capsys) -> None:
        month = parts.month_after(timezone.now().date(), -100)
        DailyTotalFactory(date=month + timedelta(days=1), dimensions__connection__provider_type="beget")

        with pytest.raises(CommandError, match="laws are broken"):  # a total of no fact
            call_command("doctor")

        assert f"1 rows of {TOTALS} wait for their month {month:%Y-%m}." in capsys.readouterr().out

    def test_the_task_mends_that(self) -> None:
        row = DailyCostFactory(date=parts.month_after(timezone.now().date(), -100))

        tasks.keep_months()

        assert part_of(row) == f"{FACTS}_{row.date:%Y_%m}"

    def test_a_detached_month_is_left_alone(self) -> None:
        kept = DailyCostFactory(date=MARCH)
        parts.ensure_months(FACTS, [MARCH])
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE {FACTS} DETACH PARTITION {FACTS}_2023_03")
        late = DailyCostFactory(date=MARCH)

        assert parts.ensure_months(FACTS, [MARCH]) == []

        assert not DailyCost.objects.filter(pk=kept.pk).exists()
        assert part_of(late) == f"{FACTS}_default"


@on_postgresql
@pytest.mark.django_db
class TestWritesAndReads:
    @pytest.fixture(autouse=True)
    def _months(self) -> None:
        for table in partitions.TABLES:
            parts.ensure_months(table, [MARCH, APRIL])

    def test_copy_and_upsert_find_the_parts(self) -> None:
        resource = DailyCostFactory(date=MARCH).resource
        rows = [
            DailyCostFactory.build(resource=resource, date=MARCH + timedelta(days=n)) for n in range(1, 60)
        ]

        bulk.insert(rows)
        for row in rows:
            row.billed_cost = Decimal(7)
        bulk.insert(rows, unique_fields=SAME, update_fields=["billed_cost"])
        bulk.insert(rows, ignore_conflicts=True)

        assert parts.waiting_months(FACTS) == {}
        costs = DailyCost.objects.values_list("billed_cost", flat=True)
        assert sorted(costs) == [Decimal(7)] * 59 + [Decimal(22)]
        assert len(set(DailyCost.objects.values_list("pk", flat=True))) == 60
        with pytest.raises(IntegrityError), transaction.atomic():
            bulk.insert(rows[:1])

    def test_totals_are_written_to_their_month(self) -> None:
        dimensions = DailyTotalFactory(date=MARCH).dimensions
        fact = DailyCostFactory(date=APRIL, resource__connection=dimensions.connection, dimensions=dimensions)

        rewrite_totals(connection_id=fact.connection_id, day=APRIL)

        total = DailyTotal.objects.get(date=APRIL)
        assert (total.billed_cost, part_of(total)) == (fact.billed_cost, f"{TOTALS}_2023_04")

    def test_a_months_sum_reads_one_part(self) -> None:
        fact = DailyCostFactory(date=MARCH)
        of_month = DailyCost.objects.of(fact.organization).filter(
            date__gte=MARCH, date__lte=date(2023, 3, 31)
        )

        plan = of_month.values("currency").annotate(Sum("billed_cost")).explain()

        assert f"{FACTS}_2023_03" in plan
        assert f"{FACTS}_2023_04" not in plan
        assert f"{FACTS}_default" not in plan

    def test_plain_again_and_back_nothing_is_lost(self) -> None:
        for day in (MARCH, APRIL, date(2023, 6, 1), date(9999, 12, 31)):
            DailyCostFactory(date=day)
        rows, kept = list(DailyCost.objects.order_by("pk").values()), described(FACTS)

        parts.unite(connection, FACTS)

        assert parts.months(FACTS) == set()
        assert parts.waiting_months(FACTS) == {}
        assert parts.ensure_months(FACTS, [MARCH]) == []
        assert (list(DailyCost.objects.order_by("pk").values()), described(FACTS)) == (rows, kept)
        assert DailyCostFactory(date=MARCH).pk > rows[-1]["id"]

        parts.partition(
            connection, FACTS, "date", ready=[date(2023, 7, 1)], between=(MARCH, date(2023, 6, 1))
        )

        assert parts.months(FACTS) == {MARCH, APRIL, date(2023, 6, 1), date(2023, 7, 1)}
        assert parts.waiting_months(FACTS) == {date(9999, 12, 1): 1}
        assert list(DailyCost.objects.order_by("pk").values())[:4] == rows
        assert described(FACTS) == kept
        assert DailyCostFactory(date=APRIL).pk > rows[-1]["id"] + 1


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_the_writer_makes_a_month_once_and_never_waits_long_for_it(
    monkeypatch, django_assert_num_queries
) -> None:
    monkeypatch.setattr(partitions, "_made", set())
    days = [date(2025, 2, 3), date(2025, 2, 4), date(2025, 3, 1)]
    try:
        with transaction.atomic():
            partitions.before_writing(days, today=TODAY)
        assert not parts.months(FACTS) & {date(2025, 2, 1), date(2025, 3, 1)}

        row = DailyCostFactory(date=days[0])
        reading, done = threading.Event(), threading.Event()

        def read() -> None:
            """Holds what a reader of the default part holds."""
            try:
                with transaction.atomic():
                    list(DailyCost.objects.all())
                    reading.set()
                    done.wait(30)
            finally:
                connection.close()

        reader = threading.Thread(target=read)
        reader.start()
        assert reading.wait(30)
        try:
            assert parts.ensure_months(FACTS, days) == []
            assert part_of(row) == f"{FACTS}_default"
        finally:
            done.set()
            reader.join()

        partitions.before_writing(days, today=TODAY)
        with django_assert_num_queries(0):
            partitions.before_writing(days, today=TODAY)
        for table in partitions.TABLES:
            assert {date(2025, 2, 1), date(2025, 3, 1)} <= parts.months(table)
        assert part_of(row) == f"{FACTS}_2025_02"
    finally:
        with connection.cursor() as cursor:
            for table in partitions.TABLES:
                cursor.execute(f"DROP TABLE IF EXISTS {table}_2025_02, {table}_2025_03")


@pytest.mark.skipif(connection.vendor == "postgresql", reason="there the tables have parts")
@pytest.mark.django_db
def test_elsewhere_the_tables_are_plain() -> None:
    DailyCostFactory()

    partitions.keep_months(today=TODAY)
    partitions.before_writing([MARCH], today=TODAY)

    assert parts.ensure_months(FACTS, [MARCH]) == []
    assert parts.months(FACTS) == set()
    assert list(partitions.rows_without_a_month(today=TODAY)) == []
