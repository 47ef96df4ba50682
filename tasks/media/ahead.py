"""Let one thread work ahead of another, by so many items and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

Thing = TypeVar("Thing")

_END = object()
"""Put after the last item."""

_LOOK_EVERY_S = 0.1


@contextmanager
def ahead(items: Iterator[Thing], depth: int, name: str) -> Iterator[Iterator[Thing]]:
    """The same items, made by a thread of its own that keeps at most `depth` of them waiting.

    What the thread raises is raised where the items are read. Leaving the block stops the thread, closes the
    generator `items` in it, and waits for both, however far they had come.
    """
    queue: Queue = Queue(depth)
    stopped = Event()

    def put(thing: object) -> None:
        while not stopped.is_set():
            with suppress(Full):
                queue.put(thing, timeout=_LOOK_EVERY_S)
                return

    def work() -> None:
        try:
            for item in items:
                put((item, None))
                if stopped.is_set():
                    break
            items.close()
        except BaseException as error:
            put((None, error))
        put(_END)

    def read() -> Iterator[Thing]:
        while (got := queue.get()) is not _END:
            item, error = got
            if error is not None:
                raise error
            yield item

    thread = Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield read()
    finally:
        stopped.set()
        with suppress(Empty):
            while True:
                queue.get_nowait()
        thread.join()
