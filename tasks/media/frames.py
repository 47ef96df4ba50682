"""One decode of a clip, handed out as batches of frames in one or several views, with the sound of their span.

for view, batch in decoded_batches(path, [View(colour="gray"), View(size=(64, 36), every=25)]):
    batch.frames, batch.times_ms                      # uint8 (n, h, w), int64 (n,)

Clips are files of our own making, so they are decoded in this process. Each picture is converted once for every
distinct size and colour, however many views ask for it: views that differ only in `batch` or `every` are slices
of the same arrays.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from schemas.errors import MediaError
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME
from tasks.media.probe import FORMATS, safe_input

Colour = Literal["rgb", "bgr", "gray"]

ARRAYS_IN_FLIGHT = 4
"""Arrays of one size and colour that are alive at once: one being filled, two that wait, one in a reader's hand."""

ARRAYS_BYTES = 96 << 20
"""What all arrays in flight may take together; batches are cut shorter than asked so that they do not take more."""

_FORMATS = {"rgb": "rgb24", "bgr": "bgr24", "gray": "gray"}
_ENLARGING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
_SHRINKING = Interpolation.AREA | Interpolation.ACCURATE_RND
_AS_IT_IS = Interpolation.BICUBIC
_LUMA_FIRST = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"})
_BLACK, _FULL_RANGE = 16, 255 / 219
_OWN_FILE = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class View:
    """How a reader wants to see a clip.

    Attributes:
        size: width and height in px to scale to, by area where both shrink, else bicubic; None leaves the clip's
            own.
        colour: order of the channels; full range, 0–255.
        batch: at most so many frames at once; fewer where frames are large (see `ARRAYS_BYTES`).
        every: 1 for all frames, k for the frames 0, k, 2k …
        sound: whether batches carry the 16 kHz waveform.
    """

    size: tuple[int, int] | None = None
    colour: Colour = "bgr"
    batch: int = 64
    every: int = 1
    sound: bool = False

    def __post_init__(self) -> None:
        if (
            self.batch < 1
            or self.every < 1
            or (self.size and min(self.size) < 1)
            or self.colour not in _FORMATS
        ):
            raise ValueError(f"no clip can be seen as {self}: sizes, batch and every are at least 1")


@dataclass(frozen=True)
class FrameBatch:
    """Frames of a clip in their order: consecutive ones, or every k-th where the view asks for it.

    Attributes:
        start_frame: number of the first one within the clip.
        times_ms: int64 (n,), the frames' time stamps in the file; of a normalised clip, 40 times their numbers.
        frames: uint8 (n, h, w, 3) in the view's order of channels, or (n, h, w) luma; full range, 0–255.
        every: distance from one frame's number to the next one's.
        samples: float32 (m,), 16 kHz, mono, −1…1: the sound of the batch's span. Those of all batches, joined,
            are the clip's waveform. None unless the view asks for sound. Only with sound may a batch have no
            frames, at the end of a clip whose sound is longer than its picture.
    """

    start_frame: int
    times_ms: np.ndarray
    frames: np.ndarray
    every: int = 1
    samples: np.ndarray | None = None

    @property
    def numbers(self) -> np.ndarray:
        """int64 (n,): the frames' numbers within the clip."""
        return self.start_frame + self.every * np.arange(len(self.frames), dtype=np.int64)


def decoded_batches(
    path: Path,
    views: Sequence[View],
    wanted: Callable[[View], bool] = lambda view: True,
    shared: bool = True,
) -> Iterator[tuple[View, FrameBatch]]:
    """Decode a clip once and hand out its frames in several views, in the caller's thread.

    Memory beside the decoder's own frames (about 20): for each distinct size and colour `ARRAYS_IN_FLIGHT` arrays
    of frames × height × width × channels bytes, if the receiver holds no more than that. The number of frames is
    chosen so that they take at most `ARRAYS_BYTES` together; only where single frames are larger than that, more.

    Args:
        views: equal ones count once.
        wanted: asked before a batch is begun; what nobody wants is converted no more, and when that is all,
            the decoding ends.
        shared: arrays are read-only; otherwise they belong to the receiver, who must have given one view.

    Raises:
        MediaError: there is no picture (or no sound where a view asks for it), or it cannot be decoded to the end.
    """
    if not views:
        return
    with _opened(path) as container, ExitStack() as at_the_end:
        if not container.streams.video:
            raise MediaError(str(path), "has no video stream", "name a normalised clip")
        stream = container.streams.video[0]
        lanes = _lanes(path, views, (stream.codec_context.width, stream.codec_context.height))
        for sound in (lane.sound for lane in lanes if lane.sound):
            at_the_end.callback(sound.close)
        count = 0
        for count, (time_ms, frame) in enumerate(_stamped(path, container, stream), start=1):
            lanes = [lane for lane in lanes if lane.times_ms or any(wanted(view) for view in lane.views)]
            if not lanes:
                return
            for lane in lanes:
                if lane.takes(count - 1, time_ms, frame):
                    yield from lane.batches(shared)
        if not count:
            raise MediaError(str(path), "has no picture: 0 frames", "normalise its source again")
        if count < stream.frames:
            problem = f"ends after {count} of {stream.frames} frames"
            raise MediaError(str(path), problem, "normalise its source again")
        for lane in lanes:
            yield from lane.batches(shared, last=True)


@contextmanager
def _opened(path: Path) -> Iterator[av.container.InputContainer]:
    """A file open for reading, and no other through it; what libav raises becomes a MediaError."""
    try:
        with av.open(safe_input(path), options=_OWN_FILE, metadata_errors="replace") as container:
            yield container
    except av.FFmpegError as error:
        raise MediaError(str(path), f"cannot be decoded: {error}", "normalise its source again") from error


def _stamped(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Frames with their times in ms, rounded to the nearest."""
    stream.thread_type = "FRAME"
    stream.codec_context.thread_count = _THREADS
    milliseconds, ticks = 1000 * stream.time_base.numerator, stream.time_base.denominator
    for number, frame in enumerate(container.decode(stream)):
        if frame.pts is None or frame.is_corrupt:
            problem = "is damaged" if frame.is_corrupt else "has no time stamp"
            raise MediaError(str(path), f"frame {number} {problem}", "normalise its source again")
        yield (2 * frame.pts * milliseconds + ticks) // (2 * ticks), frame


@dataclass
class _Lane:
    """Pictures of one size and colour on their way into arrays, and the views that look at these."""

    views: Sequence[View]
    size: tuple[int, int]
    colour: Colour
    step: int
    length: int
    sound: _Sound | None
    reformatter: VideoReformatter = field(default_factory=VideoReformatter)
    frames: np.ndarray | None = None
    times_ms: list[int] = field(default_factory=list)
    start: int = 0

    def takes(self, number: int, time_ms: int, frame: av.VideoFrame) -> bool:
        """Take in a frame unless every view skips it; whether the array is full."""
        if number % self.step:
            return False
        if self.frames is None:
            self.frames = np.empty((self.length, *_shape(self.size, self.colour)), np.uint8)
        _convert(frame, self.size, self.colour, self.reformatter, self.frames[len(self.times_ms)])
        self.times_ms.append(time_ms)
        return len(self.times_ms) == self.length

    def batches(self, shared: bool, last: bool = False) -> Iterator[tuple[View, FrameBatch]]:
        """What the views see of the array, which is given away; `last`, with all the sound that is left."""
        start, times_ms = self.start, np.array(self.times_ms, np.int64)
        frames = np.empty((0, *_shape(self.size, self.colour)), np.uint8)
        if self.frames is not None:
            frames = self.frames[: len(times_ms)]
        self.frames, self.times_ms, self.start = None, [], start + self.step * len(times_ms)
        samples = None
        if self.sound:
            samples = self.sound.up_to(None if last else self.start * SAMPLES_PER_FRAME)
        if shared:
            for array in (frames, times_ms, *(() if samples is None else (samples,))):
                array.flags.writeable = False
        for view in self.views:
            stride = view.every // self.step
            first = -(start // self.step) % stride
            own, heard = slice(first, None, stride), samples if view.sound else None
            if len(times_ms[own]) or (heard is not None and len(heard)):
                number = start + first * self.step
                yield view, FrameBatch(number, times_ms[own], frames[own], view.every, heard)


def _shape(size: tuple[int, int], colour: Colour) -> tuple[int, ...]:
    return (size[1], size[0]) if colour == "gray" else (size[1], size[0], 3)


def _lanes(path: Path, views: Sequence[View], own_size: tuple[int, int]) -> list[_Lane]:
    groups: dict[tuple[tuple[int, int], Colour], list[View]] = {}
    for view in dict.fromkeys(views):
        groups.setdefault((view.size or own_size, view.colour), []).append(view)
    steps = {key: math.gcd(*(view.every for view in group)) for key, group in groups.items()}
    asked = {
        key: min(view.batch * view.every for view in group) // steps[key] for key, group in groups.items()
    }
    wish = sum(ARRAYS_IN_FLIGHT * length * math.prod(_shape(*key)) for key, length in asked.items())
    share = min(1, ARRAYS_BYTES / wish) if wish else 1
    return [
        _Lane(
            group,
            *key,
            steps[key],
            max(1, int(asked[key] * share)),
            _Sound(path) if any(view.sound for view in group) else None,
        )
        for key, group in groups.items()
    ]


def _convert(
    frame: av.VideoFrame,
    size: tuple[int, int],
    colour: Colour,
    reformatter: VideoReformatter,
    into: np.ndarray,
) -> None:
    """Write a decoded frame into a uint8 array of the wanted size and colour."""
    width, height = size
    same = (frame.width, frame.height) == size
    if same and colour == "gray" and frame.format.name in _LUMA_FIRST:
        luma = _pixels(frame, (height, width))
        full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith(("yuvj", "gray"))
        if full:
            np.copyto(into, luma)
        else:
            import cv2  # slow to come, and a process that only cuts sources has no use for it

            cv2.addWeighted(luma, _FULL_RANGE, luma, 0, -_BLACK * _FULL_RANGE, dst=into)
        return
    shrinks = width <= frame.width and height <= frame.height
    smoothing = _AS_IT_IS if same else _SHRINKING if shrinks else _ENLARGING
    drawn = reformatter.reformat(frame, width, height, _FORMATS[colour], interpolation=smoothing, threads=1)
    np.copyto(into, _pixels(drawn, into.shape))


def _pixels(frame: av.VideoFrame, shape: tuple[int, ...]) -> np.ndarray:
    """The first plane as an array, without a copy; valid for as long as the frame is."""
    plane = frame.planes[0]
    strides = (plane.line_size, 1) if len(shape) == 2 else (plane.line_size, 3, 1)
    return np.ndarray(shape, np.uint8, buffer=plane, strides=strides)


class _Sound:
    """The waveform of a clip, decoded as far as its reader has come."""

    def __init__(self, path: Path) -> None:
        self._pieces = _waveform(path)
        self._decoded = np.zeros(0, np.float32)
        self._given = 0

    def up_to(self, end: int | None) -> np.ndarray:
        """float32 (m,): the samples from where the last ones ended to sample `end`, or to the clip's end."""
        pieces, count = [self._decoded], len(self._decoded)
        while end is None or self._given + count < end:
            piece = next(self._pieces, None)
            if piece is None:
                break
            pieces.append(piece)
            count += len(piece)
        joined = np.concatenate(pieces)
        samples = joined if end is None else joined[: max(0, end - self._given)]
        self._decoded = joined[len(samples) :].copy()
        self._given += len(samples)
        return samples.copy()

    def close(self) -> None:
        self._pieces.close()


def _waveform(path: Path) -> Iterator[np.ndarray]:
    """The first audio stream in pieces: float32 (n,), mono, 16 kHz, −1…1."""
    with _opened(path) as container:
        if not container.streams.audio:
            raise MediaError(str(path), "has no sound: 0 samples", "name a file with an audio stream")
        resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
        for frame in chain(container.decode(container.streams.audio[0]), (None,)):
            for heard in resampler.resample(frame):
                yield np.clip(heard.to_ndarray().reshape(-1), -1, 1)
