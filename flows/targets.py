"""How far a data set is from what it is to hold: the shape of AV-SyncBench's Table 1, and what is missing in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flows.fate import for_people
from flows.survey import Survey
from schemas.scenarios import DOMAIN_OF
from schemas.sections import LengthShare, Targets
from tasks.workspace.stage import Row

UNJUDGED = "not judged"


@dataclass(frozen=True)
class Shelf:
    """One line of the table: clips of one scenario or of one range of durations.

    Attributes:
        released: in the newest release.
        for_people: fit, and waiting for people; counted under the scenario that a model gave them.
        target: how many the recipe wants; None where it names none.
    """

    kind: str
    name: str
    released: int
    for_people: int
    target: int | None

    @property
    def missing(self) -> int:
        return max(0, (self.target or 0) - self.released)


def shelves(targets: Targets, surveys: Iterable[Survey], released: Sequence[Row]) -> list[Shelf]:
    """All lines of the table, scenarios first, in the order of the paper; empty without targets.

    Args:
        released: `scenario`, `duration_ms` and of how many clips they hold (`clips`), each pair once.
    """
    if not targets.scenarios and not targets.durations:
        return []
    waiting = [row for survey in surveys if survey.complete for row in _for_people(survey)]
    return [*_scenarios(targets, waiting, released), *_durations(targets, waiting, released)]


def _for_people(survey: Survey) -> list[Row]:
    """Scenario and duration of the clips that people are to judge."""
    judged = survey.outputs["offscreen"].records()
    cut = survey.outputs["normalize"].records().values()
    milliseconds = {row["clip_id"]: row["duration_ms"] for rows in cut for row in rows}
    return [
        {"scenario": _scenario(judged.get(clip, ())), "duration_ms": milliseconds[clip], "clips": 1}
        for clip in for_people(survey)
    ]


def _scenario(judgements: Sequence[Row]) -> str | None:
    """As a model judged; None where the recipe asks none."""
    return judgements[0]["scenario"] if judgements else None


def _scenarios(targets: Targets, waiting: Iterable[Row], released: Iterable[Row]) -> list[Shelf]:
    have, wait = (_counted(rows, lambda row: row["scenario"]) for rows in (released, waiting))
    wanted = [
        Shelf(DOMAIN_OF[name], name, have[name], wait[name], targets.scenarios.get(name))
        for name in DOMAIN_OF
        if name in targets.scenarios or have[name] or wait[name]
    ]
    unjudged = [Shelf("", UNJUDGED, have[None], wait[None], None)] if have[None] or wait[None] else []
    return wanted + unjudged


def _durations(targets: Targets, waiting: Iterable[Row], released: Iterable[Row]) -> list[Shelf]:
    have, wait = (
        _counted(rows, lambda row: _bin(row["duration_ms"], targets)) for rows in (released, waiting)
    )
    lines = [
        Shelf("duration", _range(share), have[share], wait[share], share.clips) for share in targets.durations
    ]
    other = [Shelf("duration", "other", have[None], wait[None], None)] if have[None] or wait[None] else []
    return lines + other


def _counted(rows: Iterable[Row], shelf_of: Callable[[Row], Any]) -> Counter:
    counts: Counter = Counter()
    for row in rows:
        counts[shelf_of(row)] += row["clips"]
    return counts


def _bin(duration_ms: int, targets: Targets) -> LengthShare | None:
    """The first range that a duration is in; the shortest clip that a range names belongs to it too."""
    inside = (share for share in targets.durations if share.above <= duration_ms <= share.up_to)
    return next(inside, None)


def _range(share: LengthShare) -> str:
    return f"{share.above / 1000:g}–{share.up_to / 1000:g} s"
