"""The plots of the report: SVG in the page's own colours and letters; the same numbers give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from schemas.leakage import Balance
from schemas.tables import LABEL_NAMES
from tasks.pages.figures import FAIL, FAINT, GRID, INK, SERIES, SETTINGS, axes_of, legend_above, svg_of
from tasks.releases.report.records import Counted, Histogram, LabelSpread, Measures, Spread
from tasks.sounds.statistics import EventCount, events_figure

LABEL_COLOURS: Mapping[str, str] = dict(
    zip(LABEL_NAMES, (SERIES[0], SERIES[1], SERIES[6], SERIES[7]), strict=True)
)
"""The page has them as c1, c2, c7 and c8."""

NARROW, BROAD = 5.6, 9.0
"""Inches; what is narrow can be read on a telephone, what is broad scrolls there."""

SPLIT_COLOURS = {"train": SERIES[0], "dev": SERIES[1], "test": SERIES[3]}

HOUR_MS = 3_600_000
_FEWEST_BARS = 4
_LONGEST_NAME = 40
_FURTHEST = 300
"""%; what is further out in the balance of splits is drawn at this edge."""


def histogram_plot(histogram: Histogram, across: str, up: str, title: str) -> str:
    """Bars that touch, as wide as their ranges."""
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(2.1, NARROW)
        _bars(axes, histogram, SERIES[0])
        axes.set_xlabel(across)
        _count_axis(axes, up)
        return svg_of(figure, title)


def spread_plot(spread: Spread, across: str, title: str) -> str:
    """How far clips are from perfect, with what they may be at most; the scale of the numbers grows by tens."""
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(2.0, NARROW)
        _bars(axes, spread.histogram, SERIES[2])
        _count_axis(axes, "clips")
        if max(spread.histogram.counts) > 100:
            axes.set_yscale("symlog", linthresh=10)
            axes.yaxis.set_major_formatter("{x:,.0f}")
        if spread.bound is not None:
            signed = spread.histogram.edges[0] < 0
            for bound in (-spread.bound, spread.bound) if signed else (spread.bound,):
                axes.axvline(bound, color=FAIL, lw=1.6)
            axes.margins(x=0.03)
        axes.set_xlabel(across)
        return svg_of(figure, title)


def counts_plot(counts: Sequence[Counted], across: str, title: str) -> str:
    """A bar to the right for each, with its number."""
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(0.55 + 0.25 * max(len(counts), _FEWEST_BARS), NARROW)
        most = max(one.number for one in counts)
        places = range(len(counts))
        axes.barh(places, [one.number for one in counts], 0.66, color=SERIES[0], lw=0)
        for place, one in zip(places, counts, strict=True):
            axes.text(one.number + most * 0.012, place, f"{one.number:,}", va="center", fontsize=8.5)
        _named(axes, [one.name for one in counts])
        axes.set_xlim(0, most * 1.12)
        _right_axis(axes, across)
        return svg_of(figure, title)


def years_plot(years: Sequence[Counted], title: str) -> str:
    """A bar upwards for each year."""
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(2.1, NARROW)
        axes.bar(range(len(years)), [one.number for one in years], 0.7, color=SERIES[0], lw=0)
        axes.set_xticks(range(len(years)), [one.name for one in years], parse_math=False)
        axes.set_xlim(-0.6, max(len(years), 8) - 0.4)
        _count_axis(axes, "source videos")
        return svg_of(figure, title)


def channels_plot(channels: Sequence[Measures], title: str) -> str:
    """Hours of each channel, and what of them has which label."""
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(0.95 + 0.27 * max(len(channels), _FEWEST_BARS), BROAD)
        places = range(len(channels))
        left = [0.0] * len(channels)
        for label in LABEL_NAMES:
            hours = [getattr(one, f"{label}_ms") / HOUR_MS for one in channels]
            axes.barh(
                places,
                hours,
                0.66,
                left=left,
                color=LABEL_COLOURS[label],
                label=label.replace("_", " "),
                lw=0,
            )
            left = [low + more for low, more in zip(left, hours, strict=True)]
        _named(axes, [one.name for one in channels])
        axes.set_xlim(0, max(left) * 1.03 or 1)
        _right_axis(axes, "hours")
        legend_above(axes, len(LABEL_NAMES))
        return svg_of(figure, title)


def labels_plot(labels: Sequence[LabelSpread], title: str) -> str:
    """Share of a label's intervals by the machine's probability."""
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(2.3, NARROW)
        shown = [one for one in labels if one.probabilities]
        for one in shown:
            known = sum(one.probabilities.counts)
            shares = [100 * count / known for count in one.probabilities.counts]
            axes.stairs(
                shares,
                one.probabilities.edges,
                color=LABEL_COLOURS[one.label],
                lw=2,
                label=one.label.replace("_", " "),
            )
        axes.set_xlim(0, 1)
        axes.set_ylim(0, None)
        axes.yaxis.set_major_formatter("{x:.0f} %")
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.tick_params(axis="y", labelcolor=FAINT)
        axes.grid(axis="y", lw=0.6)
        axes.set_xlabel("probability")
        legend_above(axes, len(shown))
        return svg_of(figure, title)


def events_plot(events: Sequence[EventCount], title: str) -> str:
    """RealSync's figure 1."""
    with mpl.rc_context(SETTINGS):
        figure = events_figure(events, BROAD, GRID)
        figure.patch.set_alpha(0)
        figure.axes[0].patch.set_alpha(0)
        return svg_of(figure, title)


def funnel_plot(funnel: Sequence[tuple[str, int]], title: str) -> str:
    """From discovered to released: videos in one colour, clips in another, each kind on its own scale."""
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(0.4 + 0.27 * max(len(funnel), _FEWEST_BARS), BROAD)
        most = {
            kind: max((n for what, n in funnel if _kind(what) == kind), default=1) or 1
            for kind in ("videos", "clips")
        }
        places = range(len(funnel))
        shares = [number / most[_kind(what)] for what, number in funnel]
        colours = [_funnel_colour(what) for what, _ in funnel]
        axes.barh(places, shares, 0.66, color=colours, lw=0)
        for place, share, (_, number) in zip(places, shares, funnel, strict=True):
            axes.text(share + 0.008, place, f"{number:,}", va="center", fontsize=8.5)
        _named(axes, [what for what, _ in funnel])
        axes.set_xlim(0, 1.1)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        return svg_of(figure, title)


def balance_plot(balance: Sequence[Balance], title: str) -> str:
    """Each measure in each split, as a share of its value over all splits: what is alike lies on the line."""
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(0.9 + 0.26 * max(len(balance), _FEWEST_BARS), BROAD)
        names = [name for name in SPLIT_COLOURS if any(name in one.splits for one in balance)]
        axes.axvline(100, color=FAINT, lw=0.8, ls=(0, (3, 3)))
        for name in names:
            places = [place for place, one in enumerate(balance) if name in one.splits]
            shares = [100 * balance[place].splits[name] / balance[place].everywhere for place in places]
            drawn = [min(share, _FURTHEST) for share in shares]
            axes.plot(
                drawn, places, "o", color=SPLIT_COLOURS[name], ms=6, label=name, alpha=0.85, clip_on=False
            )
        _named(axes, [one.measure for one in balance])
        axes.grid(axis="both", lw=0.6)
        axes.xaxis.set_major_formatter("{x:.0f} %")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
        low, high = axes.get_xlim()
        axes.set_xlim(max(-5.0, min(low, 80)), max(high, 120))
        axes.set_xlabel("of the value over all splits")
        legend_above(axes, len(names))
        return svg_of(figure, title)


def _bars(axes: Axes, histogram: Histogram, colour: str) -> None:
    widths = [high - low for low, high in zip(histogram.edges, histogram.edges[1:], strict=False)]
    axes.bar(
        histogram.edges[:-1],
        histogram.counts,
        [0.94 * width for width in widths],
        align="edge",
        color=colour,
        lw=0,
    )
    if len(widths) < _FEWEST_BARS:
        spare = (_FEWEST_BARS * widths[0] - sum(widths)) / 2
        axes.set_xlim(histogram.edges[0] - spare, histogram.edges[-1] + spare)


def _count_axis(axes: Axes, up: str) -> None:
    axes.grid(axis="y", lw=0.6)
    axes.set_ylabel(up)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.tick_params(axis="y", labelcolor=FAINT)


def _right_axis(axes: Axes, across: str) -> None:
    axes.grid(axis="x", lw=0.6)
    axes.set_xlabel(across)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.xaxis.set_major_formatter("{x:,g}")


def _named(axes: Axes, names: Sequence[str]) -> None:
    """Names at the left, the first on top; dollars are no formulas."""
    shown = [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in names]
    axes.set_yticks(range(len(names)), shown, color=INK, parse_math=False)
    axes.set_ylim(max(len(names), _FEWEST_BARS) - 0.4, -0.6)


def _kind(what: str) -> str:
    return "videos" if what.startswith("videos") else "clips"


def _funnel_colour(what: str) -> str:
    if what.endswith("released"):
        return SERIES[2]
    if _kind(what) == "videos":
        return SERIES[5]
    return SERIES[0] if what == "clips cut" else SERIES[7]
