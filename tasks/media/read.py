"""Readers of normalised clips, one at a time, and of the sound of any file.

waveform = read_waveform(path)                        # float32 (N,), 16 kHz
for batch in read_frames(path, colour="gray"):
    batch.frames, batch.times_ms                      # uint8 (n, h, w), int64 (n,)

Several readers of one clip share one decode: see `tasks.media.fanout`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import ffmpeg
import numpy as np

from schemas.errors import MediaError
from schemas.units import SAMPLE_RATE
from tasks.media.frames import Colour, FrameBatch, View, decoded_batches
from tasks.media.probe import FORMATS, safe_input
from tasks.media.process import WatchedProcess

_CHUNK_BYTES = 1 << 20


def read_waveform(path: Path, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """A file's first audio stream, mixed to one channel, decoded by a watched ffmpeg.

    Returns:
        float32 (N,) in −1…1 from the first sample on, at `sample_rate` Hz; of a clip, N is exactly its length.

    Raises:
        MediaError: there is no sound in the file, or it cannot be decoded.
    """
    source = ffmpeg.input(safe_input(path), protocol_whitelist="file", format_whitelist=FORMATS)
    heard = source["a:0"].filter(
        "aformat", sample_fmts="flt", sample_rates=sample_rate, channel_layouts="mono"
    )
    output = ffmpeg.output(heard, "pipe:1", format="f32le", acodec="pcm_f32le")
    argv = output.global_args("-nostdin", "-v", "error").compile()
    with WatchedProcess(argv, str(path)) as decoder:
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
    """The frames of a normalised clip, in batches; the last batch may be smaller.

    Nothing is decoded before it is asked for, and the file is closed with the generator. The arrays belong to
    the receiver. Memory: one batch beside those that the receiver keeps; see `decoded_batches`.

    Args:
        size: width and height in px to scale to; None leaves the clip's own.
        batch: at most so many frames at once.

    Raises:
        MediaError: there is no picture in the file, or it cannot be decoded to the end.
    """
    with closing(decoded_batches(path, [View(size, colour, batch)], shared=False)) as batches:
        for _, one in batches:
            yield one
