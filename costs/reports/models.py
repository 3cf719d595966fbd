"""Reports as people put them together, each of their runs, and the files that a run left."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.notifications.models import Channel
from accounts.tenancy import TenantManager, TenantModel
from common.models import TimestampedModel

PERIOD_LENGTH = 32
FILES_ROOT = "reports"
"""The folder of `ReportFile.file` inside MEDIA_ROOT, which no address serves."""


class Schedule(models.TextChoices):
    NONE = "none", pgettext_lazy("schedule", "Only by hand")
    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every week")
    MONTHLY = "monthly", _("Every month")


class Weekday(models.IntegerChoices):
    """As ISO numbers them."""

    MONDAY = 1, WEEKDAYS[0]
    TUESDAY = 2, WEEKDAYS[1]
    WEDNESDAY = 3, WEEKDAYS[2]
    THURSDAY = 4, WEEKDAYS[3]
    FRIDAY = 5, WEEKDAYS[4]
    SATURDAY = 6, WEEKDAYS[5]
    SUNDAY = 7, WEEKDAYS[6]


MONTH_DAYS = 28
"""Every month has so many."""
LAST_DAY = 31
"""Of `Report.month_day`: the last day of the month, however long it is."""
MONTH_DAY_CHOICES = [*((day, str(day)) for day in range(1, MONTH_DAYS + 1)), (LAST_DAY, _("the last one"))]


class RunStatus(models.TextChoices):
    """Partial: made, but its data or one of its parts is not whole; the run says what."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", pgettext_lazy("report", "Being made")
    SUCCESS = "success", _("Done")
    PARTIAL = "partial", _("Partial")
    ERROR = "error", _("Error")


ACTIVE = (RunStatus.QUEUED, RunStatus.RUNNING)
MADE = (RunStatus.SUCCESS, RunStatus.PARTIAL)


class Report(TenantModel, TimestampedModel):
    """What a report holds, of which days, as which files, when and for whom.

    `sections`: [{id, kind, options}] in order (see `sections`). `period` is written as the explorer writes it. A schedule
    of weeks reads `weekday`, one of months `month_day` (1–28 or LAST_DAY); these and `hour` are on the organization's
    clock. `next_run_at` is null while nothing is scheduled.
    """

    name = models.CharField(_("name"), max_length=120)
    template = models.CharField(_("template"), max_length=32, blank=True)
    sections = models.JSONField(_("sections"), default=list, blank=True)
    period = models.CharField(_("period"), max_length=PERIOD_LENGTH, default="last_month")
    formats = models.JSONField(_("files"), default=list)
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    schedule = models.CharField(_("schedule"), max_length=8, choices=Schedule.choices, default=Schedule.NONE)
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices, default=Weekday.MONDAY)
    month_day = models.PositiveSmallIntegerField(_("day of the month"), choices=MONTH_DAY_CHOICES, default=1)
    hour = models.PositiveSmallIntegerField(_("hour"), default=9, validators=[MaxValueValidator(23)])
    channels: models.ManyToManyField[Channel, Any] = models.ManyToManyField(
        Channel, blank=True, related_name="+", verbose_name=_("recipients")
    )
    retention_days = models.PositiveSmallIntegerField(
        _("days that runs are kept"),
        default=365,
        validators=[MinValueValidator(1), MaxValueValidator(3660)],
    )
    next_run_at = models.DateTimeField(_("next run"), null=True, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="reports_name_once"),
            models.CheckConstraint(condition=Q(weekday__range=(1, 7)), name="reports_weekday_is_one"),
            models.CheckConstraint(
                condition=Q(month_day__range=(1, MONTH_DAYS)) | Q(month_day=LAST_DAY),
                name="reports_month_day_is_in_every_month",
            ),
        ]
        indexes = [
            models.Index(fields=["next_run_at"], condition=Q(next_run_at__isnull=False), name="reports_due")
        ]

    def __str__(self) -> str:
        return self.name


class ReportRun(TenantModel):
    """One making of a report: queued → running → success | partial | error.

    `scheduled_date` is the organization's day that a scheduled run stands for: one run each. `state` is what was known
    of the data (see `state`), `problems` are [{code, name}] of `Problem`. A worker that makes or sends it holds it until
    `claimed_until`; null: nothing is left to do. `done_count` of `step_count` parts are made.
    """

    class Problem(models.TextChoices):
        SECTION = "section", _("A section could not be computed")
        FORMAT = "format", _("A file could not be made")
        NO_PANGO = "no_pango", _("No PDF here: the system's library pango is missing")
        FAILED = "failed", _("It could not be made")

    report = models.ForeignKey(
        Report, on_delete=models.CASCADE, related_name="runs", verbose_name=_("report")
    )
    status = models.CharField(_("status"), max_length=8, choices=RunStatus.choices, default=RunStatus.QUEUED)
    scheduled_date = models.DateField(_("for the day"), null=True, blank=True)
    first_date = models.DateField(_("first day"))
    last_date = models.DateField(_("last day"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requested by"),
    )
    requested_at = models.DateTimeField(_("requested"))
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    done_count = models.PositiveSmallIntegerField(_("parts made"), default=0)
    step_count = models.PositiveSmallIntegerField(_("parts"), default=0)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    state = models.JSONField(_("state of the data"), default=dict, blank=True)
    problems = models.JSONField(_("problems"), default=list, blank=True)

    objects = TenantManager()

    class Meta:
        verbose_name = _("report run")
        verbose_name_plural = _("report runs")
        constraints = [
            models.UniqueConstraint(
                fields=["report", "scheduled_date"],
                condition=Q(scheduled_date__isnull=False),
                name="reports_run_once_a_day",
            ),
            models.UniqueConstraint(
                fields=["report"],
                condition=Q(status__in=["queued", "running"]),
                name="reports_run_one_active",
            ),
        ]
        indexes = [models.Index(fields=["report", "-requested_at"], name="reports_runs_of_report")]

    def __str__(self) -> str:
        return f"{self.report}, {self.first_date} – {self.last_date}"

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def is_made(self) -> bool:
        return self.status in MADE


class ReportFile(TenantModel):
    """One file of a run; `name` is what a download is called."""

    run = models.ForeignKey(ReportRun, on_delete=models.CASCADE, related_name="files")
    format = models.CharField(_("format"), max_length=8)
    name = models.CharField(_("name"), max_length=200)
    file = models.FileField(_("file"), upload_to=f"{FILES_ROOT}/%Y/%m/")
    size_bytes = models.PositiveBigIntegerField(_("size"))

    objects = TenantManager()

    class Meta:
        verbose_name = _("report file")
        verbose_name_plural = _("report files")
        constraints = [
            models.UniqueConstraint(fields=["run", "format"], name="reports_file_once"),
        ]

    def __str__(self) -> str:
        return self.name
