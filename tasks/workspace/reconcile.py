"""Bring one stage of one shard up to date: compute what is missing, and nothing else.

The result of an item depends on the stage's version, its part of the recipe, its models' checksums and the
digests of its inputs: together its *key*. A shard's table is kept in a folder named after the keys of all
its items. What the shard has already under the same key is taken over, from older tables or from the
journal of a run that was killed, so a changed setting redoes only what depends on it, down to the item.

Items that failed, were unavailable or wait for something outside are tried again once they are due; the table
that holds them then has a next generation. No table ever changes.
"""

from __future__ import annotations

import errno
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TextIO

from schemas.errors import ClapperError, Deferred, Dropped, SystemicError, Unavailable
from schemas.recipe import Recipe, digest
from tasks.workspace.outputs import (
    Entry,
    Output,
    append_to_journal,
    open_journal,
    read_journal,
    read_output,
    write_output,
)
from tasks.workspace.stage import Context, Item, LeftOut, Produced, Row, Stage

logger = logging.getLogger("clapper")

SYSTEMIC = (SystemicError, MemoryError)
"""Errors that concern the machine or the set-up, not one item."""


@dataclass(frozen=True)
class Retries:
    """How often items that failed or were unavailable are tried, over all runs, and how long to wait between.

    What waits for something outside (an answer, a budget) is looked at by every later run, for ever, unless the
    stage is told of news.

    Attributes:
        now: when this run began; what it tried itself is not due.
    """

    tries: int
    wait: timedelta
    now: datetime

    @classmethod
    def of(cls, recipe: Recipe, at_once: bool = False) -> Retries:
        """The recipe's rule; with `at_once`, every item that may be tried again is due."""
        wait = timedelta(0) if at_once else timedelta(milliseconds=recipe.download.retry_after)
        return cls(recipe.download.tries, wait, datetime.now(UTC))

    def due(self, outcome: Row, told: bool = False) -> bool:
        """Whether to try an item again; `told` as the stage has it."""
        tried_at = datetime.fromisoformat(outcome["tried_at"])
        if outcome["outcome"] == "waiting":
            return not told and tried_at <= self.now
        if outcome["outcome"] not in ("failed", "unavailable") or outcome["tries"] >= self.tries:
            return False
        return tried_at + self.wait <= self.now


@dataclass(frozen=True)
class Plan:
    """What one stage of one shard needs.

    Attributes:
        keys: the wanted key of every item that is ready, in the order of the table.
        todo: the items to compute.
        kept: for every other item, the table folder that has it, or None for the journal.
        earlier: tries already spent on each item of `todo`.
        present: the newest table for these keys, if any.
        target: the folder of the table that this plan leads to.
    """

    stage: Stage
    shard: str
    keys: Mapping[str, str]
    todo: tuple[Item, ...]
    kept: Mapping[str, Path | None]
    earlier: Mapping[str, int]
    present: Output | None
    target: Path

    @property
    def up_to_date(self) -> bool:
        return self.present is not None and self.target == self.present.folder

    @property
    def only_tries_again(self) -> bool:
        """Every item has an outcome under its key; what remains is to try some once more."""
        return self.present is not None


def table_name(keys: Mapping[str, str]) -> str:
    """The name of a shard's table without its generation, made of the key of every item."""
    return digest(sorted(keys.items()))[:16]


def plan_stage(
    stage: Stage,
    shard: str,
    root: Path,
    recipe: Recipe,
    items: Sequence[Item],
    inputs: Mapping[str, Output],
    checksum: Callable[[str], str],
    retries: Retries,
) -> Plan:
    """Compare what should be with what is.

    Args:
        items: the shard's items, without records; those of which an input is not done are passed over.
        inputs: the tables of the stage's inputs for this shard.
        checksum: SHA-256 of a model, by name.
    """
    common = {
        "stage": stage.name,
        "version": stage.version,
        "settings": stage.settings(recipe),
        "models": {name: checksum(name) for name in stage.models(recipe)},
    }
    ready = [item for item in items if all(_is_done(inputs[name], item) for name in stage.inputs)]
    keys = {
        item.id: digest(
            [common, item.row, {name: inputs[name].outcomes[item.id]["digest"] for name in stage.inputs}]
        )
        for item in ready
    }
    folder = root / "stages" / stage.name / shard
    base = table_name(keys)
    generations = sorted(folder.glob(f"{base}.[0-9]*"), key=lambda path: int(path.suffix[1:]))
    present = read_output(generations[-1]) if generations else None
    found = _find(folder, keys, present)
    todo = tuple(item for item in ready if item.id not in found or retries.due(found[item.id][0], stage.told))
    tried = {item.id: found[item.id][0]["tries"] if item.id in found else 0 for item in todo}
    kept = {item: place for item, (_, place) in found.items() if item not in tried}
    finished = present is not None and not todo and None not in kept.values()
    target = present.folder if finished else folder / f"{base}.{len(generations)}"
    return Plan(stage, shard, keys, todo, kept, tried, present, target)


def apply_plan(
    plan: Plan,
    context: Context,
    inputs: Mapping[str, Output],
    report: Callable[[Row], None] = lambda outcome: None,
) -> Output:
    """Compute what a plan lists, write the table and return it.

    Args:
        report: called with the outcome of each item as it is reached.

    Raises:
        One of SYSTEMIC, or OSError for a full disk; what is finished stays in the journal for the next run.
    """
    if plan.up_to_date:
        return plan.present
    with taking_down(plan, inputs, report) as book:
        if plan.todo:
            items = [book.with_records(item) for item in plan.todo]
            for item, result in _results(plan.stage, context, items):
                book.take_down(item, *attempt(result, item.id))
    return book.output()


def _results(
    stage: Stage, context: Context, items: Sequence[Item]
) -> Iterator[tuple[Item, Callable[[], Produced]]]:
    if stage.together is not None:
        yield from stage.together(context)(items)
        return
    worker = stage.open(context)
    for item in items:
        yield item, partial(worker, item)


@dataclass(frozen=True)
class Book:
    """The entries of a plan at work: each is in the journal as soon as it is taken down.

    Attributes:
        records: the rows of each input stage by item id.
    """

    plan: Plan
    records: Mapping[str, Mapping[str, Sequence[Row]]]
    entries: dict[str, Entry]
    journal: TextIO
    report: Callable[[Row], None]

    def with_records(self, item: Item) -> Item:
        """The item with what earlier stages made for it."""
        records = {name: rows.get(item.id, []) for name, rows in self.records.items()}
        return Item(item.id, item.video_id, item.row, records)

    def take_down(self, item: Item, produced: Produced, outcome: Row) -> None:
        entry = self.entries[item.id] = _entry(self.plan, item, produced, outcome)
        append_to_journal(self.journal, entry)
        self.report(entry.outcome)

    def output(self) -> Output:
        """Write the table, which makes the journal needless."""
        entries = [self.entries[item_id] for item_id in self.plan.keys]
        output = write_output(self.plan.target, self.plan.stage.schema, entries)
        Path(self.journal.name).unlink(missing_ok=True)
        return output


@contextmanager
def taking_down(plan: Plan, inputs: Mapping[str, Output], report: Callable[[Row], None]) -> Iterator[Book]:
    """The book of a plan that is not up to date, with what is kept from before; its journal is open meanwhile."""
    path = plan.target.parent / "journal.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = _kept_entries(plan, path)
    records = {name: inputs[name].records() for name in plan.stage.inputs} if plan.todo else {}
    with open_journal(path) as journal:
        yield Book(plan, records, entries, journal, report)


def attempt(work: Callable[[], Produced], item_id: str) -> tuple[Produced, Row]:
    """Do the work on one item; whatever becomes of it is returned, and only SYSTEMIC errors are raised."""
    try:
        return work(), {"outcome": "done", "reason": None, "detail": None}
    except SYSTEMIC:
        raise
    except Dropped as drop:
        outcome = {"outcome": "dropped", "reason": drop.reason, "detail": drop.detail}
    except Unavailable as absence:
        outcome = {"outcome": "unavailable", "reason": absence.reason, "detail": absence.detail}
    except Deferred as wait:
        outcome = {"outcome": "waiting", "reason": wait.reason, "detail": wait.detail}
    except ClapperError as error:
        outcome = {"outcome": "failed", "reason": error.reason, "detail": str(error)}
    except Exception as error:
        # A surprise in one item must not cost its shard the others; a full disk concerns all of them.
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        logger.exception("%s: unexpected error", item_id)
        outcome = {"outcome": "failed", "reason": "unexpected", "detail": _where(error)}
    return Produced(rows=[]), outcome


def _where(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__}: {error} (in {frame.name}, {Path(frame.filename).name} line {frame.lineno})"
    )


def _find(
    folder: Path, keys: Mapping[str, str], present: Output | None
) -> dict[str, tuple[Row, Path | None]]:
    """The latest outcome of each item under its wanted key, with the folder of its table (None: the journal)."""
    found: dict[str, tuple[Row, Path | None]] = {}

    def offer(outcome: Row, place: Path | None) -> None:
        item = outcome["item_id"]
        if keys.get(item) == outcome["key"] and (
            item not in found or _recency(outcome) > _recency(found[item][0])
        ):
            found[item] = (outcome, place)

    tables = [present] if present else (read_output(path) for path in sorted(folder.glob("*.[0-9]*")))
    for output in tables:
        for outcome in output.outcomes.values():
            offer(outcome, output.folder)
    for entry in read_journal(folder / "journal.jsonl"):
        offer(entry.outcome, None)
    return found


def _recency(outcome: Row) -> tuple[int, str]:
    """What waits is looked at again without counting a try, so tries alone do not tell which look was the last."""
    return outcome["tries"], outcome["tried_at"]


def _kept_entries(plan: Plan, journal: Path) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for place in {place for place in plan.kept.values() if place}:
        output, records = read_output(place), read_output(place).records()
        for item in (item for item, at in plan.kept.items() if at == place):
            entries[item] = Entry(output.outcomes[item], records.get(item, ()), output.parts.get(item, ()))
    for entry in read_journal(journal):
        item = entry.outcome["item_id"]
        if item in plan.kept and plan.kept[item] is None and plan.keys[item] == entry.outcome["key"]:
            entries[item] = entry
    return entries


def _entry(plan: Plan, item: Item, produced: Produced, outcome: Row) -> Entry:
    outcome = {
        "item_id": item.id,
        "video_id": item.video_id,
        "part_of": None,
        **outcome,
        "milliseconds": _duration_ms(item, produced),
        "key": plan.keys[item.id],
        "digest": digest(produced.rows),
        "tries": plan.earlier[item.id] + (outcome["outcome"] != "waiting"),
        "tried_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Entry(outcome, produced.rows, [_part(outcome, part) for part in produced.left_out])


def _duration_ms(item: Item, produced: Produced) -> int:
    """As listed; of a video that is listed without a duration, what the stage found."""
    return item.row.get("duration_ms") or sum(row.get("duration_ms") or 0 for row in produced.rows)


def _part(outcome: Row, part: LeftOut) -> Row:
    """The ledger row of a part that was left out of an item which is otherwise done."""
    place = {
        "item_id": part.id,
        "part_of": outcome["item_id"],
        "milliseconds": part.milliseconds,
        "digest": None,
    }
    return {**outcome, **place, "outcome": "dropped", "reason": part.reason, "detail": part.detail}


def _is_done(output: Output, item: Item) -> bool:
    outcome = output.outcomes.get(item.id)
    return outcome is not None and outcome["outcome"] == "done"
