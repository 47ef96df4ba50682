"""Working ahead: the same items in the same order, so many and no more, and an end to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.media.ahead import ahead


@given(st.lists(st.integers(), max_size=50), st.integers(1, 4))
def test_the_same_items_in_the_same_order(items: list[int], depth: int) -> None:
    with ahead((item for item in items), depth, "test") as ready:
        assert list(ready) == items


def test_no_further_ahead_than_said() -> None:
    made = []

    def items() -> Iterator[int]:
        for n in range(100):
            made.append(n)
            yield n

    with ahead(items(), 3, "test") as ready:
        assert next(ready) == 0
        time.sleep(0.3)
        # One was read, three wait, and one is in the thread's hand.
        assert len(made) == 5


def test_an_error_comes_where_the_items_are_read() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with ahead(items(), 2, "test") as ready:
        assert next(ready) == 1
        with pytest.raises(ValueError, match="broken"):
            next(ready)


def test_leaving_early_closes_the_generator_and_ends_the_thread() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    with ahead(items(), 1, "left-early") as ready:
        next(ready)
    assert closed.is_set()
    assert "left-early" not in [thread.name for thread in threading.enumerate()]
