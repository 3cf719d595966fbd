"""Totals of months and of connections, filled from the daily totals that are there."""

import common.models
import django.db.models.deletion
from django.db import migrations, models


AMOUNTS = ("billed_cost", "effective_cost", "list_cost", "billed_cost_rub", "effective_cost_rub")


def fill(apps, schema_editor):
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    month = "DATE(date, 'start of month')" if is_sqlite else "DATE_TRUNC('month', date)::date"
    sums = [_sum(name, is_sqlite) for name in AMOUNTS]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO costs_monthlytotal (organization_id, connection_id, dimensions_id, date, charge_category, "
            f"currency, is_converted, {', '.join(AMOUNTS)}) "
            f"SELECT organization_id, connection_id, dimensions_id, {month}, charge_category, currency, "
            f"billed_cost_rub IS NOT NULL, {', '.join(sums)} FROM costs_dailytotal "
            f"GROUP BY organization_id, connection_id, dimensions_id, {month}, charge_category, currency, "
            "billed_cost_rub IS NOT NULL"
        )
        cursor.execute(
            "INSERT INTO costs_connectionday (organization_id, connection_id, date, currency, billed_cost) "
            f"SELECT organization_id, connection_id, date, shown_in, {_sum('amount', is_sqlite)} FROM ("
            "SELECT organization_id, connection_id, date, COALESCE(billed_cost_rub, billed_cost) AS amount, "
            "CASE WHEN billed_cost_rub IS NULL THEN currency ELSE 'RUB' END AS shown_in FROM costs_dailytotal"
            ") AS billed GROUP BY organization_id, connection_id, date, shown_in"
        )


def _sum(name, is_sqlite):
    """SQLite keeps decimals as floats; whole millionths add up exactly."""
    return f"SUM(CAST(ROUND({name} * 1000000) AS INTEGER)) / 1000000.0" if is_sqlite else f"SUM({name})"


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_second_factors_are_ciphertext'),
        ('costs', '0005_months'),
        ('providers', '0003_provider_types'),
    ]

    operations = [
        migrations.CreateModel(
            name='ConnectionDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('date', models.DateField(verbose_name='day')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('billed_cost', common.models.MoneyField(decimal_places=6, max_digits=18, verbose_name='billed cost')),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='providers.providerconnection')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization', verbose_name='organization')),
            ],
            options={
                'verbose_name': 'day of a connection',
                'verbose_name_plural': 'days of connections',
                'indexes': [models.Index(fields=['connection', 'date'], name='costs_days_by_connection')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'date', 'connection', 'currency'), name='costs_connection_day_once')],
            },
        ),
        migrations.CreateModel(
            name='MonthlyTotal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('date', models.DateField(verbose_name='first day of the month')),
                ('charge_category', models.CharField(max_length=16, verbose_name='category')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('is_converted', models.BooleanField(verbose_name='has a rouble value')),
                ('billed_cost', common.models.MoneyField(decimal_places=6, max_digits=18, verbose_name='billed cost')),
                ('effective_cost', common.models.MoneyField(decimal_places=6, max_digits=18, verbose_name='effective cost')),
                ('list_cost', common.models.MoneyField(decimal_places=6, max_digits=18, verbose_name='list cost')),
                ('billed_cost_rub', common.models.MoneyField(blank=True, decimal_places=6, max_digits=18, null=True, verbose_name='billed cost, RUB')),
                ('effective_cost_rub', common.models.MoneyField(blank=True, decimal_places=6, max_digits=18, null=True, verbose_name='effective cost, RUB')),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='providers.providerconnection')),
                ('dimensions', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='costs.costdimensions')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization', verbose_name='organization')),
            ],
            options={
                'verbose_name': 'monthly total',
                'verbose_name_plural': 'monthly totals',
                'indexes': [models.Index(fields=['connection', 'date'], name='costs_months_by_connection')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'date', 'dimensions', 'charge_category', 'currency', 'is_converted'), name='costs_monthly_total_once')],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
