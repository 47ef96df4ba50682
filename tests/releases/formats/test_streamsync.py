"""StreamSync's layout: every look-up that its data set class makes is made here, in our own words."""

from __future__ import annotations

import functools
import importlib.util
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.publishing import Publishing
from tasks.media.check import check_file
from tasks.media.events import beep_places_ms, flash_times_ms
from tasks.releases.folder import Release
from tasks.releases.formats.export import milliseconds_in
from tasks.releases.formats.exported import Exported, Options
from tasks.releases.formats.names import short_name
from tasks.releases.formats.streamsync import starts_within, write_streamsync

ROLES = {"train": "train", "valid": "test", "test": "evaluation"}
"""What the class calls a split, and the file it opens for it."""

CC = Publishing(redistributable=("cc by 4.0",))


@dataclass(frozen=True)
class Item:
    """An item as the class makes it from a line."""

    name: str
    address: str
    start_s: float
    offset_s: float


@pytest.fixture(scope="module")
def written(flashing: Release, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Exported]:
    out = tmp_path_factory.mktemp("exports") / "streamsync"
    out.mkdir()
    return out, write_streamsync(flashing, out, Options(CC))


@pytest.fixture(scope="module")
def out(written: tuple[Path, Exported]) -> Path:
    return written[0]


def items(out: Path, kind: str, split: str) -> Iterator[Item]:
    """What the class would make of the list: no line is passed over, and each name can be taken apart."""
    stem = out / f"data/sports_and_news_{kind}.{ROLES[split]}"
    offsets = json.loads(stem.with_name(stem.name + ".json").read_text())
    for line in stem.with_name(stem.name + ".csv").read_text().splitlines():
        assert "broken" not in line
        name, start, channel = line.split(",")
        parts = name.split("_")
        assert len(parts) >= 5
        assert channel
        stem_of_file, folder = "_".join(parts[:-2]), "_".join(parts[:-4])
        address = f"s3://avsync-dataset-v5/cropped_videos_at_25fps/{folder}/{stem_of_file}.mkv"
        assert float(start) == offsets[name]["v_start_i_sec"]
        yield Item(name, address, float(start), offsets[name]["offset_sec"])


def cached(out: Path, address: str) -> Path:
    """Where it looks for a file of the bucket before it asks S3, with LOCAL_SCRATCH at the export."""
    return out / address.removeprefix("s3://")


@pytest.mark.parametrize("split", ROLES)
@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_every_item_is_found_and_no_neighbour_takes_its_place(out: Path, kind: str, split: str) -> None:
    lengths = json.loads((out / "avsync-dataset-v5/all_clean_track_lengths_cropped.json").read_text())
    found = list(items(out, kind, split))
    assert found
    for item in found:
        file = cached(out, item.address)
        assert file.is_file()
        shortest_s = min(lengths["./" + item.address[15:]])
        # Streaming, 5 s and eight steps of 1 s are loaded, 2 s more on each side, and it seeks 2 s before that.
        asked_s = 5 + 8 + 2 + 2
        assert item.start_s - 4 >= 0
        assert item.start_s + 5 + 8 + 2 + 1 <= shortest_s
        pictures, heard = decoded(file).read(item.start_s - 4, item.start_s + 16)
        assert len(pictures) >= 25 * asked_s
        assert sum(map(len, heard.values())) >= 16_000 * asked_s


@dataclass(frozen=True)
class Decoded:
    """A file decoded to its end.

    Attributes:
        lumas: of every picture, by its stamp in s.
        packets: samples of every packet of sound, float32, by its stamp in s.
    """

    lumas: dict[float, float]
    packets: dict[float, np.ndarray]

    def read(self, start_s: float, end_s: float) -> tuple[list[float], dict[float, np.ndarray]]:
        """What the class reads: pictures, and whole packets of sound, with stamps from one time to another."""
        lumas = [luma for time_s, luma in self.lumas.items() if start_s <= time_s <= end_s]
        return lumas, {time_s: heard for time_s, heard in self.packets.items() if start_s <= time_s <= end_s}


@functools.cache
def decoded(file: Path) -> Decoded:
    with av.open(str(file)) as container:
        lumas = {
            frame.time: float(frame.to_ndarray(format="gray").mean()) for frame in container.decode(video=0)
        }
    with av.open(str(file)) as container:
        packets = {frame.time: frame.to_ndarray()[0] for frame in container.decode(audio=0)}
    return Decoded(lumas, packets)


def test_sound_begins_with_the_picture_where_the_reader_seeks(out: Path) -> None:
    for split in ROLES:
        for item in items(out, "uniform", split):
            _, heard = decoded(cached(out, item.address)).read(item.start_s - 4, item.start_s)
            assert min(heard) == item.start_s - 4


def test_flash_and_beep_are_apart_by_the_offset(out: Path) -> None:
    for item in (item for split in ROLES for item in items(out, "normal", split)):
        whole = decoded(cached(out, item.address))
        lumas, _ = whole.read(item.start_s - 2, item.start_s + 3)
        flashes = flash_times_ms([40.0 * number for number in range(len(lumas))], lumas)
        first = int((item.start_s - 2 + item.offset_s) * 16_000)
        heard = np.abs(np.concatenate(list(whole.packets.values()))[first : first + 80_000])
        beeps = beep_places_ms(heard.reshape(-1, 16).max(axis=1))
        # A positive offset: the sound is heard earlier than its flash is seen.
        expected = [flash - item.offset_s * 1000 for flash in flashes]
        inside = [time_ms for time_ms in expected if 150 < time_ms < 4_800]
        assert inside
        assert all(min(abs(beep - time_ms) for beep in beeps) <= 2 for time_ms in inside)


def test_lists_of_what_to_skip_are_where_they_are_opened_and_empty(out: Path) -> None:
    for kind in ("uniform", "normal"):
        for split in ROLES:
            assert (out / f"sports_and_news_{kind}.{split}.skip_id_list.txt").read_text() == ""


def test_its_one_file_of_the_store_is_opened_without_a_store(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_SCRATCH", str(out))
    found = importlib.util.spec_from_file_location("s3fs", out / "without_s3" / "s3fs.py")
    stand_in = importlib.util.module_from_spec(found)
    found.loader.exec_module(stand_in)
    store = stand_in.S3FileSystem()
    with store.open("s3://avsync-dataset-v5/all_clean_track_lengths_cropped.json") as stored:
        assert len(json.load(stored)) == len(list(out.rglob("*.mkv")))
    with pytest.raises(FileNotFoundError, match="is LOCAL_SCRATCH the folder of the export"):
        store.get("s3://avsync-dataset-v5/gone.mkv", "gone.mkv")


def test_pictures_and_sound_are_the_clips_own(out: Path, flashing: Release) -> None:
    clips = {row["clip_id"]: row for row in flashing.rows()}
    lines = (out / "ids.csv").read_text().splitlines()[1:]
    assert lines
    for name, clip_id, video_id, _, _ in (line.split(",") for line in lines):
        row = clips[clip_id]
        copy = check_file(
            out / f"avsync-dataset-v5/cropped_videos_at_25fps/{short_name(video_id)}/{name}.mkv"
        )
        assert copy.passed, copy.problems
        assert abs(copy.events.largest_ms) <= 1
        if min(row["width"], row["height"]) == 256:
            clip = check_file(flashing.folder / row["path"])
            assert copy.facts.frames_xxh3 == clip.facts.frames_xxh3
            assert copy.facts.samples_xxh3 == clip.facts.samples_xxh3
        assert copy.facts.frames * 40 == row["duration_ms"]


def test_splits_are_crossed_as_its_class_crosses_them(out: Path, flashing: Release) -> None:
    split_of = {short_name(row["video_id"]): row["split"] for row in flashing.rows()}
    for split, ours in {"train": "train", "valid": "dev", "test": "test"}.items():
        assert {split_of[item.name[:11]] for item in items(out, "normal", split)} == {ours}


def test_the_account_names_all_that_was_left_out(written: tuple[Path, Exported], flashing: Release) -> None:
    out, exported = written
    assert [(share.reason, share.parts, share.milliseconds) for share in exported.left_out] == [
        ("too_short_for_an_item", 5, 58_960),
        ("may_not_be_passed_on", 1, 12_000),
    ]
    lost_ms = sum(share.milliseconds for share in exported.left_out)
    assert exported.milliseconds + lost_ms == sum(row["duration_ms"] for row in flashing.rows())
    assert exported.clips == len(list(out.rglob("*.mkv"))) == 4
    readme = (out / "README.md").read_text()
    assert f"{exported.clips} clips (" in readme
    assert all(f"| `{share.reason}` | {share.parts} |" in readme for share in exported.left_out)
    assert "{" not in readme


@pytest.mark.parametrize("cores", [1, 3])
def test_the_same_version_gives_the_same_bytes_on_any_number_of_cores(
    out: Path, flashing: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(cores)))
    again, told = tmp_path / "again", []
    again.mkdir()
    options = Options(CC, advance=told.append)
    write_streamsync(flashing, again, options)
    assert sum(told) == milliseconds_in(flashing, options)
    ours = {file.relative_to(out): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    assert {file.relative_to(again): file.read_bytes() for file in again.rglob("*") if file.is_file()} == ours


@given(st.integers(0, 40_000), st.integers(0, 7).map(lambda step: step * 128))
def test_items_lie_within_the_clip_and_begin_with_a_packet(frames: int, begins: int) -> None:
    starts = starts_within(frames * 40, begins)
    for start in starts:
        assert 10 <= start <= 999
        assert start + 16 <= frames / 25
        assert math.fmod((start - 4) * 16_000 - begins, 1024) == 0
    assert len(starts) >= (min(frames // 25, 1015) - 16 - 10) // 8
