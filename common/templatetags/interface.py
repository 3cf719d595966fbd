"""Template tags of the interface: icons, shares as classes, texts for charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.dates import MONTHS_3, MONTHS_ALT, WEEKDAYS
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, pgettext

from common import formatting

register = template.Library()


@register.simple_tag
def icon(name: str, classes: str = "", label: str = "") -> SafeString:
    """`<svg>` of one symbol of icons.svg; `classes` are added, `label` makes it speak, otherwise it is hidden."""
    sheet = static("infrazen/icons.svg")
    css = f"icon {classes}".strip()
    if label:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><use href="{}#{}"></use></svg>',
            css,
            label,
            sheet,
            name,
        )
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css,
        sheet,
        name,
    )


@register.filter
def percent_class(value: Any) -> str:
    """`percent-37` for 36.6: a share from 0 to 100 as the class that bars read; nothing for None.

    Anything above zero is at least 1, so that a small share is seen, and anything under 100 at most 99.
    """
    if value is None or value == "":
        return ""
    try:
        share = Decimal(str(value))
    except InvalidOperation:
        return ""
    if not share.is_finite():
        return ""
    whole = int(share.to_integral_value())
    if share > 0:
        whole = max(whole, 1)
    if share < 100:
        whole = min(whole, 99)
    return f"percent-{max(0, min(100, whole))}"


@register.filter
def share_of(part: Any, whole: Any) -> Decimal | None:
    """`part` in per cent of `whole`; None where either is missing or the whole is zero."""
    if part in (None, "") or whole in (None, ""):
        return None
    total = Decimal(str(whole))
    return None if total == 0 else Decimal(str(part)) * 100 / total


@register.filter
def initials(name: Any) -> str:
    """At most two capital letters for an avatar: of the first two words, or of an e-mail's beginning."""
    words = str(name or "").split("@")[0].replace(".", " ").split()
    return "".join(word[0] for word in words[:2]).upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRow:
    """One label of a chart with its values as ready texts, in the order of the series."""

    label: str
    values: list[str]
    total: str

    @property
    def cells(self) -> SafeString:
        """The values as cells: of a year's table the template would draw thousands one by one."""
        return format_html('<td class="number">{}</td>' * len(self.values), *self.values)


@register.filter
def as_shown(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data of a chart with its roubles in the reader's currency."""
    code = data.get("currency", "")
    shown = formatting.as_shown(Decimal(0), code)[1]
    if shown == code:
        return data
    return {
        **data,
        "currency": shown,
        "series": [
            {**series, "values": [_value_shown(value) for value in series["values"]]}
            for series in data["series"]
        ],
    }


def _value_shown(value: Any) -> str | None:
    return None if value is None else f"{formatting.as_shown(Decimal(str(value)))[0]:.6f}"


@register.simple_tag
def chart_table(data: Mapping[str, Any]) -> list[ChartRow]:
    """The numbers of a chart (its data as js/charts.js describes it) as rows of a table."""
    percentages = data.get("unit") == "percent"
    today = timezone.localdate()
    titles = data.get("titles") or [_label_text(str(label), today) for label in data["labels"]]
    columns = [
        [None if value is None else Decimal(str(value)) for value in series["values"]]
        for series in data["series"]
    ]
    texts = [
        list(map(formatting.percent, column)) if percentages else formatting.numbers(column, 2)
        for column in columns
    ]
    places = range(len(titles))
    totals = formatting.numbers((_sum_known(column[place] for column in columns) for place in places), 2)
    return [
        ChartRow(label=titles[place], values=[column[place] for column in texts], total=totals[place])
        for place in places
    ]


def _sum_known(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def _label_text(label: str, today: date) -> str:
    if "T" in label:
        return formatting.moment(timezone.localtime(datetime.fromisoformat(label)), today=today)
    return formatting.short_date(date.fromisoformat(label), today=today)


@register.simple_tag
def chart_texts() -> SafeString:
    """The words that charts.js draws with, in the reader's language, as `<script id="chart-texts">` (JSON data)."""
    language = get_language() or "en"
    months = [str(MONTHS_3[number]) for number in range(1, 13)]
    if not language.startswith("ru"):
        months = [month.capitalize() for month in months]
    return json_script(
        {
            "locale": language,
            "months": months,
            "monthsOfDate": [str(MONTHS_ALT[number]) for number in range(1, 13)],
            "weekdays": [str(WEEKDAYS[number]) for number in range(7)],
            "total": gettext("Total"),
            "noData": gettext("no data"),
            "incomplete": gettext("incomplete data"),
            "thousands": pgettext("thousands on a chart axis", "k"),
            "millions": pgettext("millions on a chart axis", "M"),
        },
        "chart-texts",
    )
