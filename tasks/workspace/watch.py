"""Bring several stages of one shard up to date that look at the same clips, with one decode of each clip.

Every stage keeps its own plan, journal and table, as if it had been alone: a kill, a changed setting or a retry
of one of them costs the others nothing, and a clip is shown only to the stages that lack it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from schemas.errors import MediaError
from tasks.media.fanout import Reader, fan_out
from tasks.media.frames import FrameBatch
from tasks.workspace.outputs import Output
from tasks.workspace.reconcile import Book, Plan, attempt, taking_down
from tasks.workspace.stage import Context, Item, Produced, Row, Watcher

Report = Callable[[str, Row], None]
"""Called with the stage's name and the outcome of an item, as it is reached."""


def apply_plans(
    plans: Sequence[Plan],
    context: Context,
    inputs: Mapping[str, Output],
    report: Report = lambda stage, outcome: None,
) -> dict[str, Output]:
    """Compute what the plans of watching stages list, write their tables and return these by stage.

    A stage that fails on a clip has its outcome there, and the others read on to the end. A clip that cannot be
    decoded is a failure of the stages that had not done with it.

    Raises:
        One of SYSTEMIC, or OSError for a full disk; what is finished stays in the journals for the next run.
    """
    outputs = {plan.stage.name: plan.present for plan in plans if plan.up_to_date}
    with ExitStack() as stack:
        books = {
            plan.stage.name: stack.enter_context(taking_down(plan, inputs, partial(report, plan.stage.name)))
            for plan in plans
            if not plan.up_to_date
        }
        watchers = {name: book.plan.stage.watch(context) for name, book in books.items() if book.plan.todo}
        for item, names in _visits(books):
            lacking = {name: books[name] for name in names}
            _visit(context.media(item.row["path"]), item, lacking, watchers)
    return outputs | {name: book.output() for name, book in books.items()}


def _visits(books: Mapping[str, Book]) -> list[tuple[Item, list[str]]]:
    """Each item that some stage lacks, with the names of these stages."""
    visits: dict[str, tuple[Item, list[str]]] = {}
    for name, book in books.items():
        for item in book.plan.todo:
            visits.setdefault(item.id, (item, []))[1].append(name)
    return list(visits.values())


def _visit(path: Path, item: Item, books: Mapping[str, Book], watchers: Mapping[str, Watcher]) -> None:
    """Show one clip to the stages that lack it, and take down what each makes of it."""
    found: dict[str, tuple[Produced, Row]] = {}
    readers: dict[str, Reader] = {}

    def prepare(name: str) -> Produced:
        readers[name] = _keeping(watchers[name](books[name].with_records(item)), name, item, found)
        return Produced([])

    for name in books:
        preparation = attempt(partial(prepare, name), item.id)
        if name not in readers:
            found[name] = preparation
    try:
        fan_out(path, readers)
    except MediaError as error:
        unread = {"outcome": "failed", "reason": type(error).__name__, "detail": str(error)}
        found = {name: (Produced([]), unread) for name in readers} | found
    finally:
        for name, result in found.items():
            books[name].take_down(item, *result)


def _keeping(reader: Reader, name: str, item: Item, found: dict[str, tuple[Produced, Row]]) -> Reader:
    """The reader, whose result or failure is put into `found` and concerns no other reader."""

    def consume(batches: Iterator[FrameBatch]) -> None:
        found[name] = attempt(lambda: reader.consume(batches), item.id)

    return Reader(reader.view, consume)
