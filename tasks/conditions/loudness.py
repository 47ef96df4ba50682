"""How loud a clip is to the ear, after EBU R 128: integrated loudness and true peak of ITU-R BS.1770-4.

Both are measured by ffmpeg's filter `ebur128`, in one channel: a clip's mono sound reads 3 LU less than the same
sound from two loudspeakers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import av
import numpy as np
from av.filter import Graph
from av.filter.context import FilterContext

from schemas.units import SAMPLE_RATE

_GATE_LUFS = -70.0
"""What the filter says where no block of 400 ms passed the standard's absolute gate, or where there is none."""

_PIECE = 10 * SAMPLE_RATE
"""Samples handed to the filter at a time."""


@dataclass(frozen=True)
class Loudness:
    """A clip's loudness.

    Attributes:
        lufs: integrated loudness, to 0.1; None below −70 LUFS, for silence, and for less than 400 ms.
        true_peak_dbtp: peak between the samples, dB of full scale, to 0.1; exact to that above −25, since the
            filter says it to a thousandth of full scale; None below half of that, and for less than 100 ms.
    """

    lufs: float | None
    true_peak_dbtp: float | None


def loudness_of(waveform: np.ndarray) -> Loudness:
    """Measure a waveform, float32 (n,) at 16 kHz, −1…1. About 3 ms for a second of sound; memory: 10 s of it."""
    graph = Graph()
    source = graph.add_abuffer(
        format="flt", sample_rate=SAMPLE_RATE, layout="mono", time_base=f"1/{SAMPLE_RATE}"
    )
    meter = graph.add("ebur128", "peak=true:metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    said: dict[str, str] = {}
    for start in range(0, len(waveform), _PIECE):
        source.push(_frame(waveform[start : start + _PIECE], start))
        said = _latest(sink, said)
    source.push(None)
    said = _latest(sink, said)
    lufs = float(said.get("lavfi.r128.I", _GATE_LUFS))
    peak = float(said.get("lavfi.r128.true_peak", 0.0))
    return Loudness(
        round(lufs, 1) if lufs > _GATE_LUFS else None, round(20 * math.log10(peak), 1) if peak > 0 else None
    )


def _frame(samples: np.ndarray, start: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(samples[None], np.float32), format="flt", layout="mono"
    )
    frame.sample_rate, frame.pts = SAMPLE_RATE, start
    return frame


def _latest(sink: FilterContext, said: dict[str, str]) -> dict[str, str]:
    """What the last frame that has come out says; what was `said` before, where none has."""
    while True:
        try:
            # The rest of a sound that fills no 100 ms comes out at the end, and says nothing.
            said = dict(sink.pull().metadata) or said
        except (av.error.BlockingIOError, av.error.EOFError):
            return said
