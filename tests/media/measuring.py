"""What is in a file, as other readers have it: the ffmpeg program, and PyAV's libraries."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.media.making import beep_times, flash_times


def pictures_by_pyav(path: Path) -> list[tuple[Fraction, float]]:
    """(time, mean luma) of every frame."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [
            (frame.pts * frame.time_base, float(frame.to_ndarray(format="gray").mean()))
            for frame in container.decode(stream)
        ]


def sound_by_pyav(path: Path) -> tuple[Fraction, int, np.ndarray]:
    """Start time, rate and samples (float32, first channel), with zeros where time stamps leave a gap."""
    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.audio[0]))
    rate, start = frames[0].sample_rate, frames[0].pts * frames[0].time_base
    pieces, end = [], 0
    for frame in frames:
        position = round((frame.pts * frame.time_base - start) * rate)
        pieces.append(
            np.zeros(max(0, position - end - 1), np.float32) if position - end > rate // 500 else []
        )
        samples = frame.to_ndarray()
        channels = len(frame.layout.channels)
        first = samples[0] if frame.format.is_planar else samples.reshape(-1, channels)[:, 0]
        if first.dtype == np.int16:
            first = first / 32768
        pieces.append(first.astype(np.float32))
        end = sum(map(len, pieces))
    return start, rate, np.concatenate(pieces)


def events_by_pyav(path: Path) -> tuple[list[Fraction], list[Fraction]]:
    """Times of flashes and of beeps on the container's clock."""
    start, rate, samples = sound_by_pyav(path)
    return flash_times(pictures_by_pyav(path)), beep_times(samples, rate, start)


def counts_by_ffmpeg(path: Path) -> tuple[int, int]:
    """Frames and samples that the ffmpeg program hands out, without any rate conversion."""
    frames = _ffmpeg(path, "-map", "0:v", "-vf", "scale=2:2", "-pix_fmt", "gray", "-f", "rawvideo")
    samples = _ffmpeg(path, "-map", "0:a", "-f", "s16le")
    return len(frames) // 4, len(samples) // 2


def events_by_ffmpeg(path: Path) -> tuple[list[Fraction], list[Fraction]]:
    """Times of flashes and beeps in a normalised clip, counting frames and samples from zero."""
    lumas = np.frombuffer(
        _ffmpeg(path, "-map", "0:v", "-vf", "scale=2:2", "-pix_fmt", "gray", "-f", "rawvideo"),
        np.uint8,
    )
    flashes = flash_times(
        (Fraction(n, 25), float(luma)) for n, luma in enumerate(lumas.reshape(-1, 4).mean(axis=1))
    )
    samples = np.frombuffer(_ffmpeg(path, "-map", "0:a", "-f", "f32le"), np.float32)
    return flashes, beep_times(samples, 16_000)


def _ffmpeg(path: Path, *options: str) -> bytes:
    command = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        "-i",
        str(path),
        *options,
        "-fps_mode",
        "passthrough",
        "pipe:1",
    ]
    return subprocess.run(command, capture_output=True, check=True).stdout
