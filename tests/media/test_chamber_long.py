"""The torture chamber's long sources: no drift over an hour, and no more memory for two hours than for minutes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from schemas.sections import Media
from tasks.media import normalize
from tests.media.chamber import sounding
from tests.media.chamber_measuring import READERS
from tests.media.making import FLASH_S, events_between
from tests.media.test_chamber import PICTURE_BOUND_S, SOUND_BOUND_S, nearest

pytestmark = pytest.mark.slow

BLOCK_S = 10
SIZE = (64, 48)
MOST_MEMORY_MB = 400
MOST_GROWTH_MB = 32


@dataclass(frozen=True)
class Long:
    """A source of many minutes, with an event about every ten seconds."""

    file: str
    seconds: int
    frames_per_second: Fraction
    rate: int
    audio_codec: str

    @property
    def events(self) -> Sequence[Fraction]:
        return events_between(0, self.seconds, every=9.937)


def write(source: Long, folder: Path) -> Path:
    """Encode a block at a time. Memory: one block."""
    path = folder / source.file
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=source.frames_per_second)
        video.width, video.height = SIZE
        video.pix_fmt, video.time_base = "yuv420p", 1 / source.frames_per_second
        video.options = {"preset": "ultrafast", "g": "600", "bf": "2", "threads": "1"}
        audio = container.add_stream(source.audio_codec, rate=source.rate, layout="mono")
        for start in range(0, source.seconds, BLOCK_S):
            packets = [*_pictures(source, video, start), *_sound(source, audio, start)]
            for packet in sorted(packets, key=lambda each: each.dts * each.time_base):
                container.mux(packet)
        for packet in (*video.encode(None), *audio.encode(None)):
            container.mux(packet)
    return path


def _pictures(source: Long, stream: av.VideoStream, start: int) -> Iterator[av.Packet]:
    width, height = SIZE
    shown = {lit: np.full((height * 3 // 2, width), 235 if lit else 16, np.uint8) for lit in (True, False)}
    rate = source.frames_per_second
    nearby = [event for event in source.events if start - 1 <= event < start + BLOCK_S]
    for number in range(-(-start * rate // 1), -(-(start + BLOCK_S) * rate // 1)):
        lit = any(event <= number / rate < event + FLASH_S for event in nearby)
        frame = av.VideoFrame.from_ndarray(shown[lit], format="yuv420p")
        frame.pts, frame.time_base = number, 1 / rate
        yield from stream.encode(frame)


def _sound(source: Long, stream: av.AudioStream, start: int) -> Iterator[av.Packet]:
    first = start * source.rate
    samples = sounding(source.events, np.arange(first, first + BLOCK_S * source.rate) / source.rate)
    frame = av.AudioFrame.from_ndarray(
        np.round(samples * 32767).astype(np.int16)[np.newaxis], format="s16", layout="mono"
    )
    frame.sample_rate, frame.pts, frame.time_base = source.rate, first, Fraction(1, source.rate)
    yield from stream.encode(frame)


def test_no_drift_over_an_hour(tmp_path: Path) -> None:
    hour = Long("hour.mp4", 3600, Fraction(30_000, 1001), 44_100, "aac")
    source = write(hour, tmp_path)
    assert_clocks_to_the_end(hour, source)
    media = Media(clip_length="1 min", short_side="48 px", preset="ultrafast")
    made = normalize(source, None, media, tmp_path / "clips", name=lambda start, end: f"{start}_{end}.mp4")
    assert [clip.frames for clip in made.clips[:-1]] == [1500] * 59
    assert 1498 <= made.clips[-1].frames <= 1500
    picture = float(1 / hour.frames_per_second)
    for clip in (made.clips[0], made.clips[1], made.clips[30], made.clips[-2], made.clips[-1]):
        start, end = clip.source_start_ms / 1000, clip.source_end_ms / 1000
        inside = [float(event) for event in hour.events if start + 0.1 < event < end - float(FLASH_S) - 0.1]
        assert len(inside) >= 5
        for read in READERS:
            reading = read(clip.path)
            for event in inside:
                sweep, flash = nearest(event - start, reading.sweeps), nearest(event - start, reading.flashes)
                assert abs(sweep.time + start - event) <= SOUND_BOUND_S
                # The source shows it with its next picture.
                first_seen = np.ceil(event / picture - 1e-9) * picture
                assert abs(flash.time + start - first_seen) <= PICTURE_BOUND_S + 1e-6


def assert_clocks_to_the_end(long: Long, source: Path) -> None:
    """The last pictures and samples are stamped with what they were made for."""
    rate, frames = long.frames_per_second, -(-long.seconds * long.frames_per_second // 1)
    for selector, step, last in (("v", 1 / rate, frames - 1), ("a", Fraction(1, long.rate), None)):
        command = [
            "ffprobe",
            "-v",
            "error",
            "-select_streams",
            selector,
            "-read_intervals",
            f"{long.seconds - 5}%",
        ]
        command += ["-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0", str(source)]
        said = (
            subprocess.run(command, capture_output=True, check=True, text=True)
            .stdout.replace(",", "")
            .split()
        )
        ticks = [float(each) / float(step) for each in said]
        assert len(ticks) > 50
        assert np.abs(np.array(ticks) - np.round(ticks)).max() < 0.06
        if last is not None:
            assert round(ticks[-1]) == last
        else:
            assert abs(ticks[-1] * float(step) - long.seconds) < 0.05


NORMALIZING = """
import sys
from pathlib import Path
from schemas.sections import Media
from tasks.media import normalize

if __name__ == "__main__":
    media = Media(clip_length="5 min", short_side="48 px", preset="ultrafast")
    made = normalize(Path(sys.argv[1]), None, media, Path(sys.argv[2]), name=lambda a, b: f"{a}_{b}.mp4")
    print(len(made.clips))
"""


def test_two_hours_need_no_more_memory_than_ten_minutes(tmp_path: Path) -> None:
    peaks_mb = []
    for seconds, clips in ((600, 2), (7200, 24)):
        source = write(Long(f"{seconds}.mkv", seconds, Fraction(10), 8000, "pcm_s16le"), tmp_path)
        made, peak_mb = normalized_with_peak(source, tmp_path / str(seconds))
        assert made == clips
        peaks_mb.append(peak_mb)
    assert max(peaks_mb) < MOST_MEMORY_MB
    assert peaks_mb[1] < peaks_mb[0] + MOST_GROWTH_MB, peaks_mb


def normalized_with_peak(source: Path, folder: Path) -> tuple[int, float]:
    """How many clips another process makes, and the most memory, MB, that it and its children hold at a time."""
    script = folder.with_suffix(".py")
    script.write_text(NORMALIZING)
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, str(script), str(source), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root, env=environment) as child:
        watched, peak = psutil.Process(child.pid), 0
        while child.poll() is None:
            peak = max(peak, _held(watched))
            time.sleep(0.05)
        assert child.returncode == 0
        return int(child.stdout.read()), peak / 1e6


def _held(process: psutil.Process) -> int:
    """Bytes in memory of a process and its descendants; those that have just ended count as none."""
    held = 0
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for each in family:
        try:
            held += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return held
