"""What the off-screen filter costs and how good it is, in a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.offscreen import Costs
from schemas.judgement import QUESTIONS
from schemas.judging import LeaveOut
from schemas.plain import plain
from schemas.tables import REVIEWS
from tasks.offscreen.measure.intervals import Share
from tasks.offscreen.measure.points import Point, Suggestion, curve, point_at, suggested_point
from tasks.offscreen.measure.reviews import ANSWERS
from tasks.offscreen.measure.scores import (
    BAD,
    Audit,
    Judged,
    Score,
    audit_of,
    beside_people,
    confusion,
    scores,
)
from tasks.offscreen.money.accounts import Budgets, Line, Spent
from tasks.offscreen.money.estimate import Estimate
from tasks.offscreen.money.prices import DOLLAR, dollars
from tasks.offscreen.verdict import FLAWS
from tasks.workspace.stage import Row


@dataclass(frozen=True)
class Findings:
    """All that the reviews say of one question; the points are there for those that can leave a clip out."""

    audit: Audit
    scores: Sequence[Score]
    confusion: Mapping[tuple[str, str], int]
    at_point: Point | None
    curve: Sequence[Point]
    suggestion: Suggestion | None


@dataclass(frozen=True)
class Report:
    """How good a model's judgements are.

    Attributes:
        judged: clips that the model judged; `reviewed`: those of them that people have seen.
        strangers: reviewed clips that no model judged.
    """

    judged: int
    reviewed: int
    strangers: int
    questions: Mapping[str, Findings]


def report_on(clips: Sequence[Judged], reviews: Sequence[Row], leave_out: LeaveOut) -> Report:
    """Measure a model's judgements against people's."""
    known, seen_by_people = {each.clip_id for each in clips}, {row["clip_id"] for row in reviews}
    return Report(
        judged=len(clips),
        reviewed=len(known & seen_by_people),
        strangers=len(seen_by_people - known),
        questions={question: _question(question, clips, reviews, leave_out) for question in QUESTIONS},
    )


def _question(
    question: str, clips: Sequence[Judged], reviews: Sequence[Row], leave_out: LeaveOut
) -> Findings:
    seen = beside_people(question, clips, reviews)
    can_leave_out = question in BAD
    points = {flaw.question: getattr(leave_out, flaw.name) for flaw in FLAWS}
    return Findings(
        audit=audit_of(question, clips, seen),
        scores=scores(seen),
        confusion=confusion(seen),
        at_point=point_at(seen, points[question]) if can_leave_out else None,
        curve=curve(seen) if can_leave_out else (),
        suggestion=suggested_point(seen) if can_leave_out else None,
    )


def show_report(console: Console, report: Report, lines: Sequence[Line], spent: Spent) -> None:
    """What `clapper offscreen report` prints."""
    show_costs(console, lines, spent)
    if not report.reviewed:
        _say_none_reviewed(console, report)
        return
    console.print(
        f"{report.reviewed:,} of {report.judged:,} judged clips have a review; intervals are of 95 %"
    )
    if report.strangers:
        console.print(f"[yellow]passed over[/] {report.strangers:,} reviewed clips that no model judged")
    for name, question in report.questions.items():
        _show_question(console, name, question)


def _say_none_reviewed(console: Console, report: Report) -> None:
    if not report.judged:
        console.print(
            "No clip of this workspace was judged under these settings: give the --profile and the --set of the run."
        )
        return
    console.print(
        f"No clip has been reviewed, of {report.judged:,} that were judged: nothing is known of precision."
    )
    console.print(
        "Let people judge clips (`clapper review start`, then run the recipe again), or give decisions that"
    )
    console.print("were made elsewhere with --reviews FILE (Parquet or CSV), with the columns")
    for field in REVIEWS:
        console.print(f"  {field.name:<11} {escape(field.metadata[b'description'].decode())}")
    for question in QUESTIONS:
        console.print(f"  answers to {question}: {', '.join(ANSWERS[question])}")


def show_costs(console: Console, lines: Sequence[Line], spent: Spent) -> None:
    """The ledger of requests, tokens and money, by run and model."""
    if not lines:
        console.print("No model has been asked anything yet.")
        return
    heads = ("run and model", "without an answer", "requests", "answered", "counted before")
    asked = _table("Asked", heads, left=2)
    heads = ("run and model", "input", "sound in it", "output", "billed", "uncertain")
    paid = _table("Tokens and money", heads, left=1)
    for line in lines:
        faults = [f"{number} {kind}" for kind, number in line.faults.items()]
        faults += [f"{line.under_way} under way"] if line.under_way else []
        who = f"{plain(line.run)}\n{plain(line.model)}"
        counts = (line.requests, line.answered, line.counted_tokens)
        asked.add_row(who, plain(", ".join(faults) or "–"), *(f"{number:,}" for number in counts))
        tokens = (line.billed.input_tokens, line.billed.audio_tokens, line.billed.output_tokens)
        paid.add_row(who, *(f"{number:,}" for number in tokens), dollars(line.money), dollars(line.uncertain))
    console.print(asked)
    console.print(paid)
    console.print(
        f"Billed {dollars(spent.settled)}; at most {dollars(spent.uncertain)} more for requests whose answer never"
        f" came; {dollars(spent.reserved)} set aside for requests under way."
    )


def show_estimate(
    console: Console, estimate: Estimate, budgets: Budgets, by_run: Spent, by_all: Spent
) -> None:
    """What `--dry-run` says of the off-screen filter."""
    table = Table("", "number", title=f"Off-screen filter: {plain(estimate.model)}", title_justify="left")
    table.columns[1].justify = "right"
    other = "batch" if estimate.mode == "online" else "online"
    prices = {"online": estimate.online_money, "batch": estimate.batch_money}
    rows = (
        ("clips", f"{estimate.clips:,}"),
        ("of them answered before, at no cost", f"{estimate.answered:,}"),
        ("questions to ask", f"{estimate.to_ask:,}"),
        ("input tokens, expected", f"{estimate.expected.input_tokens:,}"),
        ("of them sound", f"{estimate.expected.audio_tokens:,}"),
        ("output tokens, expected", f"{estimate.expected.output_tokens:,}"),
        (f"money, expected ({estimate.mode})", dollars(estimate.expected_money)),
        ("money, at most", dollars(estimate.most_money)),
        (f"money, expected, if it were {other}", dollars(prices[other])),
        (
            "left of the run's budget",
            f"{dollars(budgets.run - by_run.against_budget)} of {dollars(budgets.run)}",
        ),
        (
            "left of the whole budget",
            f"{dollars(budgets.total - by_all.against_budget)} of {dollars(budgets.total)}",
        ),
        ("questions that the budgets surely allow", f"{estimate.within_budget:,}"),
    )
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print(f"prices: {plain(estimate.prices)}")
    if estimate.within_budget < estimate.to_ask:
        more = estimate.to_ask - estimate.within_budget
        console.print(
            f"[yellow]not surely within budget[/] {more:,} of {estimate.to_ask:,} questions; what is not asked now"
            " stays for a later run"
        )


def show_costs_ahead(console: Console, costs: Costs) -> None:
    """The estimate of a plan, with what it cannot count yet."""
    show_estimate(console, costs.estimate, costs.budgets, costs.by_run, costs.by_all)
    if costs.uncut and costs.at_most:
        more = costs.at_most
        console.print(
            f"[yellow]not in it[/] {costs.uncut:,} videos that are not cut yet: up to {more.to_ask:,} clips more, "
            f"{dollars(more.expected_money)} if all are taken and as long as the recipe allows"
        )
    elif costs.uncut:
        console.print(f"[yellow]not in it[/] {costs.uncut:,} videos that are not cut yet")


def as_json(report: Report, lines: Sequence[Line], spent: Spent) -> dict[str, Any]:
    """The report as plain objects, money in US dollars, for `--json`."""
    return {
        "costs": {
            "lines": [_line(line) for line in lines],
            "billed_usd": spent.settled / DOLLAR,
            "uncertain_usd": spent.uncertain / DOLLAR,
            "reserved_usd": spent.reserved / DOLLAR,
        },
        "judged": report.judged,
        "reviewed": report.reviewed,
        "reviewed_but_not_judged": report.strangers,
        "questions": {name: _question_as_json(question) for name, question in report.questions.items()},
    }


def estimate_as_json(estimate: Estimate) -> dict[str, Any]:
    """The estimate as plain objects, money in US dollars."""
    amounts = ("expected_money", "most_money", "online_money", "batch_money", "room")
    plain_objects = {name: value for name, value in asdict(estimate).items() if name not in amounts}
    return plain_objects | {
        f"{name.removesuffix('_money')}_usd": getattr(estimate, name) / DOLLAR for name in amounts
    }


def _line(line: Line) -> dict[str, Any]:
    money = {"billed_usd": line.money / DOLLAR, "uncertain_usd": line.uncertain / DOLLAR}
    return {name: value for name, value in asdict(line).items() if name not in ("money", "uncertain")} | money


def _question_as_json(question: Findings) -> dict[str, Any]:
    pairs = [
        {"people": people, "model": model, "clips": clips}
        for (people, model), clips in sorted(question.confusion.items())
    ]
    return asdict(question) | {
        "audit": asdict(question.audit) | {"blind": question.audit.blind},
        "confusion": pairs,
    }


def _show_question(console: Console, name: str, question: Findings) -> None:
    audit = question.audit
    if not question.confusion:
        console.print(f"\n[bold]{name}[/]: no clip has a review of this question yet")
        return
    console.print(f"\n[bold]{name}[/]")
    console.print(
        f"reviewed: {audit.kept_reviewed:,} of {audit.kept:,} clips that the point keeps or sends to people, "
        f"{audit.left_out_reviewed:,} of {audit.left_out:,} that it leaves out (the audit)"
    )
    if audit.blind:
        console.print(
            "[yellow]nobody has seen what is left out[/]: precision is unknown there and recall too low; "
            "raise offscreen.audit"
        )
    _show_scores(console, name, question.scores)
    _show_confusion(console, name, question.confusion)
    if question.at_point and question.suggestion:
        _show_points(console, name, question.at_point, question.curve, question.suggestion)


def _show_scores(console: Console, name: str, found: Sequence[Score]) -> None:
    heads = ("clips", "reviewed", "people", "model", "unclear", "precision", "recall")
    what = BAD.get(name, "each scenario")
    table = _table(f"{name}: {what}, by the model and by people", heads, left=1)
    for score in found:
        clips = score.group if name in BAD or score.answer == "any" else score.answer
        numbers = (score.reviewed, score.people, score.model, score.undecided)
        shares = (_share(score.precision), _share(score.recall))
        table.add_row(clips, *(f"{number:,}" for number in numbers), *shares)
    console.print(table)


def _show_confusion(console: Console, name: str, pairs: Mapping[tuple[str, str], int]) -> None:
    said = [answer for answer in ANSWERS[name] if any(answer in pair for pair in pairs)]
    # Columns have numbers where names would not fit beside each other.
    heads = said if len(said) <= 3 else [str(number) for number in range(1, len(said) + 1)]
    table = _table(f"{name}: clips by people (rows) and by the model (columns)", ("", *heads), left=1)
    for number, people in enumerate(said, 1):
        row = people if len(said) <= 3 else f"{number} {people}"
        table.add_row(row, *(f"{pairs.get((people, model), 0):,}" for model in said))
    console.print(table)


def _show_points(
    console: Console, name: str, at_point: Point, points: Sequence[Point], suggestion: Suggestion
) -> None:
    heads = ("at least", "left out", "to people", "precision", "of bad, caught", "of good, lost")
    table = _table(f"{name}: how sure the model must be to leave a clip out", heads, left=0)
    for point in sorted(
        {each.threshold: each for each in (*points, at_point)}.values(), key=lambda each: each.threshold
    ):
        here = " ◀" if point.threshold == at_point.threshold else ""
        shares = (_share(point.precision), _share(point.caught), _share(point.lost))
        table.add_row(
            f"{point.threshold:.2f}{here}", f"{point.left_out:.1%}", f"{point.to_people:.1%}", *shares
        )
    console.print(table)
    console.print("◀ the recipe's point")
    goal = f"the whole interval of the precision at or above {suggestion.goal:.2f}"
    if suggestion.point:
        console.print(
            f"suggested: {suggestion.point.threshold:.2f}, the lowest with {goal}; {suggestion.why}"
        )
    else:
        console.print(f"no point is suggested ({goal}): {suggestion.why}")


def _share(share: Share) -> str:
    if share.value is None:
        return "–"
    return f"{share.value:.3f} {share.low:.3f}–{share.high:.3f}"


def _table(title: str, heads: Sequence[str], left: int) -> Table:
    """A table whose first `left` columns are text and the rest numbers."""
    table = Table(title=title, title_justify="left")
    for number, head in enumerate(heads):
        text = number < left
        table.add_column(head, justify="left" if text else "right", overflow="fold")
    return table
