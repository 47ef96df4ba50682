"""Assign whole kin groups of videos to splits, once and for ever.

Shares are met by duration within each channel. A channel with too few videos to give each held-out split one is
pooled with all others like it, or sets of thousands of small channels would never reach their shares; what the pool
gives is what the whole set lacks, at most twice its own share. Of each such stratum, the split that lacks most gets
a group as long as it lacks half a video; what nobody takes goes to the largest split.

Which group: of the next few in an order that has nothing to do with length (a digest of the id), the one with which
the split is most like all of the stratum, and over all strata most like what it is drawn from, in length, talking
heads, voice-overs and sounds; in the pool, of channels of which little is held out. In the end each place is looked
at once more, where they are few, and given to another candidate if that is better. One that makes the split less
like the rest is only taken when it lacks a whole video: so where videos come one at a time, the shares lag by a
video, and held-out sets are alike all the same. (The public RealSync splitter sorts by length, and so fills its
held-out sets with the shortest videos.)

Channels that come out of the pool do not all have their share, and what one has too much, another must not add to:
where the whole set has enough of a split, a channel only gets more of it once it lacks two videos.

Several kin that are longer together than twice what a split lacks go to the largest.

Cost: O(n log n) for n videos, some 40 µs each.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from schemas.sections import SPLITS, Splits
from tasks.splits.representative import unlikeness

_CANDIDATES = 64
"""So many groups are looked at for one place."""

_FEW = 1000
"""Where the held-out splits have no more places, each is looked at again; among more the first choices even out."""

_OVERALL = 2.0
"""What unlikeness over all strata counts against that within one."""

_SPREAD = 0.3
"""What it counts against a candidate that all of its channel is held out already."""

_MUCH = 2
"""A channel that lacks so many videos of a split gets them even where the whole set has enough of it."""

_LONGEST_KIN = 2
"""Several kin are together at most so many times as long as what a split lacks."""


@dataclass(frozen=True)
class Units:
    """What is assigned as a whole, and what has been.

    Attributes:
        names: n ids, by which the order is made and ties are settled.
        channel: int64 (n,), by its place in `channels`.
        duration_ms, videos: int64 (n,).
        side: int8 (n,), the split by its place in SPLITS; −1 for those to be assigned.
        parts, wholes: float32 (n, k), as in `tasks.splits.videos.Videos`, summed up.
    """

    names: Sequence[str]
    channels: Sequence[str]
    channel: np.ndarray
    duration_ms: np.ndarray
    videos: np.ndarray
    side: np.ndarray
    parts: np.ndarray
    wholes: np.ndarray


def assign(units: Units, shares: Splits) -> np.ndarray:
    """The split of every unit, int8 (n,), by its place in SPLITS; those that have one keep it."""
    target = np.array([getattr(shares, split) for split in SPLITS])
    side = units.side.copy()
    if not len(side):
        return side
    pooled = _too_small(units, target)[units.channel]
    numbers, stratum = np.unique(np.where(pooled, -1, units.channel), return_inverse=True)
    strata = np.split(np.argsort(stratum, kind="stable"), np.cumsum(np.bincount(stratum))[:-1])
    lacks, mean_ms = _lacks(stratum, units, target)
    whole_ms, whole = lacks.sum(axis=0), _whole(stratum, units, len(strata))
    few = (1 - target.max()) * (units.side < 0).sum() <= _FEW
    slack_ms = math.sqrt(len(strata)) * units.duration_ms.sum() / max(units.videos.sum(), 1)
    for number in _order(lacks / mean_ms[:, None], target, pooled=numbers < 0):
        members, wanted = strata[number], lacks[number]
        if numbers[number] < 0:
            wanted = np.minimum(whole_ms, wanted + target * units.duration_ms[members].sum())
        name = "" if numbers[number] < 0 else units.channels[numbers[number]]
        made = _filled(members, units, wanted, whole_ms + slack_ms, target, name, whole, few)
        free = side[members] < 0
        whole_ms -= np.bincount(made[free], units.duration_ms[members][free], len(SPLITS))
        side[members] = made
    return side


def _order(lacks: np.ndarray, target: np.ndarray, pooled: np.ndarray) -> np.ndarray:
    """Strata as they are filled: those that lack most first, and the pool last, which makes up for the others."""
    held_out = np.arange(len(SPLITS)) != _largest(target)
    need = lacks[:, held_out & (target > 0)].max(axis=1, initial=0)
    return np.argsort(np.where(pooled, np.inf, -need), kind="stable")


def _too_small(units: Units, target: np.ndarray) -> np.ndarray:
    """Of each channel whether it has too few videos to give every held-out split one; bool (channels,)."""
    counts = np.bincount(units.channel, units.videos, len(units.channels))
    held_out = np.delete(target, _largest(target))
    least = held_out[held_out > 0].min(initial=1.0)
    return counts * least < 1 - 1e-9


def _largest(target: np.ndarray) -> int:
    return int(np.argmax(target))


def _lacks(stratum: np.ndarray, units: Units, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how many ms each split is short of its share of each stratum, float64 (strata, splits), negative where it is
    above it; and how long a video is on average, float64 (strata,).
    """
    count, given = int(stratum.max()) + 1, units.side >= 0
    cells = stratum[given] * len(SPLITS) + units.side[given]
    filled = np.bincount(cells, units.duration_ms[given], count * len(SPLITS)).reshape(count, len(SPLITS))
    total_ms = np.bincount(stratum, units.duration_ms, count)
    mean_ms = total_ms / np.maximum(np.bincount(stratum, units.videos, count), 1)
    return target * total_ms[:, None] - filled, np.maximum(mean_ms, 1e-9)


@dataclass(frozen=True)
class _Whole:
    """What the splits hold of all strata, and what it should be like; filled up in place.

    Attributes:
        held_parts, held_wholes: float64 (splits, k).
        expected_parts, expected_wholes: the same, if just as much of each stratum were like all of it.
    """

    held_parts: np.ndarray
    held_wholes: np.ndarray
    expected_parts: np.ndarray
    expected_wholes: np.ndarray


def _whole(stratum: np.ndarray, units: Units, count: int) -> _Whole:
    """What the splits hold before anything is assigned."""
    total_ms = np.maximum(np.bincount(stratum, units.duration_ms, count), 1)
    all_parts, all_wholes = _summed(units.parts, stratum, count), _summed(units.wholes, stratum, count)
    held = [units.side == place for place in range(len(SPLITS))]
    shares = np.array([np.bincount(stratum[of], units.duration_ms[of], count) / total_ms for of in held])
    return _Whole(
        np.array([units.parts[of].sum(axis=0, dtype=np.float64) for of in held]),
        np.array([units.wholes[of].sum(axis=0, dtype=np.float64) for of in held]),
        shares @ all_parts,
        shares @ all_wholes,
    )


def _summed(values: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """The rows of each of `count` groups added up: (n, k) to (count, k)."""
    return np.column_stack([np.bincount(group, column, count) for column in values.T])


@dataclass(frozen=True)
class _Stratum:
    """The members of a stratum, and what its splits hold; the latter is filled up in place.

    Attributes:
        duration_ms, videos, channel, parts, wholes: of each member, as in `Units`; channels are counted from 0.
        channel_ms: float64 (c,), of each channel; total_ms: of all.
        all_parts, all_wholes: float64 (k,), of all members.
        held_parts, held_wholes: float64 (splits, k), what each split holds.
        whole: what the splits hold of all strata.
        held_ms: float64 (c,), what is held out of each channel.
        candidates: the members that are looked at next, in order.
        following: those behind them.
    """

    duration_ms: np.ndarray
    videos: np.ndarray
    channel: np.ndarray
    parts: np.ndarray
    wholes: np.ndarray
    channel_ms: np.ndarray
    total_ms: float
    all_parts: np.ndarray
    all_wholes: np.ndarray
    held_parts: np.ndarray
    held_wholes: np.ndarray
    held_ms: np.ndarray
    whole: _Whole
    candidates: list[int]
    following: Iterator[int]


def _filled(
    members: np.ndarray,
    units: Units,
    lacks: np.ndarray,
    spare: np.ndarray,
    target: np.ndarray,
    name: str,
    whole: _Whole,
    few: bool,
) -> np.ndarray:
    """The sides of one stratum's members.

    Args:
        lacks: ms that each split is to get.
        spare: ms that each split may get before the whole set has more of it than it should.
        few: so few places are given, over all strata, that each is worth a second look.
    """
    largest, free = _largest(target), np.flatnonzero(units.side[members] < 0)
    side = np.where(units.side[members] < 0, largest, units.side[members])
    mean_ms = units.duration_ms[members].sum() / max(units.videos[members].sum(), 1)
    lacks = np.where((target > 0) & (np.arange(len(SPLITS)) != largest), lacks, -np.inf)
    if not len(free) or mean_ms <= 0 or lacks.max() < mean_ms / 2:
        return side
    stratum = _stratum(members, units, side, free, largest, whole)
    taken: list[tuple[int, int]] = []
    left = lacks.copy()
    # Equal lacks are settled per channel, lest dev be served before test in every one of them.
    ranks = [_digest(f"{split} of {name}") for split in SPLITS]
    while lacks.max() >= mean_ms / 2:
        split = max(range(len(SPLITS)), key=lambda place: (round(lacks[place], 3), ranks[place]))
        chosen = None
        if spare[split] > 0 or lacks[split] >= _MUCH * mean_ms:
            chosen = _choose(stratum, split, lacks[split], must=lacks[split] >= mean_ms)
        if chosen is None:
            lacks[split] = -np.inf
            continue
        taken.append((chosen, split))
        left[split] = lacks[split] = lacks[split] - stratum.duration_ms[chosen]
        spare[split] -= stratum.duration_ms[chosen]
    if few:
        for place, (chosen, split) in enumerate(taken):
            taken[place] = _exchanged(stratum, chosen, split, left, mean_ms / 2), split
    for chosen, split in taken:
        side[chosen] = split
    return side


def _stratum(
    members: np.ndarray, units: Units, side: np.ndarray, free: np.ndarray, largest: int, whole: _Whole
) -> _Stratum:
    fixed = np.ones(len(members), bool)
    fixed[free] = False
    names = [_digest(units.names[place]) for place in members[free]]
    ordered = iter(free[sorted(range(len(free)), key=names.__getitem__)].tolist())
    parts, wholes, duration_ms = units.parts[members], units.wholes[members], units.duration_ms[members]
    of_split = [fixed & (side == place) for place in range(len(SPLITS))]
    _, channel = np.unique(units.channel[members], return_inverse=True)
    out = fixed & (side != largest)
    return _Stratum(
        duration_ms,
        units.videos[members],
        channel,
        parts,
        wholes,
        channel_ms=np.bincount(channel, duration_ms),
        total_ms=float(duration_ms.sum()),
        all_parts=parts.sum(axis=0, dtype=np.float64),
        all_wholes=wholes.sum(axis=0, dtype=np.float64),
        held_parts=np.array([parts[some].sum(axis=0, dtype=np.float64) for some in of_split]),
        held_wholes=np.array([wholes[some].sum(axis=0, dtype=np.float64) for some in of_split]),
        held_ms=np.bincount(channel[out], duration_ms[out], channel.max() + 1).astype(np.float64),
        whole=whole,
        candidates=list(islice(ordered, _CANDIDATES)),
        following=ordered,
    )


def _choose(stratum: _Stratum, split: int, lack_ms: float, must: bool) -> int | None:
    """The member that a split gets, which is then no candidate any more; None where it is better to wait."""
    _pass_over_long_kin(stratum, lack_ms)
    if not stratum.candidates:
        return None
    scores = _scores(stratum, split, stratum.candidates)
    best = int(np.argmin(scores))
    if not must and stratum.held_wholes[split].any() and scores[best] > _unlike(stratum, split, 0, 0, 0):
        return None
    chosen = stratum.candidates.pop(best)
    stratum.candidates.extend(islice(stratum.following, 1))
    _give(stratum, split, chosen, 1)
    return chosen


def _exchanged(stratum: _Stratum, chosen: int, split: int, left: np.ndarray, least_ms: float) -> int:
    """The member that a split has in place of one that it got: a candidate, if that makes it more like the rest.

    What the split lacks afterwards, `left`, stays below half a video, or does not grow.
    """
    _give(stratum, split, chosen, -1)
    some = [chosen, *stratum.candidates]
    scores = _scores(stratum, split, some)
    lacks_ms = left[split] + stratum.duration_ms[chosen] - stratum.duration_ms[some]
    scores[np.abs(lacks_ms) > max(abs(left[split]), least_ms)] = np.inf
    best = int(np.argmin(scores))
    if best:
        stratum.candidates[best - 1] = chosen
    left[split] = lacks_ms[best]
    _give(stratum, split, some[best], 1)
    return some[best]


def _scores(stratum: _Stratum, split: int, some: Sequence[int]) -> np.ndarray:
    """How unlike the rest a split would be with each of some members, and how much of its channel is held out."""
    members = np.array(some)
    length_ms = stratum.duration_ms[members][:, None]
    channel = stratum.channel[members]
    unlike = _unlike(stratum, split, stratum.parts[members], stratum.wholes[members], length_ms)
    return unlike + _SPREAD * stratum.held_ms[channel] / stratum.channel_ms[channel]


def _unlike(
    stratum: _Stratum,
    split: int,
    parts: np.ndarray | int,
    wholes: np.ndarray | int,
    length_ms: np.ndarray | int,
) -> np.ndarray:
    """How unlike the rest a split is with so much more, within its stratum and over all of them."""
    whole, share = stratum.whole, length_ms / stratum.total_ms
    return unlikeness(
        stratum.held_parts[split] + parts,
        stratum.held_wholes[split] + wholes,
        stratum.all_parts,
        stratum.all_wholes,
    ) + _OVERALL * unlikeness(
        whole.held_parts[split] + parts,
        whole.held_wholes[split] + wholes,
        whole.expected_parts[split] + share * stratum.all_parts,
        whole.expected_wholes[split] + share * stratum.all_wholes,
    )


def _give(stratum: _Stratum, split: int, member: int, sign: int) -> None:
    """Add a member to what a split holds, or with −1 take it away."""
    whole, share = stratum.whole, stratum.duration_ms[member] / stratum.total_ms
    for held in (stratum, whole):
        held.held_parts[split] += sign * stratum.parts[member]
        held.held_wholes[split] += sign * stratum.wholes[member]
    whole.expected_parts[split] += sign * share * stratum.all_parts
    whole.expected_wholes[split] += sign * share * stratum.all_wholes
    stratum.held_ms[stratum.channel[member]] += sign * stratum.duration_ms[member]


def _pass_over_long_kin(stratum: _Stratum, lack_ms: float) -> None:
    """Take away candidates of several videos that are too long for the split that lacks most, and so for all."""
    while True:
        long = [
            member
            for member in stratum.candidates
            if stratum.videos[member] > 1 and stratum.duration_ms[member] > _LONGEST_KIN * lack_ms
        ]
        if not long:
            return
        stratum.candidates[:] = [member for member in stratum.candidates if member not in long]
        stratum.candidates.extend(islice(stratum.following, len(long)))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
