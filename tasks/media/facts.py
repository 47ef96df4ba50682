"""What a clip's file alone tells: one pass over its packets, one decode of each stream, in this process.

    facts = file_facts(path)              # schemas.certificate.FileFacts
    measured = measure(path)              # and what is odd about the file, without raising for it

Pictures are hashed as they come from the decoder, so a clip of 456 × 256 px goes at several times the speed of its
encoding. Memory: one packet and one frame.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import xxhash

from schemas.certificate import FileFacts
from schemas.errors import MediaError
from schemas.units import FRAME_RATE, SAMPLE_RATE
from tasks.media.probe import FORMATS, safe_input

Picture = Callable[[Fraction, np.ndarray], None]
Sound = Callable[[Fraction, int, np.ndarray], None]

_HOUR_MS = 3_600_000
_STRICT = {"err_detect": "explode", "threads": "1"}
_OWN_FILE = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
_NO_TIME = Fraction(-1)


@dataclass(frozen=True)
class PictureStream:
    """A picture stream as its header has it, px; `count` of packets is 0 when the header has none."""

    codec: str
    pixel_format: str
    width: int
    height: int
    count: int


@dataclass(frozen=True)
class SoundStream:
    """A sound stream: the rate in Hz as decoded, the rest as its header has it; `count` as with the picture."""

    codec: str
    channels: int
    rate: int
    count: int


@dataclass(frozen=True)
class Measured:
    """A file's facts and what is needed to judge them.

    Attributes:
        facts: None when not one frame or not one sample could be decoded.
        pictures, sounds: how many streams of the kind there are.
        picture, sound: the first of each kind; None when there is none.
        picture_packets, sound_packets: how many packets were read.
        misplaced: frames whose stamp is not exactly their number / 25 s.
        first_misplaced: number and stamp in s of the first of them; a stamp below zero may mean that it has none.
        misplaced_ms: the largest distance of a frame from its place.
        gaps: pieces of sound that do not begin exactly where the one before ends.
        first_gap_s, gap_ms: where the first of them is, and the longest gap (overlap: negative).
        errors: what decoders and demuxer complained of, the first few.
        faults: how often they did.
    """

    facts: FileFacts | None
    pictures: int
    sounds: int
    picture: PictureStream | None
    sound: SoundStream | None
    picture_packets: int
    sound_packets: int
    misplaced: int
    first_misplaced: tuple[int, float]
    misplaced_ms: float
    gaps: int
    first_gap_s: float
    gap_ms: float
    errors: tuple[str, ...]
    faults: int


@dataclass
class _Tally:
    """What piles up while a file is read."""

    frames_digest: xxhash.xxh3_128 = field(default_factory=xxhash.xxh3_128)
    samples_digest: xxhash.xxh3_128 = field(default_factory=xxhash.xxh3_128)
    frames: int = 0
    samples: int = 0
    rate: int = SAMPLE_RATE
    picture_packets: int = 0
    sound_packets: int = 0
    first_picture: Fraction | None = None
    last_picture: Fraction = _NO_TIME
    first_sound: Fraction | None = None
    last_sound: Fraction = _NO_TIME
    next_sound: Fraction | None = None
    misplaced: int = 0
    first_misplaced: tuple[int, float] = (0, 0.0)
    misplaced_by: Fraction = Fraction(0)
    gaps: int = 0
    first_gap: float = 0.0
    gap: Fraction = Fraction(0)
    errors: list[str] = field(default_factory=list)
    faults: int = 0
    x264: str = ""
    lavc: str = ""

    def fault(self, text: str) -> None:
        self.faults += 1
        if len(self.errors) < 3 and text not in self.errors:
            self.errors.append(text)


def file_facts(path: Path) -> FileFacts:
    """The facts of a file that is whole.

    Raises:
        MediaError: it cannot be opened, has no picture or no sound, or a part of it cannot be decoded.
    """
    measured = measure(path)
    if measured.faults or measured.facts is None:
        said = "; ".join(measured.errors) or "no picture or no sound can be decoded"
        raise MediaError(str(path), said, "make it again from its source")
    return measured.facts


def measure(path: Path, seen: Picture | None = None, heard: Sound | None = None) -> Measured:
    """Read a file once, and decode its first picture and its first sound stream once.

    Args:
        seen: told the stamp in s and the luma, uint8 (height, width), of every frame; the array is only lent.
        heard: told the stamp in s, the rate in Hz and the samples, int32 (n, channels), of every piece of sound.

    Raises:
        MediaError: it cannot be opened as a media file.
    """
    tally = _Tally()
    try:
        container = av.open(safe_input(path), options=_OWN_FILE, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(str(path), f"is no media file that can be opened: {_said(error)}", "") from error
    with container:
        pictures, sounds = container.streams.video, container.streams.audio
        picture, sound = next(iter(pictures), None), next(iter(sounds), None)
        written_by = str(container.metadata.get("encoder", ""))
        _read(container, picture, sound, tally, seen, heard)
        return Measured(
            facts=_facts(path, tally, written_by),
            pictures=len(pictures),
            sounds=len(sounds),
            picture=picture and _picture_stream(picture),
            sound=sound and _sound_stream(sound, tally),
            picture_packets=tally.picture_packets,
            sound_packets=tally.sound_packets,
            misplaced=tally.misplaced,
            first_misplaced=tally.first_misplaced,
            misplaced_ms=float(tally.misplaced_by * 1000),
            gaps=tally.gaps,
            first_gap_s=tally.first_gap,
            gap_ms=float(tally.gap * 1000),
            errors=tuple(tally.errors),
            faults=tally.faults,
        )


def _read(
    container: av.container.InputContainer,
    picture: av.VideoStream | None,
    sound: av.AudioStream | None,
    tally: _Tally,
    seen: Picture | None,
    heard: Sound | None,
) -> None:
    if picture:
        picture.codec_context.thread_count, picture.codec_context.options = 1, dict(_STRICT)
    decoder = sound and _sound_decoder(sound)
    wanted = [stream for stream in (picture, sound) if stream]
    for packet in _packets(container, wanted, tally) if wanted else ():
        if packet.size and packet.is_corrupt:
            tally.fault(f"a packet is cut short or damaged at {_stamp(packet.pts, packet.time_base)}")
        if packet.stream is picture:
            tally.picture_packets += bool(packet.size)
            tally.x264 = tally.x264 or _x264(packet)
            for frame in _decoded(picture.codec_context, packet, "picture", tally):
                _add_picture(frame, picture.time_base, tally, seen)
        else:
            _add_sound_packet(packet, tally)
            for frame in _decoded(decoder, packet, "sound", tally):
                _add_sound(frame, sound.time_base, tally, heard)


def _packets(
    container: av.container.InputContainer, streams: list[av.stream.Stream], tally: _Tally
) -> Iterator[av.Packet]:
    """Every packet, and last an empty one for each stream, that empties its decoder, whatever was read before."""
    ended = set()
    try:
        for packet in container.demux(streams):
            if not packet.size and packet.dts is None:
                ended.add(packet.stream.index)
            yield packet
    except av.FFmpegError as error:
        tally.fault(f"the file cannot be read to its end: {_said(error)}")
    for stream in streams:
        if stream.index not in ended:
            last = av.Packet()
            last.stream = stream
            yield last


def _sound_decoder(stream: av.AudioStream) -> av.AudioCodecContext:
    """AAC in integers, for the sake of equal bits everywhere; anything else as its own decoder has it."""
    if stream.codec_context.name not in ("aac", "aac_fixed"):
        stream.codec_context.options = dict(_STRICT)
        return stream.codec_context
    decoder = av.codec.CodecContext.create("aac_fixed", "r")
    decoder.extradata = stream.codec_context.extradata
    base = stream.time_base
    # Without the packets' time base the decoder cuts the priming samples off but leaves the stamp as it was.
    decoder.options = {**_STRICT, "pkt_timebase": f"{base.numerator}/{base.denominator}"}
    return decoder


def _decoded(decoder: av.CodecContext, packet: av.Packet, what: str, tally: _Tally) -> list:
    try:
        return decoder.decode(packet if packet.size else None)
    except av.EOFError:
        return []
    except (av.FFmpegError, ValueError) as error:
        tally.fault(f"{what} at {_stamp(packet.pts, packet.time_base)} cannot be decoded: {_said(error)}")
        return []


def _add_picture(frame: av.VideoFrame, base: Fraction, tally: _Tally, seen: Picture | None) -> None:
    if frame.is_corrupt:
        tally.fault(f"the picture at {_stamp(frame.pts, base)} is damaged")
    time = frame.pts * base if frame.pts is not None else _NO_TIME
    place = Fraction(tally.frames, FRAME_RATE)
    if time != place:
        if not tally.misplaced:
            tally.first_misplaced = tally.frames, float(time)
        tally.misplaced += 1
        tally.misplaced_by = max(tally.misplaced_by, abs(time - place))
    plain = frame if frame.format.name == "yuv420p" else frame.reformat(format="yuv420p")
    planes = [_unpadded(plane) for plane in plain.planes]
    for plane in planes:
        tally.frames_digest.update(plane)
    if seen:
        seen(time, planes[0])
    tally.first_picture = time if tally.first_picture is None else tally.first_picture
    tally.last_picture = time
    tally.frames += 1


def _unpadded(plane: av.video.plane.VideoPlane) -> np.ndarray:
    lines = np.frombuffer(plane, np.uint8, plane.line_size * plane.height)
    return np.ascontiguousarray(lines.reshape(plane.height, plane.line_size)[:, : plane.width])


def _add_sound_packet(packet: av.Packet, tally: _Tally) -> None:
    if not packet.size:
        return
    tally.sound_packets += 1
    tally.lavc = tally.lavc or _found(rb"Lavc[\d.]*", bytes(packet)[:64])


def _add_sound(frame: av.AudioFrame, base: Fraction, tally: _Tally, heard: Sound | None) -> None:
    if frame.is_corrupt:
        tally.fault(f"the sound at {_stamp(frame.pts, base)} is damaged")
    samples = _integers(frame)
    tally.samples_digest.update(samples)
    time = frame.pts * base if frame.pts is not None else _NO_TIME
    tally.rate = frame.sample_rate or SAMPLE_RATE
    if heard:
        heard(time, tally.rate, samples)
    tally.first_sound = time if tally.first_sound is None else tally.first_sound
    tally.last_sound = time + Fraction(max(0, frame.samples - 1), tally.rate)
    # By the samples themselves: in MP4 a packet's duration is nothing but the distance to the next one.
    if tally.next_sound is not None and time != tally.next_sound:
        if not tally.gaps:
            tally.first_gap = float(tally.next_sound)
        tally.gaps += 1
        tally.gap = max(tally.gap, time - tally.next_sound, key=abs)
    tally.next_sound = time + Fraction(frame.samples, tally.rate)
    tally.samples += frame.samples


def _integers(frame: av.AudioFrame) -> np.ndarray:
    """int32 (n, channels); what is no 32-bit integer already is converted as libswresample does it."""
    if frame.format.name == "s32p" and len(frame.planes) == 1:
        return np.frombuffer(frame.planes[0], np.int32, frame.samples)[:, np.newaxis]
    channels = len(frame.layout.channels)
    if frame.format.name == "s32p":
        return np.ascontiguousarray(frame.to_ndarray().T)
    if frame.format.name != "s32":
        resampler = av.AudioResampler(format="s32", layout=frame.layout, rate=frame.sample_rate)
        (frame,) = resampler.resample(frame)
    return np.frombuffer(frame.planes[0], np.int32, frame.samples * channels).reshape(-1, channels)


def _facts(path: Path, tally: _Tally, written_by: str) -> FileFacts | None:
    if not tally.frames or not tally.samples:
        return None
    picture_s, sound_s = tally.last_picture - tally.first_picture, tally.last_sound - tally.first_sound
    picture_end = tally.last_picture + Fraction(1, FRAME_RATE)
    sound_end = tally.last_sound + Fraction(1, tally.rate)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return FileFacts(
        sha256=sha256,
        frames=tally.frames,
        samples=tally.samples,
        picture_first_pts_ms=float(tally.first_picture * 1000),
        picture_last_pts_ms=float(tally.last_picture * 1000),
        sound_first_pts_ms=float(tally.first_sound * 1000),
        sound_last_pts_ms=float(tally.last_sound * 1000),
        start_skew_ms=float((tally.first_picture - tally.first_sound) * 1000),
        end_skew_ms=float((picture_end - sound_end) * 1000),
        drift_ms_per_hour=float(
            (_slope(picture_s, tally.frames, FRAME_RATE) - _slope(sound_s, tally.samples, SAMPLE_RATE))
            * _HOUR_MS
        ),
        frames_xxh3=tally.frames_digest.hexdigest(),
        samples_xxh3=tally.samples_digest.hexdigest(),
        encoder=", ".join(name for name in (written_by, tally.x264, tally.lavc) if name),
    )


def _slope(seconds: Fraction, count: int, rate: int) -> Fraction:
    """Seconds on the container's clock for each second of `count` frames or samples at the nominal rate."""
    return seconds * rate / (count - 1) if count > 1 else Fraction(1)


def _picture_stream(stream: av.VideoStream) -> PictureStream:
    context = stream.codec_context
    return PictureStream(
        context.name, context.pix_fmt or "unknown", context.width, context.height, stream.frames
    )


def _sound_stream(stream: av.AudioStream, tally: _Tally) -> SoundStream:
    context = stream.codec_context
    rate = tally.rate if tally.samples else context.sample_rate
    return SoundStream(context.name, len(context.layout.channels), rate, stream.frames)


def _x264(packet: av.Packet) -> str:
    """x264 writes its name into its first packet."""
    if not packet.size:
        return ""
    core = _found(rb"x264 - core \d+(?: r\d+)?", bytes(packet)[:256])
    return core.replace(" - ", " ")


def _found(pattern: bytes, where: bytes) -> str:
    found = re.search(pattern, where)
    return found.group().decode("ascii") if found else ""


def _stamp(pts: int | None, base: Fraction | None) -> str:
    return "an unknown time" if pts is None or not base else f"{float(pts * base):.3f} s"


def _said(error: Exception) -> str:
    """The words of an FFmpeg error without the file's name, which the reader has already."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
