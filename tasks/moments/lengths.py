"""How long a clip shall be: lengths that follow the shares a data set wants, the same in every run."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from schemas.sections import LengthShare, Moments
from schemas.units import FRAME_MS


@dataclass(frozen=True)
class Wanted:
    """A length, and the range within which another one serves as well; ms, whole frames of 40 ms, both inclusive."""

    length_ms: int
    least_ms: int
    most_ms: int

    def serves(self, length_ms: int) -> bool:
        return self.least_ms <= length_ms <= self.most_ms


def wanted_length(video_id: str, number: int, shares: Sequence[LengthShare], rules: Moments) -> Wanted:
    """The length for the `number`-th clip of a video.

    A bin is drawn by its share, and a length evenly within it, by a digest of video and number: over many videos
    the lengths have the shares. Bins outside the rules' bounds are cut to them, or do not count; without any, all
    lengths within the bounds are equally likely.
    """
    bins = [(_whole_bin(share, rules), share.clips) for share in shares]
    bins = [(each, clips) for each, clips in bins if clips and each[0] <= each[1]]
    if not bins:
        bins = [((_up(rules.min_length), _down(rules.max_length)), 1)]
    drawn = hashlib.sha256(f"{video_id} {number}".encode()).digest()
    which, where = (int.from_bytes(part, "big") for part in (drawn[:8], drawn[8:16]))
    place = which * sum(clips for _, clips in bins) >> 64
    edges = list(accumulate(clips for _, clips in bins))
    least, most = bins[bisect_right(edges, place)][0]
    frames = (most - least) // FRAME_MS + 1
    return Wanted(least + (where * frames >> 64) * FRAME_MS, least, most)


def _whole_bin(share: LengthShare, rules: Moments) -> tuple[int, int]:
    """The least and the largest length of a bin, which begins above its lower edge."""
    return _up(max(share.above + 1, rules.min_length)), _down(min(share.up_to, rules.max_length))


def _up(length_ms: int) -> int:
    return -(-length_ms // FRAME_MS) * FRAME_MS


def _down(length_ms: int) -> int:
    return length_ms // FRAME_MS * FRAME_MS
