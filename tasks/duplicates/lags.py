"""The best common run of two long sequences of fingerprints, without a table of all with all.

A table of two clips of five minutes has six million cells, and takes seconds. Where two sequences are alike for a
while, though, some pieces of their items are equal to the bit, and mostly at the same lag. So the pieces of both are
joined, and only the lags at which most are equal are looked at, with those beside them. What stands is equal to
itself at any lag: of equal pieces that follow each other the first alone counts, and what begins more often than
`_OFTEN` times in a sequence not at all.

Cost: 5 to 15 ms for two clips of five minutes, and 5 MB; it grows with the longer of them.
"""

from __future__ import annotations

import numpy as np

from tasks.duplicates.runs import NEEDED, Run, stretch

Items = tuple[np.ndarray, np.ndarray]
"""The items of a sequence, unsigned integers (n, words), and whether each says anything, bool (n,)."""

_OFTEN = 12
_LAGS = 12
"""So many lags are looked at, and each with the next on both sides."""


def best_run_at_shared_lags(
    earlier: Items, later: Items, window: int, limit: float, apart: int
) -> Run | None:
    """What `tasks.duplicates.runs.best_run` finds, of the lags at which most pieces are equal.

    Args:
        window, limit, apart: as there.
    """
    if min(len(earlier[0]), len(later[0])) < window:
        return None
    best = None
    for lag in _lags(earlier, later):
        found = _best_at(lag, earlier, later, window)
        if found is not None and (best is None or found[0] < best[0]):
            best = (*found, lag)
    if best is None or best[0] > limit:
        return None
    _, means, at, lag = best
    first, last = stretch(means <= limit, at)
    return _run(earlier, later, lag, max(lag, 0) + first, last - first + window, apart)


def _lags(earlier: Items, later: Items) -> list[int]:
    """The lags at which most pieces are equal, ascending, and those beside them."""
    (ours, our_places), (theirs, their_places) = _begins(*earlier), _begins(*later)
    left, right = np.searchsorted(theirs, ours, "left"), np.searchsorted(theirs, ours, "right")
    counts = right - left
    starts = np.repeat(left - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
    hits = np.repeat(our_places, counts) - their_places[starts + np.arange(counts.sum())]
    lags, often = np.unique(hits, return_counts=True)
    most = lags[np.argsort(-often, kind="stable")[:_LAGS]]
    return sorted({int(lag) + beside for lag in most for beside in (-1, 0, 1)})


def _begins(items: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of 32 bits, with their place within an item, where they begin to stand, ascending; and whose."""
    pieces = np.ascontiguousarray(items).view(np.uint32).reshape(len(items), -1)
    begins = np.ones(pieces.shape, bool)
    begins[1:] = pieces[1:] != pieces[:-1]
    begins &= known[:, None]
    keys = pieces.astype(np.uint64) | np.arange(pieces.shape[1], dtype=np.uint64) << np.uint64(32)
    places = np.broadcast_to(np.arange(len(items))[:, None], pieces.shape)[begins]
    order = np.argsort(keys[begins], kind="stable")
    keys, places = keys[begins][order], places[order]
    _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    seldom = counts[place] <= _OFTEN
    return keys[seldom], places[seldom]


def _best_at(lag: int, earlier: Items, later: Items, window: int) -> tuple[float, np.ndarray, int] | None:
    """The least mean of a window at one lag, the means of all its windows, and which it is; None if too short."""
    begin, end = max(lag, 0), min(len(earlier[0]), len(later[0]) + lag)
    if end - begin < window:
        return None
    shares, known = _along(earlier, later, np.s_[begin:end], np.s_[begin - lag : end - lag])
    sums, counts = (
        np.concatenate(([0.0], np.cumsum(values))) for values in (np.where(known, shares, 0), known)
    )
    sums, counts = sums[window:] - sums[:-window], counts[window:] - counts[:-window]
    means = np.where(counts >= NEEDED * window, sums / np.maximum(counts, 1), np.inf)
    at = int(np.argmin(means))
    return float(means[at]), means, at


def _along(earlier: Items, later: Items, one: slice, other: slice) -> tuple[np.ndarray, np.ndarray]:
    """Share of differing bits of each item with the one at the same place, and where both say anything."""
    differing = np.bitwise_count(earlier[0][one] ^ later[0][other]).sum(axis=1, dtype=np.int64)
    return differing / (8 * earlier[0].itemsize * earlier[0].shape[1]), earlier[1][one] & later[1][other]


def _run(
    earlier: Items,
    later: Items,
    lag: int,
    start: int,
    length: int,
    apart: int,
) -> Run:
    """The run of `length` items from item `start` of the earlier sequence."""
    ends = ((earlier, start), (later, start - lag))
    one, other = ((items[at : at + length], known[at : at + length]) for (items, known), at in ends)
    shares, known = _along(one, other, np.s_[:], np.s_[:])
    total, count = _all_with_all(one, other)
    for shift in range(1 - apart, apart):
        ours, theirs = (
            np.s_[max(shift, 0) : length + min(shift, 0)],
            np.s_[max(-shift, 0) : length - max(shift, 0)],
        )
        near, both = _along(one, other, ours, theirs)
        total, count = total - near[both].sum(), count - int(both.sum())
    elsewhere = float(total / count) if count > 0 else float("nan")
    return Run(start, start - lag, length, float(shares[known].mean()), elsewhere)


def _all_with_all(one: Items, other: Items) -> tuple[float, int]:
    """Sum of the shares of differing bits over all pairs of items that say anything, and how many these are."""
    (ones, our_count), (theirs, their_count) = _bits_set(*one), _bits_set(*other)
    differing = ones * (their_count - theirs) + (our_count - ones) * theirs
    return float(differing.sum() / len(ones)), our_count * their_count


def _bits_set(items: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, int]:
    """Of each bit in how many known items it is set, float64 (bits,), and how many known items there are."""
    bits = np.unpackbits(np.ascontiguousarray(items[known]).view(np.uint8), axis=1)
    return bits.sum(axis=0, dtype=np.float64), int(known.sum())
