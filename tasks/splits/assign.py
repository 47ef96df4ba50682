"""Assign whole videos to splits.

Within each channel, videos are taken in an order that has nothing to do with their length (a digest of the
id). Each goes to the split that lacks most of its share of the duration so far, once it lacks half a video;
until then to the largest. Its own length has no say, so held-out videos are as long as the others (the
public RealSync splitter sorted by length, and so filled its held-out sets with the shortest videos). A video
that has a split keeps it for ever: assignments are an input.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from schemas.sections import SPLITS, Splits


def assign_splits(
    videos: Iterable[tuple[str, str, int]], shares: Splits, fixed: Mapping[str, str]
) -> dict[str, str]:
    """The split of every video.

    Args:
        videos: (video id, channel, duration in ms).
        shares: the recipe's shares, which sum to 1.
        fixed: splits given earlier, by video id; they are kept whatever it does to the shares.
    """
    target = {split: getattr(shares, split) for split in SPLITS}
    channels: dict[str, list[tuple[str, int]]] = {}
    for video, channel, duration_ms in videos:
        channels.setdefault(channel, []).append((video, duration_ms))
    assigned: dict[str, str] = {}
    for channel, members in channels.items():
        filled = dict.fromkeys(SPLITS, 0)
        counted = 0
        for video, duration_ms in members:
            if video in fixed:
                assigned[video] = fixed[video]
                filled[fixed[video]] += duration_ms
                counted += 1
        for video, duration_ms in sorted(members, key=lambda member: _order(member[0])):
            if video not in fixed:
                assigned[video] = _most_lacking(filled, counted, target, channel)
                filled[assigned[video]] += duration_ms
                counted += 1
    return assigned


def _order(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _most_lacking(filled: Mapping[str, int], counted: int, target: Mapping[str, float], channel: str) -> str:
    largest = max(SPLITS, key=lambda split: (target[split], -SPLITS.index(split)))
    total = sum(filled.values())
    half_a_video = total / counted / 2 if counted else 0
    lacks = {split: target[split] * total - filled[split] for split in SPLITS if split != largest}
    # Equal lacks are settled per channel, lest dev be served before test in every one of them.
    first = max(lacks, key=lambda split: (round(lacks[split], 3), _order(f"{split} of {channel}")))
    return first if total and lacks[first] >= half_a_video > 0 else largest
