"""Clips in Matroska: the same packets, and everything where it lay, the sound's beginning included."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import av
import pytest

from schemas.errors import MediaError
from schemas.sections import Media
from tasks.media import Segment, normalize
from tasks.media.check import check_file
from tasks.releases.formats.matroska import copy_to_matroska
from tasks.scenes.flash import flash_and_beep

LENGTHS_MS = (1_000, 1_040, 2_200, 3_360, 5_120, 6_000)
"""Of which the sound fills its last packet more or less: 0 to 1,023 samples are missing."""


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    flash_and_beep(folder / "source.mkv", 8.0, 25, 48_000, [0.48, 1.44, 2.4, 3.36, 4.32, 5.28])
    segments = [Segment(0, length_ms) for length_ms in LENGTHS_MS]
    media = Media(min_clip_length="1 s", short_side="64 px")
    made = normalize(folder / "source.mkv", segments, media, folder, name=lambda start, end: f"{end}.mp4")
    return [clip.path for clip in made.clips]


def test_pictures_and_sound_lie_where_they_lay(clips: list[Path], tmp_path: Path) -> None:
    assert len(clips) == len(LENGTHS_MS)
    for clip in clips:
        copy_to_matroska(clip, tmp_path / "copy.mkv")
        ours, theirs = check_file(clip), check_file(tmp_path / "copy.mkv")
        assert theirs.passed, theirs.problems
        said = ("sha256", "encoder")
        assert {name: value for name, value in asdict(theirs.facts).items() if name not in said} == {
            name: value for name, value in asdict(ours.facts).items() if name not in said
        }
    assert [pair.flash_ms for pair in theirs.events.pairs] == [480, 1440, 2400, 3360, 4320, 5280]
    assert abs(theirs.events.largest_ms) <= 1


def test_where_packets_of_sound_begin_is_told(clips: list[Path], tmp_path: Path) -> None:
    for clip in clips:
        begins = copy_to_matroska(clip, tmp_path / "copy.mkv")
        with av.open(str(tmp_path / "copy.mkv")) as container:
            stamps = [
                packet.pts * packet.time_base * 16_000 for packet in container.demux(audio=0) if packet.size
            ]
        assert {stamp % 1024 for stamp in stamps} == {begins}


def test_the_same_clip_gives_the_same_bytes(clips: list[Path], tmp_path: Path) -> None:
    for name in ("a.mkv", "b.mkv"):
        copy_to_matroska(clips[-1], tmp_path / name)
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


@pytest.mark.parametrize(("name", "rate"), [("other.mkv", 48_000), ("other.mp4", 44_100)])
def test_what_clapper_did_not_make_is_refused(tmp_path: Path, name: str, rate: int) -> None:
    flash_and_beep(tmp_path / name, 1.0, 25, rate, [0.4])
    with pytest.raises(MediaError, match=name):
        copy_to_matroska(tmp_path / name, tmp_path / "copy.mkv")
