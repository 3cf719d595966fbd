"""Any view of the cost explorer: its chart and its table, with the same numbers as its page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from common import formatting
from costs.explorer.chart import bucket_title, incomplete_buckets, sentence
from costs.explorer.exploration import Exploration, Row
from costs.explorer.models import SavedView
from costs.explorer.queries import explore, today_of
from costs.explorer.view import MEASURES, View, parse_view
from costs.reports.content import Chart, Column, Kind, Line, Section, Table, Value
from costs.reports.sections import Frame, Options, OptionsForm, SectionKind
from costs.reports.sections.figures import unconverted_remarks

CHART, TABLE, BOTH = "chart", "table", "both"
DEFAULT_ROWS = 20
MOST_ROWS = 200
QUERY_LENGTH = 4000
DAYS_TOLD = 5


class ViewForm(OptionsForm):
    title = forms.CharField(label=gettext_lazy("Title"), required=False, max_length=120)
    saved_view = forms.TypedChoiceField(
        label=gettext_lazy("Saved view"), required=False, coerce=int, empty_value=None
    )
    query = forms.CharField(
        label=gettext_lazy("Or a view"),
        required=False,
        max_length=QUERY_LENGTH,
        help_text=gettext_lazy(
            "The address of a view of the cost explorer, or what stands behind its “?”. Empty: spend by type."
        ),
    )
    keeps_period = forms.BooleanField(
        label=gettext_lazy("Keep the view's own period"),
        required=False,
        help_text=gettext_lazy("Otherwise it shows the report's period."),
    )
    shows = forms.ChoiceField(
        label=gettext_lazy("Shown"),
        choices=[
            (BOTH, gettext_lazy("chart and table")),
            (CHART, gettext_lazy("chart only")),
            (TABLE, gettext_lazy("table only")),
        ],
        initial=BOTH,
    )
    rows = forms.IntegerField(
        label=gettext_lazy("Rows at most"), min_value=1, max_value=MOST_ROWS, initial=DEFAULT_ROWS
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["saved_view"]
        choices.choices = [("", "—"), *shared_views(self.organization).values_list("pk", "name")]

    def clean_query(self) -> str:
        """In canonical form; what cannot be read is refused rather than left out."""
        given: str = self.cleaned_data["query"].strip()
        is_address = "://" in given or given.startswith("/")
        query = given.partition("?")[2] if "?" in given else "" if is_address else given
        parsed = parse_view(query, today_of(self.organization, timezone.now()))
        if parsed.problems:
            raise forms.ValidationError(list(parsed.problems))
        return parsed.view.query_string()

    def clean(self) -> dict[str, Any]:
        """A saved view's name is the title where there is none; what it shows then is always its own query."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("saved_view") is not None:
            names = dict(shared_views(self.organization).values_list("pk", "name"))
            given["title"] = given.get("title") or names[given["saved_view"]]
            given["query"] = ""
        return given


class ExplorerView(SectionKind):
    key = "view"
    label = gettext_lazy("View of the cost explorer")
    description = gettext_lazy("Costs grouped, filtered and compared as in the explorer, as chart and table.")
    form = ViewForm

    def title(self, options: Options) -> str:
        return str(
            options.get("title") or _name(parse_view(options.get("query", ""), timezone.localdate()).view)
        )

    def build(self, frame: Frame, options: Options) -> Section:
        query = options.get("query", "")
        if options.get("saved_view") is not None:
            saved = shared_views(frame.organization).filter(pk=options["saved_view"]).first()
            if saved is None:
                remarks = [_("The saved view was deleted, or is shared no more.")]
                return Section(title=self.title(options), remarks=remarks)
            query = saved.query
        view = parse_view(query, frame.today).view
        if not options.get("keeps_period"):
            view = replace(view, period=frame.period)
        found = explore(frame.organization, view, frame.now, limit=int(options.get("rows", DEFAULT_ROWS)))
        if found.is_empty:
            remarks = [_("No costs are known in these days.")]
            return Section(title=self.title(options), subtitle=_subtitle(found), remarks=remarks)
        shows = options.get("shows", BOTH)
        return Section(
            title=self.title(options),
            subtitle=_subtitle(found),
            charts=[_chart(found)] if shows != TABLE and found.series else [],
            tables=[_table(found)] if shows != CHART else [],
            remarks=_remarks(found),
        )


def shared_views(organization: Organization) -> QuerySet[SavedView]:
    """Saved views that everybody may look at, by name: a report shows them to everybody."""
    return SavedView.objects.of(organization).filter(is_shared=True).order_by("name", "pk")


def _name(view: View) -> str:
    groups = ", ".join(str(kind.label) for kind in view.dimensions)
    return f"{MEASURES[view.measure]}: {groups}" if groups else str(MEASURES[view.measure])


def _subtitle(found: Exploration) -> str:
    parts = [str(MEASURES[found.view.measure]), formatting.period(found.span.first, found.span.last)]
    if found.compared:
        before = formatting.period(found.compared.first, found.compared.last)
        parts.append(_("compared with %(period)s") % {"period": before})
    return " · ".join(parts)


def _chart(found: Exploration) -> Chart:
    if found.view.step == "day":
        labels = [formatting.short_date(bucket, today=found.span.last) for bucket in found.buckets]
    else:
        labels = [bucket_title(found, bucket) for bucket in found.buckets]
    places = {bucket: place for place, bucket in enumerate(found.buckets)}
    return Chart(
        kind="bar" if found.view.is_run_rate and found.view.chart == "doughnut" else found.view.chart,
        labels=labels,
        lines=[Line(label=one.label, number=one.number, values=one.values) for one in found.series],
        title=sentence(found),
        description=_("The table has the same numbers."),
        incomplete=frozenset(places[bucket] for bucket in incomplete_buckets(found)),
    )


def _table(found: Exploration) -> Table:
    heads = [Column(str(kind.label)) for kind in found.view.dimensions] or [Column("")]
    amount = _("Run rate a month, ₽") if found.view.is_run_rate else _("Spend, ₽")
    columns = [*heads, Column(amount, Kind.AMOUNT), Column(_("Share"), Kind.PERCENT)]
    if found.compared:
        columns += [
            Column(_("Before, ₽"), Kind.AMOUNT),
            Column(_("Difference, ₽"), Kind.CHANGE_AMOUNT),
            Column(_("Difference, %"), Kind.PERCENT_CHANGE),
        ]
    rows = [_cells(found, row, len(heads)) for row in found.rows]
    rows += [_cells(found, row, len(heads)) for row in (found.shared, found.rest) if row is not None]
    return Table(columns=columns, rows=rows, total=_cells(found, found.whole, len(heads)))


def _cells(found: Exploration, row: Row, width: int) -> list[Value]:
    labels: list[Value] = [*row.labels, *[""] * (width - len(row.labels))]
    cells = [*labels, row.total, row.share]
    return [*cells, row.before, row.difference, row.percent] if found.compared else cells


def _remarks(found: Exploration) -> list[str]:
    remarks = unconverted_remarks(found.unconverted)
    if found.incomplete:
        days = [formatting.short_date(day, today=found.span.last) for day in sorted(found.incomplete)]
        listed = ", ".join(days[:DAYS_TOLD]) + (" …" if len(days) > DAYS_TOLD else "")
        remarks.append(_("Known only in part and drawn paler: %(days)s.") % {"days": listed})
    if found.compares_less:
        remarks.append(_("The period to compare with is known only in part."))
    return remarks
