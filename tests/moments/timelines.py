"""Timelines made by hand: what happens, who speaks and where shots cut, without any media."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tasks.moments.timeline import Timeline

Span = tuple[int, int]


def timeline(
    length_ms: int,
    happens: Iterable[tuple[int, int, float]] = (),
    speech: Iterable[Span] = (),
    cuts_ms: Sequence[int] = (),
    start_ms: int = 0,
) -> Timeline:
    """`happens` is (start, end, how much); all times in ms from the timeline's start."""
    ticks = length_ms // 10
    happening = np.zeros(ticks, np.float32)
    for start, end, much in happens:
        happening[start // 10 : end // 10] = much
    speaking = np.zeros(ticks + 1, bool)
    for start, end in speech:
        speaking[start // 10 + 1 : end // 10] = True
    cuts = tuple((cut // 10, cut // 10) for cut in cuts_ms)
    unrest = np.where(speaking, 1, np.append(happening, 0)).astype(np.float32)
    return Timeline(start_ms, happening, speaking, unrest, cuts)
