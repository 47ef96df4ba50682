"""The plots of the report's page. The same report gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import matplotlib as mpl

from annotation.decide.agreement import Agreement
from annotation.decide.annotators import Annotator
from annotation.decide.progress import Day
from annotation.decide.studies import Tolerance
from schemas.forms import words
from tasks.pages.figures import FAINT, SERIES, SETTINGS, axes_of, legend_above, svg_of

FEWEST_DAYS = 14
"""The axis has room for at least so many days, so that bars stay bars."""

FEWEST_IN_A_WEEK = 5
"""A week's share of fewer clips is not drawn."""


def agreement_plot(groups: Sequence[Agreement], title: str) -> str:
    """Alpha of each group with its interval, the first at the top; groups without one are named and left blank."""
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(0.62 + 0.27 * len(groups))
        lowest = min([0.0, *(group.low for group in groups if group.low is not None)])
        for place, group in enumerate(groups):
            if group.alpha is None:
                axes.text(0.01, place, "not defined", color=FAINT, va="center", fontsize=8.5)
                continue
            if group.low is not None:
                axes.plot(
                    [group.low, group.high], [place, place], color=SERIES[0], lw=2.2, solid_capstyle="round"
                )
            axes.plot([group.alpha], [place], "o", color=SERIES[0], ms=6.5)
            axes.text(1.03, place, f"{group.alpha:.2f}", va="center", fontsize=9)
        for mark, words in ((2 / 3, "tentative"), (0.8, "reliable")):
            axes.axvline(mark, color=FAINT, lw=0.8, ls=(0, (3, 3)))
            axes.text(mark, -0.75, words, color=FAINT, fontsize=8, ha="center", va="bottom")
        axes.set_yticks(range(len(groups)), [_name(group) for group in groups])
        axes.set_ylim(len(groups) - 0.4, -0.6)
        axes.set_xlim(max(-1.0, lowest - 0.02), 1.0)
        axes.grid(axis="x", lw=0.6)
        axes.set_xlabel("Krippendorff's alpha, 95 % interval")
        return svg_of(figure, title)


def days_plot(days: Sequence[Day], title: str) -> str:
    """Answers by day, each annotator's on top of the others'."""
    names = people_of(days)
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(2.5)
        first = date.fromisoformat(days[0].day)
        places = [(date.fromisoformat(day.day) - first).days for day in days]
        below = [0] * len(days)
        for number, name in enumerate(names):
            answers = [day.answers.get(name, 0) for day in days]
            axes.bar(places, answers, 0.8, bottom=below, color=SERIES[number % len(SERIES)], label=name, lw=0)
            below = [low + more for low, more in zip(below, answers, strict=True)]
        step = max(1, (places[-1] + 1) // 6)
        ticks = range(0, places[-1] + 1, step)
        axes.set_xticks(ticks, [_short(date.fromordinal(first.toordinal() + tick)) for tick in ticks])
        axes.set_xlim(-0.8, max(places[-1], FEWEST_DAYS - 1) + 0.8)
        axes.grid(axis="y", lw=0.6)
        axes.yaxis.get_major_locator().set_params(integer=True, nbins=5)
        axes.tick_params(axis="y", labelcolor=FAINT)
        legend_above(axes, len(names))
        return svg_of(figure, title)


def weeks_plot(people: Sequence[Annotator], title: str) -> str:
    """Agreement of each annotator with the majority of the others, week by week."""
    weeks = sorted({week.week for one in people for week in one.weeks})
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(2.5)
        for number, one in enumerate(people):
            told = [week for week in one.weeks if week.with_others.n >= FEWEST_IN_A_WEEK]
            shares = [(weeks.index(week.week), 100 * week.with_others.value) for week in told]
            colour = SERIES[number % len(SERIES)]
            places, values = zip(*shares, strict=True) if shares else ((), ())
            axes.plot(places, values, "o-", color=colour, ms=3.5, lw=1.6, label=one.pseudonym)
        step = max(1, len(weeks) // 8)
        axes.set_xticks(range(0, len(weeks), step), [week[5:] for week in weeks[::step]])
        axes.set_ylim(None, 101)
        axes.grid(axis="y", lw=0.6)
        axes.yaxis.set_major_formatter("{x:.0f} %")
        axes.tick_params(axis="y", labelcolor=FAINT)
        legend_above(axes, len(people))
        return svg_of(figure, title)


def tolerance_plot(study: Tolerance, title: str) -> str:
    """Share of "in sync" by offset with Wilson intervals, and where half say no."""
    shown = [each for each in study.offsets if each.in_sync.value is not None]
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(2.9)
        axes.axhline(50, color=FAINT, lw=0.8, ls=(0, (3, 3)))
        for each in study.thresholds:
            if each.offset_ms is not None:
                if each.low_ms is not None:
                    axes.axvspan(each.low_ms, each.high_ms, color=SERIES[1], alpha=0.18, lw=0)
                axes.axvline(each.offset_ms, color=SERIES[1], lw=1.4)
                axes.text(each.offset_ms, 103, f"{each.offset_ms:+.0f} ms", ha="center", fontsize=9)
        offsets, shares = [each.offset_ms for each in shown], [each.in_sync for each in shown]
        for offset, share in zip(offsets, shares, strict=True):
            axes.plot([offset, offset], [100 * share.low, 100 * share.high], color=SERIES[0], lw=2.2)
        axes.plot(offsets, [100 * share.value for share in shares], "o-", color=SERIES[0], ms=5.5, lw=1)
        axes.set_ylim(-2, 102)
        axes.grid(axis="y", lw=0.6)
        axes.yaxis.set_major_formatter("{x:.0f} %")
        axes.tick_params(axis="y", labelcolor=FAINT)
        axes.set_xlabel("offset in ms; positive: the audio is early")
        return svg_of(figure, title)


def people_of(days: Sequence[Day]) -> list[str]:
    return sorted({name for day in days for name in day.answers}, key=lambda name: (len(name), name))


def _name(group: Agreement) -> str:
    names = {"all": "all questions", "verdict": "fit or not"}
    return names.get(group.kind, words(group.name))


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"
