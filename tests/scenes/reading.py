"""Reading rendered files back: frames with their times, sound with its times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np


def pictures(
    path: Path, start_s: float, end_s: float, kind: str = "bgr24"
) -> Iterator[tuple[float, np.ndarray]]:
    """(presentation time in s, picture) of the frames in a span."""
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            time_s = float(frame.pts * frame.time_base)
            if time_s >= end_s:
                return
            if time_s >= start_s:
                yield time_s, frame.to_ndarray(format=kind)


def sound(path: Path, sample_rate: int | None = None) -> tuple[np.ndarray, int]:
    """All samples as float32 from time zero, and their rate; resampled if a rate is given."""
    with av.open(str(path)) as file:
        rate = sample_rate or file.streams.audio[0].sample_rate
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        parts, first_s = [], None
        for frame in file.decode(audio=0):
            first_s = float(frame.pts * frame.time_base) if first_s is None else first_s
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    lead = np.zeros(max(0, round(first_s * rate)), np.float32)
    return np.concatenate([lead, *parts]), rate
