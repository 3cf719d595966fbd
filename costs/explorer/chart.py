"""An exploration as the data of `_components/chart.html`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.dates import MONTHS
from django.utils.translation import gettext as _

from common import formatting
from costs.explorer.exploration import Exploration
from costs.explorer.sums import bucket_end
from costs.explorer.view import RUN_RATE

KINDS = {"bar": "stacked", "line": "lines", "area": "area", "doughnut": "doughnut"}
ROUBLES = "RUB"


def chart_data(exploration: Exploration, events: Iterable[dict[str, str]] = ()) -> dict[str, Any] | None:
    """As js/charts.js describes it; None where there is nothing to draw."""
    if not exploration.series:
        return None
    data: dict[str, Any] = {
        "labels": [bucket.isoformat() for bucket in exploration.buckets],
        "series": [
            {
                "name": series.label,
                "number": series.number,
                "values": [_text(value) for value in series.values],
            }
            for series in exploration.series
        ],
        "incomplete": [bucket.isoformat() for bucket in incomplete_buckets(exploration)],
        "events": list(events),
        "currency": ROUBLES,
        "sums": exploration.view.measure != RUN_RATE,
    }
    if exploration.view.step != "day":
        data["titles"] = [bucket_title(exploration, bucket) for bucket in exploration.buckets]
    return data


def incomplete_buckets(exploration: Exploration) -> list[date]:
    """Buckets with a day that is known only in part."""
    ends = [
        (bucket, bucket_end(bucket, exploration.view.step, exploration.span))
        for bucket in exploration.buckets
    ]
    days = sorted(exploration.incomplete)
    return [bucket for bucket, end in ends if any(bucket <= day <= end for day in days)]


def bucket_title(exploration: Exploration, bucket: date) -> str:
    """`9–15 Mar 2026`, `March 2026`; cut off where the period begins or ends in between."""
    first, last = (
        max(bucket, exploration.span.first),
        bucket_end(bucket, exploration.view.step, exploration.span),
    )
    is_whole = first.day == 1 and last.month != (last.fromordinal(last.toordinal() + 1)).month
    if exploration.view.step == "month" and is_whole and first.month == last.month:
        return f"{str(MONTHS[bucket.month]).capitalize()} {bucket.year}"
    return formatting.period(first, last)


def sentence(exploration: Exploration) -> str:
    """What the chart says to those who do not see it."""
    span = exploration.span
    known = [
        (total, bucket)
        for total, bucket in zip(exploration.bucket_totals, exploration.buckets, strict=True)
        if total is not None
    ]
    values = {
        "first": formatting.short_date(span.first, today=span.last),
        "last": formatting.short_date(span.last, today=span.last),
        "total": formatting.rounded_money(exploration.whole.total),
        "day": formatting.short_date(max(known)[1], today=span.last) if known else "",
    }
    if exploration.view.is_run_rate:
        return _("Run rate a month from %(first)s to %(last)s, %(total)s at the end") % values
    return _("Spend from %(first)s to %(last)s, %(total)s in all, most on %(day)s") % values


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
