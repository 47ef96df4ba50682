"""How far a review is: clips by outcome, what is missing, answers by day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from annotation.decide.count import Counted, is_lead, latest_versions, moment
from annotation.decide.rules import reason_of
from schemas.review import KINDS
from tasks.workspace.stage import Row

OUTCOMES = ("accepted", "rejected", "disputed", "pending")

PACE_DAYS = 7
"""The pace is that of the last so many days with answers."""


@dataclass(frozen=True)
class Items:
    """Items of one kind: `finished` have all judgements, `waiting` were not pushed to the server yet, or are gone."""

    kind: str
    total: int
    finished: int
    waiting: int


@dataclass(frozen=True)
class Day:
    """Good answers that were first given on one day (UTC), by pseudonym."""

    day: str
    answers: Mapping[str, int]


@dataclass(frozen=True)
class Progress:
    """How far a review is.

    Attributes:
        clips: by outcome, in the order of OUTCOMES; `rejected_by`: by `rules.reason_of`.
        adjudicated: clips that a lead has decided.
        judgements: those that count; `missing`: those still to come, of annotators; `extra`: kept apart.
        skipped, refused: answers as they last stand, refused ones by reason.
        pace: judgements a day in the last days with answers; None without one.
    """

    clips: Mapping[str, int]
    rejected_by: Mapping[str, int]
    adjudicated: int
    items: tuple[Items, ...]
    judgements: int
    missing: int
    extra: int
    skipped: int
    refused: Mapping[str, int]
    days: tuple[Day, ...]
    pace: float | None


def progress_of(decided: Sequence[Row], found: Mapping[str, Counted], answers: Iterable[Row]) -> Progress:
    """How far a review is, by its decisions, the judgements of all its items, and all its answers."""
    of_annotators = [each for each in found.values() if each.item["kind"] != "dispute"]
    outcomes = Counter(row["outcome"] for row in decided)
    reasons = Counter(reason_of(row) for row in decided if row["outcome"] == "rejected")
    days = _days(found.values())
    last = [sum(day.answers.values()) for day in days[-PACE_DAYS:]]
    return Progress(
        clips={outcome: outcomes[outcome] for outcome in OUTCOMES},
        rejected_by=dict(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))),
        adjudicated=sum(row["adjudicator"] is not None for row in decided),
        items=tuple(_items(kind, found.values()) for kind in KINDS if _of_kind(kind, found.values())),
        judgements=sum(len(each.answers) for each in of_annotators),
        missing=sum(each.needed - len(each.answers) for each in of_annotators),
        extra=sum(len(each.extra) for each in of_annotators),
        skipped=sum(len(each.skips) for each in of_annotators),
        refused=_refused(answers),
        days=days,
        pace=sum(last) / len(last) if last else None,
    )


def _of_kind(kind: str, found: Iterable[Counted]) -> list[Counted]:
    return [each for each in found if each.item["kind"] == kind]


def _items(kind: str, found: Iterable[Counted]) -> Items:
    those = _of_kind(kind, found)
    finished = sum(each.complete for each in those)
    return Items(kind, len(those), finished, sum(each.item["task"] is None for each in those))


def _days(found: Iterable[Counted]) -> tuple[Day, ...]:
    by_day: dict[str, Counter[str]] = defaultdict(Counter)
    for each in found:
        for row in (*each.answers, *each.extra):
            if not is_lead(row["annotator"]):
                by_day[moment(row["made_at"]).date().isoformat()][row["annotator"]] += 1
    return tuple(Day(day, dict(sorted(by_day[day].items()))) for day in sorted(by_day))


def _refused(answers: Iterable[Row]) -> dict[str, int]:
    """Refused answers by reason; of people with a pseudonym, those that last stand so."""
    by_person: dict[tuple[str, str], list[Row]] = defaultdict(list)
    unknown: Counter[str] = Counter()
    for row in answers:
        if row["annotator"] is not None:
            by_person[row["item_key"], row["annotator"]].append(row)
        elif row["refused"] is not None:
            unknown[row["refused"]] += 1
    standing = (row for rows in by_person.values() for row in latest_versions(rows).values())
    reasons = unknown + Counter(row["refused"] for row in standing if row["refused"] is not None)
    return dict(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])))
