"""Encoding one clip from raw frames and samples: H.264 High and AAC-LC in MP4, exact to the sample.

    encoder = ClipEncoder(path, (456, 256), recipe.media)
    for frame, pixels in pictures:
        encoder.add(frame, pixels)
    made = encoder.finish(samples)           # int16, 640 for every frame

The same input gives the same bytes: the number of encoder threads is fixed, and nothing in the file tells
time or place.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from schemas.errors import MediaError
from schemas.recipe import Media
from schemas.units import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME

_KEY_FRAME_EVERY = 2 * FRAME_RATE
_X264 = (
    f"keyint={_KEY_FRAME_EVERY}:min-keyint={_KEY_FRAME_EVERY}:scenecut=0:open-gop=0:8x8dct=1:"
    "lookahead-threads=1:cpu-independent=1"
)
_X264_THREADS = 2
"""Part of the result: x264 decides a little differently with another number. They must be frame threads: with
the sliced threads that PyAV asks for otherwise, the same frames gave six different files in eight encodings."""

_AAC_FRAME = _AAC_DELAY = 1024
_MATRICES = frozenset({"bt709", "smpte170m", "bt470bg", "bt2020nc"})
_PRIMARIES = frozenset({"bt709", "smpte170m", "bt470bg", "bt2020"})
_TRANSFERS = frozenset({"bt709", "smpte170m", "bt2020-10", "bt2020-12", "smpte2084", "arib-std-b67"})


@dataclass(frozen=True)
class EncodedClip:
    """A finished file: sizes, digests (hex SHA-256) of the file and of what went in, and who encoded it."""

    path: Path
    width: int
    height: int
    frames: int
    samples: int
    bytes: int
    sha256: str
    frames_sha256: str
    samples_sha256: str
    encoder: str


class ClipEncoder:
    """Writes one clip. Memory: the encoder's look-ahead and the clip's compressed packets.

    Args:
        path: the file to write; an existing one is replaced.
        size: width and height in px, both even.
        media: crf, preset and audio bit rate.
        colours: names of matrix, primaries and transfer to note in the file; unknown names are left out.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        media: Media,
        colours: tuple[str, str, str] = ("unknown",) * 3,
    ) -> None:
        self._path, self._frames = path, 0
        self._pixels_digest = hashlib.sha256()
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._video = self._container.add_stream(
            "libx264",
            rate=FRAME_RATE,
            options={
                "crf": str(media.crf),
                "preset": media.preset,
                "profile": "high",
                "x264-params": _X264,
                "color_range": "tv",
                **_colour_options(colours),
            },
        )
        self._video.width, self._video.height = size
        self._video.pix_fmt, self._video.time_base = "yuv420p", Fraction(1, FRAME_RATE)
        self._video.codec_context.thread_count = _X264_THREADS
        self._video.codec_context.thread_type = "FRAME"
        self._audio = self._container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        self._audio.bit_rate, self._audio.time_base = media.audio_bit_rate, Fraction(1, SAMPLE_RATE)
        self._packets: list[av.Packet] = []

    @property
    def frames(self) -> int:
        """How many frames were added."""
        return self._frames

    def add(self, frame: av.VideoFrame, pixels: bytes) -> None:
        """The next frame, yuv420p, and the same as bytes (Y, U, V without padding)."""
        frame.pts, frame.time_base = self._frames, Fraction(1, FRAME_RATE)
        self._packets += self._video.encode(frame)
        self._pixels_digest.update(pixels)
        self._frames += 1

    def finish(self, samples: np.ndarray) -> EncodedClip:
        """Add the sound, int16 (640 × frames,) mono at 16 kHz, and complete the file on disk.

        Raises:
            MediaError: the numbers of samples and frames do not agree, or there are no frames.
        """
        expected = self._frames * SAMPLES_PER_FRAME
        if not expected or len(samples) != expected:
            problem = f"{self._frames} frames need {expected} samples, and there are {len(samples)}"
            raise MediaError(self._path.name, problem, "report this as a fault of Clapper")
        self._packets += self._video.encode(None)
        encoder = _encoder_name(bytes(self._packets[0]))
        sound = list(self._encoded_sound(samples))
        for packet in heapq.merge(self._packets, sound, key=lambda packet: packet.dts * packet.time_base):
            self._container.mux(packet)
        self._container.close()
        return EncodedClip(
            path=self._path,
            width=self._video.width,
            height=self._video.height,
            frames=self._frames,
            samples=len(samples),
            bytes=self._path.stat().st_size,
            sha256=_settled_digest(self._path),
            frames_sha256=self._pixels_digest.hexdigest(),
            samples_sha256=hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest(),
            encoder=encoder,
        )

    def discard(self) -> None:
        """Give the clip up and remove its file."""
        self._packets.clear()
        self._container.close()
        self._path.unlink(missing_ok=True)

    def _encoded_sound(self, samples: np.ndarray) -> Iterator[av.Packet]:
        """AAC packets whose last one ends with the last sample.

        AAC comes in frames of 1024 after a delay of 1024, and readers hand out the last frame whole, whatever
        the container says of its length. So the zeros that fill up the frames go in front, where the edit list
        tells every reader to skip them together with the delay.
        """
        front = -len(samples) % _AAC_FRAME
        padded = np.concatenate([np.zeros(front, np.float32), samples.astype(np.float32) / 32768])
        for begin in range(0, len(padded), _AAC_FRAME):
            part = padded[np.newaxis, begin : begin + _AAC_FRAME]
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
            frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
            frame.pts = begin - front
            yield from self._audio.encode(frame)
        yield from self._audio.encode(None)


def _colour_options(colours: tuple[str, str, str]) -> dict[str, str]:
    named = zip(
        ("colorspace", "color_primaries", "color_trc"),
        colours,
        (_MATRICES, _PRIMARIES, _TRANSFERS),
        strict=True,
    )
    return {option: name for option, name, known in named if name in known}


def _encoder_name(first_packet: bytes) -> str:
    """The libraries that encode; x264 writes its own version into the first packet."""
    found = re.search(rb"x264 - core (\d+(?: r\d+)?)", first_packet)
    x264 = f"x264 core {found.group(1).decode()}" if found else "x264 of unknown version"
    libavcodec = ".".join(map(str, av.library_versions["libavcodec"]))
    return f"PyAV {av.__version__}, libavcodec {libavcodec}, {x264}, aac"


def _settled_digest(path: Path) -> str:
    """SHA-256 of a file whose bytes are made to reach the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()
