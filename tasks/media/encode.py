"""Encoding one clip from raw frames and samples: H.264 High and AAC-LC in MP4, exact to the sample.

    encoder = ClipEncoder(path, (456, 256), recipe.media)
    for frame in pictures:
        encoder.add(frame)
    size = encoder.finish(samples)           # int16, 640 for every frame; bytes

The same input gives the same bytes: the number of encoder threads is fixed, and nothing in the file tells
time or place.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from schemas.errors import MediaError
from schemas.sections import Media
from schemas.units import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME
from tasks.media.trials import KEY_FRAME_EVERY, nvenc_options

_X264 = (
    f"keyint={KEY_FRAME_EVERY}:min-keyint={KEY_FRAME_EVERY}:scenecut=0:open-gop=0:8x8dct=1:"
    "lookahead-threads=1:cpu-independent=1"
)
_X264_THREADS = 2
"""Part of the result: x264 decides a little differently with another number. They must be frame threads: with
the sliced threads that PyAV asks for otherwise, the same frames gave six different files in eight encodings."""

_AAC_FRAME = 1024
_MATRICES = frozenset({"bt709", "smpte170m", "bt470bg", "bt2020nc"})
_PRIMARIES = frozenset({"bt709", "smpte170m", "bt470bg", "bt2020"})
_TRANSFERS = frozenset({"bt709", "smpte170m", "bt2020-10", "bt2020-12", "smpte2084", "arib-std-b67"})


class ClipEncoder:
    """Writes one clip. Memory: the encoder's look-ahead and the clip's compressed packets.

    Args:
        path: the file to write; an existing one is replaced.
        size: width and height in px, both even.
        media: crf, preset and audio bit rate.
        colours: names of matrix, primaries and transfer to note in the file; unknown names are left out.
        encoder: FFmpeg's name of the video encoder, libx264 or h264_nvenc.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        media: Media,
        colours: tuple[str, str, str] = ("unknown",) * 3,
        encoder: str = "libx264",
    ) -> None:
        self.path, self._frames = path, 0
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        options = {"color_range": "tv", **_colour_options(colours), **_quality_options(encoder, media)}
        self._video = self._container.add_stream(encoder, rate=FRAME_RATE, options=options)
        self._video.width, self._video.height = size
        self._video.pix_fmt, self._video.time_base = "yuv420p", Fraction(1, FRAME_RATE)
        if encoder == "libx264":
            self._video.codec_context.thread_count = _X264_THREADS
            self._video.codec_context.thread_type = "FRAME"
        self._audio = self._container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        self._audio.bit_rate, self._audio.time_base = media.audio_bit_rate, Fraction(1, SAMPLE_RATE)
        self._packets: list[av.Packet] = []

    @property
    def frames(self) -> int:
        """How many frames were added."""
        return self._frames

    def add(self, frame: av.VideoFrame) -> None:
        """The next frame, yuv420p of the clip's size; its stamp is replaced."""
        frame.pts, frame.time_base = self._frames, Fraction(1, FRAME_RATE)
        self._packets += self._video.encode(frame)
        self._frames += 1

    def finish(self, samples: np.ndarray) -> int:
        """Add the sound, int16 (640 × frames,) mono at 16 kHz, and complete the file on disk; returns its bytes.

        Raises:
            MediaError: the numbers of samples and frames do not agree, or there are no frames.
        """
        expected = self._frames * SAMPLES_PER_FRAME
        if not expected or len(samples) != expected:
            problem = f"{self._frames} frames need {expected} samples, and there are {len(samples)}"
            raise MediaError(self.path.name, problem, "report this as a fault of Clapper")
        self._packets += self._video.encode(None)
        sound = list(encoded_sound(self._audio, samples))
        for packet in heapq.merge(self._packets, sound, key=lambda packet: packet.dts * packet.time_base):
            self._container.mux(packet)
        self._container.close()
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        return self.path.stat().st_size

    def discard(self) -> None:
        """Give the clip up and remove its file."""
        self._packets.clear()
        self._container.close()
        self.path.unlink(missing_ok=True)


def encoded_sound(stream: av.AudioStream, samples: np.ndarray) -> Iterator[av.Packet]:
    """AAC packets whose last one ends with the last sample.

    AAC comes in frames of 1024 after a delay of 1024, and readers hand out the last frame whole, whatever
    the container says of its length. So the zeros that fill up the frames go in front, where the edit list
    tells every reader to skip them together with the delay.

    Args:
        stream: an AAC stream of one channel at 16 kHz, of a container that has edit lists.
        samples: int16 (n,).
    """
    front = -len(samples) % _AAC_FRAME
    padded = np.concatenate([np.zeros(front, np.float32), samples.astype(np.float32) / 32768])
    for begin in range(0, len(padded), _AAC_FRAME):
        part = padded[np.newaxis, begin : begin + _AAC_FRAME]
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frame.pts = begin - front
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _quality_options(encoder: str, media: Media) -> dict[str, str]:
    if encoder == "h264_nvenc":
        return nvenc_options(media.crf, media.preset)
    return {"crf": str(media.crf), "preset": media.preset, "profile": "high", "x264-params": _X264}


def _colour_options(colours: tuple[str, str, str]) -> dict[str, str]:
    named = zip(
        ("colorspace", "color_primaries", "color_trc"),
        colours,
        (_MATRICES, _PRIMARIES, _TRANSFERS),
        strict=True,
    )
    return {option: name for option, name, known in named if name in known}
