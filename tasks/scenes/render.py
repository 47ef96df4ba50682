"""Sources into files: every scene performed, frame by frame on the source's exact clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tasks.scenes.action import Paint
from tasks.scenes.encode import encode
from tasks.scenes.perform import perform
from tasks.scenes.scene import Source

Progress = Callable[[str, int, int], None]
"""Called with a source's name, frames done and frames in all."""

_PROGRESS_EVERY = 25


def render(source: Source, folder: Path, progress: Progress | None = None) -> Path:
    """Render a source into `folder`; the same bytes for the same source and the same ffmpeg.

    Frame n shows the instant n / frame_rate, sample n is that of n / sample_rate, both streams begin at zero.
    WebM alone begins 3 ms late, both streams alike, since Vorbis has a lead-in.
    Memory: one scene's sprites, one frame and the whole sound.

    Returns:
        The file, `source.file_name` in `folder`; a file of that name is replaced.

    Raises:
        MediaError: ffmpeg failed.
    """
    size = (source.width, source.height)
    performed = [perform(scene, source.channel, size, source.sample_rate) for scene in source.scenes]
    sound = _joined(source, [part for part, _ in performed])
    frames = _frames(source, [paint for _, paint in performed], progress)
    threads = cv2.getNumThreads()
    # Frames are small: waking a pool of threads for each costs more than it saves, and ffmpeg needs the core.
    cv2.setNumThreads(1)
    try:
        return encode(folder / source.file_name, frames, sound, size, source.frame_rate, source.sample_rate)
    finally:
        cv2.setNumThreads(threads)


def _joined(source: Source, parts: list[np.ndarray]) -> np.ndarray:
    """The scenes' sounds, each at its exact start, whatever the sample rate."""
    sound = np.zeros(source.duration_ms * source.sample_rate // 1000, dtype=np.float32)
    at_ms = 0
    for scene, part in zip(source.scenes, parts, strict=True):
        first = at_ms * source.sample_rate // 1000
        sound[first : first + len(part)] = part
        at_ms += scene.length_ms
    return sound


def _frames(source: Source, paints: list[Paint], progress: Progress | None) -> Iterator[np.ndarray]:
    starts, at_ms = [], 0
    for scene in source.scenes:
        starts.append(Fraction(at_ms, 1000))
        at_ms += scene.length_ms
    current = 0
    for number in range(source.frames):
        time_s = number / source.frame_rate
        while current + 1 < len(starts) and starts[current + 1] <= time_s:
            current += 1
        yield paints[current](float(time_s - starts[current]))
        if progress and (number + 1 == source.frames or number % _PROGRESS_EVERY == 0):
            progress(source.name, number + 1, source.frames)
