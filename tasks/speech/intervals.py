"""From speech probabilities of short windows to intervals of speech."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.sections import Speech

EXIT_BELOW_THRESHOLD = 0.15
"""Speech ends when the probability falls this far below the threshold at which it began (hysteresis)."""


@dataclass(frozen=True)
class SpeechInterval:
    """Speech from `start_ms` to `end_ms` (exclusive); `score` is the mean speech probability, 0–1."""

    start_ms: int
    end_ms: int
    score: float


def speech_intervals(
    probabilities: np.ndarray, window_ms: int, duration_ms: int, settings: Speech, pad_ms: int
) -> list[SpeechInterval]:
    """Intervals of speech, in order and without overlap.

    Speech begins where the probability reaches `settings.threshold`. It ends where the probability fell below
    the exit threshold, once `settings.min_silence` has passed without a return to the threshold. What is no
    longer than `settings.min_speech` is left out. The rest grows by `pad_ms` on both sides; two neighbours
    with less than twice that between them meet in the middle. (The method documented by silero-vad.)

    Args:
        probabilities: float (N,), one per window of `window_ms`.
        duration_ms: of the waveform; the last window may reach beyond it.
    """
    found = _spans(np.asarray(probabilities, np.float64), window_ms, duration_ms, settings)
    intervals = []
    for number, (start_ms, end_ms) in enumerate(found):
        before_ms = start_ms - found[number - 1][1] if number else None
        after_ms = found[number + 1][0] - end_ms if number + 1 < len(found) else None
        inside = probabilities[start_ms // window_ms : -(-end_ms // window_ms)]
        intervals.append(
            SpeechInterval(
                start_ms=max(0, start_ms - _padding(before_ms, pad_ms)),
                end_ms=min(duration_ms, end_ms + _padding(after_ms, pad_ms)),
                score=round(float(np.mean(inside)), 4),
            )
        )
    return intervals


def _spans(
    probabilities: np.ndarray, window_ms: int, duration_ms: int, settings: Speech
) -> list[tuple[int, int]]:
    exit_threshold = max(settings.threshold - EXIT_BELOW_THRESHOLD, 0.01)
    spans: list[tuple[int, int]] = []
    start_ms: int | None = None
    quiet_ms: int | None = None
    for number, probability in enumerate(probabilities):
        now_ms = number * window_ms
        if probability >= settings.threshold:
            start_ms, quiet_ms = now_ms if start_ms is None else start_ms, None
        elif start_ms is not None and probability < exit_threshold:
            quiet_ms = now_ms if quiet_ms is None else quiet_ms
            if now_ms - quiet_ms >= settings.min_silence:
                spans.append((start_ms, quiet_ms))
                start_ms = quiet_ms = None
    if start_ms is not None:
        spans.append((start_ms, duration_ms))
    return [(start, end) for start, end in spans if end - start > settings.min_speech]


def _padding(silence_ms: int | None, pad_ms: int) -> int:
    """How far an interval grows into a silence; None is the silence before the first and after the last."""
    return pad_ms if silence_ms is None else min(pad_ms, silence_ms // 2)
