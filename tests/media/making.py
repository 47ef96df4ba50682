"""Sources with known events: at each one the picture turns white and a tone begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FLASH_S, BEEP_S, TONE_HZ = Fraction(1, 5), Fraction(1, 10), 1000
WIDTH, HEIGHT = 96, 64
TICK = Fraction(1, 90_000)


def events_between(start: float, end: float, every: float = 0.937) -> tuple[Fraction, ...]:
    """Event times in whole 1/48000 s, at no simple distance from any frame grid."""
    return tuple(Fraction(round(t * 48_000), 48_000) for t in np.arange(start + 0.311, end - 0.3, every))


def steady(rate: Fraction | int, start: float, end: float) -> list[Fraction]:
    """Time stamps of pictures at a constant rate."""
    first = Fraction(start).limit_denominator(1000)
    return [first + Fraction(n) / rate for n in range(int((end - start) * float(rate)))]


@dataclass(frozen=True)
class Recording:
    """What to write: when pictures are shown, where there is sound, and in which formats."""

    file: str
    pictures: Sequence[Fraction]
    sound: Sequence[tuple[float, float]]
    events: Sequence[Fraction]
    rate: int = 48_000
    video_codec: str = "libx264"
    audio_codec: str = "aac"
    loudness: float = 0.5
    size: tuple[int, int] = (WIDTH, HEIGHT)
    options: dict[str, str] = field(default_factory=dict)


def record(recording: Recording, folder: Path) -> Path:
    """Write the recording; packets are interleaved by time, as a camera does."""
    path = folder / recording.file
    with av.open(str(path), "w", options=recording.options) as container:
        streams = []
        if recording.pictures:
            streams.append(_encoded_pictures(recording, container))
        if recording.sound:
            streams.append(_encoded_sound(recording, container))
        packets = [packet for stream in streams for packet in stream]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def _encoded_pictures(recording: Recording, container: av.container.OutputContainer) -> list[av.Packet]:
    broadcast = recording.video_codec == "mpeg2video"  # which knows only ticks of one frame
    tick = Fraction(1, 25) if broadcast else TICK
    rate = 25 if broadcast else 1 / (recording.pictures[1] - recording.pictures[0])
    stream = container.add_stream(recording.video_codec, rate=rate)
    stream.width, stream.height = recording.size
    stream.pix_fmt, stream.time_base = "yuv420p", tick
    stream.codec_context.time_base = tick
    if recording.video_codec == "libx264":
        stream.options = {"preset": "ultrafast", "bf": "2", "threads": "1"}
    packets = []
    for time in recording.pictures:
        lit = any(event <= time < event + FLASH_S for event in recording.events)
        frame = av.VideoFrame.from_ndarray(_plain(recording.size, 235 if lit else 16), format="yuv420p")
        frame.pts, frame.time_base = round(time / tick), tick
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _encoded_sound(recording: Recording, container: av.container.OutputContainer) -> list[av.Packet]:
    layout = "stereo"
    stream = container.add_stream(recording.audio_codec, rate=recording.rate, layout=layout)
    packets = []
    size = 960 if recording.audio_codec == "libopus" else 1024
    for start, end in recording.sound:
        first, stop = round(start * recording.rate), round(end * recording.rate)
        tone = sound_of(recording, first, stop)
        for begin in range(0, len(tone), size):
            part = np.repeat(tone[np.newaxis, begin : begin + size], 2, axis=0).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="fltp", layout=layout)
            frame.sample_rate, frame.pts = recording.rate, first + begin
            frame.time_base = Fraction(1, recording.rate)
            packets += stream.encode(frame)
    return packets + stream.encode(None)


def sound_of(recording: Recording, first: int, stop: int) -> np.ndarray:
    """Samples of the recording's sound between two positions."""
    times = np.arange(first, stop) / recording.rate
    tone = np.zeros(len(times))
    for event in recording.events:
        since = times - float(event)
        heard = (since >= 0) & (since < float(BEEP_S))
        tone[heard] += recording.loudness * np.cos(2 * np.pi * TONE_HZ * since[heard])
    return tone


def _plain(size: tuple[int, int], luma: int) -> np.ndarray:
    width, height = size
    picture = np.full((height * 3 // 2, width), luma, np.uint8)
    picture[height:] = 128
    return picture


def flash_times(pictures: Iterable[tuple[Fraction, float]]) -> list[Fraction]:
    """When the picture turns from dark to light, of pictures as (time, mean luma)."""
    found, dark = [], True
    for time, luma in pictures:
        if dark and luma > 128:
            found.append(time)
        dark = luma < 128
    return found


def beep_times(
    samples: np.ndarray, rate: int, start: Fraction = Fraction(0), level: float = 0.2
) -> list[Fraction]:
    """When a tone begins after at least 200 ms of quiet; `samples` float in −1…1."""
    loud = np.flatnonzero(np.abs(samples) > level)
    if not len(loud):
        return []
    begins = np.concatenate([[True], np.diff(loud) > rate // 5])
    return [start + Fraction(int(position), rate) for position in loud[begins]]
