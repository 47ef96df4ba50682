"""What a Qwen-Omni model gets of a clip: patches of some pictures, and how its sound goes between them.

Pictures and sound are read by the readers of `tasks.media`. Sizes, patches and order are those of Qwen's own
preparation ("Qwen2.5-Omni Technical Report", 2025, §2.2; "Qwen3-Omni Technical Report", 2025, §2.4), written here
because transformers' needs torchvision, whose wheels go with some builds of torch only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from schemas.errors import AnalysisError
from schemas.units import SAMPLE_RATE, Milliseconds, frame_to_ms
from tasks.media.read import read_frames, read_waveform

FRAMES_AT_ONCE = 16


@dataclass(frozen=True)
class Sight:
    """How a model cuts pictures into patches.

    Attributes:
        patch: side of a patch, px.
        merged: so many patches, in each direction, become one token.
        frames_a_patch: pictures that a patch reaches over.
        fewest_tokens, most_tokens: of one picture; pictures are scaled, keeping their shape, to lie between.
        mean, deviation: of each channel, red first, of values 0–1; what comes out is (value − mean) / deviation.
    """

    patch: int
    merged: int
    frames_a_patch: int
    fewest_tokens: int
    most_tokens: int
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    @property
    def cell(self) -> int:
        """Side of the square of px that becomes one token."""
        return self.patch * self.merged


def part_of(clip: Path, start: Milliseconds, until: Milliseconds | None, rate: float) -> Iterator[np.ndarray]:
    """The pictures on screen at start, start + 1/rate, …, before `until` or the clip's end: uint8 (h, w, 3), RGB.

    Raises:
        MediaError: the clip cannot be decoded.
    """
    count, shown, time_ms = 0, None, 0

    def moment() -> float:
        return start + 1000 * count / rate

    for batch in read_frames(clip, batch=FRAMES_AT_ONCE):
        for time_ms, frame in zip(batch.times_ms.tolist(), batch.frames, strict=True):
            while moment() < time_ms and shown is not None:
                if until is not None and moment() >= until:
                    return
                yield shown
                count += 1
            shown = frame.copy()
    end = time_ms + frame_to_ms(1) if until is None else min(until, time_ms + frame_to_ms(1))
    while shown is not None and moment() < end:
        yield shown
        count += 1


def sound_of(clip: Path, start: Milliseconds, until: Milliseconds | None) -> np.ndarray:
    """The sound of the same part: float32 (n,), 16 kHz, −1…1. Raises MediaError: there is none."""
    first = start * SAMPLE_RATE // 1000
    return read_waveform(clip)[first : None if until is None else until * SAMPLE_RATE // 1000]


def seen_size(width: int, height: int, sight: Sight) -> tuple[int, int]:
    """Width and height in px at which a picture is seen: whole cells, the shape kept as nearly as they allow."""
    fewest, most = sight.fewest_tokens * sight.cell**2, sight.most_tokens * sight.cell**2
    sides = [round(side / sight.cell) * sight.cell for side in (width, height)]
    area = sides[0] * sides[1]
    if area > most:
        shrunk = math.sqrt(width * height / most)
        sides = [max(1, math.floor(side / shrunk / sight.cell)) * sight.cell for side in (width, height)]
    elif area < fewest:
        grown = math.sqrt(fewest / (width * height))
        sides = [math.ceil(side * grown / sight.cell) * sight.cell for side in (width, height)]
    return sides[0], sides[1]


def patches_of(
    clip: Path, frames: Iterator[np.ndarray], sight: Sight
) -> tuple[np.ndarray, tuple[int, int, int]]:
    """All pictures in patches, in the order in which their tokens are merged.

    Returns:
        float32 (patches, 3 × frames_a_patch × patch²), and how many patches there are in time, down and across.

    Raises:
        AnalysisError: there are no pictures.
    """
    from PIL import Image

    seen = []
    for frame in frames:
        size = seen_size(frame.shape[1], frame.shape[0], sight)
        seen.append(np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC)))
    if not seen:
        raise AnalysisError(str(clip), "has no picture in the part that is sent", "lower offscreen.send_from")
    seen += [seen[-1]] * (-len(seen) % sight.frames_a_patch)
    values = (np.stack(seen) / np.float32(255) - np.float32(sight.mean)) / np.float32(sight.deviation)
    frames_a_patch, merged, patch = sight.frames_a_patch, sight.merged, sight.patch
    times = len(seen) // frames_a_patch
    down, across = (side // patch for side in values.shape[1:3])
    split = values.reshape(
        times, frames_a_patch, down // merged, merged, patch, across // merged, merged, patch, 3
    )
    # Neighbours that become one token stand together; within a patch: channel, picture, row, column.
    ordered = split.transpose(0, 2, 5, 3, 6, 8, 1, 4, 7)
    return np.ascontiguousarray(ordered.reshape(times * down * across, -1)), (times, down, across)


def by_chunks(times: Sequence[float], sounds: int, chunk: int) -> Iterator[tuple[str, int]]:
    """Qwen2.5-Omni's order: of each chunk of time first all pictures, then all sound.

    Args:
        times: of the picture tokens, one after the other, in positions.
        sounds: how many tokens of sound there are, one a position.
        chunk: length of a chunk in positions.

    Yields:
        "picture" or "sound", and how many tokens of it come.
    """
    pictures, heard = _chunk_sizes(times, chunk), _chunk_sizes(range(sounds), chunk)
    for number in range(max(len(pictures), len(heard))):
        if number < len(pictures):
            yield "picture", pictures[number]
        if number < len(heard):
            yield "sound", heard[number]


def _chunk_sizes(times: Sequence[float], chunk: int) -> list[int]:
    """Tokens in each chunk. A boundary is passed by one token at most: so the network counts its positions, too."""
    sizes = [0]
    for time in times:
        if time >= len(sizes) * chunk:
            sizes.append(0)
        sizes[-1] += 1
    return sizes


def by_time(times: Sequence[float], sounds: int) -> Iterator[tuple[str, int]]:
    """Qwen3-Omni's order: by time, pictures before the sound of the same time. Takes and yields as `by_chunks`."""
    picture = sound = 0
    while picture < len(times) or sound < sounds:
        if sound >= sounds or (picture < len(times) and times[picture] <= sound):
            picture += 1
            yield "picture", 1
        else:
            sound += 1
            yield "sound", 1
