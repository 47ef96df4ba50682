"""Sync profiles: how well a face fits the sound at every offset within the searched range.

A profile is float (2·m + 1,): entry m + d belongs to an offset of d frames, **d > 0: the audio is early**, that is,
the sound of picture frame t is looked for in sound frame t − d.

A plain active-speaker score is high for any moving mouth under any speech (on the open labelled data its ROC
AUC for original against shifted sound is 0.71). What tells them apart is the part of the score that neither the
picture nor the sound explains alone: see `interaction`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PEAK_FRAMES = 2
_ROUNDS = 10
_FEWEST_FRAMES = 10


def sound_frames(start_frame: int, frames: int, max_shift: int) -> np.ndarray:
    """Sound frame that meets each picture frame at each offset: int (2·max_shift + 1, frames).

    Some lie outside the clip: negative, or at or beyond its end.
    """
    return start_frame + np.arange(frames) - np.arange(-max_shift, max_shift + 1)[:, None]


def interaction(scores: np.ndarray) -> np.ndarray:
    """What is left of frame scores once the picture's and the sound's own shares are taken out.

    Every score belongs to one picture frame t and one sound frame t − d; an additive share for each picture
    frame (a mouth that moves) and each sound frame (speech) is fitted and removed.

    Args:
        scores: float (2·m + 1, T), NaN where the sound frame lies outside the clip.
    """
    known = ~np.isnan(scores)
    rest = np.where(known, scores, 0).astype(np.float64)
    shifts, frames = scores.shape
    picture = np.broadcast_to(np.arange(frames), scores.shape)
    sound = picture - np.arange(shifts)[:, None] + shifts - 1
    for _ in range(_ROUNDS):
        for share in (picture, sound):
            totals = np.bincount(share.ravel(), rest.ravel(), frames + shifts)
            counts = np.bincount(share.ravel(), known.ravel(), frames + shifts)
            rest = np.where(known, rest - (totals / np.maximum(counts, 1))[share], 0)
    return np.where(known, rest, np.nan)


def mean_profile(scores: np.ndarray) -> np.ndarray:
    """Mean over frames at each offset; NaN where less than half of the frames have sound."""
    counts = (~np.isnan(scores)).sum(axis=1)
    sums = np.nansum(scores, axis=1)
    return np.where(enough(counts, scores.shape[1]), sums / np.maximum(counts, 1), np.nan)


def enough(counts: np.ndarray, frames: int) -> np.ndarray:
    """Whether so many frames of a window are enough to judge an offset by."""
    return counts >= min(frames, max(_FEWEST_FRAMES, frames / 2))


def rise_at_zero(profile: np.ndarray) -> float:
    """Mean within ±2 frames of no offset, over the profile's median."""
    middle = len(profile) // 2
    return float(np.nanmean(profile[middle - PEAK_FRAMES : middle + PEAK_FRAMES + 1]) - np.nanmedian(profile))


def peak(profile: np.ndarray) -> tuple[int, float]:
    """Where the profile is highest, smoothed over 3 offsets.

    Returns:
        offset in frames (positive: the audio is early), and the height there over the profile's median.
    """
    padded = np.pad(np.where(np.isnan(profile), np.nanmin(profile), profile), 1, mode="edge")
    smooth = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    best = int(np.argmax(smooth))
    return best - len(profile) // 2, float(smooth[best] - np.nanmedian(profile))


def windows_of(start_frame: int, end_frame: int, length: int, hop: int) -> list[tuple[int, int]]:
    """Windows of a track: `length` frames every `hop`, the last one at its end; a shorter track is one window."""
    if end_frame - start_frame <= length:
        return [(start_frame, end_frame)]
    starts: Sequence[int] = sorted({*range(start_frame, end_frame - length + 1, hop), end_frame - length})
    return [(start, start + length) for start in starts]
