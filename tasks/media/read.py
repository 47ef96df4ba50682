"""Readers of normalised clips (and of sound files), each a decode by a watched ffmpeg.

waveform = read_waveform(path)                        # float32 (N,), 16 kHz
for batch in read_frames(path, colour="gray"):
    batch.frames, batch.times_ms                      # uint8 (n, h, w), int64 (n,)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import ffmpeg
import numpy as np

from schemas.errors import MediaError
from schemas.units import FRAME_RATE, SAMPLE_RATE
from tasks.media.packets import source_stream
from tasks.media.process import Ffmpeg

Colour = Literal["rgb", "gray"]

_FORMATS = {"rgb": "rgb24", "gray": "gray"}
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class FrameBatch:
    """Consecutive frames of a clip.

    Attributes:
        start_frame: number of the first one within the clip.
        times_ms: int64 (n,), when each frame begins, from the clip's start.
        frames: uint8 (n, h, w, 3) in the order red, green, blue, or (n, h, w) luma; full range, 0–255. The
            array belongs to the receiver.
    """

    start_frame: int
    times_ms: np.ndarray
    frames: np.ndarray


def read_waveform(path: Path, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """A file's first audio stream, mixed to one channel.

    Returns:
        float32 (N,) in −1…1 from the first sample on, at `sample_rate` Hz; of a clip, N is exactly its length.

    Raises:
        MediaError: there is no sound in the file, or it cannot be decoded.
    """
    heard = source_stream(path, "a:0").filter(
        "aformat", sample_fmts="flt", sample_rates=sample_rate, channel_layouts="mono"
    )
    with Ffmpeg(_argv(heard, format="f32le", acodec="pcm_f32le"), str(path)) as decoder:
        pieces = []
        while piece := decoder.read(_CHUNK_BYTES):
            pieces.append(piece)
        decoder.finish()
    samples = np.frombuffer(b"".join(pieces), "<f4")
    if not len(samples):
        raise MediaError(str(path), "has no sound: 0 samples", "name a file with an audio stream")
    return np.clip(samples, -1, 1)


def read_frames(
    path: Path, size: tuple[int, int] | None = None, batch: int = 64, colour: Colour = "rgb"
) -> Iterator[FrameBatch]:
    """The frames of a normalised clip at 25 fps, in batches; the last batch may be smaller.

    The decoder runs no further ahead than a pipe holds, and ends when the generator is closed. Memory: one batch.

    Args:
        size: width and height in px to scale to; None leaves the clip's own.
        batch: frames per batch.

    Raises:
        MediaError: there is no picture in the file, or it cannot be decoded.
    """
    width, height = size or _frame_size(path)
    seen = source_stream(path, "v:0").filter("fps", FRAME_RATE)
    if size:
        seen = seen.filter("scale", width, height, flags="bicubic+accurate_rnd")
    argv = _argv(seen, format="rawvideo", pix_fmt=_FORMATS[colour])
    shape = (height, width, 3) if colour == "rgb" else (height, width)
    start = 0
    with Ffmpeg(argv, str(path)) as decoder:
        while len(frames := _next_frames(decoder, batch, shape, path)):
            times_ms = np.arange(start, start + len(frames), dtype=np.int64) * 1000 // FRAME_RATE
            yield FrameBatch(start, times_ms, frames)
            start += len(frames)
        decoder.finish()
    if not start:
        raise MediaError(str(path), "has no picture: 0 frames", "normalise its source again")


def _argv(stream: ffmpeg.nodes.FilterableStream, **output: str) -> list[str]:
    return ffmpeg.output(stream, "pipe:1", **output).global_args("-nostdin", "-v", "error").compile()


def _next_frames(decoder: Ffmpeg, batch: int, shape: tuple[int, ...], path: Path) -> np.ndarray:
    frames = np.empty((batch, *shape), np.uint8)
    got = decoder.read_into(memoryview(frames).cast("B"))
    whole, rest = divmod(got, frames[0].nbytes)
    if rest:
        decoder.finish()
        raise MediaError(str(path), f"the decoder ended within a frame, {rest} bytes into it", "try again")
    return frames[:whole]


def _frame_size(path: Path) -> tuple[int, int]:
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise MediaError(str(path), "has no video stream", "name a normalised clip")
            context = container.streams.video[0].codec_context
            return context.width, context.height
    except av.FFmpegError as error:
        raise MediaError(str(path), f"cannot be opened: {error}", "normalise its source again") from error
