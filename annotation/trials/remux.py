"""A clip's picture with another sound: the packets of the picture are copied one by one, never encoded anew.

copy_with_sound(clip, waveform, target, bit_rate=64_000)     # MP4, as clips are
part = copy_part(clip, waveform, (100, 350), target)         # frames 100 to 350, from the key frame before them
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from schemas.errors import MediaError, WorkspaceError
from schemas.units import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME

_AAC_FRAME = 1024
_FULL_SCALE = 32768
_FAULTS = (av.error.FFmpegError, OSError)


@dataclass(frozen=True)
class Part:
    """A part of a clip that was copied: with which frame of the clip it begins, and its shorter side in px."""

    first_frame: int
    short_side: int


def copy_with_sound(clip: Path, waveform: np.ndarray, target: Path, bit_rate: int) -> None:
    """Write a clip's picture with a sound of the same length, as AAC; the file is laid out as clips are.

    Args:
        clip: a normalised clip.
        waveform: float32 (640 × frames,), −1…1, 16 kHz.
        bit_rate: of the sound, bit/s.

    Raises:
        MediaError: the clip cannot be read, or is not as long as the sound.
        WorkspaceError: the file cannot be written.
    """
    with _opened(clip) as source:
        packets = _packets(source, clip)
        if len(packets) * SAMPLES_PER_FRAME != len(waveform):
            problem = (
                f"{len(packets)} frames with {len(waveform)} samples, {SAMPLES_PER_FRAME} a frame are wanted"
            )
            raise MediaError(str(clip), problem, "let the run make the clip again")
        # As in every clip the zeros that fill up AAC's frames go in front, where readers skip them.
        front = -len(waveform) % _AAC_FRAME
        padded = np.concatenate([np.zeros(front, np.float32), waveform.astype(np.float32, copy=False)])
        with _made(target, "mp4", {"movflags": "+faststart"}) as made:
            picture = made.add_stream_from_template(source.streams.video[0])
            sound = made.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
            sound.bit_rate, sound.time_base = bit_rate, Fraction(1, SAMPLE_RATE)
            _mux(made, _moved(packets, picture, 0), _encoded(sound, padded, "fltp", -front))


def copy_part(clip: Path, waveform: np.ndarray, frames: tuple[int, int], target: Path) -> Part:
    """Copy the groups of pictures that hold some frames, with their sound uncompressed, into a QuickTime file.

    Args:
        waveform: the clip's, float32 (640 × frames,), −1…1, 16 kHz.
        frames: the first one, and the end, exclusive.

    Returns:
        What was copied; it begins with a key frame, the first frame that is asked for or the last one before it.

    Raises:
        MediaError: the clip cannot be read, or does not have these frames.
        WorkspaceError: the file cannot be written.
    """
    with _opened(clip) as source:
        packets = _packets(source, clip)
        there = min(len(packets), len(waveform) // SAMPLES_PER_FRAME)
        if not 0 <= frames[0] < frames[1] <= there:
            problem = f"has {there} frames, and frames {frames[0]} to {frames[1]} are wanted"
            raise MediaError(str(clip), problem, "let the run make the clip and its labels again")
        keys = [place for place, packet in enumerate(packets) if packet.is_keyframe]
        begin = max((key for key in keys if key <= frames[0]), default=0)
        end = min((key for key in keys if key >= frames[1]), default=len(packets))
        part = waveform[begin * SAMPLES_PER_FRAME : end * SAMPLES_PER_FRAME]
        whole = np.clip(np.rint(part * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
        earlier = round(begin / (FRAME_RATE * packets[0].time_base))
        with _made(target, "mov", {}) as made:
            picture = made.add_stream_from_template(source.streams.video[0])
            sound = made.add_stream("pcm_s16le", rate=SAMPLE_RATE, layout="mono")
            sound.time_base = Fraction(1, SAMPLE_RATE)
            _mux(made, _moved(packets[begin:end], picture, earlier), _encoded(sound, whole, "s16", 0))
    return Part(begin, min(picture.width, picture.height))


@contextmanager
def _opened(clip: Path) -> Iterator[av.container.InputContainer]:
    try:
        container = av.open(str(clip))
    except _FAULTS as error:
        problem = f"cannot be opened: {error.strerror}"
        raise MediaError(str(clip), problem, "let the run make the clip again") from error
    with container:
        yield container


def _packets(source: av.container.InputContainer, clip: Path) -> list[av.Packet]:
    """The packets of a clip's picture, in the order in which they are decoded."""
    try:
        packets = [packet for packet in source.demux(video=0) if packet.dts is not None and packet.size]
    except (*_FAULTS, IndexError) as error:
        raise MediaError(str(clip), f"cannot be read: {error}", "let the run make the clip again") from error
    if not packets:
        raise MediaError(str(clip), "has no picture: 0 frames", "let the run make the clip again")
    return packets


def _moved(packets: Sequence[av.Packet], stream: av.VideoStream, earlier: int) -> Iterator[av.Packet]:
    """Packets as ones of another stream, by so many of their ticks earlier."""
    for packet in packets:
        packet.pts, packet.dts, packet.stream = packet.pts - earlier, packet.dts - earlier, stream
        yield packet


def _encoded(stream: av.AudioStream, samples: np.ndarray, form: str, start: int) -> Iterator[av.Packet]:
    """The packets of a sound whose first sample has the stamp `start`, in samples."""
    for begin in range(0, len(samples), _AAC_FRAME):
        part = np.ascontiguousarray(samples[np.newaxis, begin : begin + _AAC_FRAME])
        frame = av.AudioFrame.from_ndarray(part, format=form, layout="mono")
        frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frame.pts = start + begin
        yield from stream.encode(frame)
    yield from stream.encode(None)


@contextmanager
def _made(target: Path, form: str, options: dict[str, str]) -> Iterator[av.container.OutputContainer]:
    try:
        with av.open(str(target), "w", format=form, options=options) as container:
            yield container
    except _FAULTS as error:
        action = "see that the disk has room and may be written"
        raise WorkspaceError(str(target), f"cannot be written: {error.strerror}", action) from error


def _mux(
    container: av.container.OutputContainer, pictures: Iterable[av.Packet], sound: Iterable[av.Packet]
) -> None:
    """Write the packets of both streams in the order of their time."""
    for packet in heapq.merge(pictures, sound, key=lambda packet: packet.dts * packet.time_base):
        container.mux(packet)
