"""What a report holds, and that every file of it tells the same numbers."""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from django.utils import translation

from accounts.tests.factories import OrganizationFactory
from common.testing.prepare import PANGO
from costs.anomalies.tests.factories import AnomalyFactory
from costs.explorer.periods import Span
from costs.explorer.queries import explore
from costs.explorer.tests.estate import NOW, estate
from costs.explorer.view import View, parse_view
from costs.reports import charts, document
from costs.reports.content import Chart, Document, Line
from costs.reports.document import make_document
from costs.reports.presets import PRESETS
from costs.reports.renderers import RENDERERS, Press, html, pdf, png, xlsx
from costs.reports.renderers import csv as csv_renderer
from costs.reports.sections import Frame, section_kinds
from costs.reports.sections.figures import Figures
from costs.reports.services import create_report
from costs.reports.state import DataState, data_state
from costs.reports.tests.factories import ReportFactory
from costs.unit_costs.tests.factories import UnitMetricFactory, UnitValueFactory
from infrazen.tests.test_look import CSS
from providers.models import ProviderConnection
from providers.tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db

MARCH = Span(date(2026, 3, 1), date(2026, 3, 31))
NEEDS_PANGO = pytest.mark.skipif(
    not pdf.is_available() and not os.environ.get("CI"),
    reason=PANGO.advice,
)


def section(kind: str, **options: Any) -> dict[str, Any]:
    return {"id": kind, "kind": kind, "options": options}


def made(organization: Any, *sections: dict[str, Any], language: str = "en") -> Document:
    report = ReportFactory(organization=organization, sections=list(sections), language=language)
    return make_document(report, now=NOW, span=MARCH).document


def frame(organization: Any) -> Frame:
    return Frame(organization=organization, period=str(MARCH), span=MARCH, today=NOW.date(), now=NOW)


def test_figures_and_views_have_the_sums_of_the_explorer() -> None:
    organization = estate().organization

    found = made(
        organization,
        section("figures"),
        section("view", query="group=connection&chart=line", rows=1),
        section(
            "view", query="group=type&period=2026-02", keeps_period=True, shows="table", title="February"
        ),
    )

    explored = explore(organization, View(period="2026-03", group_by=()), NOW)
    figures, view, february = found.sections
    assert figures.figures[0].value == explored.whole.total
    assert figures.figures[0].note.startswith("against ")
    table = view.tables[0]
    assert table.total is not None
    assert table.total[1] == explored.whole.total == sum((row[1] for row in table.rows), Decimal(0))
    assert [row[0] for row in table.rows] == ["Lab", "The rest"]
    assert view.charts[0].kind == "line"
    assert len(view.charts[0].labels) == 31
    assert (february.title, len(february.charts)) == ("February", 0)
    assert (
        february.tables[0].total[1]
        == explore(organization, View(period="2026-02", group_by=()), NOW).whole.total
    )
    assert any("no exchange rate" in remark for remark in view.remarks)
    nothing = made(OrganizationFactory(), section("figures"), section("view"))
    assert nothing.sections[0].figures[0].value is None
    assert nothing.sections[1].tables == ()
    assert nothing.sections[1].remarks == ["No costs are known in these days."]


def test_every_kind_of_section_reads_only_its_organization() -> None:
    organization = estate().organization
    metric = UnitMetricFactory(organization=organization, name="Orders")
    UnitValueFactory(metric=metric, date=date(2026, 3, 5), quantity=Decimal(10))
    UnitMetricFactory(name="Somebody else's")
    AnomalyFactory(
        connection=organization_connection(organization),
        first_date=date(2026, 3, 9),
        last_date=date(2026, 3, 9),
    )
    AnomalyFactory(first_date=date(2026, 3, 9), last_date=date(2026, 3, 9))
    ProviderConnection.objects.of(organization).filter(connection_name="Prod").update(
        balance=Decimal(5000), balance_currency="RUB", account_read_at=NOW
    )

    built = {
        key: kind.build(frame(organization), {}) for key, kind in section_kinds().items() if key != "view"
    }

    assert [row[0] for row in built["unit_metrics"].tables[0].rows] == ["Orders"]
    assert built["unit_metrics"].tables[0].rows[0][3] == Decimal(10)
    assert len(built["anomalies"].tables[0].rows) == 1
    assert built["budgets"].remarks == ["There are no budgets."]
    assert built["balances"].remarks == ["No account has a balance to watch."]  # nothing runs there


def organization_connection(organization: Any) -> ProviderConnection:
    return ProviderConnection.objects.of(organization).order_by("pk").first()


def test_a_section_that_fails_is_told_and_costs_no_other(monkeypatch, caplog) -> None:
    def fail(self: Figures, frame: Frame, options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Figures, "build", fail)

    found = made(
        estate(days=3).organization, section("figures"), section("budgets"), section("of-another-app")
    )

    assert found.failed == ["Key figures", "of-another-app"]
    assert not found.is_whole
    assert [one.title for one in found.sections] == ["Key figures", "Budgets"]
    assert "Not computed: “Key figures”" in html.render(found).decode()


def test_the_state_of_the_data_says_what_is_missing_and_survives_json() -> None:
    organization = estate().organization
    ProviderConnection.objects.of(organization).update(last_sync_status="success")

    whole = data_state(organization, Span(date(2026, 3, 2), date(2026, 3, 30)), NOW.date())
    late = data_state(organization, Span(date(2026, 3, 2), date(2026, 4, 30)), NOW.date() + timedelta(days=4))
    ConnectionFactory(organization=organization, connection_name="Broken", last_sync_status="error")
    broken = data_state(organization, MARCH, NOW.date())

    assert whole.is_whole
    assert whole.sentences()[-1] == "The data is complete."
    assert not late.is_whole
    assert (late.known_until, late.wanted_until) == (date(2026, 3, 30), date(2026, 4, 4))
    assert [sentence.replace("\xa0", " ") for sentence in broken.sentences()] == [
        "Costs are known up to 30 Mar 2026.",
        "Known only in part: 31 Mar.",
        "The last sync of “Broken”: Error.",
    ]
    assert DataState.from_json(broken.as_json()) == broken


def test_html_asks_nobody_for_anything_and_speaks_the_reports_language() -> None:
    organization = estate(days=35).organization
    organization.name = "A & <b>"

    found = made(organization, section("figures"), section("view", query="group=type"), language="ru")
    markup = html.render(found).decode()

    assert '<html lang="ru">' in markup
    assert "A &amp; &lt;b&gt;" in markup
    assert re.findall(r"""(?:src|href)=["']|url\(|@import""", markup) == []
    assert "<svg" in markup
    assert "No costs are known" not in markup
    assert html.page(found).count('rel="stylesheet"') == 1
    assert translation.get_language() == "en"


def test_csv_and_xlsx_have_the_same_full_amounts() -> None:
    organization = estate().organization
    ProviderConnection.objects.of(organization).filter(connection_name="Lab").update(connection_name="=1+1")

    found = made(
        organization, section("figures"), section("view", query="group=connection", title="By [con]/x")
    )
    archive = zipfile.ZipFile(io.BytesIO(csv_renderer.render(found)))
    book = zipfile.ZipFile(io.BytesIO(xlsx.render(found)))

    assert archive.namelist() == ["00 README.txt", "01 Key figures.csv", "02 By _con_x.csv"]
    rows = list(csv.reader(io.StringIO(archive.read("02 By _con_x.csv").decode("utf-8-sig"))))
    total = found.sections[1].tables[0].total
    assert total is not None
    assert Decimal(rows[-1][1]) == total[1]
    assert any(row[0] == "'=1+1" for row in rows)
    assert max(len(cell.partition(".")[2]) for row in rows for cell in row) == 6
    names = re.findall(r'<sheet name="([^"]+)"', book.read("xl/workbook.xml").decode())
    assert names == ["Report", "Key figures", "By  con  x"]
    sheet = book.read("xl/worksheets/sheet3.xml").decode()
    numbers = [Decimal(value) for value in re.findall(r"<v>([-0-9.eE]+)</v>", sheet)]
    assert Decimal(str(float(total[1]))) in numbers
    assert "<f>" not in sheet


@NEEDS_PANGO
def test_pdf_has_its_numbers_as_text_and_png_is_a_picture_of_it() -> None:
    import pypdfium2
    from PIL import Image

    organization = estate(days=40).organization
    found = made(
        organization, section("figures"), *[section("view", query="group=connection")] * 3, language="ru"
    )

    printed = pdf.render(found)
    picture = Image.open(io.BytesIO(png.render(printed)))

    opened = pypdfium2.PdfDocument(printed)
    text = "".join(page.get_textpage().get_text_bounded() for page in opened)
    assert "Prod" in text
    assert "₽" in text
    assert len(opened) >= 2
    assert picture.height > picture.width * len(opened)


def test_without_pango_only_what_is_printed_is_missing(monkeypatch) -> None:
    def missing() -> None:
        raise pdf.PdfMissing("libpango-1.0-0")

    monkeypatch.setattr(pdf, "_weasyprint", missing)

    found = made(estate(days=2).organization, section("figures"))

    assert not pdf.is_available()
    for key in ("pdf", "png"):
        with pytest.raises(pdf.PdfMissing):
            RENDERERS[key].render(Press(found))
    assert RENDERERS["html"].render(Press(found))


@pytest.mark.parametrize("kind", ["bar", "line", "area", "doughnut"])
def test_charts_are_well_formed_whatever_they_are_given(kind: str) -> None:
    lines = [
        Line(label="<a>", number="1", values=[Decimal(5), None, Decimal("-2.5")]),
        Line(label="b", number="rest", values=[None, Decimal("0.001"), Decimal(10**9)]),
    ]
    chart = Chart(
        kind=kind, labels=["1", "2", "3 <"], lines=lines, title="T & <t>", incomplete=frozenset({2})
    )

    root = ElementTree.fromstring(charts.svg(chart))  # noqa: S314  # our own text
    empty = ElementTree.fromstring(charts.svg(replace(chart, lines=[], labels=[])))  # noqa: S314

    assert root.find("{http://www.w3.org/2000/svg}title").text == "T & <t>"
    assert "nan" not in charts.svg(chart)
    assert len(list(empty.iter())) < len(list(root.iter()))


def test_stacked_bars_reach_their_sum() -> None:
    lines = [Line(label=name, number="1", values=[Decimal(3), Decimal(1)]) for name in "ab"]
    chart = Chart(kind="bar", labels=["x", "y"], lines=lines, title="t")

    heights = [float(height) for height in re.findall(r'<rect [^>]*height="([0-9.]+)"', charts.svg(chart))]

    assert heights[0] == pytest.approx(3 * heights[1], rel=0.01)
    assert heights[0] + heights[2] == pytest.approx(charts.INNER_HEIGHT, rel=0.01)


def test_paper_has_the_colours_of_the_interface() -> None:
    variables = (CSS / "core" / "variables.css").read_text()
    defined = dict(
        re.findall(r"--series-(\w+): (#\w{6});  --series-\w+-ink", variables.split("data-theme")[0])
    )

    assert defined == charts.COLOURS


@pytest.mark.parametrize("template", PRESETS)
def test_templates_are_made_of_known_sections_and_views(template: str) -> None:
    report = create_report(
        organization=estate(days=2).organization, name=template, template=template, language="ru"
    )

    found = make_document(report, now=NOW, span=MARCH).document

    assert found.failed == []
    assert len(found.sections) == len(PRESETS[template].sections)
    for one in report.sections:
        assert parse_view(one["options"].get("query", ""), NOW.date()).problems == ()
    assert set(report.formats) <= set(RENDERERS)
    assert document.section_kinds().keys() >= {one["kind"] for one in report.sections}
