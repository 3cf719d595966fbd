"""Charts as SVG, drawn from the numbers of the tables: for print and e-mail, where no script runs.

Presentation attributes only: no style sheet reaches into a picture that is printed, and none is allowed to be inline.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from common import formatting
from costs.reports.content import Chart, Line

COLOURS = {
    "1": "#1E40AF",
    "2": "#60A5FA",
    "3": "#0F766E",
    "4": "#5CC8B8",
    "5": "#7C3AED",
    "6": "#BFA8F5",
    "7": "#475569",
    "8": "#94A3B8",
    "rest": "#CBD5E1",
}
"""The series of the interface on paper, which is always light."""
TEXT, GRID, AXIS = "#6B7280", "#E5E9F0", "#8A94A6"
WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 8, 24
INNER_WIDTH, INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
TICKS = 4
LETTER_WIDTH = 6.5
PALE = "0.45"
RING = 100
THINNEST = 0.002
"""Of the whole: thinner parts of a ring cannot be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From numbers to heights; `step` is between two lines of the grid."""

    low: float
    high: float
    step: float

    def y(self, value: float) -> float:
        return TOP + INNER_HEIGHT * (self.high - value) / (self.high - self.low)


def svg(chart: Chart) -> SafeString:
    """The chart as one `<svg>`, with its words for those who do not see it."""
    drawn = _ring(chart) if chart.kind == "doughnut" else _plane(chart)
    height = 2 * RING + 16 if chart.kind == "doughnut" else HEIGHT
    return format_html(
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {} {}" role="img" font-size="11" '
        'font-family="DejaVu Sans, sans-serif"><title>{}</title><desc>{}</desc>{}</svg>',
        WIDTH,
        height,
        chart.title,
        chart.description,
        drawn,
    )


def swatch(number: str) -> SafeString:
    """The colour of a series, for the legend."""
    return format_html(
        '<svg class="swatch" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">'
        '<rect width="10" height="10" rx="2" fill="{}"/></svg>',
        _colour(number),
    )


def _plane(chart: Chart) -> SafeString:
    """Bars or areas that stand on each other, or lines."""
    is_stacked = chart.kind in ("bar", "area")
    stacks = _stacks(chart.lines) if is_stacked else []
    values = [edge for stack in stacks for pair in stack if pair for edge in pair]
    if not is_stacked:
        values = [float(value) for line in chart.lines for value in line.values if value is not None]
    scale = _scale(values)
    if chart.kind == "bar":
        drawn = _bars(chart, stacks, scale)
    elif chart.kind == "area":
        drawn = _areas(chart, stacks, scale)
    else:
        drawn = _joined(_path(line, scale, len(chart.labels)) for line in chart.lines)
    return format_html("{}{}{}", _grid(scale), drawn, _labels(chart.labels))


def _stacks(lines: Sequence[Line]) -> list[list[tuple[float, float] | None]]:
    """For each series and place the edges of its part; credits are stacked below zero."""
    above = [0.0] * max((len(line.values) for line in lines), default=0)
    below = list(above)
    stacks = []
    for line in lines:
        stack: list[tuple[float, float] | None] = []
        for place, value in enumerate(line.values):
            if value is None:
                stack.append(None)
                continue
            heap = above if value >= 0 else below
            start = heap[place]
            heap[place] += float(value)
            stack.append((start, heap[place]))
        stacks.append(stack)
    return stacks


def _scale(values: Iterable[float]) -> Scale:
    found = [0.0, *values]
    low, high = min(found), max(found)
    if low == high:
        high = 1.0
    rough = (high - low) / TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    return Scale(low=math.floor(low / step) * step, high=math.ceil(high / step) * step, step=step)


def _grid(scale: Scale) -> SafeString:
    count = round((scale.high - scale.low) / scale.step)
    lines = []
    for place in range(count + 1):
        value = scale.low + place * scale.step
        y = scale.y(value)
        lines.append(
            format_html(
                '<line x1="{}" x2="{}" y1="{}" y2="{}" stroke="{}"/><text x="{}" y="{}" text-anchor="end" fill="{}">{}</text>',
                LEFT,
                WIDTH - RIGHT,
                _short(y),
                _short(y),
                AXIS if abs(value) < scale.step / 2 else GRID,
                LEFT - 6,
                _short(y + 4),
                TEXT,
                formatting.number_short(Decimal(str(round(value, 6))), 2),
            )
        )
    return _joined(lines)


def _labels(labels: Sequence[str]) -> SafeString:
    """Every n-th one, so that they neither run into each other nor over the edge."""
    width = max((len(label) for label in labels), default=0) * LETTER_WIDTH + LETTER_WIDTH
    every = max(1, math.ceil(len(labels) * width / INNER_WIDTH))
    return _joined(
        format_html(
            '<text x="{}" y="{}" text-anchor="middle" fill="{}">{}</text>',
            _short(min(_middle(place, len(labels)), WIDTH - width / 2)),
            HEIGHT - 6,
            TEXT,
            label,
        )
        for place, label in enumerate(labels)
        if place % every == 0
    )


def _bars(chart: Chart, stacks: list[list[tuple[float, float] | None]], scale: Scale) -> SafeString:
    width = INNER_WIDTH / max(1, len(chart.labels))
    return _joined(
        format_html(
            '<rect x="{}" y="{}" width="{}" height="{}" fill="{}"{}/>',
            _short(LEFT + place * width + width * 0.15),
            _short(min(scale.y(edges[0]), scale.y(edges[1]))),
            _short(width * 0.7),
            _short(abs(scale.y(edges[0]) - scale.y(edges[1]))),
            _colour(line.number),
            mark_safe(f' fill-opacity="{PALE}"') if place in chart.incomplete else "",  # noqa: S308  # nosec B308 B703  # a constant
        )
        for line, stack in zip(chart.lines, stacks, strict=True)
        for place, edges in enumerate(stack)
        if edges and edges[0] != edges[1]
    )


def _areas(chart: Chart, stacks: list[list[tuple[float, float] | None]], scale: Scale) -> SafeString:
    """What is not known in between is drawn as nothing, not as a bridge."""
    count = len(chart.labels)
    drawn = []
    for line, stack in zip(chart.lines, stacks, strict=True):
        for run in _runs(stack):
            top = [f"{_short(_middle(place, count))},{_short(scale.y(edges[1]))}" for place, edges in run]
            base = [f"{_short(_middle(place, count))},{_short(scale.y(edges[0]))}" for place, edges in run]
            drawn.append(
                format_html(
                    '<polygon points="{}" fill="{}" fill-opacity="0.85"/>',
                    " ".join([*top, *reversed(base)]),
                    _colour(line.number),
                )
            )
    return _joined(drawn)


def _path(line: Line, scale: Scale, count: int) -> SafeString:
    values = [None if value is None else (0.0, float(value)) for value in line.values]
    drawn = []
    for run in _runs(values):
        points = [(_short(_middle(place, count)), _short(scale.y(pair[1]))) for place, pair in run]
        if len(points) == 1:
            drawn.append(
                format_html('<circle cx="{}" cy="{}" r="2.5" fill="{}"/>', *points[0], _colour(line.number))
            )
            continue
        drawn.append(
            format_html(
                '<polyline points="{}" fill="none" stroke="{}" stroke-width="2" stroke-linejoin="round"/>',
                " ".join(f"{x},{y}" for x, y in points),
                _colour(line.number),
            )
        )
    return _joined(drawn)


def _runs(
    values: Sequence[tuple[float, float] | None],
) -> Iterable[list[tuple[int, tuple[float, float]]]]:
    """Stretches without a gap, each place with its value."""
    run: list[tuple[int, tuple[float, float]]] = []
    for place, value in enumerate(values):
        if value is not None:
            run.append((place, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _ring(chart: Chart) -> SafeString:
    """Parts of the whole; what is negative has none."""
    sums = [(line, max(0.0, float(line_total(line) or 0))) for line in chart.lines]
    whole = sum(value for _line, value in sums)
    if not whole:
        return SafeString()
    centre, middle, thick = RING + 8, WIDTH / 2, 44
    radius = RING - thick / 2
    around = 2 * math.pi * radius
    parts = [(line, value) for line, value in sums if value / whole > THINNEST]
    gap = 1 if len(parts) > 1 else 0
    drawn, offset = [], 0.0
    for line, value in parts:
        length = around * value / whole
        drawn.append(
            format_html(
                '<circle cx="{}" cy="{}" r="{}" fill="none" stroke="{}" stroke-width="{}" stroke-dasharray="{} {}" '
                'stroke-dashoffset="{}" transform="rotate(-90 {} {})"/>',
                _short(middle),
                centre,
                _short(radius),
                _colour(line.number),
                thick,
                _short(max(0.0, length - gap)),
                _short(around - max(0.0, length - gap)),
                _short(-offset),
                _short(middle),
                centre,
            )
        )
        offset += length
    return _joined(drawn)


def line_total(line: Line) -> Decimal | None:
    """The sum of what is known of a series."""
    known = [value for value in line.values if value is not None]
    return sum(known, Decimal(0)) if known else None


def _middle(place: int, count: int) -> float:
    return LEFT + INNER_WIDTH * (place + 0.5) / max(1, count)


def _colour(number: str) -> str:
    return COLOURS.get(number, COLOURS["rest"])


def _short(value: float) -> str:
    return f"{value:.1f}"


def _joined(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))
