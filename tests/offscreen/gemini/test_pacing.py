"""Requests and tokens a minute: never more in any window, and never a wait that cannot be ended."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import SystemicError
from schemas.judging import Offscreen
from tasks.offscreen.gemini.pacing import WINDOW_MS, Pace, Stopped, open_pace, pace_of, wait_for_turn


class Clock:
    """Time that passes only while somebody waits for it; stands in for the event that ends a run."""

    def __init__(self) -> None:
        self.ms = 0

    def now_ms(self) -> int:
        return self.ms

    def is_set(self) -> bool:
        return False

    def wait(self, seconds: float) -> None:
        self.ms += max(1, round(seconds * 1000))


def most_in_a_window(sent: list[tuple[int, int]]) -> tuple[int, int]:
    """The most requests and tokens of any minute, from (ms, tokens) of each request."""
    windows = [[tokens for at, tokens in sent if start <= at < start + WINDOW_MS] for start, _ in sent]
    return max(len(window) for window in windows), max(sum(window) for window in windows)


@settings(max_examples=40, deadline=None)
@given(
    requests=st.integers(1, 12),
    tokens=st.integers(1000, 50_000),
    weights=st.lists(st.tuples(st.integers(1, 900), st.integers(0, 30_000)), min_size=1, max_size=40),
)
def test_no_minute_has_more_than_the_limits(requests, tokens, weights):
    clock = Clock()
    pace, sent = open_pace(requests, tokens, clock.now_ms), []
    for weight, pause in weights:
        clock.ms += pause
        wait_for_turn(pace, weight, clock, longest_s=10**6)
        sent.append((clock.ms, weight))
    assert most_in_a_window(sent)[0] <= requests
    assert most_in_a_window(sent)[1] <= tokens


def test_the_limit_is_used_and_no_slower():
    clock = Clock()
    pace, sent = open_pace(10, 1_000_000, clock.now_ms), []
    for _ in range(40):
        wait_for_turn(pace, 2500, clock, longest_s=10**6)
        sent.append(clock.ms)
    assert sent[9] == 0
    assert sent[39] == pytest.approx(3 * WINDOW_MS, abs=1500)


def test_a_request_of_more_than_a_minute_may_have_waits_for_an_empty_window():
    clock = Clock()
    pace = open_pace(100, 1000, clock.now_ms)
    wait_for_turn(pace, 5, clock)
    wait_for_turn(pace, 5000, clock)
    assert WINDOW_MS < clock.ms <= WINDOW_MS + 500


def test_threads_together_keep_to_the_limit():
    pace, stop, sent = open_pace(1000, 100_000), threading.Event(), []

    def ask(_: int) -> None:
        try:
            while True:
                wait_for_turn(pace, 3000, stop)
                sent.append(3000)
        except Stopped:
            return

    timer = threading.Timer(0.5, stop.set)
    timer.start()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert sum(sent) == 99_000


def waiting(pace: Pace, stop: threading.Event, longest_s: float) -> float:
    """Seconds until a wait that has no chance ends with the error that is given."""
    began = time.monotonic()
    with pytest.raises((Stopped, SystemicError)):
        wait_for_turn(pace, 1000, stop, longest_s)
    return time.monotonic() - began


def test_a_wait_ends_at_once_when_the_run_is_stopped():
    pace, stop = open_pace(1, 1000), threading.Event()
    wait_for_turn(pace, 1000, stop)
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    assert 0.1 < waiting(pace, stop, 600) < 5
    with pytest.raises(Stopped):
        wait_for_turn(open_pace(1, 1000), 1, stop)


def test_a_wait_that_would_last_too_long_is_an_error_with_numbers():
    pace, stop = open_pace(1, 1000), threading.Event()
    wait_for_turn(pace, 1000, stop)
    with pytest.raises(SystemicError, match=r"1,000 tokens found no room within 0.1 s"):
        wait_for_turn(pace, 1000, stop, longest_s=0.1)


def test_all_shards_of_a_process_share_one_pace():
    assert pace_of(Offscreen(audit=0.1)) is pace_of(Offscreen(audit=0.2))
    assert pace_of(Offscreen()) is not pace_of(Offscreen(service_model="gemini-3.8-flash"))
