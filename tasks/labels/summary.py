"""A clip in a few numbers: the share of each label, and how well its best faces fit its sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tasks.labels.fuse import (
    LABELS,
    FaceSpan,
    LabelInterval,
    SpeakerWindow,
    SpeechSpan,
    best_match,
    frame_slice,
)


def summarize(intervals: Sequence[LabelInterval]) -> dict[str, float]:
    """Share of the time that each label takes; the shares add up to 1, or are all 0 without intervals."""
    total = sum(interval.end_ms - interval.start_ms for interval in intervals)
    return {
        label: sum(i.end_ms - i.start_ms for i in intervals if i.label == label) / max(total, 1)
        for label in LABELS
    }


def sync_summary(
    windows: Sequence[SpeakerWindow], speech: Sequence[SpeechSpan]
) -> tuple[float | None, int | None]:
    """How well a clip's picture and sound fit, where there are both a face and speech.

    Returns:
        probability: mean over frames with speech and a scored face of the best match in sight; offset_ms: median
        of the offsets of the best windows, weighted by the confidence of each (positive: the audio is early).
        `(None, None)` where no scored face meets speech.
    """
    if not windows or not speech:
        return None, None
    count = -(-max(span.end_ms for span in (*windows, *speech)) // 40)
    spoken = np.zeros(count, bool)
    for span in speech:
        spoken[frame_slice(span.start_ms, span.end_ms, count)] = True
    # What was not judged has a probability nevertheless, and that of the whole clip may rest on many such windows.
    told = [replace(window, unjudged=None) for window in windows]
    match = best_match(count, [FaceSpan(w.track, w.start_ms, w.end_ms) for w in told], told)
    judged = spoken & (match.track >= 0)
    if not judged.any():
        return None, None
    weights = [_weight(window, judged, match.track, count) for window in windows]
    offsets = [window.offset_ms for window in windows]
    return round(float(match.probability[judged].mean()), 4), _weighted_median(offsets, weights)


def _weight(window: SpeakerWindow, judged: np.ndarray, faces: np.ndarray, count: int) -> float:
    here = frame_slice(window.start_ms, window.end_ms, count)
    return float((judged[here] & (faces[here] == window.track)).sum()) * max(window.confidence, 1e-6)


def _weighted_median(values: Sequence[int], weights: Sequence[float]) -> int:
    order = np.argsort(values, kind="stable")
    running = np.cumsum(np.asarray(weights)[order])
    return int(np.asarray(values)[order][np.searchsorted(running, running[-1] / 2)])
