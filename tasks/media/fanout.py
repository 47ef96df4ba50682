"""One decode of a clip for several analyses at once, each in a thread of its own.

found = fan_out(path, {
    "shots": Reader(View(), find_shots_in),           # called with an iterator of batches
    "light": Reader(View(size=(64, 36), colour="gray"), mean_luma),
})
found["shots"]                                        # what find_shots_in returned

The calling thread decodes and converts, and waits while the queue of any reader is full: the slowest sets the
pace. Readers of the same size and colour are given the same arrays, which are read-only: who needs to write
copies. Memory does not grow with the clip: the decoder's frames, and of each distinct size and colour at most
four arrays of batches,

    4 × sum over distinct (size, colour) of (frames a batch × height × width × channels) ≤ 96 MiB,

kept by handing out fewer frames at once than were asked for where they are large (at 1920 × 1080 in colour 4
frames). To this comes what readers keep themselves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread
from typing import Any

from schemas.errors import AnalysisError, ClapperError, Withheld
from tasks.media.frames import ARRAYS_IN_FLIGHT, FrameBatch, View, decoded_batches

_WAITING = ARRAYS_IN_FLIGHT - 2
"""Batches that a reader's queue holds; one more is being filled, and one is in the reader's hand."""


@dataclass(frozen=True)
class Reader:
    """One analysis of a clip.

    Attributes:
        view: how it wants to see the clip.
        consume: called once, in a thread of its own, with an iterator over the clip's batches; returns the
            result. It may return early, and then nobody waits for it. It should let go of a batch before it
            asks for the next.
    """

    view: View
    consume: Callable[[Iterator[FrameBatch]], Any]


def fan_out(path: Path, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Decode a clip once for all readers.

    Whatever happens, all threads have ended and the file is closed when this returns or raises.

    Returns:
        Each reader's result, by its name.

    Raises:
        MediaError: the clip cannot be decoded to the end, and some reader still wanted to read.
        What a reader raised first: ClapperError, Withheld, MemoryError, OSError and what is no Exception as they
        are, with a note that names clip and reader; AnalysisError, naming both, for anything else. The other
        readers are stopped at their next batch.
    """
    queues = {name: _Queue() for name in readers}
    results: dict[str, Any] = {}
    failures: list[tuple[str, BaseException]] = []

    def read(name: str) -> None:
        try:
            results[name] = readers[name].consume(queues[name].batches())
        except _Stopped:
            pass
        except BaseException as error:
            failures.append((name, error))
            _stop(queues)
        finally:
            queues[name].close()

    threads = [Thread(target=read, args=(name,), name=f"{name} of {path.name}") for name in readers]
    started: list[Thread] = []
    try:
        for thread in threads:
            thread.start()
            started.append(thread)
        _deal(path, readers, queues)
        for thread in started:
            thread.join()
    except BaseException:
        _stop(queues)
        for thread in started:
            thread.join()
        raise
    if failures:
        raise _named(path, *failures[0])
    return {name: results[name] for name in readers}


def _deal(path: Path, readers: Mapping[str, Reader], queues: Mapping[str, _Queue]) -> None:
    """Decode, and put each batch into the queues of its readers, waiting for room."""
    by_view: dict[View, list[_Queue]] = {}
    for name, reader in readers.items():
        by_view.setdefault(reader.view, []).append(queues[name])

    def wanted(view: View) -> bool:
        return any(queue.open for queue in by_view[view])

    with closing(decoded_batches(path, list(by_view), wanted)) as batches:
        for view, batch in batches:
            for queue in by_view[view]:
                queue.put(batch)
            del batch
    for queue in queues.values():
        queue.end()


def _stop(queues: Mapping[str, _Queue]) -> None:
    for queue in queues.values():
        queue.close()


def _named(path: Path, name: str, error: BaseException) -> BaseException:
    if isinstance(error, Exception) and not isinstance(
        error, ClapperError | Withheld | MemoryError | OSError
    ):
        named = AnalysisError(
            str(path), f"'{name}' failed: {type(error).__name__}: {error}", "report this clip"
        )
        named.__cause__ = error
        return named
    error.add_note(f"in '{name}' of {path}")
    return error


class _Stopped(BaseException):
    """Ends a reader whose batches will not come; no Exception, lest a reader take it for its own."""


class _Queue:
    """Batches on their way to one reader, at most `_WAITING` of them."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: deque[FrameBatch] = deque()
        self._ended = False
        self.open = True

    def put(self, batch: FrameBatch) -> None:
        """Add a batch, as soon as there is room; if the reader is gone, let it go."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < _WAITING or not self.open)
            if self.open:
                self._waiting.append(batch)
                self._changed.notify_all()

    def end(self) -> None:
        """Say that no batch will follow."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Throw away what waits, and let nobody wait any longer."""
        with self._changed:
            self.open = False
            self._waiting.clear()
            self._changed.notify_all()

    def batches(self) -> Iterator[FrameBatch]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended or not self.open)
                if not self.open:
                    raise _Stopped
                if not self._waiting:
                    return
                batch = self._waiting.popleft()
                self._changed.notify_all()
            yield batch
            del batch
