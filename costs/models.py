"""What things cost per day: the fact table, the currency rates it uses, and what changed in it afterwards."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantManager, TenantModel
from common.models import MoneyField
from inventory.models import Resource, ResourceType
from providers.models import ProviderConnection
from syncs.models import SyncSnapshot


class ExchangeRate(models.Model):
    """Roubles for one unit of a currency from one day on, until the next day that has a rate.

    The Central Bank sets a rate for the day that follows; weekends and holidays keep the last one.
    """

    class Source(models.TextChoices):
        CENTRAL_BANK = "cbr", _("Central Bank of Russia")
        MANUAL = "manual", _("By hand")

    currency = models.CharField(_("currency"), max_length=3)
    date = models.DateField(_("from"))
    rub_per_unit = models.DecimalField(_("roubles for one unit"), max_digits=18, decimal_places=8)
    source = models.CharField(_("source"), max_length=8, choices=Source.choices, default=Source.MANUAL)

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        constraints = [
            models.UniqueConstraint(fields=["currency", "date"], name="costs_rate_once"),
            models.CheckConstraint(condition=Q(rub_per_unit__gt=0), name="costs_rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.date}: {self.rub_per_unit}"


class CostSource(models.TextChoices):
    BILLING = "billing", _("the provider's bill")
    PRICE = "price", _("price × time")
    ESTIMATE = "estimate", _("an estimate")


class CostDimensions(TenantModel):
    """One combination of everything that a cost can be grouped by, as it held on the day of the cost.

    Facts and totals point at it, so that grouping joins one small table, and last March stays as it was reported.
    `provenance` is {business field: `inventory.Provenance`}; `fingerprint` stands for all the other columns.
    """

    BUSINESS_FIELDS = ("business_unit", "project", "feature", "cost_center", "environment", "owner")

    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="+")
    resource_type = models.CharField(_("type"), max_length=32, choices=ResourceType.choices)
    service_name = models.CharField(_("service"), max_length=200, blank=True)
    region_id = models.CharField(_("region"), max_length=64, blank=True)
    sub_account_id = models.CharField(_("provider's project id"), max_length=120, blank=True)
    sub_account_name = models.CharField(_("provider's project"), max_length=200, blank=True)
    business_unit = models.CharField(_("business unit"), max_length=100, blank=True)
    project = models.CharField(_("project"), max_length=100, blank=True)
    feature = models.CharField(_("feature"), max_length=100, blank=True)
    cost_center = models.CharField(_("cost centre"), max_length=100, blank=True)
    environment = models.CharField(_("environment"), max_length=100, blank=True)
    owner = models.CharField(_("owner"), max_length=100, blank=True)
    provenance = models.JSONField(_("where the business context comes from"), default=dict, blank=True)
    fingerprint = models.CharField(max_length=32)

    objects = TenantManager()

    class Meta:
        verbose_name = _("cost dimensions")
        verbose_name_plural = _("cost dimensions")
        constraints = [
            models.UniqueConstraint(fields=["organization", "fingerprint"], name="costs_dimensions_once"),
        ]


def _dimensions_key(**options: Any) -> models.ForeignKey[Any, Any]:
    """A reference without an index and without the database's check, which would look for one in vain.

    Dimensions go with their connection alone, and its facts with it; millions of facts are not searched for each.
    """
    return models.ForeignKey(
        CostDimensions,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
        **options,
    )


class DailyCost(TenantModel):
    """What one resource cost on one day, per charge category and source.

    `date` is cut in the provider's billing zone. Costs are in `currency`; the rouble values use `rub_rate`, and are
    null while no rate for that day is known, never 0.
    """

    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="+")
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="daily_costs")
    dimensions = _dimensions_key(null=True)
    date = models.DateField(_("day"))
    charge_category = models.CharField(_("category"), max_length=16)
    source = models.CharField(_("source"), max_length=16, choices=CostSource.choices)
    currency = models.CharField(_("currency"), max_length=3)
    billed_cost = MoneyField(_("billed cost"))
    effective_cost = MoneyField(_("effective cost"))
    list_cost = MoneyField(_("list cost"))
    rub_rate = models.DecimalField(_("rate"), max_digits=18, decimal_places=8, null=True, blank=True)
    billed_cost_rub = MoneyField(_("billed cost, RUB"), null=True, blank=True)
    effective_cost_rub = MoneyField(_("effective cost, RUB"), null=True, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("daily cost")
        verbose_name_plural = _("daily costs")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "date", "resource", "charge_category", "source", "currency"],
                name="costs_daily_cost_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "date", "connection"], name="costs_daily_by_tenant"),
            models.Index(fields=["connection", "date"], name="costs_daily_by_connection"),
            models.Index(fields=["resource", "date"], name="costs_daily_by_resource"),
        ]


class CostShare(TenantModel):
    """A part of a fact that is booked to other dimensions than the fact's own; a fact's shares add up to it exactly.

    Totals count the shares in place of the fact. `weight` is the part of the whole, between 0 and 1.
    """

    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="+")
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="+")
    dimensions = _dimensions_key()
    date = models.DateField(_("day"))
    charge_category = models.CharField(_("category"), max_length=16)
    source = models.CharField(_("source"), max_length=16, choices=CostSource.choices)
    currency = models.CharField(_("currency"), max_length=3)
    weight = models.DecimalField(_("share"), max_digits=13, decimal_places=12)
    billed_cost = MoneyField(_("billed cost"))
    effective_cost = MoneyField(_("effective cost"))
    list_cost = MoneyField(_("list cost"))
    billed_cost_rub = MoneyField(_("billed cost, RUB"), null=True, blank=True)
    effective_cost_rub = MoneyField(_("effective cost, RUB"), null=True, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("shared cost")
        verbose_name_plural = _("shared costs")
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "organization",
                    "date",
                    "resource",
                    "charge_category",
                    "source",
                    "currency",
                    "dimensions",
                ],
                name="costs_share_once",
            ),
        ]
        indexes = [models.Index(fields=["connection", "date"], name="costs_share_by_connection")]


class DailyTotal(TenantModel):
    """The facts of one day summed by their dimensions: what explorer, budgets and dashboard add up.

    Shared costs stand under the dimensions that they were booked to, so sums over all dimensions equal the sums of the
    facts. Written by the code that writes the facts; rouble values are null while no rate of that day is known.
    """

    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="+")
    dimensions = models.ForeignKey(CostDimensions, on_delete=models.CASCADE, related_name="+")
    date = models.DateField(_("day"))
    charge_category = models.CharField(_("category"), max_length=16)
    currency = models.CharField(_("currency"), max_length=3)
    billed_cost = MoneyField(_("billed cost"))
    effective_cost = MoneyField(_("effective cost"))
    list_cost = MoneyField(_("list cost"))
    billed_cost_rub = MoneyField(_("billed cost, RUB"), null=True, blank=True)
    effective_cost_rub = MoneyField(_("effective cost, RUB"), null=True, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("daily total")
        verbose_name_plural = _("daily totals")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "date", "dimensions", "charge_category", "currency"],
                name="costs_daily_total_once",
            ),
        ]
        indexes = [models.Index(fields=["connection", "date"], name="costs_total_by_connection")]


class MonthlyTotal(TenantModel):
    """The daily totals of one month summed: what long periods add up for the months that they contain whole.

    Costs with a rouble value and costs without have a row each (`is_converted`), so that nothing known is lost beside
    what is not. Written in the transaction that writes the daily totals.
    """

    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="+")
    dimensions = models.ForeignKey(CostDimensions, on_delete=models.CASCADE, related_name="+")
    date = models.DateField(_("first day of the month"))
    charge_category = models.CharField(_("category"), max_length=16)
    currency = models.CharField(_("currency"), max_length=3)
    is_converted = models.BooleanField(_("has a rouble value"))
    billed_cost = MoneyField(_("billed cost"))
    effective_cost = MoneyField(_("effective cost"))
    list_cost = MoneyField(_("list cost"))
    billed_cost_rub = MoneyField(_("billed cost, RUB"), null=True, blank=True)
    effective_cost_rub = MoneyField(_("effective cost, RUB"), null=True, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("monthly total")
        verbose_name_plural = _("monthly totals")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "date", "dimensions", "charge_category", "currency", "is_converted"],
                name="costs_monthly_total_once",
            ),
        ]
        indexes = [models.Index(fields=["connection", "date"], name="costs_months_by_connection")]


class ConnectionDay(TenantModel):
    """What one connection was billed on one day: what charts of connections and the dashboard add up.

    In roubles, of all currencies together; what has no rouble value stands beside it in its own currency. Written in
    the transaction that writes the daily totals.
    """

    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="+")
    date = models.DateField(_("day"))
    currency = models.CharField(_("currency"), max_length=3)
    billed_cost = MoneyField(_("billed cost"))

    objects = TenantManager()

    class Meta:
        verbose_name = _("day of a connection")
        verbose_name_plural = _("days of connections")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "date", "connection", "currency"], name="costs_connection_day_once"
            ),
        ]
        indexes = [models.Index(fields=["connection", "date"], name="costs_days_by_connection")]


class CostRevision(TenantModel):
    """A day that had been complete and whose cost changed afterwards: late lines, a corrected file, a new rate."""

    connection = models.ForeignKey(
        ProviderConnection, on_delete=models.CASCADE, related_name="cost_revisions"
    )
    snapshot = models.ForeignKey(
        SyncSnapshot, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    date = models.DateField(_("day"))
    currency = models.CharField(_("currency"), max_length=3)
    changed_at = models.DateTimeField(_("changed"))
    before_billed_cost = MoneyField(_("before"))
    after_billed_cost = MoneyField(_("after"))

    objects = TenantManager()

    class Meta:
        verbose_name = _("cost revision")
        verbose_name_plural = _("cost revisions")
        indexes = [models.Index(fields=["organization", "date"], name="costs_revision_by_tenant")]
