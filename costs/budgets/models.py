"""Budgets, how they stand in each of their periods, who was told what, and what is planned to change."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.tenancy import TenantManager, TenantModel
from common.models import MoneyField, TimestampedModel
from providers.models import ProviderConnection

SCOPE_LENGTH = 4000


class PeriodKind(models.TextChoices):
    MONTH = "month", pgettext_lazy("budget", "Month")
    QUARTER = "quarter", pgettext_lazy("budget", "Quarter")
    YEAR = "year", pgettext_lazy("budget", "Year")
    CUSTOM = "custom", pgettext_lazy("budget", "From day to day")


class Basis(models.TextChoices):
    """What is compared with a threshold."""

    ACTUAL = "actual", _("what was charged")
    FORECAST = "forecast", _("the forecast of the period")


class Budget(TenantModel, TimestampedModel):
    """So many roubles for a scope in each period. `scope` is a query string of `costs.explorer.filters`, "" is all.

    It begins with the period that `first_date` is in; a custom one is `first_date` to `last_date`, others end with
    `last_date` or never. `rolls_over`: what a period leaves is added to the next one. Thresholds are in per cent of the
    period's amount, unspent money of earlier periods included.
    """

    name = models.CharField(_("name"), max_length=120)
    parent = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("part of"),
    )
    scope = models.CharField(_("scope"), max_length=SCOPE_LENGTH, blank=True)
    period = models.CharField(_("period"), max_length=8, choices=PeriodKind.choices, default=PeriodKind.MONTH)
    amount = MoneyField(_("amount, ₽"))
    first_date = models.DateField(_("from"))
    last_date = models.DateField(_("until"), null=True, blank=True)
    rolls_over = models.BooleanField(_("unspent money is added to the next period"), default=False)
    actual_thresholds = models.JSONField(_("thresholds of what was charged, %"), default=list, blank=True)
    forecast_thresholds = models.JSONField(_("thresholds of the forecast, %"), default=list, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="budgets_name_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="budgets_amount_positive"),
            models.CheckConstraint(
                condition=Q(last_date__isnull=True) | Q(last_date__gte=F("first_date")),
                name="budgets_end_after_start",
            ),
            models.CheckConstraint(
                condition=~Q(period="custom") | Q(last_date__isnull=False), name="budgets_custom_has_end"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BudgetPeriod(TenantModel):
    """How a budget stands or stood in one period, in roubles, as it was last computed.

    The limit is `amount` + `carried_amount`. `actual_cost` is everything charged so far; `forecast_cost` the whole
    period with what is to come, null where too little is known; `breach_date` the day on which the limit is passed.
    """

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="periods")
    first_date = models.DateField(_("first day"))
    last_date = models.DateField(_("last day"))
    amount = MoneyField(_("amount"))
    carried_amount = MoneyField(_("from earlier periods"), default=Decimal(0))
    actual_cost = MoneyField(_("charged"))
    forecast_cost = MoneyField(_("forecast"), null=True, blank=True)
    forecast_low = MoneyField(_("forecast, at least"), null=True, blank=True)
    forecast_high = MoneyField(_("forecast, at most"), null=True, blank=True)
    breach_date = models.DateField(_("passed on"), null=True, blank=True)
    known_until = models.DateField(_("last complete day"), null=True, blank=True)
    computed_at = models.DateTimeField(_("computed"))

    objects = TenantManager()

    class Meta:
        verbose_name = _("budget period")
        verbose_name_plural = _("budget periods")
        constraints = [
            models.UniqueConstraint(fields=["budget", "first_date"], name="budgets_period_once"),
        ]

    def __str__(self) -> str:
        return f"{self.budget}, {self.first_date}"

    @property
    def limit(self) -> Decimal:
        return self.amount + self.carried_amount

    @property
    def actual_percent(self) -> Decimal:
        return self.actual_cost * 100 / self.limit

    @property
    def forecast_percent(self) -> Decimal | None:
        return None if self.forecast_cost is None else self.forecast_cost * 100 / self.limit

    @property
    def is_exceeded(self) -> bool:
        return self.actual_cost > self.limit

    @property
    def will_exceed(self) -> bool:
        return self.forecast_cost is not None and self.forecast_cost > self.limit

    @property
    def rest(self) -> Decimal:
        """What is left; negative where more was charged."""
        return self.limit - self.actual_cost


class BudgetAlert(TenantModel):
    """A threshold that a period passed; told once."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="alerts")
    first_date = models.DateField(_("first day of the period"))
    basis = models.CharField(_("compared"), max_length=8, choices=Basis.choices)
    percent = models.PositiveIntegerField(_("threshold, %"))
    cost = MoneyField(_("cost"))
    limit = MoneyField(_("limit"))
    raised_at = models.DateTimeField(_("raised"))

    objects = TenantManager()

    class Meta:
        verbose_name = _("budget alert")
        verbose_name_plural = _("budget alerts")
        constraints = [
            models.UniqueConstraint(
                fields=["budget", "first_date", "basis", "percent"], name="budgets_alert_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.budget}: {self.percent} %"


class PlannedChange(TenantModel, TimestampedModel):
    """A change of costs that somebody knows beforehand: `amount` roubles a day from `first_date` to `last_date` (null:
    for good), or once on `first_date`. Negative is saved.
    """

    name = models.CharField(_("what changes"), max_length=200)
    scope = models.CharField(_("scope"), max_length=SCOPE_LENGTH, blank=True)
    first_date = models.DateField(_("from"))
    last_date = models.DateField(_("until"), null=True, blank=True)
    amount = MoneyField(_("amount, ₽"))
    is_once = models.BooleanField(_("once, not a day"), default=False)
    note = models.TextField(_("note"), blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("planned change")
        verbose_name_plural = _("planned changes")
        constraints = [
            models.CheckConstraint(
                condition=Q(last_date__isnull=True) | Q(last_date__gte=F("first_date")),
                name="budgets_change_end_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RunwayAlert(TenantModel):
    """A prepaid balance that lasts for fewer than `threshold_days`; told once until the balance was topped up."""

    connection = models.ForeignKey(ProviderConnection, on_delete=models.CASCADE, related_name="+")
    threshold_days = models.PositiveIntegerField(_("fewer days than"))
    days_left = models.PositiveIntegerField(_("days left"))
    raised_at = models.DateTimeField(_("raised"))

    objects = TenantManager()

    class Meta:
        verbose_name = _("balance alert")
        verbose_name_plural = _("balance alerts")
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "threshold_days"], name="budgets_runway_alert_once"
            ),
        ]
