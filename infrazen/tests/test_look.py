"""The rules of the interface that a machine can mind: style sheets, icons, the content security policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import get_template

STATIC = Path(settings.BASE_DIR) / "infrazen" / "static" / "infrazen"
CSS = STATIC / "css"
SHEETS = sorted(path for path in CSS.rglob("*.css") if path.name != "main.css")
TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
COLOR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|rgba|hsl|hsla)\(")


def test_main_sheet_imports_every_sheet_once_and_nothing_else() -> None:
    imported = re.findall(r'@import url\("([^"]+)"\);', (CSS / "main.css").read_text())

    assert sorted(imported) == [path.relative_to(CSS).as_posix() for path in SHEETS]
    parts = [name.split("/")[0] for name in imported]
    assert parts == sorted(parts, key=["core", "components", "layouts", "pages"].index)


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_sheets_leave_colours_to_the_variables_and_force_nothing(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)

    assert "!important" not in text
    if path.name != "variables.css":
        assert COLOR.findall(text) == []


def test_sheets_use_only_variables_that_exist() -> None:
    defined: set[str] = set()
    used: set[str] = set()
    for path in SHEETS:
        text = path.read_text()
        defined |= set(re.findall(r"(--[\w-]+)\s*:", text))
        used |= set(re.findall(r"var\((--[\w-]+)", text))

    assert used - defined == set()


def test_dark_values_are_the_same_by_choice_and_by_system() -> None:
    text = (CSS / "core" / "variables.css").read_text()
    chosen = re.search(r':root\[data-theme="dark"\] \{(.*?)\n\}', text, re.DOTALL)
    followed = re.search(r":root:not\(\[data-theme\]\) \{(.*?)\n {2}\}", text, re.DOTALL)

    assert chosen
    assert followed
    assert chosen[1].split() == followed[1].split()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_inline_style_or_script(path: Path) -> None:
    text = path.read_text()

    assert re.findall(r"\sstyle=|\son[a-z]+=|<style|hx-on|hx-vals=.js:", text) == []
    assert [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag] == []


def test_icons_of_the_templates_are_in_the_sheet() -> None:
    known = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    used = {name for path in TEMPLATES for name in re.findall(r'{% icon "([^"]+)"', path.read_text())}

    assert used - known == set()


def test_chart_library_comes_with_the_admin_theme() -> None:
    assert finders.find("unfold/js/chart/chart.js")


@pytest.mark.parametrize("name", ["404.html", "403.html", "403_csrf.html", "500.html"])
def test_error_pages_need_no_context(name: str) -> None:
    markup = get_template(name).render()

    assert markup.count("<h1") == 1
    assert "<title> " not in markup
