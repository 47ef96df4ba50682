"""The review's report as one HTML file that opens offline, prints, and follows light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from annotation.decide.advice import next_steps
from annotation.decide.agreement import Agreement
from annotation.decide.plots import agreement_plot, days_plot, tolerance_plot, weeks_plot
from annotation.decide.report import Confusion, Report
from schemas.forms import FORMS, UNCLEAR, words
from tasks.offscreen.measure.intervals import Share
from tasks.pages.templates import environment_of
from tasks.workspace.layout import appearing

SHOWN_DISPUTES = 200
"""At most so many clips are listed on the page; the adjudication project has them all."""

SHOWN_DAYS = 90

KINDS = {
    "clip": "clips",
    "gold_shifted": "gold: shifted",
    "gold_swapped": "gold: another sound",
    "offset": "pairs with an offset",
    "excerpt": "excerpts",
    "dispute": "disputes",
}

PASSES, NEITHER = "pass", "unclear"


@dataclass(frozen=True)
class Bar:
    """A part of a bar: `tone` is pass, fail or unclear, or the number of a colour."""

    name: str
    number: int
    share: float
    tone: str


def write_html(report: Report, path: Path) -> Path:
    """Write the page, whole or not at all."""
    with appearing(path) as unfinished:
        unfinished.write_text(html_of(report), encoding="utf-8")
    return path


def html_of(report: Report) -> str:
    """The page; all text from outside is escaped, and the same report gives the same page."""
    environment = environment_of(Path(__file__).parent)
    environment.filters |= {
        "words": words,
        "percent": percent,
        "interval": interval,
        "bounds": bounds,
        "kind": KINDS.get,
    }
    return environment.get_template("page.html").render(
        report=report,
        steps=next_steps(report),
        outcomes=_outcomes(report),
        votes=[
            (each.question, _bars(each.question, each.given, report), _decided(each, report))
            for each in report.votes
        ],
        heat=[(each.question, *_heat(each)) for each in report.confusion],
        plots=_plots(report),
        team=sorted({name for pair in report.together for name in pair}, key=lambda name: (len(name), name)),
        gold_kinds=[
            kind for kind in KINDS if any(gold.kind == kind for one in report.people for gold in one.gold)
        ],
        shown_disputes=report.waiting[:SHOWN_DISPUTES],
        flagged={flag.annotator for flag in report.flags},
        decides=bool(FORMS[report.form].deciding),
    )


def percent(share: Share | float | None) -> str:
    value = share.value if isinstance(share, Share) else share
    return "–" if value is None else f"{100 * value:.0f} %"


def interval(share: Share) -> str:
    """The interval of a share, and of how many it is."""
    return "" if share.value is None else f"{100 * share.low:.0f}–{100 * share.high:.0f} % of {share.n:,}"


def bounds(share: Share) -> str:
    """The interval of a share alone."""
    return "" if share.value is None else f"{100 * share.low:.0f}–{100 * share.high:.0f} %"


def _plots(report: Report) -> Mapping[str, Markup]:
    """The plots there is something to show in; made here, with all their text escaped."""
    groups = {
        "questions": [each for each in report.agreement if each.kind in ("all", "verdict", "question")],
        "scenarios": [each for each in report.agreement if each.kind == "scenario"],
        "weeks": [each for each in report.agreement if each.kind == "week"],
    }
    plots = {
        name: agreement_plot(those, f"Agreement: {name}")
        for name, those in groups.items()
        if _any_alpha(those)
    }
    if report.progress.days:
        plots["days"] = days_plot(report.progress.days[-SHOWN_DAYS:], "Answers by day")
    if any(len(one.weeks) > 1 for one in report.people):
        plots["drift"] = weeks_plot([one for one in report.people if one.weeks], "Agreement by week")
    if report.tolerance:
        plots["tolerance"] = tolerance_plot(report.tolerance, "Share of in sync by offset")
    return {name: Markup(svg) for name, svg in plots.items()}


def _any_alpha(groups: Sequence[Agreement]) -> bool:
    return any(group.alpha is not None for group in groups)


def _outcomes(report: Report) -> list[Bar]:
    total = sum(report.progress.clips.values())
    return [
        Bar(name, number, number / total if total else 0, name)
        for name, number in report.progress.clips.items()
    ]


def _bars(question: str, given: Mapping[str, int], report: Report) -> list[Bar]:
    """The answers to one question, in the order of the page; those that a clip passes with in one tone."""
    total = sum(given.values())
    tones = _tones(question, report)
    return [
        Bar(answer, number, number / total if total else 0, tones[answer]) for answer, number in given.items()
    ]


def _decided(votes: Any, report: Report) -> list[Bar]:
    if not votes.decided:
        return []
    total = sum(votes.decided.values()) + votes.undecided
    tones = _tones(votes.question, report) | {"undecided": "open"}
    numbers = dict(votes.decided) | {"undecided": votes.undecided}
    return [
        Bar(answer, number, number / total if total else 0, tones[answer])
        for answer, number in numbers.items()
    ]


def _tones(question: str, report: Report) -> dict[str, str]:
    """A tone for each answer: of pass and fail where there is one good answer, else a colour for each."""
    (asked,) = (each for each in FORMS[report.form].questions if each.name == question)
    if len(asked.accepts) == 1:
        failing = iter(("fail", "fail2", "fail3"))
        return {
            each: PASSES if each in asked.accepts else NEITHER if each == UNCLEAR else next(failing)
            for each in asked.answers
        }
    colours = _colours()
    return {each: NEITHER if each == UNCLEAR else next(colours) for each in asked.answers}


def _colours() -> Iterator[str]:
    while True:
        yield from (f"c{number}" for number in range(1, 11))


def _heat(confusion: Confusion) -> tuple[list[str], list[list[tuple[int, float]]]]:
    """The answers that were given, and for each two of them the pairs of judgements and their share of the row.

    Of two people who say the same, each is the other of the other: such a pair counts twice in the shares.
    """
    given = list(dict.fromkeys(name for pair in confusion.pairs for name in pair))
    place = {name: number for number, name in enumerate(_in_order(confusion, given))}
    counts = [[0] * len(place) for _ in place]
    for (one, other), number in confusion.pairs.items():
        counts[place[one]][place[other]] += number
        if one != other:
            counts[place[other]][place[one]] += number
    judgements = [sum(row) + row[number] for number, row in enumerate(counts)]
    return list(place), [
        [
            (pairs, pairs * (1 + (row == column)) / max(1, judgements[row]))
            for column, pairs in enumerate(counts[row])
        ]
        for row in range(len(counts))
    ]


def _in_order(confusion: Confusion, given: Sequence[str]) -> list[str]:
    """Answers in the order of the page, which the pairs keep: the first of a pair comes before the second."""
    order = next(
        [answer for answer in question.answers]
        for form in FORMS.values()
        for question in form.questions
        if question.name == confusion.question
    )
    return [answer for answer in order if answer in given]
