"""What the business counts, so that costs can be set against it: customers, orders, requests."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantManager, TenantModel
from common.models import TimestampedModel


class UnitMetric(TenantModel, TimestampedModel):
    """A thing that is counted, and the costs that are divided by it.

    `filters` are an explorer view's filters as a query string ("" is everything); only they are taken of it.
    """

    class Kind(models.TextChoices):
        FLOW = "flow", _("adds up (orders, requests)")
        LEVEL = "level", _("holds until the next value (customers, subscriptions)")

    name = models.CharField(_("name"), max_length=100)
    unit = models.CharField(_("one of them"), max_length=50)
    kind = models.CharField(_("how it counts"), max_length=8, choices=Kind.choices, default=Kind.FLOW)
    filters = models.CharField(_("costs"), max_length=4000, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("unit metric")
        verbose_name_plural = _("unit metrics")
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="unit_metric_name_once")]

    def __str__(self) -> str:
        return self.name


class UnitValue(TenantModel):
    """How many there were: on that day, or from that day on (`UnitMetric.kind`)."""

    metric = models.ForeignKey(UnitMetric, on_delete=models.CASCADE, related_name="values")
    date = models.DateField(_("day"))
    quantity = models.DecimalField(_("quantity"), max_digits=20, decimal_places=4)

    objects = TenantManager()

    class Meta:
        verbose_name = _("quantity of a unit metric")
        verbose_name_plural = _("quantities of unit metrics")
        constraints = [
            models.UniqueConstraint(fields=["metric", "date"], name="unit_value_once"),
            models.CheckConstraint(condition=models.Q(quantity__gte=0), name="unit_value_not_negative"),
        ]
