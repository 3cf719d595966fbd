"""A view of costs: what is measured, over which days, grouped by what, of which costs, compared with what.

It stands in the URL in full and is stored as that string. A canonical string leaves out what is the default, so that two
equal views have equal strings. What cannot be read becomes a sentence and a sensible fallback, never an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from costs.explorer.dimensions import Dimension, dimension
from costs.explorer.filters import Filters, Params, parse_filters
from costs.explorer.periods import BadPeriod, Span, compared_span, fixed_span, span_of

RUN_RATE: Final = "run_rate"
MEASURES: Mapping[str, Any] = {
    "billed": gettext_lazy("Spend, billed"),
    "effective": gettext_lazy("Spend, effective"),
    "list": gettext_lazy("Spend at list prices"),
    RUN_RATE: gettext_lazy("Run rate, a month"),
}
STEPS: Mapping[str, Any] = {
    "day": pgettext_lazy("step", "Day"),
    "week": pgettext_lazy("step", "Week"),
    "month": pgettext_lazy("step", "Month"),
}
CHARTS: Mapping[str, Any] = {
    "bar": gettext_lazy("Bars"),
    "line": gettext_lazy("Lines"),
    "area": gettext_lazy("Areas"),
    "doughnut": gettext_lazy("Doughnut"),
}
SORTS = ("total", "before", "difference", "name")
NOTHING: Final = "none"
GROUPS_LIMIT = 2
DEFAULT_GROUP: Final = "type"
DEFAULT_PERIOD: Final = "last_30_days"
LARGEST_AMOUNT = Decimal(10) ** 12


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """`period` and `comparison` as `periods` writes them ("" compares with nothing); `sort` with "-" for descending.

    `minimum` and `maximum` bound what a row of the table costs, in roubles; they are no filter of costs.
    """

    measure: str = "billed"
    period: str = DEFAULT_PERIOD
    step: str = "day"
    group_by: tuple[str, ...] = (DEFAULT_GROUP,)
    filters: Filters = field(default_factory=Filters)
    comparison: str = "previous"
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    chart: str = "bar"
    sort: str = "-total"

    @property
    def is_run_rate(self) -> bool:
        return self.measure == RUN_RATE

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """What `group_by` names, in order."""
        return tuple(found for found in map(dimension, self.group_by) if found is not None)

    @property
    def needs_facts(self) -> bool:
        return self.filters.needs_facts or any(each.needs_facts for each in self.dimensions)

    def span(self, today: date) -> Span:
        return span_of(self.period, today)

    def compared(self, today: date) -> Span | None:
        return compared_span(self.comparison, self.span(today))

    def params(self) -> list[tuple[str, str]]:
        """The canonical parameters, without those that are the default."""
        amounts = [("min", self.minimum), ("max", self.maximum)]
        pairs = [
            ("measure", self.measure),
            ("period", self.period),
            ("step", self.step),
            *(("group", key) for key in self.group_by or (NOTHING,)),
            ("compare", self.comparison or NOTHING),
            ("chart", self.chart),
            ("sort", self.sort),
        ]
        if self.group_by == (DEFAULT_GROUP,):
            pairs.remove(("group", DEFAULT_GROUP))
        return [
            *(pair for pair in pairs if pair not in DEFAULT_PARAMS),
            *((key, f"{value:f}") for key, value in amounts if value is not None),
            *self.filters.params(),
        ]

    def query_string(self, **changes: Any) -> str:
        """The view as a URL writes it, after `changes` of its fields."""
        return urlencode(replace(self, **changes).params() if changes else self.params())


DEFAULT_PARAMS = frozenset(
    {
        ("measure", "billed"),
        ("period", DEFAULT_PERIOD),
        ("step", "day"),
        ("compare", "previous"),
        ("chart", "bar"),
        ("sort", "-total"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A view, and a sentence about each thing that could not be read."""

    view: View
    problems: tuple[str, ...]


def parse_view(query: str | Params, today: date) -> Parsed:
    """The view of a query string or of parameters (a QueryDict's `lists()` as a dict).

    Forms may send the period as `first` and `last`, a comparison as `compare_first` and `compare_last`, and one more
    filter as `add=type:server` with `mode=exclude`.
    """
    params: dict[str, list[str]] = (
        parse_qs(query, max_num_fields=1000)
        if isinstance(query, str)
        else {k: list(v) for k, v in query.items()}
    )
    problems: list[str] = []
    _take_added(params)
    filters, found = parse_filters(params)
    problems += found
    measure = _choice(params, "measure", MEASURES, "billed", problems)
    view = View(
        measure=measure,
        period=_period(params, today, problems),
        step=_choice(params, "step", STEPS, "day", problems),
        group_by=_groups(params, problems),
        filters=filters,
        minimum=_amount(params, "min", problems),
        maximum=_amount(params, "max", problems),
        chart=_choice(params, "chart", CHARTS, "bar", problems),
        sort=_choice(params, "sort", [*SORTS, *(f"-{sort}" for sort in SORTS)], "-total", problems),
    )
    view = replace(view, comparison=_comparison(params, view.span(today), problems))
    if view.is_run_rate:
        view = _without_unknown(view, problems)
    return Parsed(view=view, problems=tuple(problems))


def _last(params: Params, key: str) -> str:
    values = params.get(key, ())
    return values[-1].strip() if values else ""


def _choice(params: Params, key: str, known: Iterable[str], default: str, problems: list[str]) -> str:
    asked = _last(params, key)
    if not asked or asked in known:
        return asked or default
    problems.append(
        _("“%(value)s” is no choice for %(key)s; the usual one is shown.")
        % {"value": _shown(asked), "key": key}
    )
    return default


def _period(params: Params, today: date, problems: list[str]) -> str:
    asked = _ends(params, "first", "last") or _last(params, "period")
    if not asked:
        return DEFAULT_PERIOD
    try:
        span_of(asked, today)
    except BadPeriod:
        problems.append(
            _("The period “%(value)s” cannot be read; the last 30 days are shown.") % {"value": _shown(asked)}
        )
        return DEFAULT_PERIOD
    return asked


def _comparison(params: Params, span: Span, problems: list[str]) -> str:
    asked = _ends(params, "compare_first", "compare_last") or _last(params, "compare")
    if asked == NOTHING:
        return ""
    try:
        compared_span(asked or "previous", span)
    except BadPeriod:
        problems.append(
            _("“%(value)s” is no period to compare with; the period before is taken.")
            % {"value": _shown(asked)}
        )
        return "previous"
    return asked or "previous"


def _ends(params: Params, first: str, last: str) -> str:
    """Two dates of a form as a range; one alone is a day."""
    start, end = _last(params, first), _last(params, last)
    if not start and not end:
        return ""
    text = f"{start or end}..{end or start}"
    try:
        return str(fixed_span(text))
    except BadPeriod:
        return text


def _groups(params: Params, problems: list[str]) -> tuple[str, ...]:
    asked = [key for value in params.get("group", ()) for key in value.split(",") if key]
    if asked == [NOTHING]:
        return ()
    known = [key for key in dict.fromkeys(asked) if dimension(key) is not None]
    problems += [
        _("There is no dimension “%(key)s” to group by.") % {"key": _shown(key)}
        for key in asked
        if key not in known and key != NOTHING
    ]
    if len(known) > GROUPS_LIMIT:
        problems.append(_("Costs are grouped by two things at most; the first two are taken."))
    return tuple(known[:GROUPS_LIMIT]) or (DEFAULT_GROUP,)


def _amount(params: Params, key: str, problems: list[str]) -> Decimal | None:
    asked = _last(params, key).replace(",", ".").replace(" ", "")
    if not asked:
        return None
    try:
        amount = Decimal(asked)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > LARGEST_AMOUNT:
        problems.append(_("“%(value)s” is no amount; it was left out.") % {"value": _shown(asked)})
        return None
    return amount


def _take_added(params: dict[str, list[str]]) -> None:
    """The one filter that a form adds becomes one of the filters."""
    mode = "not." if _last(params, "mode") == "exclude" else ""
    for added in params.pop("add", []):
        key, _colon, value = added.partition(":")
        if value and dimension(key) is not None:
            params.setdefault(f"{mode}{key}", []).append(value)
    key, value = _last(params, "tag_key"), _last(params, "tag_value")
    if key and value:
        params.setdefault(f"{mode}tag.{key}", []).append(value)


def _without_unknown(view: View, problems: list[str]) -> View:
    """The run rate is of resources, so it knows no charge categories."""
    known = [each.key for each in view.dimensions if each.tag_key or each.state_column]
    kept = (
        view.filters.conditions
        if view.filters.has_run_rate
        else tuple(one for one in view.filters.conditions if one.key != "category")
    )
    if len(known) == len(view.group_by) and kept == view.filters.conditions:
        return view
    problems.append(_("The run rate is of resources and knows no charge categories."))
    return replace(
        view,
        group_by=tuple(known) or (DEFAULT_GROUP,),
        filters=replace(view.filters, conditions=kept),
    )


def _shown(text: str) -> str:
    return text.replace("\0", "")[:60]
