"""The list of resources: what there is and what it costs, by connection, now or at any moment before."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import UserRequest, organization_required
from accounts.audit.services import record
from common import formatting
from infrazen.pages import resources_queries as queries
from infrazen.pages.moments import moment_context, moment_of, moment_pair
from infrazen.pages.resource_words import icon_of, marks_of, specification, status_of
from infrazen.pages.resources_queries import CPU, MEMORY, PAGE_ROWS, Group, Listing, ResourceFilter, Row, Sums
from inventory.models import ResourceType, Tag
from providers.badges import badge_of, series_of
from providers.contract.records import DAYS_IN_MONTH
from providers.messages import provider_name
from syncs.models import ResourceState, SyncStatus
from syncs.panel import LEVELS

KOPECK = Decimal("0.01")
SHOWN_LINES = 2
SHOWN_TAGS = 2
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so runs as a formula in a spreadsheet; an apostrophe before it keeps it a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowView:
    """One row as the template draws it; costs a day and a month, in `currency`."""

    state: ResourceState
    url: str
    icon: str
    specification: str
    note: str
    parts: tuple[dict[str, str], ...]
    more_parts: int
    ips: str
    more_ips: int
    tags: tuple[Tag, ...]
    more_tags: int
    status_level: str
    status: str
    marks: list[str]
    is_measured: bool
    cpu: Decimal | None
    memory: Decimal | None
    daily: Decimal | None
    monthly: Decimal | None
    currency: str
    foreign_daily: Decimal | None
    can_unfold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """One connection's section; `rows` is None until it is opened."""

    group: Group
    badge: str
    series: str
    provider: str
    status_level: str
    status: str
    rows: list[RowView] | None
    page: Any
    is_open: bool
    url: str


@organization_required
@require_safe
@vary_on_headers("HX-Request")
def resource_list(request: UserRequest) -> HttpResponse:
    """The list; `group` with `page` names the section to open, `format=csv` asks for everything as a table."""
    wanted = ResourceFilter.of(request.GET)
    now = timezone.now()
    moment = moment_of(request, now)
    if request.GET.get("format") == "csv":
        return _export(request, wanted, moment)  # type: ignore[return-value]  # streams; not a subclass
    found = queries.listing(request.organization, wanted, moment)
    opened, number = _opened(request, found)
    groups = _groups(request, wanted, moment, found, opened=opened, number=number)
    context: dict[str, Any] = {
        "groups": groups,
        "wanted": wanted,
        "moment": moment,
        "totals": found.totals,
        "here": f"{request.path}?{_query(wanted, moment)}".rstrip("?"),
        "may_write": request.membership.may_write,
        "may_select": request.membership.may_write and moment is None,
    }
    if request.htmx and request.GET.get("group"):
        return render(request, "inventory/_resource_rows.html", context | {"view": groups[0]})
    context |= moment_context(moment, now) | {
        "cells": _cells(found, moment),
        "filters": _filters(request, wanted, moment),
        "set_connection": _set_connection(wanted, moment, found),
        "notice": _notice(found, wanted, moment),
        "filter_count": len(wanted.conditions),
        "reset_query": urlencode(moment_pair(moment)),
        "sorts": _sorts(wanted),
    }
    template = "inventory/_resources_swapped.html" if request.htmx else "inventory/resource_list.html"
    response = render(request, template, context)
    if request.htmx:  # the form also sends what is not set
        response["HX-Push-Url"] = context["here"]
    return response


def row_view(row: Row, rates: Any, moment: datetime | None) -> RowView:
    state = row.state
    part_ips = {part.name for part in row.parts}
    ips = [ip for ip in state.ip_addresses if ip not in part_ips]
    total = state.total_daily_cost  # type: ignore[attr-defined]  # annotated by with_components
    daily, currency, foreign = in_roubles(total, state.currency, rates)
    cpu, memory = row.usage.get(CPU), row.usage.get(MEMORY)
    kind = ResourceType(state.resource.resource_type)
    text = specification(state)
    notes = [
        str(kind.label) if text and kind != ResourceType.SERVER else "",
        state.operating_system,
        state.region_id,
    ]
    level, status = status_of(state)
    return RowView(
        state=state,
        url=resource_url(state.resource_id, moment),
        icon=icon_of(kind),
        specification=text or str(kind.label),
        note=" · ".join(note for note in notes if note),
        parts=tuple(
            {
                "icon": icon_of(part.resource.resource_type),
                "text": ", ".join(filter(None, (part.name, specification(part)))),
            }
            for part in row.parts[:SHOWN_LINES]
        ),
        more_parts=max(0, len(row.parts) - SHOWN_LINES),
        ips=", ".join(ips[:SHOWN_LINES]),
        more_ips=max(0, len(ips) - SHOWN_LINES),
        tags=row.tags[:SHOWN_TAGS],
        more_tags=max(0, len(row.tags) - SHOWN_TAGS),
        status_level=level,
        status=status,
        marks=marks_of(state),
        is_measured=bool(cpu or memory),
        cpu=cpu.average if cpu else None,
        memory=memory.average if memory else None,
        daily=daily,
        monthly=None if daily is None else month_of(daily),
        currency=currency,
        foreign_daily=foreign,
        can_unfold=bool(row.parts or cpu or memory),
    )


def in_roubles(
    amount: Decimal | None, currency: str, rates: Any
) -> tuple[Decimal | None, str, Decimal | None]:
    """Amount, its currency, and the amount before the conversion where there was one."""
    if amount is None or not currency or currency == queries.ROUBLES:
        return amount, queries.ROUBLES, None
    rate = rates.get(currency)
    return (amount, currency, None) if rate is None else (amount * rate, queries.ROUBLES, amount)


def month_of(daily: Decimal) -> Decimal:
    """Thirty days, to the kopeck: prices a month are stored as millionths of a day."""
    return (daily * DAYS_IN_MONTH).quantize(KOPECK)


def resource_url(pk: int, moment: datetime | None) -> str:
    url = reverse("inventory:resource_detail", args=[pk])
    return f"{url}?{urlencode(moment_pair(moment))}" if moment else url


def _opened(request: UserRequest, found: Listing) -> tuple[list[int], int]:
    """Which sections show their rows, and the page of them: the one asked for; else all of a short list, or the first."""
    asked = request.GET.get("group", "")
    if asked:
        number = request.GET.get("page", "1")
        group = found.group(int(asked)) if asked.isdecimal() and len(asked) < 19 else None
        if group is None:
            if request.htmx:
                raise Http404
            return [], 1
        pages = max(1, -(-group.totals.row_count // PAGE_ROWS))
        return [group.connection.pk], min(max(1, int(number)), pages) if number.isdecimal() and len(
            number
        ) < 9 else 1
    with_rows = [group.connection.pk for group in found.groups if group.totals.row_count]
    return (with_rows if found.totals.row_count <= PAGE_ROWS else with_rows[:1]), 1


def _groups(
    request: UserRequest,
    wanted: ResourceFilter,
    moment: datetime | None,
    found: Listing,
    *,
    opened: list[int],
    number: int,
) -> list[GroupView]:
    pages = queries.page_of_rows(
        request.organization, wanted, moment, connections=opened, page=number, rates=found.rates
    )
    only_one = bool(request.htmx and request.GET.get("group"))
    views = []
    for group in found.groups:
        pk = group.connection.pk
        if only_one and pk not in opened:
            continue
        level, status = _sync_status(group, moment)
        query = _query(wanted, moment)
        views.append(
            GroupView(
                group=group,
                badge=badge_of(group.connection),
                series=series_of(group.connection),
                provider=provider_name(group.connection.provider_type),
                status_level=level,
                status=status,
                rows=[row_view(row, found.rates, moment) for row in pages[pk]] if pk in pages else None,
                page=Paginator(range(group.totals.row_count), PAGE_ROWS).get_page(
                    number if pk in pages else 1
                ),
                is_open=pk in pages,
                url=f"?{query}&group={pk}".replace("?&", "?"),
            )
        )
    return views


def _sync_status(group: Group, moment: datetime | None) -> tuple[str, str]:
    connection, snapshot = group.connection, group.snapshot
    if moment is None and not connection.is_active:
        return "off", _("Switched off")
    if moment is None and connection.last_sync_status == SyncStatus.ERROR:
        return "error", str(SyncStatus.ERROR.label)
    if snapshot is None:
        return "none", _("Not synced yet")
    return LEVELS[SyncStatus(snapshot.status)], str(snapshot.get_status_display())


def _cells(found: Listing, moment: datetime | None) -> list[dict[str, Any]]:
    totals = found.totals
    connections = sum(bool(group.totals.count) for group in found.groups)
    inside = ngettext(
        "%(count)d of them inside another", "%(count)d of them inside others", totals.part_count
    )
    waste = _("Zombies: %(zombies)d, %(zombie_cost)s · Orphans: %(orphans)d, %(orphan_cost)s") % {
        "zombies": totals.zombie_count,
        "zombie_cost": formatting.rounded_money(totals.zombie_cost.monthly or Decimal(0)),
        "orphans": totals.orphan_count,
        "orphan_cost": formatting.rounded_money(totals.orphan_cost.monthly or Decimal(0)),
    }
    return [
        {
            "label": _("Resources"),
            "figure": formatting.number(totals.count),
            "note": ngettext("in %(count)d connection", "in %(count)d connections", connections)
            % {"count": connections},
            "note_more": inside % {"count": totals.part_count} if totals.part_count else "",
        },
        _run_rate_cell(totals.cost, moment),
        {
            "label": _("Wasted"),
            "figure": formatting.rounded_money(totals.waste_monthly),
            "unit": _("/mo"),
            "note": waste,
            "note_more": _without_rate(totals.zombie_cost.unconverted | totals.orphan_cost.unconverted),
            "wide": True,
        },
        {
            "label": _("Completeness"),
            "figure": _("%(fresh)s of %(total)s")
            % {"fresh": formatting.number(totals.fresh_count), "total": formatting.number(totals.count)},
            "note": ngettext("up to date, %(count)d stale", "up to date, %(count)d stale", totals.stale_count)
            % {"count": totals.stale_count},
            "wide": True,
        },
    ]


def _run_rate_cell(cost: Sums, moment: datetime | None) -> dict[str, Any]:
    """In roubles; in the first other currency where no rate makes roubles of it."""
    cell: dict[str, Any] = {"label": _("Run rate at that time") if moment else _("Run rate")}
    if not cost.amounts:
        return cell | {"figure": "", "reason": _("No cost is known.")}
    amount, currency = cost.amounts[0]
    monthly = formatting.money_per_month(month_of(amount), currency)
    rest = cost.unconverted if cost.daily is not None else dict(sorted(cost.unconverted.items())[1:])
    return cell | {
        "figure": formatting.money(amount, currency),
        "unit": _("/day"),
        "note": _("%(monthly)s, a day × 30") % {"monthly": monthly},
        "note_more": _without_rate(rest),
    }


def _without_rate(amounts: dict[str, Decimal]) -> str:
    """What the sums leave out, because no rate is known."""
    told = ", ".join(
        formatting.money_per_day(amount, currency) for currency, amount in sorted(amounts.items())
    )
    return _("besides %(amounts)s without an exchange rate") % {"amounts": told} if told else ""


def _filters(request: UserRequest, wanted: ResourceFilter, moment: datetime | None) -> list[dict[str, Any]]:
    """The selects of the toolbar: name in the address, label, and (value, label) of each choice."""
    available = queries.choices(request.organization, moment)
    statuses = [(value, ResourceState.Status(value).label) for value in available.statuses]
    found = [
        (
            "type",
            _("Type"),
            [(value, ResourceType(value).label) for value in available.types],
            wanted.resource_type,
        ),
        ("status", _("Status"), statuses, wanted.status),
        ("region", _("Region"), [(value, value) for value in available.regions], wanted.region),
        ("tag", _("Tag"), [(value, value) for value in available.tags], wanted.tag),
        ("mark", _("Marks"), list(_mark_labels().items()), wanted.mark),
    ]
    return [
        {"key": key, "label": label, "choices": options, "value": value}
        for key, label, options, value in found
        if options or value
    ]


def _set_connection(wanted: ResourceFilter, moment: datetime | None, found: Listing) -> dict[str, str] | None:
    """The connection to which the list is narrowed: the one filter without a select."""
    if not wanted.connection:
        return None
    names = {str(group.connection.pk): group.connection.connection_name for group in found.groups}
    rest = "&".join(part for part in (wanted.without("connection"), urlencode(moment_pair(moment))) if part)
    return {"name": names.get(wanted.connection, wanted.connection), "remove_url": f"?{rest}"}


def _mark_labels() -> dict[str, str]:
    return {
        queries.ZOMBIE: _("Zombie"),
        queries.ORPHAN: _("Orphan"),
        queries.STALE: _("Stale"),
        queries.UNRECOGNIZED: _("Not recognised"),
        queries.PROVISIONAL: _("Provisional"),
    }


def _sorts(wanted: ResourceFilter) -> list[dict[str, Any]]:
    labels = {
        "cost": _("Dearest first"),
        "cheap": _("Cheapest first"),
        "name": _("By name"),
        "type": _("By type"),
        "changed": _("Latest changes first"),
        "measured": _("Measured first"),
    }
    return [{"value": sort, "label": labels[sort], "chosen": sort == wanted.sort} for sort in queries.SORTS]


def _notice(found: Listing, wanted: ResourceFilter, moment: datetime | None) -> dict[str, str] | None:
    if moment is None:
        return None
    local = timezone.localtime(moment)
    text = _("Nothing can be changed here.")
    if found.totals.stale_count:
        stale = ngettext(
            "%(count)d resource shows an earlier state, because its section could not be read.",
            "%(count)d resources show an earlier state, because their section could not be read.",
            found.totals.stale_count,
        )
        text = f"{stale % {'count': found.totals.stale_count}} {text}"
    return {
        "title": _("This is the state of %(moment)s.")
        % {"moment": formatting.moment(local, today=timezone.localdate())},
        "text": text,
        "url": f"?{wanted.query}",
        "label": _("To the present"),
    }


def _query(wanted: ResourceFilter, moment: datetime | None) -> str:
    return "&".join(part for part in (wanted.query, urlencode(moment_pair(moment))) if part)


def _export(request: UserRequest, wanted: ResourceFilter, moment: datetime | None) -> StreamingHttpResponse:
    states = queries.exported(request.organization, wanted, moment)
    record(
        "export.downloaded",
        organization=request.organization,
        details={"what": "resources.csv", "filters": request.GET.dict()},
    )
    response = StreamingHttpResponse(_csv(states.iterator(500)), content_type="text/csv; charset=utf-8")
    day = timezone.localtime(moment).date() if moment else timezone.localdate()
    response["Content-Disposition"] = f'attachment; filename="resources-{day}.csv"'
    return response


class _Echo:
    """What the csv writer writes to: it hands every line back."""

    def write(self, line: str) -> str:
        return line


def _csv(states: Iterable[ResourceState]) -> Iterator[str]:
    """FOCUS-like names in the head; every amount is a resource's own, so that the column adds up."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(
        ["connection", "resource_id", "resource_name", "resource_type", "part_of", "status", "region_id", "sub_account_name", "vcpus", "memory_mib", "storage_gib", "ip_addresses", "daily_cost", "monthly_cost", "currency", "marks", "first_seen_at"]
    )  # fmt: skip
    for state in states:
        yield writer.writerow(
            [
                _cell(value)
                for value in (
                    state.connection.connection_name,
                    state.resource.resource_id,
                    state.name,
                    state.resource.resource_type,
                    state.parent.name if state.parent else "",
                    state.status,
                    state.region_id,
                    state.sub_account_name,
                    state.vcpus,
                    state.memory_mib,
                    state.storage_gib,
                    " ".join(state.ip_addresses),
                    state.daily_cost,
                    state.monthly_cost,
                    state.currency,
                    " ".join(marks_of(state)),
                    state.resource.first_seen_at.isoformat(),
                )
            ]
        )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_STARTS) else text
