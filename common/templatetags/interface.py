"""Template tags of the interface: icons, shares as classes, texts for charts."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.dates import MONTHS_3, MONTHS_ALT, WEEKDAYS
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, pgettext

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


@register.simple_tag
def chart_texts() -> SafeString:
    """The words that charts.js draws with, in the reader's language, as `<script id="chart-texts">` (JSON data)."""
    months = [str(MONTHS_3[number]) for number in range(1, 13)]
    return json_script(
        {
            "locale": get_language() or "en",
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
