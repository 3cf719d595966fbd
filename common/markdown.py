"""Our own guides as HTML: the small part of Markdown that they use, everything else shown as it is written.

| block | inline |
|---|---|
| `#` to `####` headings, paragraphs, `-` and `1.` lists of one level, tables, fenced code | `code`, **strong**, *emphasis*, links to https |

All text passes through `format_html`, so nothing in a guide can become markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

HEADING = re.compile(r"(#{1,4}) +(.+)")
BULLET = re.compile(r"- +(.+)")
NUMBERED = re.compile(r"\d+\. +(.+)")
RULER = re.compile(r"\|(?: *:?-+:? *\|)+")
INLINE = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|\*\*(?P<strong>[^*]+)\*\*"
    r"|\*(?P<emphasis>[^*\s][^*]*)\*"
    r"|\[(?P<label>[^\]]+)\]\((?P<target>[^)\s]+)\)"
)
FENCE = "```"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A guide: its first heading, and the HTML of all that follows."""

    title: str
    body: SafeString


def document(text: str) -> Document:
    """The text with its first heading taken out as the title; "" where it begins otherwise."""
    first, _, rest = text.lstrip().partition("\n")
    heading = HEADING.fullmatch(first.strip())
    if heading is None:
        return Document(title="", body=html(text))
    return Document(title=heading[2], body=html(rest))


def html(text: str) -> SafeString:
    return format_html_join("\n", "{}", ((block,) for block in _blocks(text.splitlines())))


def _blocks(lines: list[str]) -> Iterator[SafeString]:
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        if not line:
            at += 1
        elif line.startswith(FENCE):
            end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == FENCE), len(lines))
            yield format_html("<pre><code>{}</code></pre>", "\n".join(lines[at + 1 : end]))
            at = end + 1
        elif heading := HEADING.fullmatch(line):
            yield _element(f"h{len(heading[1])}", _inline(heading[2]))
            at += 1
        else:
            end = _end_of_block(lines, at)
            yield _group([each.strip() for each in lines[at:end]])
            at = end


def _end_of_block(lines: list[str], start: int) -> int:
    """Where the paragraph, list or table that begins at `start` is over."""
    for at in range(start + 1, len(lines)):
        line = lines[at].strip()
        if not line or line.startswith(FENCE) or HEADING.fullmatch(line):
            return at
    return len(lines)


def _group(lines: list[str]) -> SafeString:
    if len(lines) > 1 and lines[0].startswith("|") and RULER.fullmatch(lines[1]):
        return _table(lines)
    for tag, item in (("ul", BULLET), ("ol", NUMBERED)):
        if item.fullmatch(lines[0]):
            return _element(
                tag, format_html_join("", "<li>{}</li>", ((_inline(t),) for t in _items(lines, item)))
            )
    return _element("p", _inline(" ".join(lines)))


def _items(lines: list[str], item: re.Pattern[str]) -> list[str]:
    """The texts of a list; a line that begins no item goes on with the one before."""
    found: list[str] = []
    for line in lines:
        if match := item.fullmatch(line):
            found.append(match[1])
        else:
            found[-1] += f" {line}"
    return found


def _table(lines: list[str]) -> SafeString:
    def row(line: str, tag: str) -> SafeString:
        cells = line.strip("|").split("|")
        return _element(
            "tr", format_html_join("", "{}", ((_element(tag, _inline(c.strip())),) for c in cells))
        )

    return format_html(
        '<div class="table-scroll"><table class="table table--flush"><thead>{}</thead><tbody>{}</tbody></table></div>',
        row(lines[0], "th"),
        format_html_join("", "{}", ((row(line, "td"),) for line in lines[2:])),
    )


def _inline(text: str) -> SafeString:
    def parts() -> Iterator[str]:
        at = 0
        for match in INLINE.finditer(text):
            yield text[at : match.start()]
            yield _mark(match)
            at = match.end()
        yield text[at:]

    return format_html_join("", "{}", ((part,) for part in parts()))


def _mark(match: re.Match[str]) -> str:
    if match["code"]:
        return _element("code", match["code"])
    if match["strong"]:
        return _element("strong", _inline(match["strong"]))
    if match["emphasis"]:
        return _element("em", _inline(match["emphasis"]))
    label = _inline(match["label"])
    if not match["target"].startswith("https://"):
        return label  # another file of the documentation, which is no page here
    return format_html('<a href="{}" rel="noreferrer">{}</a>', match["target"], label)


def _element(tag: str, content: str) -> SafeString:
    return format_html("<{0}>{1}</{0}>", tag, content)
