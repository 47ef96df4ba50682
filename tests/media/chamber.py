"""The torture chamber's workshop: a lossless master with events at known times, and steps that make it awkward.

A master holds raw pictures and 16-bit samples with exact stamps. Each step hands a file on to the next one, most of
them by the ffmpeg program, some by PyAV's libraries and some byte by byte:

    source = make(Trial("head-cut.mov", Scene(), (encode(), cut("1.37"))), folder)

At each event the picture turns white for 0.2 s, and a sweep of 0.1 s begins. A sweep, unlike a tone, fits to itself
in one place only, so that its time can be measured to a fraction of a sample through any codec.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.media.making import FLASH_S, events_between, steady

END = 6.6
LONG_END = 9.5
TICK = Fraction(1, 720_000)
"""Of which the pictures of every usual rate last a whole number."""

SWEEP_S, SWEEP_HZ = 0.1, (600, 1800)
_LOUDNESS = 0.5
_CHUNK = 960


@dataclass(frozen=True)
class Step:
    """How a file of the next kind is made from one file: `work(source, target)`."""

    suffix: str
    work: Callable[[Path, Path], None]


@dataclass(frozen=True)
class Scene:
    """What is seen and heard.

    Attributes:
        pictures: stamps, seconds.
        sound: spans (start, end) in seconds in which there is sound; spans may overlap.
        events: seconds.
        rate: Hz of the samples.
        layout: of the channels; `heard` are the numbers of those with the sweeps, None for all.
        size: px.
        tracks: which sound tracks the events are in; each entry is one track.
        packet: samples in a packet of the master.
        stretch: by which the sound's stamps go faster than its samples: the recorder's sample clock was slow.
    """

    pictures: Sequence[Fraction]
    sound: Sequence[tuple[float, float]]
    events: Sequence[Fraction]
    rate: int = 48_000
    layout: str = "stereo"
    heard: tuple[int, ...] | None = None
    size: tuple[int, int] = (96, 64)
    tracks: tuple[bool, ...] = (True,)
    packet: int = _CHUNK
    stretch: float = 1.0


def scene(frames_per_second: Fraction | int = 25, rate: int = 48_000, end: float = END, **changes) -> Scene:
    """Pictures at a constant rate and unbroken sound, both from 0 to `end` seconds, unless changed."""
    usual = {
        "pictures": steady(frames_per_second, 0, end),
        "sound": [(0, end)],
        "events": events_between(0, end),
        "rate": rate,
    }
    return Scene(**{**usual, **changes})


@dataclass(frozen=True)
class Trial:
    """A source to be made.

    Attributes:
        name: of the file; its suffix is that of the last step.
        scene: what is seen and heard.
        steps: from the master to the source.
        sound_late: seconds by which the steps mean to delay the sound against the picture; None where the
            container does not carry the time of both.
        carried_s: seconds by which the container, as written, may be off that; what it then says is the truth.
        reasons: words of which one must say why the source, or a part of it, was left out; empty for a source of
            which everything is kept from the first instant that has both picture and sound.
        refusable: whether it may be given up as a whole, for one of the reasons.
    """

    name: str
    scene: Scene
    steps: tuple[Step, ...]
    sound_late: float | None = 0.0
    carried_s: float = 0.002
    reasons: tuple[str, ...] = ()
    refusable: bool = False


def make(trial: Trial, folder: Path) -> Path:
    """The trial's source; its ancestors are removed.

    Raises:
        subprocess.CalledProcessError: ffmpeg could not make it.
    """
    current = folder / "master.nut"
    master(trial.scene, current)
    for number, step in enumerate(trial.steps):
        last = number == len(trial.steps) - 1
        following = folder / (trial.name if last else f"step{number}{step.suffix}")
        step.work(current, following)
        current.unlink()
        current = following
    return current


def sweep(since: np.ndarray) -> np.ndarray:
    """The sweep's value, −1…1, at times in seconds since it began; 0 before and after."""
    low, high = SWEEP_HZ
    phase = low * since + (high - low) / (2 * SWEEP_S) * since**2
    return np.where((since >= 0) & (since < SWEEP_S), np.cos(2 * np.pi * phase), 0.0)


def sounding(events: Sequence[Fraction], times: np.ndarray) -> np.ndarray:
    """The samples, −1…1, at ascending times in seconds."""
    heard = np.zeros(len(times))
    for event in events:
        low, high = np.searchsorted(times, (float(event), float(event) + SWEEP_S))
        heard[low:high] += _LOUDNESS * sweep(times[low:high] - float(event))
    return heard


def master(shown: Scene, path: Path) -> None:
    """Write a scene without loss, each picture and packet of sound with its own stamp."""
    with av.open(str(path), "w", format="nut") as container:
        packets = _raw_pictures(shown, container) if shown.pictures else []
        tracks = [_raw_sound(shown, container, events) for events in shown.tracks]
        packets += [packet for track in tracks for packet in track]
        for packet in sorted(packets, key=lambda each: each.dts * each.time_base):
            container.mux(packet)


def _raw_pictures(shown: Scene, container: av.container.OutputContainer) -> list[av.Packet]:
    rate = 1 / (shown.pictures[1] - shown.pictures[0])
    stream = container.add_stream("rawvideo", rate=rate)
    stream.width, stream.height = shown.size
    stream.pix_fmt, stream.time_base = "yuv420p", TICK
    stream.codec_context.time_base = TICK
    packets = []
    for number, time in enumerate(shown.pictures):
        lit = any(event <= time < event + FLASH_S for event in shown.events)
        frame = av.VideoFrame.from_ndarray(_picture(shown.size, lit, number), format="yuv420p")
        frame.pts, frame.time_base = round(time / TICK), TICK
        packets += stream.encode(frame)
    return packets


def _picture(size: tuple[int, int], lit: bool, number: int) -> np.ndarray:
    """A plain picture with a bar that wanders, so that no picture is the copy of another."""
    width, height = size
    picture = np.full((height * 3 // 2, width), 235 if lit else 16, np.uint8)
    picture[height // 2 : height // 2 + 4, number * 3 % (width - 8) :][:, :8] = 126
    picture[height:] = 128
    return picture


def _raw_sound(shown: Scene, container: av.container.OutputContainer, events: bool) -> list[av.Packet]:
    stream = container.add_stream("pcm_s16le", rate=shown.rate, layout=shown.layout)
    stream.time_base = Fraction(1, shown.rate)
    channels = len(av.AudioLayout(shown.layout).channels)
    packets = []
    for start, end in shown.sound:
        first, stop = round(start * shown.rate), round(end * shown.rate)
        for begin in range(first, stop, shown.packet):
            stamp = round(begin * shown.stretch)
            times = np.arange(stamp, stamp + min(shown.packet, stop - begin)) / shown.rate
            wave = sounding(shown.events, times) if events else 0.3 * np.sin(2 * np.pi * 200 * times)
            samples = np.zeros((len(times), channels))
            for channel in range(channels) if shown.heard is None else shown.heard:
                samples[:, channel] = wave
            packet = av.Packet(np.round(samples * 32767).astype("<i2").tobytes())
            packet.stream, packet.time_base = stream, stream.time_base
            packet.pts = packet.dts = stamp
            packet.duration = len(times)
            packets.append(packet)
    return packets


def ffmpeg(
    suffix: str, *options: str, before: Sequence[str] = (), again: Sequence[str] | None = None
) -> Step:
    """A step by the ffmpeg program: `before` stands before the input, and `again` before the same input once more."""

    def work(source: Path, target: Path) -> None:
        inputs = [*before, "-i", str(source)]
        if again is not None:
            inputs += [*again, "-i", str(source)]
        command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *inputs, *options, str(target)]
        subprocess.run(command, check=True)

    return Step(suffix, work)


def encode(
    suffix: str, video: str = "libx264", audio: str = "aac", *options: str, tick: str = "1:90000"
) -> Step:
    """All streams by ffmpeg, each picture and packet at its own time; `tick` is the encoder's clock."""
    codecs = [
        "-map",
        "0",
        "-copyts",
        "-fps_mode",
        "passthrough",
        "-enc_time_base:v",
        tick,
        "-c:v",
        video,
        "-c:a",
        audio,
    ]
    return ffmpeg(suffix, *codecs, *_QUICK.get(video, ()), *_EXACT.get(audio, ()), *options)


_QUICK = {
    "libx264": ("-preset", "ultrafast", "-bf", "2", "-g", "48", "-threads", "1"),
    "libx265": ("-preset", "ultrafast", "-x265-params", "log-level=none:pools=1:bframes=3:keyint=48"),
    "libvpx": ("-deadline", "realtime", "-cpu-used", "8"),
    "libvpx-vp9": ("-deadline", "realtime", "-cpu-used", "8"),
    "mpeg2video": ("-bf", "2", "-g", "12", "-q:v", "2"),
    "mpeg4": ("-g", "24", "-q:v", "2"),
}
_EXACT: dict[str, tuple[str, ...]] = {"opus": ("-strict", "-2"), "vorbis": ("-strict", "-2")}


def copy(suffix: str, *options: str, before: Sequence[str] = ()) -> Step:
    """All streams as they are, on their own clock, into another container."""
    return ffmpeg(suffix, "-map", "0", "-c", "copy", "-copyts", *options, before=before)


def cut(suffix: str, start: str, *options: str) -> Step:
    """The head cut away without encoding, as many tools trim: players hide what precedes `start` seconds."""
    return ffmpeg(suffix, "-map", "0", "-c", "copy", *options, before=("-ss", start))


def delayed(suffix: str, stream: str, seconds: str, *options: str) -> Step:
    """One stream (`v`, `a`) later than it was, without encoding."""
    first, second = ("1:v", "0:a") if stream == "v" else ("0:v", "1:a")
    mapping = ("-map", first, "-map", second, "-c", "copy")
    return ffmpeg(suffix, *mapping, *options, again=("-itsoffset", seconds))


def without_packets(suffix: str, stream: str, *spans: tuple[float, float]) -> Step:
    """Packets of one stream (`v`, `a`) lost, by their stamps within spans of seconds."""
    lost = "+".join(f"between(pts*tb,{start},{end})" for start, end in spans)
    return copy(suffix, f"-bsf:{stream}", f"noise=drop='{lost}'")


def by_pyav(suffix: str, **options: str) -> Step:
    """All packets as they are, into another container by the muxers of PyAV's libraries."""

    def work(source: Path, target: Path) -> None:
        with av.open(str(source)) as given, av.open(str(target), "w", options=options) as container:
            copies = {each.index: container.add_stream_from_template(each) for each in given.streams}
            for packet in given.demux():
                if packet.size:
                    packet.stream = copies[packet.stream.index]
                    container.mux(packet)

    return Step(suffix, work)


def on_bytes(suffix: str, change: Callable[[bytes], bytes]) -> Step:
    """A step on the bytes of a file, as a broken transfer or a recorder makes it."""
    return Step(suffix, lambda source, target: target.write_bytes(change(source.read_bytes())) and None)
