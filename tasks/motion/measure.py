"""Brightness and change of a clip's picture, second by second, from small luma pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from schemas.recipe import Motion
from schemas.units import FRAME_RATE

_BLACK_SHARE = 0.98
"""Of a black frame so much is dark: subtitles and a station's mark may shine."""


@dataclass(frozen=True)
class Second:
    """One second of a clip; the last one may have fewer than 25 frames.

    Attributes:
        luma: mean luma, 0–255.
        changed: share of the pixels that change from one frame to the next, 0–1, mean over the second's frames.
        black_frames: how many frames are black.
        frozen_frames: how many frames are the one before again. A clip's first frame is never one of them.
    """

    luma: float
    changed: float
    black_frames: int
    frozen_frames: int


def measure(batches: Iterable[np.ndarray], rules: Motion) -> list[Second]:
    """Measure a clip.

    Args:
        batches: uint8 (n, h, w) luma, 0–255, consecutive frames at 25 fps from the clip's first to its last; of
            one size. It should be small, so that noise and small movements of single pixels do not count.

    Returns:
        One for each second that the clip has begun; luma to 0.1, change to 0.0001. Independent of the batches.
    """
    frames: list[tuple[float, float, bool, bool]] = []
    before: np.ndarray | None = None
    for batch in batches:
        pictures = batch.astype(np.int16)
        earlier = np.concatenate((pictures[:1] if before is None else before[None], pictures[:-1]))
        differences = np.abs(pictures - earlier).reshape(len(pictures), -1)
        luma = pictures.reshape(len(pictures), -1)
        frozen = differences.mean(axis=1) <= rules.max_still
        frozen[0] &= before is not None
        frames += zip(
            luma.mean(axis=1).tolist(),
            (differences > rules.min_change).mean(axis=1).tolist(),
            ((luma <= rules.max_black).mean(axis=1) >= _BLACK_SHARE).tolist(),
            frozen.tolist(),
            strict=True,
        )
        before = pictures[-1]
    return [_second(frames[start : start + FRAME_RATE]) for start in range(0, len(frames), FRAME_RATE)]


def _second(frames: list[tuple[float, float, bool, bool]]) -> Second:
    luma, changed, black, frozen = (list(column) for column in zip(*frames, strict=True))
    count = len(frames)
    return Second(round(sum(luma) / count, 1), round(sum(changed) / count, 4), sum(black), sum(frozen))
