"""What is read from a file's headers."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from schemas.errors import MediaError, ToolMissing
from tasks.media import ffmpeg_version, probe
from tasks.media.process import WatchedProcess
from tasks.media.scale import clip_size
from tests.media.making import Recording, record, steady


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recording = Recording("plain.mp4", steady(Fraction(30_000, 1001), 0.5, 3), [(0.2, 3)], [], rate=44_100)
    return record(recording, tmp_path_factory.mktemp("probe"))


def test_streams_and_clocks(source: Path) -> None:
    info = probe(source)
    assert (info.video.codec, info.video.width, info.video.height) == ("h264", 96, 64)
    assert info.video.frame_rate == Fraction(30_000, 1001)
    assert (info.audio.codec, info.audio.sample_rate, info.audio.channels) == ("aac", 44_100, 2)
    assert float(info.video.start_time) == pytest.approx(0.5, abs=1e-3)
    assert float(info.audio.start_time) == pytest.approx(0.2 - 1024 / 44_100, abs=2e-3)  # with AAC's priming
    assert float(info.video.end_time) == pytest.approx(0.5 + 74 * 1001 / 30_000, abs=1e-3)
    assert info.video.duration == info.video.end_time - info.video.start_time
    assert "mp4" in info.container


@pytest.mark.parametrize("name", ["late.mkv", "late.ts", "late.mp4"])
def test_the_end_is_a_time_on_the_clock_in_every_container(name: str, tmp_path: Path) -> None:
    source = record(Recording(name, steady(25, 5, 8), [(5, 8)], []), tmp_path)
    info = probe(source)
    stream_end = info.video.end_time or info.end_time
    assert float(stream_end - info.video.start_time) == pytest.approx(3, abs=0.1)


def test_the_default_sound_is_the_main_one(source: Path, tmp_path: Path) -> None:
    two = tmp_path / "two.mkv"
    command = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        "-i",
        source,
        "-f",
        "lavfi",
        "-i",
        "sine=sample_rate=8000:duration=3",
    ]
    command += ["-map", "0:v", "-map", "0:a", "-map", "1:a", "-c:v", "copy"]
    subprocess.run([*command, "-disposition:a:0", "0", "-disposition:a:1", "default", two], check=True)
    assert (probe(two).audio.index, probe(two).audio.sample_rate) == (2, 8000)
    subprocess.run(
        [*command, "-y", "-disposition:a:0", "0", "-disposition:a:1", "comment+default", two], check=True
    )
    assert (probe(two).audio.index, probe(two).audio.sample_rate) == (1, 44_100)


def test_sizes_of_clips(source: Path) -> None:
    info = probe(source)

    def size(width: int, height: int, rotation: int = 0, aspect: Fraction = Fraction(1)) -> tuple[int, int]:
        video = replace(info.video, width=width, height=height, rotation=rotation, pixel_aspect=aspect)
        return clip_size(replace(info, video=video), 256)

    assert size(1280, 720) == (456, 256)
    assert size(720, 1280) == (256, 456)
    assert size(1280, 720, rotation=90) == (256, 456)
    assert size(720, 576, aspect=Fraction(64, 45)) == (456, 256)
    assert size(160, 120) == (342, 256)
    assert size(256, 256) == (256, 256)
    with pytest.raises(MediaError, match=r"plain\.mp4: 20000x10 px .* too long and thin"):
        size(20_000, 10)


@pytest.mark.parametrize(("content", "problem"), [(b"", "0 bytes"), (b"text", r"no media file .*4 bytes")])
def test_what_is_no_media(content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(content)
    with pytest.raises(MediaError, match=problem):
        probe(tmp_path / "bad.mp4")
    with pytest.raises(MediaError, match="No such file"):
        probe(tmp_path / "gone.mp4")


def test_a_missing_program_is_named(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ffmpeg_version().startswith("ffmpeg ")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissing, match="ffprobe"):
        probe(source)
    with pytest.raises(ToolMissing, match="ffmpeg"):
        WatchedProcess(["ffmpeg"], "item")
