"""An exploration as its page shows it: every choice is a link to the view that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Organization
from common import formatting
from costs.explorer import names
from costs.explorer.chart import KINDS, chart_data, sentence
from costs.explorer.dimensions import DIMENSIONS, RESOURCE, TAG_PREFIX, dimension, next_key
from costs.explorer.exploration import Exploration, Row
from costs.explorer.filters import Condition
from costs.explorer.periods import COMPARISONS, RELATIVE, Span
from costs.explorer.queries import tag_keys
from costs.explorer.subtrees import Below, alone, in_words, values_below
from costs.explorer.view import CHARTS, MEASURES, NOTHING, STEPS, View

FIRST_GROUPS = ("connection", "type", "service", "region", "project", "business_unit")
"""Groupings that have a chip of their own; the others are in a menu."""
SHOWN_VALUES = 3
OFFERED_VALUES = 100


def view_url(view: View, **changes: Any) -> str:
    query = view.query_string(**changes)
    return reverse("explorer:explorer") + (f"?{query}" if query else "")


def page_context(
    organization: Organization,
    exploration: Exploration,
    problems: Iterable[str],
    today: date,
    events: Iterable[dict[str, str]] = (),
) -> dict[str, Any]:
    """Everything that the page and its fragment draw; up to six queries for the names in its menus."""
    view = exploration.view
    below = values_below(organization, [*view.group_by, *(one.key for one in view.filters.conditions)])
    offered = names.choices(organization, DIMENSIONS)
    keys = tag_keys(organization)
    query = view.query_string()
    more_groups = _groups(view, [kind.key for kind in DIMENSIONS if kind.key not in FIRST_GROUPS])
    tag_groups = _groups(view, [TAG_PREFIX + key for key in keys])
    return {
        "view": view,
        "found": exploration,
        "problems": list(problems),
        "query": query,
        "canonical_url": view_url(view),
        "title": measure_title(view),
        "subtitle": subtitle(exploration),
        "period": period_text(exploration.span),
        "compared": period_text(exploration.compared) if exploration.compared else "",
        "periods": _periods(view, exploration.span),
        "comparisons": _comparisons(view),
        "groups": _groups(view, FIRST_GROUPS),
        "more_groups": more_groups,
        "tag_groups": tag_groups,
        "second_groups": _second_groups(view, keys),
        "second_label": view.dimensions[1].label if len(view.group_by) > 1 else _("nothing else"),
        "more_label": _chosen_label(more_groups),
        "tag_label": _chosen_label(tag_groups),
        "steps": [
            {"label": label, "url": view_url(view, step=key), "chosen": key == view.step}
            for key, label in STEPS.items()
        ],
        "charts": [
            {"label": label, "url": view_url(view, chart=key), "chosen": key == view.chart}
            for key, label in CHARTS.items()
            if not (key == "doughnut" and view.is_run_rate)
        ],
        "measures": [
            {
                "label": label,
                "url": view_url(view, measure=key, **({"chart": "bar"} if view.chart == "doughnut" else {})),
                "chosen": key == view.measure,
            }
            for key, label in MEASURES.items()
        ],
        "measure_label": MEASURES[view.measure],
        "filters": _filters(organization, view, offered, below),
        "bounds": _bounds(view),
        "reset_url": view_url(view, filters=type(view.filters)(), minimum=None, maximum=None),
        "offered": _offered(offered),
        "hidden": view.params(),
        "chart": chart_data(exploration, events),
        "chart_kind": KINDS[view.chart],
        "chart_label": sentence(exploration),
        "rows": [_row(exploration, row, below) for row in exploration.rows],
        "extra_rows": [row for row in (exploration.shared, exploration.rest) if row is not None],
        "columns": _columns(view),
        "csv_url": _with_query("explorer:table_csv", query),
        "facts_url": _with_query("explorer:facts_csv", query),
        "difference_url": _difference_url(exploration),
        "budget_url": _scope_url("budgets:budget_new", [("scope", urlencode(view.filters.params()))]),
        "forecast_url": _scope_url("budgets:forecast", view.filters.params()),
        "today": today,
    }


def measure_title(view: View) -> str:
    """What every figure of the page is, spend or run rate, before any number."""
    if view.is_run_rate:
        return _("Run rate, ₽ a month (30 days)")
    return {
        "billed": _("Spend, billed, ₽"),
        "effective": _("Spend, effective, ₽"),
        "list": _("Spend at list prices, ₽"),
    }[view.measure]


def subtitle(exploration: Exploration) -> str:
    """What is measured and how much of it is known."""
    parts = [measure_title(exploration.view)]
    if exploration.is_empty:
        parts.append(_("no costs are known in this period"))
    elif exploration.incomplete:
        days = [
            formatting.short_date(day, today=exploration.span.last) for day in sorted(exploration.incomplete)
        ]
        shown = ", ".join(days[:3]) + (" …" if len(days) > 3 else "")
        parts.append(_("incomplete: %(days)s") % {"days": shown})
    elif not exploration.view.is_run_rate:
        parts.append(_("the data of these days is complete"))
    if exploration.unconverted:
        listed = ", ".join(
            formatting.money(amount, currency) for currency, amount in sorted(exploration.unconverted.items())
        )
        parts.append(_("besides %(amounts)s, no exchange rate known") % {"amounts": listed})
    return " · ".join(parts)


def period_text(span: Span) -> str:
    return formatting.period(span.first, span.last)


def drill_url(exploration: Exploration, row: Row, below: Below) -> str:
    """A group opened: filtered to it alone and broken down by the next thing; a resource leads to its charges."""
    view = exploration.view
    filters = view.filters
    pairs = list(zip(view.group_by, row.key, strict=True))
    for key, value in pairs:
        if key == RESOURCE and not view.is_run_rate:
            return charges_url(view, value)
        if key == RESOURCE:
            return reverse("inventory:resource_detail", args=[value])
        filters = alone(filters, key, value, below)
    if not pairs:
        return ""
    taken = {one.key for one in filters.conditions}
    following = next_key(pairs[-1][0], taken)
    if view.is_run_rate and (found := dimension(following)) and not found.state_column:
        following = RESOURCE
    return view_url(view, filters=filters, group_by=(following,), minimum=None, maximum=None)


def charges_url(view: View, resource: str, **more: str) -> str:
    query = urlencode([("period", view.period), *more.items()])
    return f"{reverse('explorer:charges', args=[resource])}?{query}"


def _with_query(name: str, query: str) -> str:
    return reverse(name) + (f"?{query}" if query else "")


def _difference_url(exploration: Exploration) -> str:
    if exploration.compared is None or exploration.view.is_run_rate:
        return ""
    pairs = [
        ("before", str(exploration.compared)),
        ("after", str(exploration.span)),
        *exploration.view.filters.params(),
    ]
    return f"{reverse('explorer:difference')}?{urlencode(pairs)}"


def _scope_url(name: str, params: list[tuple[str, str]]) -> str:
    """Of all costs where nothing is filtered."""
    query = urlencode([(key, value) for key, value in params if value])
    return reverse(name) + (f"?{query}" if query else "")


def _row(exploration: Exploration, row: Row, below: Below) -> dict[str, Any]:
    url = drill_url(exploration, row, below)
    return {
        "row": row,
        "url": url,
        "is_view": url.partition("?")[0] == reverse("explorer:explorer"),
        "labels": row.labels[1:],
        "label": row.labels[0],
    }


def _columns(view: View) -> dict[str, dict[str, Any]]:
    """Heads that sort: a second click turns the order around."""
    heads = {}
    for key in ("name", "total", "before", "difference"):
        default = key if key == "name" else f"-{key}"
        turned = key if default.startswith("-") else f"-{key}"
        is_sorted = view.sort.removeprefix("-") == key
        heads[key] = {
            "url": view_url(view, sort=turned if view.sort == default else default),
            "sort": ("descending" if view.sort.startswith("-") else "ascending") if is_sorted else "",
        }
    return heads


def _groups(view: View, keys: Iterable[str]) -> list[dict[str, Any]]:
    """First groupings; the second stays unless it is the same."""
    second = view.group_by[1:]
    listed: list[dict[str, Any]] = []
    for key in keys:
        kind = dimension(key)
        if kind is None or (view.is_run_rate and not kind.tag_key and not kind.state_column):
            continue
        chosen = view.group_by[:1] == (key,)
        label = kind.tag_key or kind.label
        group_by = (key, *(other for other in second if other != key))
        listed.append(
            {"key": key, "label": label, "url": view_url(view, group_by=group_by), "chosen": chosen}
        )
    return listed


def _chosen_label(groups: Iterable[dict[str, Any]]) -> Any:
    return next((group["label"] for group in groups if group["chosen"]), "")


def _second_groups(view: View, keys: Iterable[str]) -> list[dict[str, Any]]:
    if not view.group_by:
        return []
    first = view.group_by[0]
    chosen = view.group_by[1] if len(view.group_by) > 1 else ""
    listed = [{"label": _("nothing else"), "url": view_url(view, group_by=(first,)), "chosen": not chosen}]
    for key in [*(kind.key for kind in DIMENSIONS), *(TAG_PREFIX + key for key in keys)]:
        kind = dimension(key)
        if kind is None or key == first or (view.is_run_rate and not kind.tag_key and not kind.state_column):
            continue
        listed.append(
            {"label": kind.label, "url": view_url(view, group_by=(first, key)), "chosen": key == chosen}
        )
    return listed


def _periods(view: View, span: Span) -> dict[str, Any]:
    return {
        "choices": [
            {"label": label, "url": view_url(view, period=key), "chosen": key == view.period}
            for key, (label, _days) in RELATIVE.items()
        ],
        "label": RELATIVE[view.period][0] if view.period in RELATIVE else period_text(span),
        "span": span,
    }


def _comparisons(view: View) -> dict[str, Any]:
    named: Mapping[str, Any] = {**COMPARISONS, "": _("Nothing")}
    return {
        "choices": [
            {"label": label, "url": view_url(view, comparison=key), "chosen": key == view.comparison}
            for key, label in named.items()
        ],
        "label": named.get(view.comparison, view.comparison),
        "none": NOTHING,
    }


def _filters(
    organization: Organization, view: View, offered: Mapping[str, list[tuple[str, str]]], below: Below
) -> list[dict[str, Any]]:
    known = {key: dict(pairs) for key, pairs in offered.items()}
    resources = [value for one in view.filters.conditions if one.key == RESOURCE for value in one.values]
    if resources:
        known |= names.names(organization, {RESOURCE: resources})
    chips = [_condition(view, one, known, below) for one in view.filters.conditions]
    if view.filters.name:
        chips.append(
            {
                "name": _("Name contains"),
                "value": view.filters.name,
                "remove_url": view_url(view, filters=replace(view.filters, name="")),
            }
        )
    return chips


def _condition(
    view: View, one: Condition, known: Mapping[str, Mapping[str, str]], below: Below
) -> dict[str, Any]:
    kind = dimension(one.key)
    assert kind is not None, "filters hold known dimensions only"
    labels = [
        in_words(known.get(one.key, {}).get(value) or names.label(kind, value, known), one.key, value, below)
        for value in one.values
    ]
    shown = ", ".join(labels[:SHOWN_VALUES])
    if len(labels) > SHOWN_VALUES:
        shown += " " + _("and %(count)d more") % {"count": len(labels) - SHOWN_VALUES}
    label = _("not %(label)s") % {"label": kind.label} if one.is_excluded else kind.label
    rest = view.filters.holding(one.key, (), is_excluded=one.is_excluded)
    return {"name": label, "value": shown, "remove_url": view_url(view, filters=rest)}


def _bounds(view: View) -> list[dict[str, Any]]:
    chips = []
    if view.minimum is not None:
        chips.append(
            {
                "name": pgettext("amount", "From"),
                "value": formatting.money(view.minimum),
                "remove_url": view_url(view, minimum=None),
            }
        )
    if view.maximum is not None:
        chips.append(
            {
                "name": pgettext("amount", "Up to"),
                "value": formatting.money(view.maximum),
                "remove_url": view_url(view, maximum=None),
            }
        )
    return chips


def _offered(offered: Mapping[str, list[tuple[str, str]]]) -> list[dict[str, Any]]:
    """Groups of a <select>: each dimension with its values, "~" for none; long lists are cut, rows lead there too."""
    return [
        {
            "label": dimension_label(key),
            "options": [(f"{key}:{value or '~'}", label) for value, label in pairs[:OFFERED_VALUES]],
        }
        for key, pairs in offered.items()
        if pairs
    ]


def dimension_label(key: str) -> Any:
    kind = dimension(key)
    return kind.label if kind else key
