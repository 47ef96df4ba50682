"""What is to be mended on the server: tasks that are twice there, altered, unwanted, closed and wanted again, or held
for complete while too few of their answers count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from label_studio_sdk import LabelStudio

from annotation.exchange.survey import Seen
from annotation.exchange.tasks import CLOSED, data_of, meta_of
from schemas.errors import ServiceError
from tasks.workspace.stage import Row

Task = tuple[str, Seen]
"""Key of an item, and a task that shows it."""


@dataclass(frozen=True)
class Upkeep:
    """What a project has of our items, and what is wrong with it.

    Attributes:
        tasks: number of the task of each item that is there; where there are several, of the one that is kept.
        absent: keys of wanted items that are not there, in the order in which they are wanted.
        altered: tasks whose data are not what was pushed.
        doubled: further tasks of an item, to be closed.
        unwanted: tasks of items that are no longer wanted, to be closed.
        closed: tasks of wanted items that are closed, to be opened.
        places: by item, how many answers its task must take before enough of them count, where the server may hold it
            for complete with fewer.
        strange: how many tasks are none of ours.
    """

    tasks: Mapping[str, int]
    absent: Sequence[str]
    altered: Sequence[Task] = ()
    doubled: Sequence[Task] = ()
    unwanted: Sequence[Task] = ()
    closed: Sequence[Task] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    strange: int = 0


@dataclass
class _Found:
    tasks: dict[str, int] = field(default_factory=dict)
    altered: list[Task] = field(default_factory=list)
    doubled: list[Task] = field(default_factory=list)
    unwanted: list[Task] = field(default_factory=list)
    closed: list[Task] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)


def upkeep_of(
    there: Iterable[Seen],
    rows: Mapping[str, Row],
    wanted: Mapping[str, Row],
    project: str,
    needed: int,
    judged: Mapping[str, int] | None = None,
) -> Upkeep:
    """Compare what a project has with what it should have.

    Of several tasks of one item the one is kept that is open, else the one with most answers, else the oldest; the
    answers of the others count for the item all the same.

    Args:
        rows: all items that are known, by key.
        wanted: those of this project that should be there.
        needed: how many judgements each item of the project asks for.
        judged: how many an item has, by key; of all the answers in `there`, or nobody is asked again.
    """
    own = {key: row for key, row in rows.items() if row["project"] == project}
    by_task = {row["task"]: key for key, row in own.items() if row["task"] is not None}
    groups: dict[str, list[Seen]] = {}
    strange = 0
    for seen in there:
        # Where somebody has altered the key, the task's number still says which item it is.
        key = seen.key if seen.key in own else by_task.get(seen.task)
        if key is None:
            strange += 1
        else:
            groups.setdefault(key, []).append(seen)
    found = _Found()
    for key, group in groups.items():
        best = _sort(found, key, group, rows[key], key in wanted)
        missing = needed - judged.get(key, 0) if judged is not None and key in wanted else 0
        # A task that was made anew with its answers is complete for the server if those who passed it on fill it.
        if missing > 0 and max(best.answers + missing - 1, best.answers + best.passed_on) >= needed:
            found.places[key] = best.answers + missing
    absent = [key for key in wanted if key not in groups]
    return Upkeep(**vars(found), absent=absent, strange=strange)


def _sort(found: _Found, key: str, group: Sequence[Seen], row: Row, is_wanted: bool) -> Seen:
    """Note what is wrong with the tasks of one item; gives the one that is kept."""
    best = max(group, key=lambda seen: (not _is_closed(seen), seen.answers, -seen.task))
    found.tasks[key] = best.task
    if not is_wanted:
        found.unwanted += [(key, seen) for seen in group if not _is_closed(seen)]
        return best
    found.doubled += [(key, seen) for seen in group if seen is not best and not _is_closed(seen)]
    if _is_closed(best):
        found.closed.append((key, best))
    if best.data != data_of(row):
        found.altered.append((key, best))
    return best


def _is_closed(seen: Seen) -> bool:
    return seen.meta.get(CLOSED) is True


def keep_up(
    client: LabelStudio, upkeep: Upkeep, rows: Mapping[str, Row], needed: int, done: Mapping[str, set[str]]
) -> None:
    """Mend what `upkeep` found; each item's key is put into `done` under what was done with it.

    Args:
        needed: how many judgements each item of the project asks for.
    """
    for key, seen in upkeep.altered:
        if _changed(client, seen.task, data=data_of(rows[key])):
            done["mended"].add(key)
    for what, tasks in (("doubled", upkeep.doubled), ("closed", upkeep.unwanted)):
        for key, seen in tasks:
            # Complete with one answer, and complete: the server offers it to nobody, whatever else it recounts.
            if _changed(client, seen.task, overlap=1, is_labeled=True, meta=meta_of(rows[key], closed=True)):
                done[what].add(key)
    for key, seen in upkeep.closed:
        places = upkeep.places.get(key, needed)
        complete = seen.answers >= places
        if _changed(client, seen.task, overlap=places, is_labeled=complete, meta=meta_of(rows[key])):
            done["reopened"].add(key)
    reopened = {key for key, _ in upkeep.closed}
    for key, places in upkeep.places.items():
        if key not in reopened and _opened_for(client, upkeep.tasks[key], places):
            done["asked_again"].add(key)


def _opened_for(client: LabelStudio, task: int, places: int) -> bool:
    """Have the server offer a task until it has so many answers; False where it did so already, or the task is gone.

    How many a task takes stands in no snapshot, and the server forgets it when somebody changes the project's number:
    so it is asked for each such task, of which there are few.
    """
    try:
        state = client.tasks.get(id=str(task))
    except ServiceError as error:
        if error.kind != "gone":
            raise
        return False
    if state.overlap >= places and not state.is_labeled:
        return False
    return _changed(client, task, overlap=max(places, state.overlap), is_labeled=False)


def _changed(client: LabelStudio, task: int, **what: Any) -> bool:
    try:
        client.tasks.update(id=str(task), **what)
    except ServiceError as error:
        if error.kind != "gone":
            raise
        return False  # deleted since we looked; the next push sees that
    return True
