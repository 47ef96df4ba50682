"""Shares with 95 % intervals, of clips that were not all as likely to be looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Z_95 = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""


@dataclass(frozen=True)
class Share:
    """A share and the interval in which it lies at 95 %.

    Attributes:
        value, low, high: 0–1; None, 0 and 1 where nothing was counted.
        n: clips counted.
        effective: how many equally weighted clips would tell as much; n where all weigh the same.
    """

    value: float | None
    low: float
    high: float
    n: int
    effective: float


NOTHING = Share(None, 0.0, 1.0, 0, 0.0)


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share seen among `n` clips; `n` need not be whole."""
    if n <= 0:
        return 0.0, 1.0
    spread = Z_95**2 / n
    middle = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return (0.0 if share == 0 else max(0.0, middle - half), 1.0 if share == 1 else min(1.0, middle + half))


def weighted_share(weights: np.ndarray, hits: np.ndarray, among: np.ndarray) -> Share:
    """The share of hits among some of the reviewed clips, each standing for as many as its weight says.

    Args:
        weights: float [reviewed]: one over the chance that the clip was reviewed.
        hits: bool [reviewed].
        among: bool [reviewed]: the clips of which the share is taken.

    The interval is Wilson's with an effective number of clips: that at which p(1 − p)/n is the variance of the
    weighted share, a ratio of two sums, by linearisation; and at most (Σw)²/Σw², since a few heavy clips that happen
    to be all hits, or none, would seem to have no variance at all.
    """
    w, y = weights[among], hits[among].astype(float)
    n = int(among.sum())
    if n == 0:
        return NOTHING
    total = w.sum()
    share = min(1.0, float((w * y).sum() / total))
    effective = float(total**2 / (w**2).sum())
    variance = float((w**2 * (y - share) ** 2).sum()) / total**2
    if variance > 0:
        effective = min(effective, share * (1 - share) / variance)
    return Share(share, *wilson(share, effective), n, effective)


def needed(share: float, goal: float) -> int | None:
    """How many clips must be reviewed until a share that stays as it is has `goal` below its whole interval; None
    where no number is enough, as it is not above the goal."""
    if share <= goal:
        return None
    n = 1
    while wilson(share, n)[0] < goal:
        n *= 2
    low = n // 2
    while n - low > 1:
        middle = (n + low) // 2
        low, n = (low, middle) if wilson(share, middle)[0] >= goal else (middle, n)
    return n
