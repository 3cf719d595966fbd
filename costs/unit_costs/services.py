"""Writes of unit metrics and their quantities; each is audited."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit.services import record
from accounts.models import Organization
from costs.allocation.metrics import rules_counting
from costs.unit_costs.models import UnitMetric, UnitValue

ROWS_AT_MOST = 20_000
PROBLEMS_SHOWN = 10
LARGEST = Decimal(10) ** 16
PLACES = Decimal("0.0001")
DAY_COLUMNS = ("date", "day")
QUANTITY_COLUMNS = ("quantity", "value")


@transaction.atomic
def create_metric(*, organization: Organization, name: str, unit: str, kind: str, filters: str) -> UnitMetric:
    """Raises ValidationError where the name is taken."""
    metric = UnitMetric(organization=organization, name=name, unit=unit, kind=kind, filters=filters)
    metric.full_clean(exclude=["organization"])
    _require_free_name(metric)
    metric.save()
    record("unit_metric.created", obj=metric, organization=organization)
    return metric


@transaction.atomic
def change_metric(*, metric: UnitMetric, name: str, unit: str, kind: str, filters: str) -> UnitMetric:
    """Raises ValidationError where the name is taken."""
    given = {"name": name, "unit": unit, "kind": kind, "filters": filters}
    changes = {
        field: [getattr(metric, field), value]
        for field, value in given.items()
        if getattr(metric, field) != value
    }
    for field, value in given.items():
        setattr(metric, field, value)
    metric.full_clean(exclude=["organization"])
    _require_free_name(metric)
    if changes:
        metric.save()
        record("unit_metric.changed", obj=metric, organization=metric.organization, changes=changes)
    return metric


@transaction.atomic
def delete_metric(*, metric: UnitMetric) -> None:
    """Its quantities go with it. Raises ValidationError where rules share costs out by them."""
    rules = rules_counting(metric)
    if rules:
        text = _("The rules %(rules)s share costs out by “%(name)s”, or did; their history needs it.")
        raise ValidationError(text % {"rules": ", ".join(f"“{name}”" for name in rules), "name": metric.name})
    record("unit_metric.deleted", obj=metric, organization=metric.organization)
    metric.delete()


@transaction.atomic
def set_values(*, metric: UnitMetric, quantities: Mapping[date, Decimal]) -> int:
    """Set the quantities of these days; other days stay. Returns how many were given."""
    rows = [
        UnitValue(
            organization_id=metric.organization_id,
            metric=metric,
            date=day,
            quantity=_checked(quantity).quantize(PLACES),
        )
        for day, quantity in sorted(quantities.items())
    ]
    UnitValue.objects.bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["metric", "date"],
        update_fields=["quantity"],
    )
    if rows:
        record(
            "unit_metric.counted",
            obj=metric,
            organization=metric.organization,
            details={"days": len(rows), "first": rows[0].date, "last": rows[-1].date},
        )
    return len(rows)


@transaction.atomic
def remove_value(*, metric: UnitMetric, day: date) -> None:
    removed, _models = UnitValue.objects.filter(metric=metric, date=day).delete()
    if removed:
        record("unit_metric.counted", obj=metric, organization=metric.organization, details={"removed": day})


def read_csv(text: str) -> dict[date, Decimal]:
    """The quantities of a CSV with the columns `date` (2026-11-01 or 2026-11) and `quantity`, without storing them.

    Separated by commas, semicolons or tabs. Raises ValidationError with a sentence for each of the first bad rows.
    """
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    names = {(name or "").strip().casefold(): name for name in reader.fieldnames or ()}
    day_column = next((names[name] for name in DAY_COLUMNS if name in names), None)
    quantity_column = next((names[name] for name in QUANTITY_COLUMNS if name in names), None)
    if day_column is None or quantity_column is None:
        raise ValidationError(_("The first line must name the columns “date” and “quantity”."))
    found: dict[date, Decimal] = {}
    problems = []
    for number, row in enumerate(_rows(reader), 2):
        if number - 1 > ROWS_AT_MOST:
            raise ValidationError(_("A file may have at most %(count)d rows.") % {"count": ROWS_AT_MOST})
        try:
            day = _day(row.get(day_column) or "")
            quantity = _quantity(row.get(quantity_column) or "")
            if day in found:
                raise ValidationError(_("%(day)s occurs twice.") % {"day": day.isoformat()})
            found[day] = quantity
        except ValidationError as error:
            problems.append(
                _("Row %(number)d: %(problem)s") % {"number": number, "problem": " ".join(error.messages)}
            )
    if problems:
        more = len(problems) - PROBLEMS_SHOWN
        shown = problems[:PROBLEMS_SHOWN]
        raise ValidationError(
            [*shown, _("Besides, %(count)d more rows.") % {"count": more}] if more > 0 else shown
        )
    if not found:
        raise ValidationError(_("The file has no rows below its first line."))
    return found


def _rows(reader: csv.DictReader[str]) -> Iterator[dict[str, str]]:
    try:
        yield from (row for row in reader if any(row.values()))
    except csv.Error as error:
        raise ValidationError(_("The file is no CSV: %(problem)s.") % {"problem": error}) from error


def _day(text: str) -> date:
    text = text.strip()
    try:
        return date.fromisoformat(f"{text}-01" if len(text) == len("2026-11") else text)
    except ValueError as error:
        raise ValidationError(
            _("“%(text)s” is no date; write 2026-11-01 or 2026-11.") % {"text": text[:30]}
        ) from error


def _quantity(text: str) -> Decimal:
    cleaned = "".join(text.split()).replace(",", ".")
    try:
        return _checked(Decimal(cleaned))
    except InvalidOperation as error:
        raise ValidationError(_("“%(text)s” is no number.") % {"text": text.strip()[:30]}) from error


def _checked(quantity: Decimal) -> Decimal:
    if not quantity.is_finite() or not 0 <= quantity < LARGEST:
        raise ValidationError(_("A quantity is 0 or more, and below ten quadrillion."))
    return quantity


def _require_free_name(metric: UnitMetric) -> None:
    others = UnitMetric.objects.of(metric.organization).exclude(pk=metric.pk)
    if others.filter(name__iexact=metric.name).exists():
        raise ValidationError({"name": _("There is a unit metric of this name already.")})
