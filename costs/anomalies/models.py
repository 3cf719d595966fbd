"""Days that cost more than expected, or far less, with what explains them, as a sync found them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.tenancy import TenantManager, TenantModel
from common.models import MoneyField, TimestampedModel
from inventory.models import Resource
from providers.models import ProviderConnection


class Level(models.TextChoices):
    """The values of `detection`."""

    CONNECTION = "connection", _("Connection")
    SERVICE = "service", _("Service")
    RESOURCE = "resource", _("Resource")


class Kind(models.TextChoices):
    """A fall is no alarm: it may be what somebody saved, or something that stopped unnoticed."""

    RISE = "rise", _("Costs more")
    FALL = "fall", _("Costs less")


class Anomaly(TenantModel, TimestampedModel):
    """One event: `first_date` to `last_date` cost `actual_cost` where `expected_cost` was to be expected, in roubles.

    `days`: [[date, actual, expected]]. `parts`: [{resource, name, actual, expected}], the greatest surplus first.
    `causes`: [{kind, resource, name, label, before, after, unit, amount}] (see `causes`). `around`: {level: [actual,
    expected, dearest day]} of the sums above it on the same days. Amounts in JSON are texts. `is_over`: the days after it cost what
    they should; `is_settled`: it lasted until its level was the usual one. An accepted anomaly keeps what its dearest
    day cost as `accepted_daily_cost`; up to that nothing is told again for a while.
    """

    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.RISE)
    level = models.CharField(_("level"), max_length=16, choices=Level.choices)
    service_name = models.CharField(_("service"), max_length=200, blank=True)
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    first_date = models.DateField(_("first day"))
    last_date = models.DateField(_("last day"))
    expected_cost = MoneyField(_("expected"))
    actual_cost = MoneyField(_("actual"))
    is_over = models.BooleanField(_("over"), default=False)
    is_settled = models.BooleanField(_("has become usual"), default=False)
    days = models.JSONField(_("days"), default=list)
    parts = models.JSONField(_("resources"), default=list, blank=True)
    causes = models.JSONField(_("causes"), default=list, blank=True)
    around = models.JSONField(_("surroundings"), default=dict, blank=True)
    found_at = models.DateTimeField(_("found"))
    acknowledged_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("accepted by"),
    )
    reason = models.TextField(_("reason"), blank=True)
    accepted_daily_cost = MoneyField(_("accepted level a day"), null=True, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("anomaly")
        verbose_name_plural = _("anomalies")
        constraints = [
            models.UniqueConstraint(
                fields=["resource", "first_date", "kind"], name="anomalies_of_resource_once"
            ),
            models.UniqueConstraint(
                fields=["connection", "level", "service_name", "first_date", "kind"],
                condition=Q(resource__isnull=True),
                name="anomalies_of_sum_once",
            ),
            models.CheckConstraint(
                condition=Q(last_date__gte=F("first_date")), name="anomalies_end_after_start"
            ),
        ]
        indexes = [models.Index(fields=["organization", "-last_date"], name="anomalies_by_tenant")]

    def __str__(self) -> str:
        return f"{self.first_date} {self.service_name or self.level}"

    @property
    def excess(self) -> Decimal:
        return self.actual_cost - self.expected_cost

    @property
    def is_fall(self) -> bool:
        return self.kind == Kind.FALL

    @property
    def shortfall(self) -> Decimal:
        return -self.excess

    @property
    def percent(self) -> Decimal | None:
        """How much more, in per cent of what was expected; None where nothing was."""
        return self.excess * 100 / self.expected_cost if self.expected_cost else None

    @property
    def day_count(self) -> int:
        return len(self.days)

    @property
    def dearest_day(self) -> Decimal:
        return max((Decimal(actual) for _day, actual, _expected in self.days), default=Decimal(0))

    @property
    def is_acknowledged(self) -> bool:
        return self.acknowledged_at is not None

    def part_values(self) -> list[tuple[dict[str, Any], Decimal]]:
        """Each part with its surplus."""
        return [(part, Decimal(part["actual"]) - Decimal(part["expected"])) for part in self.parts]
