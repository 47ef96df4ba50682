"""Progress, from the tasks that do the work to whoever watches in the same process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One item that reached an outcome at one stage.

    Attributes:
        outcome: done, dropped, failed or unavailable.
        reason: a stable word; None when done.
        milliseconds: how much source material the item is.
    """

    stage: str
    shard: str
    item: str
    outcome: str
    reason: str | None
    milliseconds: int


@dataclass(frozen=True)
class Publication:
    """How far a version that is being published is.

    Attributes:
        what: what is being done, in words.
        done, total: how much of it; a total of 1 says only that it goes on.
    """

    what: str
    done: int
    total: int


_watchers: list[Callable[[Step | Publication], None]] = []


def announce(news: Step | Publication) -> None:
    """Tell every watcher; called from the threads that run tasks."""
    for watcher in list(_watchers):
        watcher(news)


@contextmanager
def watching(watcher: Callable[[Step | Publication], None]) -> Iterator[None]:
    """Have `watcher` told of every step taken in this process, from any thread."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)
