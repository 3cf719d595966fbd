"""On PostgreSQL, facts and totals lie in one part a month from here on; on SQLite nothing changes."""

from django.db import migrations
from django.utils import timezone

from common import partitions

TABLES = ("costs_dailycost", "costs_dailytotal")


def part(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        today = timezone.now().date()
        ready = [partitions.month_after(today, count) for count in range(3)]
        between = partitions.month_after(today, -120), partitions.month_after(today, 36)
        for table in TABLES:
            partitions.partition(schema_editor.connection, table, "date", ready=ready, between=between)


def unite(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            partitions.unite(schema_editor.connection, table)


class Migration(migrations.Migration):

    dependencies = [
        ('costs', '0004_cost_shares'),
    ]

    operations = [
        migrations.RunPython(part, unite),
    ]
