"""Requests and tokens a minute, over all threads of a process: a service counts both and refuses what is too much.

Both windows slide: in no 60 seconds is more let through than the recipe says, also not around a full minute. Where
shards run in several processes, each keeps to the limits by itself, and the service's own refusals do the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from threading import Event, Lock

from pyrate_limiter import InMemoryBucket, Rate, RateItem

from schemas.errors import SystemicError
from schemas.judging import Offscreen

WINDOW_MS = 60_000

UNITS = 10_000
"""Parts of the tokens' limit that are told apart. The window holds an entry for each part, not for each token."""

LONGEST_NAP_S = 0.25
"""How soon a wait notices that it is to stop, where it cannot be told."""


class Stopped(Exception):
    """The run was told to stop while a request waited for its turn."""


@dataclass(frozen=True)
class Pace:
    """The two windows of one model, shared by all threads that ask it.

    Attributes:
        tokens_per_unit: tokens of one entry in the window of tokens; a request's tokens are rounded up to it.
        now_ms: a clock that never goes back.
    """

    requests: InMemoryBucket
    tokens: InMemoryBucket
    tokens_per_unit: int
    now_ms: Callable[[], int]
    turn: Lock


def open_pace(
    requests_per_minute: int, tokens_per_minute: int, now_ms: Callable[[], int] | None = None
) -> Pace:
    """Windows of the given widths, both empty."""
    unit = max(1, tokens_per_minute // UNITS)
    return Pace(
        requests=InMemoryBucket([Rate(requests_per_minute, WINDOW_MS)]),
        tokens=InMemoryBucket([Rate(tokens_per_minute // unit, WINDOW_MS)]),
        tokens_per_unit=unit,
        now_ms=now_ms or (lambda: time.monotonic_ns() // 1_000_000),
        turn=Lock(),
    )


def pace_of(section: Offscreen) -> Pace:
    """The pace at which this process asks the recipe's model: one and the same for all shards and threads."""
    return _shared(section.service_model, section.requests_per_minute, section.tokens_per_minute)


@cache
def _shared(model: str, requests_per_minute: int, tokens_per_minute: int) -> Pace:
    return open_pace(requests_per_minute, tokens_per_minute)


def wait_for_turn(pace: Pace, tokens: int, stop: Event, longest_s: float = 600.0) -> None:
    """Wait until a request of so many tokens may be sent, and count it.

    A request of more tokens than a minute may have waits for an empty window and then fills it.

    Raises:
        Stopped: `stop` was set, before or while waiting; nothing is counted.
        SystemicError: no turn came within `longest_s` seconds; nothing is counted.
    """
    until_ms = pace.now_ms() + longest_s * 1000
    while True:
        if stop.is_set():
            raise Stopped
        with pace.turn:
            wait_ms = _take(pace, tokens)
            now_ms = pace.now_ms()
        if wait_ms == 0:
            return
        if now_ms + wait_ms > until_ms:
            raise SystemicError(
                "offscreen.tokens_per_minute",
                f"a request of {tokens:,} tokens found no room within {longest_s:g} s",
                "lower offscreen.at_once, or raise the limits a minute as far as the service allows",
            )
        stop.wait(min(wait_ms / 1000, LONGEST_NAP_S))


def _take(pace: Pace, tokens: int) -> int:
    """Count a request if both windows have room for it, else count nothing; milliseconds until it is worth asking
    again, 0 if it was counted."""
    now = pace.now_ms()
    units = min(-(-tokens // pace.tokens_per_unit), _limit(pace.tokens))
    wait_ms = max(_wait_ms(pace.requests, 1, now), _wait_ms(pace.tokens, units, now))
    if wait_ms == 0:
        pace.requests.put(RateItem("request", now))
        pace.tokens.put(RateItem("tokens", now, weight=units))
    return wait_ms


def _wait_ms(window: InMemoryBucket, weight: int, now: int) -> int:
    """How long until a window has room: until as many of its oldest entries are past as are too many."""
    window.leak(now)
    held = window.count()
    too_many = held + weight - _limit(window)
    if too_many <= 0:
        return 0
    last_in_the_way = window.peek(held - too_many)
    return 1 if last_in_the_way is None else max(1, last_in_the_way.timestamp + WINDOW_MS - now + 1)


def _limit(window: InMemoryBucket) -> int:
    return window.rates[0].limit
