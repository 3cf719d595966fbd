"""`manage.py costs explore|difference|reconcile|report`: the common questions about money, in a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Organization
from common import formatting
from costs.explorer.api import (
    ConnectionMonthSerializer,
    DifferenceSerializer,
    ExplorationSerializer,
)
from costs.explorer.asked import asked_difference, asked_month
from costs.explorer.cause_words import cause_note, cause_title
from costs.explorer.difference import difference
from costs.explorer.periods import BadPeriod, fixed_span
from costs.explorer.presentation import measure_title, period_text
from costs.explorer.queries import explore, today_of
from costs.explorer.reconciliation import reconciled_months
from costs.explorer.view import parse_view
from costs.reports.document import make_document
from costs.reports.models import Report
from costs.reports.renderers import RENDERERS, Press
from costs.reports.renderers.pdf import PdfMissing
from providers.models import ProviderConnection

VIEW_HELP = (
    "a view as the page's address writes it, e.g. 'period=2026-10&group=type&not.environment=test'; "
    "the last 30 days by type without one"
)


class Command(BaseCommand):
    help = "Costs in a terminal: grouped, compared, reconciled; as a table or as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        shared = CommandParser(add_help=False)
        shared.add_argument("--organization", help="its name or number; not needed where there is only one")
        shared.add_argument("--json", action="store_true", help="JSON instead of a table")
        commands = parser.add_subparsers(dest="question", required=True)
        one = commands.add_parser("explore", parents=[shared], help="costs grouped and compared")
        one.add_argument("view", nargs="?", default="", help=VIEW_HELP)
        two = commands.add_parser("difference", parents=[shared], help="why two periods differ")
        two.add_argument("before", help="a period: 2026-09, 2026-09-01..2026-09-30, last_month …")
        two.add_argument("after", help="another one")
        two.add_argument("--filters", default="", help="as in a view, e.g. 'connection=3'")
        four = commands.add_parser("report", parents=[shared], help="make one of the reports, as a file")
        four.add_argument("name", help="the report's name")
        four.add_argument("--format", choices=list(RENDERERS), help="the file's; by its name without it")
        four.add_argument("-o", "--output", required=True, help="the file to write")
        three = commands.add_parser("reconcile", parents=[shared], help="a month's bills against our facts")
        three.add_argument("month", nargs="?", default="", help="2026-10; the last whole month without it")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = _organization(options["organization"])
        answer = {
            "explore": self._explore,
            "difference": self._difference,
            "reconcile": self._reconcile,
            "report": self._report,
        }
        answer[options["question"]](organization, options)

    def _explore(self, organization: Organization, options: dict[str, Any]) -> None:
        now = timezone.now()
        parsed = parse_view(options["view"].lstrip("?"), today_of(organization, now))
        for problem in parsed.problems:
            self.stderr.write(problem)
        found = explore(organization, parsed.view, now)
        if options["json"]:
            self._json(ExplorationSerializer(found, context={"problems": parsed.problems}).data)
            return
        self.stdout.write(f"{measure_title(found.view)}, {period_text(found.span)}")
        heads = [str(kind.label) for kind in found.view.dimensions] or [""]
        extra = [row for row in (found.shared, found.rest, found.whole) if row is not None]
        rows = [
            [
                *row.labels,
                *[""] * (len(heads) - len(row.labels)),
                formatting.money(row.total),
                formatting.signed_money(row.difference) if found.compared else "",
                "" if row.share is None else formatting.percent(row.share),
            ]
            for row in (*found.rows, *extra)
        ]
        against = f"± {period_text(found.compared)}" if found.compared else ""
        self._table([*heads, period_text(found.span), against, "%"], rows, texts=len(heads))

    def _difference(self, organization: Organization, options: dict[str, Any]) -> None:
        params = parse_filters_text(options["filters"])
        params |= {"before": [options["before"]], "after": [options["after"]]}
        asked = asked_difference(params, today_of(organization, timezone.now()))
        if asked.problems:
            raise CommandError(" ".join(asked.problems))
        found = difference(organization, asked.before, asked.after, asked.filters)
        if options["json"]:
            self._json(DifferenceSerializer(found).data)
            return
        rows = [[period_text(found.before), "", formatting.money(found.before_total)]]
        rows += [
            [cause_title(one, found), cause_note(one, found), formatting.signed_money(one.amount)]
            for one in found.causes
        ]
        rows.append([period_text(found.after), "", formatting.money(found.after_total)])
        self._table(["", "", formatting.signed_money(found.amount)], rows, texts=2)

    def _reconcile(self, organization: Organization, options: dict[str, Any]) -> None:
        if options["month"]:
            try:
                fixed_span(options["month"])
            except BadPeriod as error:
                raise CommandError(f"{options['month']} is no month; write it as 2026-10.") from error
        month = asked_month(options["month"], today_of(organization, timezone.now()))
        connections = ProviderConnection.objects.of(organization).order_by("connection_name", "pk")
        found = reconciled_months(organization, month, list(connections))
        if options["json"]:
            self._json(ConnectionMonthSerializer(found, many=True).data)
            return
        self.stdout.write(period_text(month))
        rows = [
            [
                row.connection.connection_name,
                formatting.money(row.billed, row.currency),
                formatting.money(row.counted, row.currency),
                formatting.signed_money(row.difference, row.currency),
                "" if row.explained_percent is None else formatting.percent(row.explained_percent, places=2),
            ]
            for row in found
        ]
        self._table(["Connection", "Billed", "Counted", "Not explained", "%"], rows, texts=1)

    def _report(self, organization: Organization, options: dict[str, Any]) -> None:
        report = Report.objects.of(organization).select_related("organization").filter(name=options["name"])
        path = Path(options["output"])
        extensions = {one.extension: one for one in RENDERERS.values()}
        renderer = RENDERERS.get(options["format"] or "") or extensions.get(path.suffix.removeprefix("."))
        if renderer is None:
            raise CommandError(f"{path.name} says no format; name one by --format.")
        if (found := report.first()) is None:
            raise CommandError(f"There is no report {options['name']}.")
        made = make_document(found, now=timezone.now())
        try:
            path.write_bytes(renderer.render(Press(made.document)))
        except PdfMissing as error:
            raise CommandError("No PDF here: the system's library pango is missing.") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error
        if options["json"]:
            self._json(made.state.as_json())
            return
        self.stdout.write(f"{path}, {period_text(made.document.span)}")
        for sentence in (*made.document.state, *made.document.failed):
            self.stdout.write(sentence)

    def _json(self, data: Any) -> None:
        self.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=str))

    def _table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int) -> None:
        """Columns as wide as their longest cell; the first `texts` are texts, the others numbers."""
        widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
        for row in (heads, *rows):
            cells = [
                cell.ljust(width) if place < texts else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            self.stdout.write("  ".join(cells).rstrip())


def parse_filters_text(text: str) -> dict[str, list[str]]:
    """Filters of a command line, as parameters."""
    return parse_qs(text.lstrip("?"), max_num_fields=1000)


def _organization(asked: str | None) -> Organization:
    organizations = Organization.objects.order_by("pk")
    if asked:
        wanted = organizations.filter(pk=asked) if asked.isdigit() else organizations.filter(name=asked)
        found = wanted.first()
        if found is None:
            raise CommandError(f"There is no organization {asked}.")
        return found
    listed = list(organizations[:2])
    if len(listed) != 1:
        raise CommandError("Name one by --organization." if listed else "There is no organization.")
    return listed[0]
