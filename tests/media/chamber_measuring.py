"""When each event of a source is due, and when three readers have it in a clip.

Of a source, ffprobe says when each picture and each piece of sound is due, and the ffmpeg program decodes them; no
code of this house is on that path. Of a clip, the ffmpeg program, PyAV and torchcodec say what they hand out.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from tests.media.chamber import SWEEP_S, sweep
from tests.media.measuring import pictures_by_pyav, sound_by_pyav


@dataclass(frozen=True)
class Heard:
    """A sweep: when it begins, seconds, and how well it fits, 0–1 (1: nothing of it is missing or bent)."""

    time: float
    fit: float


@dataclass(frozen=True)
class Seen:
    """A flash: from its first picture until the first dark one, or the last picture of all; seconds."""

    time: float
    until: float


@dataclass(frozen=True)
class Told:
    """A source as ffprobe and ffmpeg tell it.

    Attributes:
        pictures: of every picture its stamp in s, in the order in which they are handed out.
        sound: of every piece of sound its stamp and its end in s, in that order.
        flashes, sweeps: the events.
    """

    pictures: tuple[float, ...]
    sound: tuple[tuple[float, float], ...]
    flashes: tuple[Seen, ...]
    sweeps: tuple[Heard, ...]


@dataclass(frozen=True)
class Reading:
    """A clip as one reader hands it out: stamps in s and mean lumas of the frames, samples at 16 kHz."""

    times: np.ndarray
    lumas: np.ndarray
    samples: np.ndarray

    @property
    def flashes(self) -> tuple[Seen, ...]:
        return tuple(flash_spans(zip(self.times.tolist(), self.lumas.tolist(), strict=True)))

    @property
    def sweeps(self) -> tuple[Heard, ...]:
        return tuple(sweeps(self.samples, 16_000))


def told_by_ffprobe(source: Path, track: int = 0) -> Told:
    """Everything of a source's first pictures and of one of its sound tracks.

    Raises:
        ValueError: ffmpeg does not decode as many pictures or samples as ffprobe.
    """
    streams, frames = _told_frames(source)
    picture_stream = next(each for each in streams if each["codec_type"] == "video")
    sound_stream = [each for each in streams if each["codec_type"] == "audio"][track]
    shown = [_stamp(frame) for frame in frames if frame["stream_index"] == picture_stream["index"]]
    heard = [frame for frame in frames if frame["stream_index"] == sound_stream["index"]]
    rate, channels = int(sound_stream["sample_rate"]), int(sound_stream["channels"])
    counts = [int(frame["nb_samples"]) for frame in heard]
    lumas, raw = _decoded_by_ffmpeg(source, track)
    samples = raw.reshape(-1, channels).sum(axis=1)
    if len(lumas) != len(shown) or len(samples) != sum(counts):
        raise ValueError(
            f"{source.name}: {len(lumas)} of {len(shown)} pictures, {len(samples)} of {sum(counts)} samples"
        )
    # Formats without stamps of pictures leave the last ones without any; there is no saying when those are seen.
    stamped = [(time, luma) for time, luma in zip(shown, lumas, strict=True) if time is not None]
    pieces = list(zip(map(_stamp, heard), counts, strict=True))
    return Told(
        pictures=tuple(time for time, _ in stamped),
        sound=tuple((start, start + count / rate) for start, count in pieces),
        flashes=tuple(flash_spans(stamped)),
        sweeps=tuple(_placed_sweeps(pieces, samples, rate)),
    )


def flash_spans(pictures: Iterable[tuple[float, float]]) -> Iterator[Seen]:
    """Flashes of pictures as (time, mean luma), in the order in which they are handed out."""
    began, time = None, 0.0
    for time, luma in pictures:
        if luma > 128 and began is None:
            began = time
        elif luma < 128 and began is not None:
            yield Seen(began, time)
            began = None
    if began is not None:
        yield Seen(began, time)


def sweeps(samples: np.ndarray, rate: int, start: float = 0.0, least_fit: float = 0.5) -> list[Heard]:
    """Where sweeps begin, of mono samples of which the first is due at `start` seconds.

    The samples are compared with the sweep at every position; the place of the best fit is refined between the
    samples by a parabola.
    """
    pattern = sweep(np.arange(round(SWEEP_S * rate)) / rate)
    if len(samples) < len(pattern):
        return []
    size = 1 << (len(samples) + len(pattern) - 1).bit_length()
    positions = len(samples) - len(pattern) + 1
    product = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(pattern, size).conj(), size)[:positions]
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    power = energy[len(pattern) :] - energy[:positions] + 1e-5 * len(pattern)
    fit = np.abs(product) / np.sqrt(power * np.square(pattern).sum())
    found = []
    while fit[best := int(fit.argmax())] > least_fit:
        found.append(Heard(start + (best + _between(np.abs(product), best)) / rate, float(fit[best])))
        fit[max(0, best - rate // 5) : best + rate // 5] = 0
    return sorted(found, key=lambda heard: heard.time)


def _between(values: np.ndarray, top: int) -> float:
    """How far, in positions, the top of the parabola through a maximum and its neighbours is from it."""
    if not 0 < top < len(values) - 1:
        return 0.0
    before, at, after = values[top - 1 : top + 2]
    curvature = before - 2 * at + after
    return float((before - after) / (2 * curvature)) if curvature else 0.0


def _placed_sweeps(pieces: list[tuple[float, int]], samples: np.ndarray, rate: int) -> list[Heard]:
    """The sweeps of pieces (stamp, count), in the order of the pieces, each piece at its own stamp.

    Stamps are often rounded to whole milliseconds, which would tear a sweep to pieces: pieces that follow each other
    within that stay together, at the mean of what their stamps say.
    """
    runs = list(_runs(pieces, rate))
    begins = np.cumsum([0, *(count for _, count in runs)])
    found: list[Heard] = []
    for line in _lines(runs, rate):
        start = runs[line[0]][0]
        end = max(round((runs[number][0] - start) * rate) + runs[number][1] for number in line)
        heard = np.zeros(end)
        for number in line:
            position = max(0, round((runs[number][0] - start) * rate))
            heard[position : position + runs[number][1]] = samples[begins[number] : begins[number + 1]]
        found += sweeps(heard, rate, start)
    return found


def _runs(pieces: list[tuple[float, int]], rate: int) -> Iterator[tuple[float, int]]:
    """Pieces joined where each stamp is within 1.05 ms of where those before it say; (mean start, count)."""
    starts: list[float] = []
    total = 0
    for time, count in pieces:
        start = time - total / rate
        if starts and abs(start - sum(starts) / len(starts)) > 0.00105:
            yield sum(starts) / len(starts), total
            starts, total = [], 0
            start = time
        starts.append(start)
        total += count
    yield sum(starts) / len(starts), total


def _lines(runs: list[tuple[float, int]], rate: int) -> Iterator[range]:
    """Numbers of runs that go on in time: no jump back by half a second, none ahead by five."""
    breaks = [
        number
        for number, ((before, count), (after, _)) in enumerate(pairwise(runs), start=1)
        if not -0.5 < after - before - count / rate < 5
    ]
    yield from (range(*ends) for ends in pairwise([0, *breaks, len(runs)]))


def reading_by_ffmpeg(clip: Path) -> Reading:
    """A clip by the ffmpeg program, counting frames from zero."""
    lumas, samples = _decoded_by_ffmpeg(clip)
    return Reading(np.arange(len(lumas)) / 25, lumas, samples)


def reading_by_pyav(clip: Path) -> Reading:
    """A clip by PyAV, with the stamps of its frames; the sound must begin at 0 with 16 kHz."""
    pictures = pictures_by_pyav(clip)
    start, rate, samples = sound_by_pyav(clip)
    if (start, rate) != (0, 16_000):
        raise ValueError(f"{clip.name}: sound begins at {float(start)} s with {rate} Hz")
    return Reading(
        np.array([float(time) for time, _ in pictures]), np.array([luma for _, luma in pictures]), samples
    )


def reading_by_torchcodec(clip: Path) -> Reading:
    """A clip by torchcodec, with the stamps of its frames; the sound must begin at 0 with 16 kHz."""
    from torchcodec.decoders import AudioDecoder, VideoDecoder

    video = VideoDecoder(clip)
    frames = video.get_frames_in_range(0, len(video))
    sound = AudioDecoder(clip).get_all_samples()
    if (sound.pts_seconds, sound.sample_rate, len(sound.data)) != (0, 16_000, 1):
        raise ValueError(f"{clip.name}: sound begins at {sound.pts_seconds} s with {sound.sample_rate} Hz")
    lumas = frames.data.float().mean(dim=(1, 2, 3)).numpy()
    return Reading(frames.pts_seconds.numpy(), lumas, sound.data[0].numpy())


READERS: tuple[Callable[[Path], Reading], ...] = (reading_by_ffmpeg, reading_by_pyav, reading_by_torchcodec)


def _decoded_by_ffmpeg(path: Path, track: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mean lumas of all pictures, and the samples of a sound track, float32 with its channels side by side."""
    scaled = ("-vf", "scale=2:2:flags=area", "-pix_fmt", "gray", "-fps_mode", "passthrough", "-f", "rawvideo")
    with tempfile.TemporaryDirectory() as folder:
        pictures, sound = Path(folder, "pictures"), Path(folder, "sound")
        command = [
            "ffmpeg",
            "-nostdin",
            "-v",
            "error",
            "-i",
            str(path),
            "-map",
            "0:v:0",
            *scaled,
            str(pictures),
        ]
        command += ["-map", f"0:a:{track}", "-f", "f32le", str(sound)]
        subprocess.run(command, capture_output=True, check=True)
        lumas = np.fromfile(pictures, np.uint8).reshape(-1, 4).mean(axis=1)
        return lumas, np.fromfile(sound, np.float32)


def _told_frames(source: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """What ffprobe says of the streams, and of every picture and piece of sound in the order of decoding."""
    frame = "frame=stream_index,best_effort_timestamp_time,nb_samples"
    entries = f"{frame}:stream=index,codec_type,sample_rate,channels"
    command = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "compact", str(source)]
    lines = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    told: dict[str, list[dict[str, str]]] = {"stream": [], "frame": []}
    for line in lines:
        kind, *parts = line.split("|")
        if kind in told:
            told[kind].append(dict(part.partition("=")[::2] for part in parts))
    return told["stream"], told["frame"]


def _stamp(frame: dict[str, str]) -> float | None:
    said = frame["best_effort_timestamp_time"]
    return None if said == "N/A" else float(said)
