"""The review's report in a terminal, readable at 100 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from annotation.decide.advice import next_steps
from annotation.decide.agreement import Agreement
from annotation.decide.page import KINDS, interval, percent
from annotation.decide.report import Report
from schemas.forms import FORMS, words
from schemas.plain import plain
from tasks.offscreen.measure.intervals import Share

SHOWN_DISPUTES = 10
SHOWN_WEEKS = 8
"""The page has them all."""


def show_report(console: Console, report: Report) -> None:
    """What `clapper review report` prints."""
    until = f" · answers up to {report.until[:16].replace('T', ' ')} UTC" if report.until else ""
    console.print(
        f"[bold]Review of {plain(report.recipe)}[/] · form {report.form} · {report.per_clip} judgements for each "
        f"clip · {report.rule}{plain(until)}"
    )
    if FORMS[report.form].deciding:
        console.print(
            " · ".join(f"{name} [bold]{number:,}[/]" for name, number in report.progress.clips.items())
        )
    _show_progress(console, report)
    _show_agreement(console, report)
    _show_votes(console, report)
    _show_people(console, report)
    _show_tolerance(console, report)
    _show_machine(console, report)
    _show_waiting(console, report)
    console.print("\n[bold]What to do next[/]")
    for number, step in enumerate(next_steps(report), 1):
        console.print(f"{number}. {plain(step)}")


def _show_progress(console: Console, report: Report) -> None:
    progress = report.progress
    table = _table("Progress", ("items", "in all", "finished", "not on the server"), left=1)
    for each in progress.items:
        table.add_row(KINDS[each.kind], f"{each.total:,}", f"{each.finished:,}", f"{each.waiting:,}")
    console.print(table)
    console.print(
        f"{progress.judgements:,} judgements count, {progress.missing:,} are still to come, {progress.extra:,} more "
        f"are kept apart; clips were passed on {progress.skipped:,} times; a lead decided {progress.adjudicated:,}"
    )
    if progress.rejected_by:
        reasons = (f"{plain(reason)} {number:,}" for reason, number in progress.rejected_by.items())
        console.print(f"rejected by {', '.join(reasons)}")
    if progress.refused:
        reasons = (f"{plain(reason)} {number:,}" for reason, number in progress.refused.items())
        console.print(f"[yellow]refused[/] {', '.join(reasons)}")


def _show_agreement(console: Console, report: Report) -> None:
    if not report.progress.judgements:
        return
    heads = ("agreement", "alpha", "95 %", "clips", "people")
    table = _table("Krippendorff's alpha: 1 is perfect, 0 is what lots would give", heads, left=1)
    weeks = [group for group in report.agreement if group.kind == "week"]
    shown = [group for group in report.agreement if group not in weeks[:-SHOWN_WEEKS]]
    for group in shown:
        spread = f"{group.low:.3f}–{group.high:.3f}" if group.low is not None else "–"
        alpha = f"{group.alpha:.3f}" if group.alpha is not None else "–"
        table.add_row(_group(group), alpha, spread, f"{group.clips:,}", str(group.annotators))
    console.print(table)
    for why in dict.fromkeys(group.why for group in shown if group.why):
        names = ", ".join(_group(group) for group in shown if group.why == why)
        console.print(f"– {names}: {why}")


def _group(group: Agreement) -> str:
    names = {"all": "all questions", "verdict": "fit or not"}
    return names.get(group.kind) or f"{group.kind} {plain(words(group.name))}"


def _show_votes(console: Console, report: Report) -> None:
    heads = ("question", "answer", "judgements", "share", "clips so decided")
    table = _table("Votes", heads, left=2)
    for each in report.votes:
        total = sum(each.given.values())
        for answer, number in each.given.items():
            decided = f"{each.decided[answer]:,}" if each.decided else "–"
            part = percent(number / total) if total else "–"
            table.add_row(each.question, words(answer), f"{number:,}", part, decided)
        if each.undecided:
            table.add_row(each.question, "undecided", "", "", f"{each.undecided:,}")
        table.add_section()
    if report.progress.judgements:
        console.print(table)


def _show_people(console: Console, report: Report) -> None:
    if not report.people:
        return
    heads = ("", "judged", "passed on", "median", "too fast", "unclear", "missed gold")
    table = _table("Annotators", heads, left=1)
    for one in report.people:
        gold = (
            "\n".join(f"{KINDS[each.kind].split(': ')[1]} {_counted(each.missed)}" for each in one.gold)
            or "–"
        )
        seconds = f"{one.seconds:.0f} s" if one.seconds is not None else "–"
        shares = (percent(one.too_fast), percent(one.unclear))
        table.add_row(one.pseudonym, f"{one.judged:,}", str(one.skipped), seconds, *shares, gold)
    console.print(table)
    names = [each.question for each in report.people[0].questions]
    table = _table(
        "Agreement with the majority of the others, and likely right (Dawid and Skene)", ("", *names), left=1
    )
    for one in report.people:
        cells = (
            f"{percent(each.with_others)}  {percent(each.errors.accuracy if each.errors else None)}"
            for each in one.questions
        )
        table.add_row(one.pseudonym, *cells)
    console.print(table)
    for flag in report.flags:
        console.print(f"[yellow]{flag.annotator}[/] {plain(flag.words)}")


def _counted(share: Share) -> str:
    return f"{round((share.value or 0) * share.n)} of {share.n}"


def _show_tolerance(console: Console, report: Report) -> None:
    if not report.tolerance:
        return
    table = _table("What offset people notice", ("audio early by", "in sync", "95 %", "unclear"), left=0)
    for each in report.tolerance.offsets:
        row = (f"{each.offset_ms:+d} ms", percent(each.in_sync), interval(each.in_sync), str(each.unclear))
        table.add_row(*row)
    console.print(table)
    for each in report.tolerance.thresholds:
        where = f"half say no at {each.offset_ms:+.0f} ms" if each.offset_ms is not None else ""
        spread = f" ({each.low_ms:+.0f} to {each.high_ms:+.0f})" if each.low_ms is not None else ""
        console.print(f"audio {each.side}: {'; '.join(part for part in (where + spread, each.why) if part)}")


def _show_machine(console: Console, report: Report) -> None:
    for each in report.machine:
        heads = ("", "precision", "95 %", "recall", "95 %")
        table = _table(f"{each.question}: machine labels against people", heads, left=1)
        for label in each.labels:
            shares = (label.precision, label.recall)
            table.add_row(
                words(label.answer), *(cell for one in shares for cell in (percent(one), interval(one)))
            )
        console.print(table)
        console.print(
            f"right on {percent(each.right)} ({interval(each.right)} clips); on {each.undecided:,} more people could "
            "not agree"
        )


def _show_waiting(console: Console, report: Report) -> None:
    if not report.waiting:
        return
    table = _table("Waiting for a lead", ("clip", "disputed", "answers"), left=3)
    for each in report.waiting[:SHOWN_DISPUTES]:
        first = each.questions[0]
        said = ", ".join(f"{name} {words(answers.get(first, '–'))}" for name, answers in each.answers.items())
        table.add_row(plain(each.item["clip_id"]), ", ".join(map(words, each.questions)), plain(said))
    console.print(table)
    if len(report.waiting) > SHOWN_DISPUTES:
        console.print(f"and {len(report.waiting) - SHOWN_DISPUTES:,} more")


def _table(title: str, heads: Sequence[str], left: int) -> Table:
    """A table whose first `left` columns are text and the rest numbers."""
    table = Table(title=title, title_justify="left")
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number < left else "right", overflow="fold")
    return table
