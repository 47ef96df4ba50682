"""The best common run of two sequences of fingerprints, wherever in each of them it lies.

Two clips of one recording need not begin at the same moment, and may share a part only. So every fingerprint of one
is compared with every one of the other, and of all diagonals of that table (each is one shift in time) the stretch
is taken along which they differ least:

            later clip →                     * the run: item 2 of the earlier clip is item 0 of the later one
    earlier . . . . .
    clip    . . . . .
       ↓    * . . . .
            . * . . .
            . . * . .

How much the same stretches differ when they are laid together at another shift says whether the run means anything:
a studio in which nobody moves, or a hum, fits itself at any shift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEEDED = 0.7
"""Share of a window's items that must be known in both sequences."""


@dataclass(frozen=True)
class Run:
    """A stretch of two sequences laid together.

    Attributes:
        earlier, later: where it begins in each, items.
        length: items.
        distance: mean share of differing bits along it, 0–1.
        elsewhere: the same with the stretches shifted against each other; NaN where they are too short for that.
    """

    earlier: int
    later: int
    length: int
    distance: float
    elsewhere: float

    @property
    def lag(self) -> int:
        """Items by which the later sequence begins after the earlier one."""
        return self.earlier - self.later


def distances(earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
    """Share of differing bits of every item with every item: float32 (n, m), 0–1.

    Args:
        earlier, later: unsigned integers (n, words) and (m, words), `words` of them for an item.
    """
    differing = np.bitwise_count(earlier[:, None] ^ later[None]).sum(axis=2, dtype=np.int32)
    return differing.astype(np.float32) / (8 * earlier.itemsize * earlier.shape[1])


def best_run(table: np.ndarray, known: np.ndarray, window: int, limit: float, apart: int) -> Run | None:
    """The stretch of a table of distances that differs least, lengthened as far as it stays within `limit`.

    Args:
        table: float32 (n, m), as `distances` gives it.
        known: bool (n, m), whether both items say anything.
        window: least length of a run, items.
        limit: a run's mean distance, and that of every window within it, is at most this.
        apart: items by which stretches are shifted, at least, to see what they are like elsewhere.

    Returns:
        None where the sequences are shorter than the window, too little is known, or nothing is that alike.
        Memory: 24 bytes × n × (n + m).
    """
    if min(table.shape) < window:
        return None
    means = _window_means(table, known, window)
    row, column = np.unravel_index(np.argmin(means), means.shape)
    if means[row, column] > limit:
        return None
    good = means[:, column] <= limit
    first, last = stretch(good, int(row))
    return _run(table, known, (first, int(column) - len(table) + 1), last - first + window, apart)


def _window_means(table: np.ndarray, known: np.ndarray, window: int) -> np.ndarray:
    """Mean of what is known of every window, (n − window + 1, n + m − 1) as `_along_diagonals` has it.

    Infinite for windows that reach out of the table, and for those of which too little is known.
    """
    sums = _along_diagonals(np.where(known, table, 0), window)
    counts = _along_diagonals(known, window)
    rows, columns = np.indices(sums.shape, sparse=True)
    starts = rows + columns - len(table) + 1
    usable = (starts >= 0) & (starts + window <= table.shape[1]) & (counts >= NEEDED * window)
    return np.where(usable, sums / np.maximum(counts, 1), np.inf)


def _along_diagonals(table: np.ndarray, window: int) -> np.ndarray:
    """Sums of `window` items along every diagonal: (n − window + 1, n + m − 1).

    Cell (i, c) begins at row i of the table and its column i + c − n + 1; what lies outside of it counts 0.
    """
    rows, columns = table.shape
    skewed = np.zeros((rows, rows + columns), np.float64)
    skewed[:, :columns] = table[::-1]
    # Rows one item shorter than they were laid out: each begins one further to the right than the row above.
    skewed = skewed.ravel()[: rows * (rows + columns - 1)].reshape(rows, rows + columns - 1)[::-1]
    summed = np.cumsum(np.vstack((np.zeros((1, skewed.shape[1])), skewed)), axis=0)
    return summed[window:] - summed[:-window]


def stretch(good: np.ndarray, at: int) -> tuple[int, int]:
    """First and last of the consecutive true values around `at`."""
    bad = np.flatnonzero(~good)
    before, behind = bad[bad < at], bad[bad > at]
    return int(before[-1]) + 1 if len(before) else 0, int(behind[0]) - 1 if len(behind) else len(good) - 1


def _run(table: np.ndarray, known: np.ndarray, place: tuple[int, int], length: int, apart: int) -> Run:
    """The run from row `place[0]`, on the diagonal `place[1]` (column minus row)."""
    row, diagonal = place
    inside = np.s_[row : row + length, row + diagonal : row + diagonal + length]
    part, both = table[inside], known[inside]
    shift = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    along, off = (shift == 0) & both, (shift >= apart) & both
    elsewhere = float(part[off].mean()) if off.any() else float("nan")
    return Run(row, row + diagonal, length, float(part[along].mean()), elsewhere)
