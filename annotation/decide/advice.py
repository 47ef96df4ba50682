"""What to do next in a review, in sentences, the most pressing first."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from annotation.decide.report import Report

TENTATIVE = 0.667
"""Below this alpha, Krippendorff draws no conclusion."""


def next_steps(report: Report) -> list[str]:
    """What to do next; never empty."""
    if not any(items.kind != "dispute" for items in report.progress.items):
        return ["Nobody has been asked about any clip yet: a run plans what people are shown and pushes it."]
    steps = [
        *_for_the_lead(report),
        *_for_the_server(report),
        *_for_annotators(report),
        *_with_annotators(report),
        *_on_agreement(report),
    ]
    return steps or ["Every judgement is in, and nothing waits for anybody."]


def _for_the_lead(report: Report) -> Iterable[str]:
    if waiting := len(report.waiting):
        project = f"{report.recipe} adjudication"
        yield f"For a lead: {_many(waiting, 'disputed clip')} in the project “{project}” of Label Studio."


def _for_the_server(report: Report) -> Iterable[str]:
    progress = report.progress
    if waiting := sum(items.waiting for items in progress.items):
        yield f"Not on the server: {_many(waiting, 'item')}; the next run pushes what is missing there."
    if progress.refused:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in progress.refused.items())
        refused = _many(sum(progress.refused.values()), "answer")
        yield f"Cannot count: {refused} ({reasons}); ask those who gave them to answer again."
    if report.strangers:
        strangers = _many(report.strangers, "answer")
        yield f"Of no known item: {strangers}; was items.parquet restored from an older copy?"


def _for_annotators(report: Report) -> Iterable[str]:
    progress = report.progress
    if not progress.missing:
        return
    text = f"Still to come: {_many(progress.missing, 'judgement')}"
    if progress.pace:
        days = ceil(progress.missing / progress.pace)
        text += (
            f"; at the last days' pace of {progress.pace:,.0f} a day that takes {_many(days, 'day')} of work"
        )
    yield f"{text}."


def _with_annotators(report: Report) -> Iterable[str]:
    for name in dict.fromkeys(flag.annotator for flag in report.flags):
        words = "; ".join(flag.words for flag in report.flags if flag.annotator == name)
        yield f"Look at some of these clips together with {name}, who {words}."


def _on_agreement(report: Report) -> Iterable[str]:
    low = [
        f"{group.name} (alpha {group.alpha:.2f}, at most {group.high:.2f})"
        for group in report.agreement
        if group.kind == "question" and group.high is not None and group.high < TENTATIVE
    ]
    if low:
        yield (
            f"People agree little on {', '.join(low)}: go through clips on which they differ, and make the guide say "
            "how to tell."
        )


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
