"""Rows of consumption as billed lines. Pure.

A row is one metric of one object in one hour or day. `value` is whole kopecks, the remainder carried to the next
row; `period` is Moscow time without a zone; `region` is a pool segment. Source: API reference, sections 5.3 to 5.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from sys import intern
from typing import Any
from zoneinfo import ZoneInfo

from providers.contract.records import ChargeCategory, ChargeRecord
from providers.openstack.normalize import Malformed, nested, text

from .words import (
    CURRENCY,
    NAME,
    SERVICES,
    bucket_id,
    bucket_name,
    kind_of,
    pool_of,
    scope_of,
    unit_of,
)

MOSCOW = ZoneInfo("Europe/Moscow")
KOPECK = Decimal("0.01")
HOUR = timedelta(hours=1)
LARGEST = 10**15

NEVER_NAMELESS = frozenset({"server", "volume"})
"""Kinds whose rows always have the object's id: without it all of a project's would be added up as one."""

Pair = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row, normalised: `start` is aware UTC, `value` kopecks, `quantity` what was used, in `unit`.

    `part` tells a bucket's hidden segment containers apart, which are billed on their own rows.
    """

    account_id: str
    provider_key: str
    start: datetime
    resource_id: str
    part: str
    name: str
    kind: str
    project_id: str
    project_name: str
    parent_id: str
    region: str
    metric_id: str
    metric_name: str
    quantity: Decimal
    unit: str
    value: Decimal

    @property
    def pair(self) -> Pair:
        """What is billed by the hour on its own, with a remainder of its own: the thing, its part, metric, segment."""
        return (self.resource_id, self.part, self.metric_id, self.region)


def row(item: Any) -> Row:
    """Raises Malformed where a row has no period, no value, or nothing that says what it is about.

    Texts, amounts and instants are shared between rows: a large account has a million of them, all alike by the hour.
    """
    if not isinstance(item, dict):
        raise Malformed("a row is no object")
    project, thing, metric = nested(item, "project"), nested(item, "object"), nested(item, "metric")
    key = _text(item.get("provider_key"))
    project_id = _text(project.get("id"))
    metric_id = _text(metric.get("id"))
    region = _text(metric.get("region"))
    kind = kind_of(_text(thing.get("type")), metric_id, key)
    if not kind:
        raise Malformed("a row says of nothing")
    if kind in NEVER_NAMELESS and _text(thing.get("type")) and not _text(thing.get("id")):
        raise Malformed(f"a {kind} without an id")
    name = _text(thing.get("name"))
    parent_id = _text(thing.get("parent_id"))
    return Row(
        account_id=_text(item.get("account_id")),
        provider_key=key,
        start=_instant(text(item.get("period"))),
        resource_id=intern(_identity(kind, thing, project_id, region, metric_id or key)),
        part=name if kind == "bucket" else "",
        name=bucket_name(name) if kind == "bucket" else name,
        kind=kind,
        project_id=project_id,
        project_name=_text(project.get("name")),
        parent_id="" if parent_id == project_id else parent_id,
        region=region,
        metric_id=metric_id,
        metric_name=_text(metric.get("name")),
        quantity=_number(metric.get("quantity", 0)),
        unit=_text(metric.get("unit")),
        value=_number(item.get("value")),
    )


def charges(rows: Iterable[Row], *, until: datetime, account_id: str) -> Iterator[ChargeRecord]:
    """One line for each thing, metric and Moscow day of the rows, day by day; a day not over ends at `until`.

    The billing period of a line is its day: what is delivered again replaces that day and nothing else.
    """
    days: dict[datetime, dict[Pair, list[Row]]] = {}
    for each in rows:
        days.setdefault(day_start(each.start), {}).setdefault(each.pair, []).append(each)
    for start in sorted(days):
        end = day_start(start + timedelta(hours=36))
        for pair in sorted(days[start]):
            yield _charge(days[start][pair], start, end, until=until, account_id=account_id)


def day_start(moment: datetime) -> datetime:
    """The midnight in Moscow before an instant, in UTC."""
    local = moment.astimezone(MOSCOW).replace(hour=0, minute=0, second=0, microsecond=0)
    return local.astimezone(UTC)


def moscow_text(moment: datetime) -> str:
    """An instant as the billing API writes it."""
    return moment.astimezone(MOSCOW).strftime("%Y-%m-%dT%H:%M:%S")


def roubles(kopecks: Decimal) -> Decimal:
    return kopecks * KOPECK


def _charge(
    rows: list[Row], start: datetime, end: datetime, *, until: datetime, account_id: str
) -> ChargeRecord:
    latest = max(rows, key=lambda each: each.start)
    cost = roubles(sum((each.value for each in rows), Decimal(0)))
    quantity = sum((each.quantity for each in rows), Decimal(0))
    unit = unit_of(latest.metric_id, latest.unit)
    pool = pool_of(latest.region)
    return ChargeRecord(
        resource_id=latest.resource_id,
        resource_name=latest.name or latest.metric_name or latest.metric_id,
        native_type=latest.kind,
        service_name=SERVICES.get(latest.provider_key, latest.provider_key),
        billing_account_id=account_id,
        billed_cost=cost,
        effective_cost=cost,
        list_cost=cost,
        contracted_cost=cost,
        billing_currency=CURRENCY,
        charge_category=ChargeCategory.USAGE,
        charge_frequency="Usage-Based",
        charge_description=latest.metric_name or latest.metric_id,
        charge_period_start=start,
        charge_period_end=min(end, max(until, start + HOUR)),
        billing_period_start=start,
        billing_period_end=end,
        provider_name=NAME,
        sub_account_id=latest.project_id,
        sub_account_name=latest.project_name,
        region_id=pool,
        sku_id=latest.metric_id,
        pricing_quantity=quantity,
        pricing_unit=unit,
        consumed_quantity=quantity,
        consumed_unit=unit,
        scope=scope_of(latest.kind, latest.project_id, pool),
        parent_id=latest.parent_id,
        raw=_raw(latest),
    )


def _raw(latest: Row) -> Mapping[str, str]:
    words = {
        "provider_key": latest.provider_key,
        "metric": latest.metric_id,
        "region": latest.region,
        "parent_id": latest.parent_id,
    }
    return {name: value for name, value in words.items() if value}


def _identity(kind: str, thing: Mapping[str, Any], project_id: str, region: str, metric_id: str) -> str:
    """The object's own id; a bucket's place and name; else what the charge is for, so that nothing is lost."""
    name = text(thing.get("name"))
    object_id = text(thing.get("id"))
    if kind == "bucket" and name:
        return bucket_id(project_id, pool_of(region), name)
    if object_id and object_id != project_id:
        return object_id
    return "billing:" + "/".join(part or "-" for part in (project_id, region, metric_id))


def _text(value: Any) -> str:
    return intern(text(value))


@lru_cache(maxsize=1000)
def _instant(written: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise Malformed("a row has no period") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=MOSCOW)).astimezone(UTC)


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Malformed("a number is missing")
    return _amount(value)


@lru_cache(maxsize=10_000, typed=True)
def _amount(value: int | Decimal) -> Decimal:
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount) > LARGEST:
        raise Malformed("a number is out of range")
    return amount
