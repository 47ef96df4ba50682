"""Shares of what was counted, each with its 95 % interval."""

from __future__ import annotations

from tasks.offscreen.measure.intervals import NOTHING, Share, wilson


def share_of(hits: float, n: int) -> Share:
    """The share of hits among `n`, with Wilson's interval; no value where nothing was counted."""
    return Share(hits / n, *wilson(hits / n, n), n, float(n)) if n else NOTHING


def clearly_below(low_one: Share, high_one: Share, by: float) -> bool:
    """Whether one share is below another by at least so much, and their intervals do not meet."""
    if low_one.value is None or high_one.value is None:
        return False
    return low_one.high < high_one.low and high_one.value - low_one.value >= by
