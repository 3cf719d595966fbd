"""What things cost per day: the fact table, the currency rates it uses, and what changed in it afterwards."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantManager, TenantModel
from common.models import MoneyField
from inventory.models import Resource
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


class DailyCost(TenantModel):
    """What one resource cost on one day, per charge category and source.

    `date` is cut in the provider's billing zone. Costs are in `currency`; the rouble values use `rub_rate`, and are
    null while no rate for that day is known, never 0.
    """

    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="+")
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="daily_costs")
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
