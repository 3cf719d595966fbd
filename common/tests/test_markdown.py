"""Guides as HTML: what is understood, and that nothing else becomes markup."""

import pytest

from common.markdown import document, html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One\nparagraph.\n\nAnother.", "<p>One paragraph.</p>\n<p>Another.</p>"),
        ("## What to enter", "<h2>What to enter</h2>"),
        ("- one\n  goes on\n- two", "<ul><li>one goes on</li><li>two</li></ul>"),
        ("1. first\n2. second", "<ol><li>first</li><li>second</li></ol>"),
        ("```\n<a> & **b**\n```", "<pre><code>&lt;a&gt; &amp; **b**</code></pre>"),
        (
            "**Login**: *Settings → API*, `a*b*c`",
            "<p><strong>Login</strong>: <em>Settings → API</em>, <code>a*b*c</code></p>",
        ),
        (
            "See [FOCUS](https://focus.finops.org).",
            '<p>See <a href="https://focus.finops.org" rel="noreferrer">FOCUS</a>.</p>',
        ),
        ("See [operations](../operations.md).", "<p>See operations.</p>"),
        ("2 * 3 * 4 = 24", "<p>2 * 3 * 4 = 24</p>"),
        ("", ""),
    ],
)
def test_html_of_what_guides_use(text: str, expected: str) -> None:
    assert html(text) == expected


def test_html_of_a_table_scrolls_inside_its_card() -> None:
    text = "| API | reads |\n|---|---|\n| cloud | `VPS` |\n"

    assert html(text) == (
        '<div class="table-scroll"><table class="table table--flush">'
        "<thead><tr><th>API</th><th>reads</th></tr></thead>"
        "<tbody><tr><td>cloud</td><td><code>VPS</code></td></tr></tbody></table></div>"
    )


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "# <script>alert(1)</script>",
        "- <script>",
        "`<script>`",
        "**<script>**",
        "| <script> |\n|---|\n| <script> |",
        "[<script>](https://example.com)",
        '[x](https://example.com/"onclick="alert(1)<script>)',
        "[x](javascript:alert(1))<script>",
    ],
)
def test_html_never_lets_markup_through(text: str) -> None:
    shown = html(text)

    assert "<script" not in shown
    assert 'onclick="' not in shown
    assert 'href="javascript' not in shown


def test_document_takes_its_first_heading_as_the_title() -> None:
    found = document("# Connect Beget\n\nIt has two APIs.\n")

    assert (found.title, found.body) == ("Connect Beget", "<p>It has two APIs.</p>")


def test_document_without_a_heading_has_no_title() -> None:
    assert document("Text.").title == ""
