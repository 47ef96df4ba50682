"""Brings items to the server, each once, and mends what has been altered or deleted there by hand.

    pushed = push(client, root, "av-syncbench", review, {"review": 3, "adjudication": 4}, items)

The server is the truth: what it has is looked at first, and only what is missing goes there, in batches. So a push
that was killed at any point, or whose connection was cut while the server went on, neither loses an item nor asks for
it twice. A task that is gone from the server goes there again with the answers that were taken in, so that nobody is
asked twice.

Nothing is ever deleted on the server. A task that nobody should be offered any more is closed: no annotator is given
it, and whoever has it open may still submit. An answer can thus not be lost between our look and our act.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from label_studio_sdk import LabelStudio

from annotation.exchange.client import tries
from annotation.exchange.earlier import judgements, last_answers
from annotation.exchange.survey import Progress, Seen, seen_of, survey
from annotation.exchange.tasks import accounts, data_of, task_of
from annotation.exchange.turn import keep_review, now, turn
from annotation.exchange.upkeep import Upkeep, keep_up, upkeep_of
from annotation.store import WAIT_S, read_items, review_folder, write_items
from schemas.errors import ServiceError
from schemas.judging import Review
from tasks.workspace.stage import Row


@dataclass(frozen=True)
class Pushed:
    """What a push did.

    Attributes:
        pushed: items that went to the server for the first time.
        restored: keys of items whose tasks had gone from there, and that went there again.
        mended: keys of items whose task somebody had altered.
        renewed: keys of items of which the page is to say something else than before.
        doubled: keys of items with two tasks, of which one was closed.
        closed: items that are no longer wanted, and are offered to nobody any more.
        reopened: items that are wanted again.
        asked_again: keys of items that the server held for complete, or would have too soon, since it counts answers
            that do not count; they are offered to further people.
        waiting: items that go there when others have their answers.
        strange: tasks on the server that are none of ours; they are left alone.
        unrestored: answers that could not go back with their task, because their annotator has no account there any
            more. They still count.
    """

    pushed: int = 0
    restored: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    closed: int = 0
    reopened: int = 0
    asked_again: tuple[str, ...] = ()
    waiting: int = 0
    strange: int = 0
    unrestored: int = 0


@dataclass
class _Desk:
    """What pushing to one project needs, and what has been done so far.

    Attributes:
        rows: all items by key; replaced by rows with task numbers as these become known.
        judged: how many judgements that count each item has.
        done: keys by what was done with their items.
    """

    client: LabelStudio
    root: Path
    recipe: str
    review: Review
    project: str
    number: int
    rows: dict[str, Row]
    wanted: Mapping[str, Row]
    judged: Mapping[str, int]
    told: Progress
    done: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    waiting: int = 0
    strange: int = 0
    unrestored: int = 0


def push(
    client: LabelStudio,
    root: Path,
    recipe_name: str,
    review: Review,
    projects: Mapping[str, int],
    items: Sequence[Row],
    progress: Progress | None = None,
    seen: Mapping[str, Sequence[Seen]] | None = None,
    wait_s: float = WAIT_S,
) -> Pushed:
    """Bring to the server what of `items` is not there, as many as may wait for answers at a time.

    The file of items then has all of `items`, with the numbers of their tasks, and those that are no longer wanted.

    Args:
        projects: number on the server by name, `review` and `adjudication`.
        items: all that people are to be asked, rows of ITEMS, in the order in which they should be asked.
        seen: what a pull has just found there; without it the server is asked. Only with it are items offered to
            further people in place of answers that do not count: others may be there that have not been taken in.
        wait_s: how long it waits for another process that is at work on this review.

    Raises:
        ServiceError, ServiceRefused: see annotation.exchange.client; what was done until then is written down, and
            the next push goes on from there.
        WorkspaceError: another process is at work on this review, or a file cannot be written.
    """
    told = progress or (lambda doing, done, of: None)
    with turn(root, recipe_name, wait_s) as folder:
        keep_review(folder, review)
        before = {row["item_key"]: row for row in read_items(root, recipe_name)}
        rows, desks = _merged(before, items), []
        judged = judgements(root, recipe_name, rows)
        for name, number in projects.items():
            wanted = {item["item_key"]: item for item in items if item["project"] == name}
            desks.append(_Desk(client, root, recipe_name, review, name, number, rows, wanted, judged, told))
            _push_to(desks[-1], seen.get(name) if seen else None)
        write_items(root, recipe_name, rows.values())
    return _result(desks, {key for key, row in before.items() if data_of(row) != data_of(rows[key])})


def _result(desks: Sequence[_Desk], renewed: Set[str]) -> Pushed:
    def keys(what: str) -> tuple[str, ...]:
        return tuple(sorted(key for desk in desks for key in desk.done[what]))

    return Pushed(
        pushed=len(keys("pushed")),
        restored=keys("restored"),
        mended=tuple(key for key in keys("mended") if key not in renewed),
        renewed=tuple(key for key in keys("mended") if key in renewed),
        doubled=keys("doubled"),
        closed=len(keys("closed")),
        reopened=len(keys("reopened")),
        asked_again=keys("asked_again"),
        waiting=sum(desk.waiting for desk in desks),
        strange=sum(desk.strange for desk in desks),
        unrestored=sum(desk.unrestored for desk in desks),
    )


def _merged(known: Mapping[str, Row], items: Sequence[Row]) -> dict[str, Row]:
    """All items by key, as they are wanted now; their tasks as far as they are known."""
    rows = dict(known)
    for item in items:
        before = rows.get(item["item_key"], {"task": None, "pushed_at": None})
        rows[item["item_key"]] = item | {"task": before["task"], "pushed_at": before["pushed_at"]}
    return rows


def _push_to(desk: _Desk, seen: Sequence[Seen] | None) -> None:
    """Push to one project; where a request breaks off, look at what was carried out and do the rest."""
    for attempt in tries():
        with attempt:
            again = attempt.retry_state.attempt_number > 1
            _reconcile(desk, None if again else seen)
            if again:
                # The server does one import after another: one that had broken off here is certainly done by now.
                _reconcile(desk, None)


def _reconcile(desk: _Desk, seen: Sequence[Seen] | None) -> None:
    there = seen
    if there is None:
        desk.told(f"tasks of {desk.project}", 0, None)
        there = [
            seen_of(task) for task in survey(desk.client, desk.number, review_folder(desk.root, desk.recipe))
        ]
    needed = desk.review.per_clip if desk.project == "review" else 1
    judged = desk.judged if seen is not None else None
    upkeep = upkeep_of(there, desk.rows, desk.wanted, desk.project, needed, judged)
    for key, task in upkeep.tasks.items():
        if desk.rows[key]["task"] is None:
            desk.done["pushed"].add(key)
        desk.rows[key] = desk.rows[key] | {"task": task, "pushed_at": desk.rows[key]["pushed_at"] or now()}
    keep_up(desk.client, upkeep, desk.rows, needed, desk.done)
    gone = [key for key in upkeep.absent if desk.rows[key]["task"] is not None]
    fresh = [key for key in upkeep.absent if desk.rows[key]["task"] is None]
    room = _room(desk, upkeep)
    desk.waiting, desk.strange = len(fresh[room:]), upkeep.strange
    _import(desk, gone, "restored")
    _import(desk, fresh[:room], "pushed")


def _room(desk: _Desk, upkeep: Upkeep) -> int:
    """How many further items may go there. Leads are asked everything."""
    if desk.project != "review":
        return len(upkeep.absent)
    out = [key for key in desk.wanted if desk.rows[key]["task"] is not None]
    unfinished = sum(1 for key in out if desk.judged.get(key, 0) < desk.review.per_clip)
    return max(desk.review.outstanding - unfinished, 0)


def _import(desk: _Desk, keys: Sequence[str], what: str) -> None:
    """Bring items there in batches; each is written down as soon as it is there."""
    answers = last_answers(desk.root, desk.recipe, keys) if what == "restored" else {}
    users = accounts(desk.client, desk.root) if answers else {}
    for start in range(0, len(keys), desk.review.batch):
        batch = keys[start : start + desk.review.batch]
        made: list[dict[str, Any]] = []
        for key in batch:
            task, left_out = task_of(desk.rows[key], desk.review, answers.get(key, ()), users)
            made.append(task)
            desk.unrestored += left_out
        reply = desk.client.projects.import_tasks(desk.number, request=made, return_task_ids=True)
        _write_down(desk, batch, reply.task_ids, what)
        desk.told(f"items of {desk.project}", start + len(batch), len(keys))


def _write_down(desk: _Desk, keys: Sequence[str], numbers: Sequence[int] | None, what: str) -> None:
    if not numbers or len(numbers) != len(keys):
        raise ServiceError(
            f"project {desk.number}",
            f"{len(keys)} tasks were sent, and {len(numbers or ())} numbers came back",
            "the next run looks at what is there",
            "not_understood",
        )
    at = now()
    for key, number in zip(keys, numbers, strict=True):
        desk.rows[key] = desk.rows[key] | {"task": number, "pushed_at": at}
    desk.done[what].update(keys)
    write_items(desk.root, desk.recipe, desk.rows.values())
