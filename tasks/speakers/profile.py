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
_ROUNDS = 4
_FEWEST_FRAMES = 10
_SHARPNESS = 2.0


def sound_frames(start_frame: int, frames: int, max_shift: int) -> np.ndarray:
    """Sound frame that meets each picture frame at each offset: int (2·max_shift + 1, frames).

    Some lie outside the clip: negative, or at or beyond its end.
    """
    return start_frame + np.arange(frames) - np.arange(-max_shift, max_shift + 1)[:, None]


def correlation_profile(
    picture: np.ndarray, sound: np.ndarray, start_frame: int, max_shift: int, known: slice = slice(None)
) -> np.ndarray:
    """Correlation of what a window shows with the sound at every offset.

    Args:
        picture: float (T,) or (T, r), from picture frame `start_frame` on.
        sound: float (N,) or (N, r), of the whole clip; with r columns, the covariances of all are added up.
        known: the frames of `sound` that may be used.

    Returns:
        float64 (2·max_shift + 1,), −1 to 1; NaN where less than half of the window has sound.
    """
    picture, sound = (np.reshape(values, (len(values), -1)) for values in (picture, sound))
    first, end, _ = known.indices(len(sound))
    at = sound_frames(start_frame, len(picture), max_shift)
    there = (at >= first) & (at < end)
    counts = there.sum(axis=1)
    mask = there[..., None].astype(np.float64)
    x = _centred(picture[None] * mask, mask, counts)
    y = _centred(sound[np.clip(at, 0, len(sound) - 1)] * mask, mask, counts)
    strength = np.sqrt(np.square(x).sum(axis=(1, 2)) * np.square(y).sum(axis=(1, 2)))
    products = np.einsum("dtr,dtr->d", x, y)
    return np.where(enough(counts, len(picture)), products / (strength + 1e-9), np.nan)


def _centred(values: np.ndarray, mask: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return values - mask * (values.sum(axis=1) / np.maximum(counts, 1)[:, None])[:, None]


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
    sound = (np.arange(frames) - np.arange(shifts)[:, None] + shifts - 1).ravel()
    in_picture = np.maximum(known.sum(axis=0), 1)
    in_sound = np.maximum(np.bincount(sound, known.ravel(), frames + shifts), 1)
    for _ in range(_ROUNDS):
        rest = np.where(known, rest - rest.sum(axis=0) / in_picture, 0)
        means = np.bincount(sound, rest.ravel(), frames + shifts) / in_sound
        rest = np.where(known, rest - means[sound].reshape(scores.shape), 0)
    return np.where(known, rest, np.nan)


def mean_profile(scores: np.ndarray) -> np.ndarray:
    """Mean over frames at each offset; NaN where less than half of the frames have sound."""
    known = ~np.isnan(scores)
    counts = known.sum(axis=1)
    sums = np.where(known, scores, 0).sum(axis=1)
    return np.where(enough(counts, scores.shape[1]), sums / np.maximum(counts, 1), np.nan)


def enough(counts: np.ndarray, frames: int) -> np.ndarray:
    """Whether so many frames of a window are enough to judge an offset by."""
    return counts >= min(frames, max(_FEWEST_FRAMES, frames / 2))


def _near(profile: np.ndarray) -> np.ndarray:
    middle = len(profile) // 2
    return profile[middle - PEAK_FRAMES : middle + PEAK_FRAMES + 1]


def rise_at_zero(profile: np.ndarray) -> float:
    """Highest point within ±2 frames of no offset, over the profile's median; 0 where nothing is known there."""
    near = _near(profile)
    return float(np.nanmax(near) - np.nanmedian(profile)) if np.isfinite(near).any() else 0.0


def share_at_zero(profile: np.ndarray) -> float:
    """How much of the profile's weight lies within ±2 frames of no offset, 0–1.

    The weight of an offset is exp(2·height/σ), σ the profile's own deviation: a single high peak takes nearly all
    of it, wherever it is, and a profile without a peak spreads it. Unlike a height it has a floor, so that a window
    without any peak counts little against its face, and one with its peak elsewhere no more than that.
    """
    spread = np.nanstd(profile) if np.isfinite(profile).any() else 0.0
    if spread < 1e-9:
        return (2 * PEAK_FRAMES + 1) / len(profile)
    weights = np.exp(_SHARPNESS * (profile - np.nanmax(profile)) / spread)
    return float(np.nansum(_near(weights)) / np.nansum(weights))


def joined(*profiles: np.ndarray) -> np.ndarray:
    """Several profiles of one window as one: the mean of their heights over their medians, in deviations of each.

    What is unknown to one is left to the others; a profile of which nothing is known, or that is flat, adds nothing.
    """
    told = [p for p in profiles if np.isfinite(p).any() and np.nanstd(p) > 1e-9]
    if not told:
        return profiles[0]
    heights = np.stack([(p - np.nanmedian(p)) / np.nanstd(p) for p in told])
    known = np.isfinite(heights)
    means = np.where(known, heights, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known.any(axis=0), means, np.nan)


def peak(profile: np.ndarray) -> tuple[float, float]:
    """Where the profile is highest, smoothed over 3 offsets and read between them by a parabola.

    Returns:
        offset in frames (positive: the audio is early), and the height there over the profile's median;
        `(0, 0)` for a profile of which nothing is known.
    """
    if not np.isfinite(profile).any():
        return 0.0, 0.0
    padded = np.pad(np.where(np.isnan(profile), np.nanmin(profile), profile), 1, mode="edge")
    smooth = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    best = int(np.argmax(smooth))
    return best - len(profile) // 2 + _vertex(smooth, best), float(smooth[best] - np.nanmedian(profile))


def _vertex(heights: np.ndarray, best: int) -> float:
    """How far the top of the parabola through three heights is from the middle one, −0.5 to 0.5."""
    if not 0 < best < len(heights) - 1:
        return 0.0
    before, top, after = heights[best - 1 : best + 2]
    bend = before - 2 * top + after
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if bend < -1e-12 else 0.0


def windows_of(start_frame: int, end_frame: int, length: int, hop: int) -> list[tuple[int, int]]:
    """Windows of a track: `length` frames every `hop`, the last one at its end; a shorter track is one window."""
    if end_frame - start_frame <= length:
        return [(start_frame, end_frame)]
    starts: Sequence[int] = sorted({*range(start_frame, end_frame - length + 1, hop), end_frame - length})
    return [(start, start + length) for start in starts]
