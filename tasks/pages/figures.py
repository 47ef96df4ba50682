"""Plots on a page: SVG that takes its colours and its letters from the page, so that it follows light and dark, and
stays text that can be searched.

    with matplotlib.rc_context(SETTINGS):
        figure, axes = axes_of(2.5)
        axes.bar(places, numbers, color=SERIES[0])
        svg = svg_of(figure, "Answers by day")

The same figure gives the same bytes.
"""

from __future__ import annotations

import re
import warnings
from html import escape
from io import StringIO

from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, FAINT, GRID = "#010203", "#020304", "#030405"
PASS, FAIL, OPEN = "#040506", "#050607", "#060708"
SERIES = tuple(f"#0a0b{number:02x}" for number in range(16, 26))
VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    GRID: "var(--line)",
    PASS: "var(--pass)",
    FAIL: "var(--fail)",
    OPEN: "var(--open)",
} | {colour: f"var(--s{number})" for number, colour in enumerate(SERIES, 1)}
"""Colours that stand for those of the page; see base.css."""

SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "clapper",
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": FAINT,
    "xtick.color": FAINT,
    "ytick.color": INK,
    "xtick.labelcolor": FAINT,
    "grid.color": GRID,
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "ytick.major.size": 0,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "date.epoch": "1970-01-01T00:00:00",
}

WIDTH = 6.4
"""Inches of 72 units; the page scales plots to its own width."""


def axes_of(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    """An empty plot, inches, with nothing behind it but the page."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    figure.patch.set_alpha(0)
    return figure, axes


def legend_above(axes: Axes, names: int) -> None:
    """A key above the plot, at most eight names in a row."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=min(names, 8), handlelength=1, columnspacing=1.2
    )


def svg_of(figure: Figure, title: str) -> str:
    """The figure as an element of an HTML page, named for those who cannot see it; all its text is escaped."""
    written = StringIO()
    with warnings.catch_warnings():
        # The page's own letters are shown: it does not matter which of them matplotlib's font lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    # Names of groups are counted anew in each plot, and an id may stand only once on a page.
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, variable)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)
