"""Work on several things at a time, and hand out what became of them in their order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from schemas.errors import Dropped, MediaError

Item = TypeVar("Item")
Made = TypeVar("Made")


def in_turn(items: Iterable[Item], work: Callable[[Item], Made]) -> Iterator[tuple[Item, Made | Exception]]:
    """Each item with what became of it, in the items' order; as many are worked on at a time as there are cores.

    What `work` raises of the kind that concerns one clip (Dropped, MediaError) is handed out; all else is raised.
    Memory holds what was made of two items more than there are cores.
    """
    workers = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(workers, "crew") as crew:
        waiting: deque[tuple[Item, Future[Made]]] = deque()
        for item in items:
            waiting.append((item, crew.submit(work, item)))
            if len(waiting) > workers:
                yield _outcome(*waiting.popleft())
        while waiting:
            yield _outcome(*waiting.popleft())


def _outcome(item: Item, future: Future[Made]) -> tuple[Item, Made | Exception]:
    try:
        return item, future.result()
    except (Dropped, MediaError) as error:
        return item, error
