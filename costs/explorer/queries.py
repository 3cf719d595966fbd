"""What a view of costs shows, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Organization
from costs.explorer import colours, names, subtrees
from costs.explorer.completeness import Completeness, completeness
from costs.explorer.exploration import REST, Exploration, Key, Row, Series
from costs.explorer.periods import Span
from costs.explorer.run_rates import RunRateSource
from costs.explorer.spend import SpendSource
from costs.explorer.sums import Amounts, Group, Source, Sums, add_known, buckets
from costs.explorer.view import View
from costs.models import CostShare
from inventory.models import Tag

ROWS_LIMIT = 200
SERIES_COUNT = 8
DOUGHNUT_COUNT = 5


def today_of(organization: Organization, now: datetime) -> date:
    """The organization's day, which relative periods are counted from."""
    return now.astimezone(ZoneInfo(organization.time_zone)).date()


def explore(organization: Organization, view: View, now: datetime, *, limit: int = ROWS_LIMIT) -> Exploration:
    """What `view` shows as of `now`: at most `limit` rows, and the rest as one."""
    today = today_of(organization, now)
    span, compared = view.span(today), view.compared(today)
    read = replace(view, filters=subtrees.whole(organization, view.filters))
    source: Source
    if view.is_run_rate:
        source = RunRateSource(organization, read, span, compared, now)
    else:
        source = SpendSource(organization, read, span, compared, facts=view.needs_facts)
    whole, shared = _whole(organization, read, span, compared, source)
    groups = source.groups(limit)
    unconverted = source.unconverted() if whole.missing or view.is_run_rate else {}
    rows = _rows(organization, view, groups, unconverted, whole)
    is_cut = len(groups) == limit or view.minimum is not None or view.maximum is not None
    rest_count = max(0, source.group_count() - len(groups)) if is_cut else 0
    starts = buckets(span, view.step)
    whole_row = Row(
        key=(),
        labels=(_("Total"),),
        total=whole.total,
        before=whole.before,
        share=None if not whole.total else Decimal(100),
    )
    shared_row = _shared_row(shared, whole)
    rest = _rest(rows, shared_row, whole_row) if rest_count else None
    known = Completeness() if view.is_run_rate else completeness(organization, view.filters, span)
    top = _coloured(organization, view, rows)
    return Exploration(
        view=view,
        span=span,
        compared=compared,
        rows=_sorted_by_name(view, top),
        rest=rest,
        rest_count=rest_count,
        shared=shared_row,
        whole=whole_row,
        buckets=starts,
        bucket_totals=tuple(whole.buckets.get(start) for start in starts),
        series=_series(source, top, starts, whole),
        incomplete=known.incomplete,
        known_since=known.since,
        unconverted=_merged(unconverted),
        own_only=view.needs_facts and not view.is_run_rate,
    )


def tag_keys(organization: Organization) -> list[str]:
    """The keys of tags that the organization's resources have; one query."""
    return list(Tag.objects.of(organization).order_by("key").values_list("key", flat=True).distinct())


def _rows(
    organization: Organization,
    view: View,
    groups: Sequence[Group],
    unconverted: Mapping[Key, Mapping[str, Decimal]],
    whole: Sums,
) -> list[Row]:
    kinds = view.dimensions
    known = names.names(
        organization,
        {kind.key: [group.key[place] for group in groups] for place, kind in enumerate(kinds)},
    )
    return [
        Row(
            key=group.key,
            labels=tuple(
                names.label(kind, value, known) for kind, value in zip(kinds, group.key, strict=True)
            )
            or (_("Everything"),),
            total=group.total,
            before=group.before,
            share=_share(group.total, whole.total),
            unconverted=unconverted.get(group.key, {}),
        )
        for group in groups
    ]


def _share(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return part * 100 / whole if part is not None and whole else None


def _coloured(organization: Organization, view: View, rows: list[Row]) -> list[Row]:
    """The dearest rows with the colours that their chart gives them."""
    count = DOUGHNUT_COUNT if view.chart == "doughnut" else SERIES_COUNT
    dearest = sorted(
        (row for row in rows if row.total is not None), key=lambda row: row.total or Decimal(0), reverse=True
    )[:count]
    numbers = colours.numbers(organization, view.group_by, [row.key for row in dearest])
    return [replace(row, number=numbers.get(row.key, "")) for row in rows]


def _sorted_by_name(view: View, rows: list[Row]) -> tuple[Row, ...]:
    if view.sort.removeprefix("-") != "name":
        return tuple(rows)
    return tuple(
        sorted(
            rows,
            key=lambda row: tuple(label.casefold() for label in row.labels),
            reverse=view.sort.startswith("-"),
        )
    )


def _series(source: Source, rows: Sequence[Row], starts: Sequence[date], whole: Sums) -> tuple[Series, ...]:
    """The coloured rows in the order of their numbers, and what is left of each bucket."""
    chosen = sorted((row for row in rows if row.number), key=lambda row: int(row.number))
    by_key = source.by_bucket([row.key for row in chosen])
    series = [
        Series(
            label=" · ".join(row.labels),
            number=row.number,
            values=tuple(by_key.get(row.key, {}).get(start) for start in starts),
        )
        for row in chosen
    ]
    left = _left(by_key, whole.buckets)
    if any(left.values()):
        values = tuple(left.get(start) for start in starts)
        series.append(Series(label=_("The rest"), number=REST, values=values))
    return tuple(series)


def _left(by_key: Mapping[Key, Amounts], totals: Amounts) -> Amounts:
    return {
        bucket: total - sum((amounts.get(bucket, Decimal(0)) for amounts in by_key.values()), Decimal(0))
        for bucket, total in totals.items()
    }


def _whole(
    organization: Organization, view: View, span: Span, compared: Span | None, source: Source
) -> tuple[Sums, Sums | None]:
    """The sums of everything, and what of them the booking of shared costs adds to single resources; None if nothing.

    Where nothing was shared out, totals say the same as the facts, of which there are many more.
    """
    if view.is_run_rate or not view.needs_facts or view.filters.needs_facts:
        return source.whole(), None
    kept = tuple(kind.key for kind in view.dimensions if not kind.needs_facts)
    booked = SpendSource(organization, replace(view, group_by=kept), span, compared, facts=False).whole()
    if not _has_shares(organization, span, compared):
        return booked, None
    own = source.whole()
    difference = Sums(
        total=_minus(booked.total, own.total),
        before=_minus(booked.before, own.before),
        buckets={
            bucket: booked.buckets.get(bucket, Decimal(0)) - own.buckets.get(bucket, Decimal(0))
            for bucket in {**booked.buckets, **own.buckets}
        },
    )
    return booked, difference if difference.total or difference.before else None


def _has_shares(organization: Organization, span: Span, compared: Span | None) -> bool:
    days = [Q(date__gte=each.first, date__lte=each.last) for each in (span, compared) if each]
    return CostShare.objects.of(organization).filter(reduce(or_, days)).exists()


def _minus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None and other is None:
        return None
    return (one or Decimal(0)) - (other or Decimal(0))


def _shared_row(shared: Sums | None, whole: Sums) -> Row | None:
    if shared is None:
        return None
    return Row(
        key=(),
        labels=(_("Shared costs booked here"),),
        total=shared.total,
        before=shared.before,
        share=_share(shared.total, whole.total),
    )


def _rest(rows: Sequence[Row], shared: Row | None, whole: Row) -> Row:
    listed = [*rows, *([shared] if shared else [])]
    total = _minus(whole.total, add_known(row.total for row in listed))
    before = _minus(whole.before, add_known(row.before for row in listed))
    return Row(key=(), labels=(_("The rest"),), total=total, before=before, share=_share(total, whole.total))


def _merged(by_key: Mapping[Key, Mapping[str, Decimal]]) -> dict[str, Decimal]:
    merged: dict[str, Decimal] = {}
    for amounts in by_key.values():
        for currency, amount in amounts.items():
            merged[currency] = merged.get(currency, Decimal(0)) + amount
    return merged
