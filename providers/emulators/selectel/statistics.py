"""Consumption statistics: the ledger's rows by period and group, in Moscow time, one to two hours late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from providers.emulators.selectel.account import Account
from providers.emulators.selectel.components import Component
from providers.emulators.selectel.ledger import Series, hour_of, instant_of
from providers.emulators.selectel.prices import unit
from providers.emulators.selectel.words import metric_name, type_name
from providers.emulators.wire import Request

DOCUMENTED_KEYS = (
    "vpc",
    "serverless",
    "mks",
    "dbaas",
    "storage",
    "cdn",
    "vmware",
    "craas",
    "ones",
    "mobfarm",
    "ses",
)
OTHER_KEYS = ("private_storage", "inference", "netdisk")
DOCUMENTED_GROUPS = ("project", "object", "metric", "project_metric", "region_metric")
OTHER_GROUPS = ("project_object_region_metric", "object_metric")
PERIODS = ("hour", "day", "week", "month", "year", "all")
MISSING = "Missing data for required field."
HOURS_NOT_ALL_SHOWN = 2
"""Behind the clock: the hour that runs, and the one whose rows are coming in."""

Span = tuple[str, int, int]
"""Local beginning of a period as it is shown, its first hour, the hour after its last."""


class BadQuestion(Exception):
    """Parameters the API answers with 422; `fields` has a list of messages for each."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(str(fields))
        self.fields = dict(fields)


def consumption(account: Account, request: Request, *, documented_only: bool) -> list[dict[str, Any]]:
    """Rows of the statistics for a request; raises BadQuestion."""
    question = _Question(request, documented_only=documented_only)
    first, last = _hours(account, question.start, question.end)
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for local, start, end in _spans(question.period, first, last, account):
        for series in account.books.series():
            if series.key[0] not in question.keys:
                continue
            until = _shown_until(series, start, end, request.at)
            state = series.last_state(start, until) if until > start else None
            if state is None:
                continue
            _add(rows, question, account, (local, start, until), series, state)
    return list(rows.values())


def ever_charged(account: Account, at: datetime) -> list[dict[str, str]]:
    """Projects that ever cost something."""
    charged = {series.key[1] for series in account.books.series()}
    return [
        {"id": project["id"], "name": project["name"]}
        for project in account.cloud.described("project")
        if project["id"] in charged and account.scenario.created_at(project) <= at
    ]


def flat_report(account: Account, request: Request) -> list[dict[str, Any]]:
    """One row for each metric of each object over the dates asked for."""
    query = request.query
    missing = [name for name in ("start", "end", "locale") if name not in query]
    if missing:
        raise BadQuestion({name: [MISSING] for name in missing})
    start, end = (datetime.fromisoformat(query[name]) for name in ("start", "end"))
    first, last = _hours(account, start, end + timedelta(hours=23))
    wanted = request.values("project_ids")
    rows = []
    for series in account.books.series():
        until = _shown_until(series, first, last, request.at)
        state = series.last_state(first, until) if until > first else None
        if state is None or (wanted and state.project_id not in wanted):
            continue
        rows.append(
            {
                "project_id": state.project_id,
                "project_name": _project_name(account, state.project_id),
                "product_name": state.provider_key,
                "service_name": metric_name(state.metric, query["locale"]),
                "resource_id": state.object_id,
                "resource_name": state.object_name,
                "resource_type": state.object_type,
                "resource_type_name": type_name(state.object_type, query["locale"]),
                "parent_resource_id": state.parent_id or None,
                "parent_resource_name": state.parent_name or None,
                "location_region_key": state.region.rstrip("abcdefgh"),
                "location_availability_zone_key": state.region,
                "metric_id": state.metric,
                "metric_name": metric_name(state.metric, query["locale"]),
                "provision_from": query["start"],
                "provision_till": query["end"],
                "balance": "main",
                "value": series.booked(first, until),
                "quantity": _number(series.quantity(first, until)),
                "unit": unit(state.metric),
            }
        )
    return rows


def detailed_report(account: Account, request: Request) -> dict[str, Any]:
    """A month by project, product and object; raises BadQuestion."""
    query = request.query
    missing = [name for name in ("year", "month", "locale") if name not in query]
    if missing:
        raise BadQuestion({name: [MISSING] for name in missing})
    begins = datetime(int(query["year"]), int(query["month"]), 1)  # noqa: DTZ001 - local, as the API's times
    ends = (begins + timedelta(days=32)).replace(day=1)
    first, last = _hours(account, begins, ends - timedelta(hours=1))
    projects: dict[str, dict[str, Any]] = {}
    for series in account.books.series():
        until = _shown_until(series, first, last, request.at)
        state = series.last_state(first, until) if until > first else None
        if state is not None:
            value = series.booked(first, until)
            quantity = _number(series.quantity(first, until))
            _report(projects, account, state, value, quantity, query["locale"])
    for project in projects.values():
        project["products"] = list(project["products"].values())
        for product in project["products"]:
            product["objects"] = list(product["objects"].values())
    return {
        "account_id": account.number,
        "agreement_id": f"A-{account.number}",
        "locale": query["locale"],
        "project_ids": list(projects),
        "year": begins.year,
        "month": begins.month,
        "projects": list(projects.values()),
    }


def _report(
    projects: dict[str, dict[str, Any]],
    account: Account,
    state: Component,
    value: int,
    quantity: Decimal | int,
    locale: str,
) -> None:
    """Add one metric of one object to the tree of a report."""
    project = projects.setdefault(
        state.project_id,
        {
            "id": state.project_id,
            "name": _project_name(account, state.project_id),
            "value": 0,
            "products": {},
        },
    )
    product = project["products"].setdefault(
        state.provider_key, {"id": state.provider_key, "name": state.provider_key, "value": 0, "objects": {}}
    )
    shown = product["objects"].setdefault(
        state.object_id,
        {
            "id": state.object_id,
            "name": state.object_name,
            "type": state.object_type,
            "type_name": type_name(state.object_type, locale),
            "service_name": state.provider_key,
            "resources": [],
        },
    )
    project["value"] += value
    product["value"] += value
    shown["resources"].append(
        {
            "id": state.metric,
            "name": metric_name(state.metric, locale),
            "quantity": quantity,
            "unit": unit(state.metric),
            "value": value,
            "paid_by_balance": [{"balance": "main", "value": value}],
        }
    )


class _Question:
    """The parameters of a request for consumption; raises BadQuestion for all that are wrong together."""

    def __init__(self, request: Request, *, documented_only: bool) -> None:
        query = request.query
        wrong: dict[str, Any] = {
            name: [MISSING]
            for name in ("provider_keys", "start", "end", "group_type", "period_group_type", "locale")
            if not query.get(name)
        }
        keys = DOCUMENTED_KEYS if documented_only else DOCUMENTED_KEYS + OTHER_KEYS
        groups = DOCUMENTED_GROUPS if documented_only else DOCUMENTED_GROUPS + OTHER_GROUPS
        self.keys = set(request.values("provider_keys"))
        for name, allowed, given in (
            ("provider_keys", keys, self.keys),
            ("group_type", groups, set(request.values("group_type"))),
            ("period_group_type", PERIODS, set(request.values("period_group_type"))),
            ("locale", ("ru", "en"), set(request.values("locale"))),
        ):
            if given - set(allowed) and name not in wrong:
                wrong[name] = [f"Must be one of: {', '.join(allowed)}."]
        instants = {}
        for name in ("start", "end"):
            try:
                instants[name] = datetime.fromisoformat(query.get(name, ""))
            except ValueError:
                wrong.setdefault(name, ["Not a valid datetime."])
        if any(value.tzinfo is not None for value in instants.values()):
            wrong["start"] = ["Not a valid naive datetime."]
        if wrong:
            raise BadQuestion(wrong)
        self.start, self.end = instants["start"], instants["end"]
        self._parts = frozenset(query["group_type"].split("_"))
        self.period = query["period_group_type"]
        self.locale = query["locale"]
        self.echo = {"provision_start": query["start"], "provision_end": query["end"]}

    def shows(self, part: str) -> bool:
        return part in self._parts


def _add(
    rows: dict[tuple[Any, ...], dict[str, Any]],
    question: _Question,
    account: Account,
    span: Span,
    series: Series,
    state: Component,
) -> None:
    """Add what a series was charged in a period to the row of its group."""
    local, start, end = span
    group: tuple[Any, ...] = (
        local,
        state.provider_key,
        state.project_id if question.shows("project") else None,
        (state.project_id, state.object_id) if question.shows("object") else None,
        state.region if question.shows("region") else None,
        state.metric if question.shows("metric") else None,
    )
    row = rows.get(group)
    if row is None:
        row = rows[group] = _row(question, account, local, state)
    row["value"] += series.booked(start, end)
    if row["metric"] is not None:
        row["metric"]["quantity"] = _number(row["metric"]["quantity"] + series.quantity(start, end))


def _row(question: _Question, account: Account, local: str, state: Component) -> dict[str, Any]:
    locale = question.locale
    shows_object = question.shows("object") and state.object_id is not None
    return {
        "account_id": account.number,
        "provider_key": state.provider_key,
        "balance": None,
        "project": {"id": state.project_id, "name": _project_name(account, state.project_id)}
        if question.shows("project")
        else None,
        "object": {
            "id": state.object_id,
            "name": state.object_name,
            "parent_id": state.parent_id,
            "parent_name": state.parent_name,
            "type": state.object_type,
            "type_name": type_name(state.object_type, locale),
        }
        if shows_object
        else None,
        "metric": {
            "id": state.metric,
            "locale": locale,
            "name": metric_name(state.metric, locale),
            "quantity": 0,
            "region": state.region if question.shows("region") else None,
            "unit": unit(state.metric),
        }
        if question.shows("metric")
        else None,
        "period": local,
        **question.echo,
        "value": 0,
    }


def _hours(account: Account, start: datetime, end: datetime) -> tuple[int, int]:
    """First hour and the hour after the last of a local window; the hour stamped with its end belongs to it."""
    first, last = (
        hour_of(local.replace(tzinfo=account.scenario.local_zone).astimezone(UTC)) for local in (start, end)
    )
    return first, last + 1


def _spans(period: str, first: int, last: int, account: Account) -> Iterator[Span]:
    """The periods that a window of hours falls into, cut at its ends."""
    hour = first
    while hour < last:
        local = instant_of(hour).astimezone(account.scenario.local_zone).replace(tzinfo=None)
        begins, ends = _period(period, local)
        following = last if ends is None else min(last, hour + round((ends - local) / timedelta(hours=1)))
        yield begins.strftime("%Y-%m-%dT%H:%M:%S"), hour, following
        hour = following


def _period(period: str, local: datetime) -> tuple[datetime, datetime | None]:
    """Beginning and end of the period an hour lies in; None for no end."""
    midnight = local.replace(hour=0)
    if period == "hour":
        return local, local + timedelta(hours=1)
    if period == "day":
        return midnight, midnight + timedelta(days=1)
    if period == "week":
        monday = midnight - timedelta(days=midnight.weekday())
        return monday, monday + timedelta(days=7)
    if period == "month":
        begins = midnight.replace(day=1)
        return begins, (begins + timedelta(days=32)).replace(day=1)
    if period == "year":
        begins = midnight.replace(month=1, day=1)
        return begins, begins.replace(year=begins.year + 1)
    return local, None


def _shown_until(series: Series, start: int, end: int, at: datetime) -> int:
    """The end of what the statistics show of a series' hours [start, end)."""
    until = min(end, hour_of(at))
    while until > start and not series.is_shown(until - 1, at):
        until -= 1
    return until


def _project_name(account: Account, project_id: str) -> str:
    return str(account.cloud.project_names[project_id])


def _number(value: Decimal | int) -> Decimal | int:
    """Whole amounts without a point."""
    return int(value) if value == int(value) else Decimal(value)
