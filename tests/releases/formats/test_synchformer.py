"""VGGSound's layout: the look-ups of SparseSync's and Synchformer's classes are made here, in our own words."""

from __future__ import annotations

import csv
from pathlib import Path

import av
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import ReleaseError
from schemas.publishing import Publishing
from tasks.media.check import check_file
from tasks.releases.folder import Release
from tasks.releases.formats.export import milliseconds_in
from tasks.releases.formats.exported import Exported, Options, Share
from tasks.releases.formats.names import short_name
from tasks.releases.formats.synchformer import MEDIA, write_synchformer
from tests.releases.formats.flashing import SOURCES

CC = Publishing(redistributable=("cc by 4.0",))


def write(release: Release, out: Path, **options) -> Exported:
    out.mkdir()
    return write_synchformer(release, out, Options(**{"rules": CC, **options}))


@pytest.fixture(scope="module")
def written(flashing: Release, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Exported]:
    out = tmp_path_factory.mktemp("exports") / "vggsound"
    return out, write(flashing, out)


@pytest.fixture(scope="module")
def out(written: tuple[Path, Exported]) -> Path:
    return written[0]


def rows(file: Path, delimiter: str = ",") -> list[list[str]]:
    with file.open(newline="") as stored:
        return list(csv.reader(stored, delimiter=delimiter, quotechar='"'))


def named(out: Path) -> dict[str, list[str]]:
    """Names of clips as the classes make them, from the list of segments, with their row."""
    return {
        f"{row[0]}_{int(row[1]) * 1000}_{(int(row[1]) + 10) * 1000}": row
        for row in rows(out / "data/vggsound.csv")
    }


def clips_of(out: Path, split: str) -> list[str]:
    """What is both in the split's file and in the list of segments, which is what the classes take."""
    within = set((out / f"data/vggsound_{split}.txt").read_text().splitlines())
    return sorted(within & named(out).keys())


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_every_clip_of_a_split_is_found_and_can_be_cropped(out: Path, split: str) -> None:
    names = clips_of(out, split)
    assert len(names) == len((out / f"data/vggsound_{split}.txt").read_text().splitlines()) > 0
    fixed = {row[0]: row[1:] for row in rows(out / fixed_offsets(split))[1:]}
    for name in names:
        file = out / MEDIA / f"{name}.mp4"
        with av.open(str(file)) as container:
            assert float(container.streams.video[0].average_rate) == 25
            assert container.streams.audio[0].rate == 16_000
        check = check_file(file)
        assert check.passed, check.problems
        assert abs(check.events.largest_ms) <= 1
        offset_s, start_s = map(float, fixed[name])
        first_frame, first_sample = int(start_s * 25), int((start_s + offset_s) * 16_000)
        assert 0 <= first_frame <= check.facts.frames - 125
        assert 0 <= first_sample <= check.facts.samples - 80_000


def fixed_offsets(split: str) -> str:
    return f"data/fixed_offsets_vggsound/{split}_size21_crop5_min-2.00_max2.00.csv"


def test_offsets_of_all_splits_are_read_together_and_no_clip_is_twice_in_them(out: Path) -> None:
    files = sorted((out / "data/fixed_offsets_vggsound").glob("*_size21_crop5_min-2.00_max2.00.csv"))
    assert len(files) == 3
    listed = [row for file in files for row in rows(file)[1:]]
    assert {tuple(rows(file)[0]) for file in files} == {("path", "offset_sec", "vstart_sec")}
    assert sorted(row[0] for row in listed) == sorted(named(out))
    grid = [f"{step / 5:.1f}" for step in range(-10, 11)]
    assert {f"{float(row[1]) + 0.0:.1f}" for row in listed} <= set(grid)


def test_every_split_has_every_class_and_a_video_has_one(out: Path) -> None:
    found = named(out)
    classes = {row[2] for row in found.values()}
    assert classes == {"dog, barking", "other"}
    assert len({(row[0], row[2]) for row in found.values()}) == len({row[0] for row in found.values()})
    for split in ("train", "valid", "test"):
        assert {found[name][2] for name in clips_of(out, split)} == classes
        assert {found[name][3] for name in clips_of(out, split)} == {"test" if split == "test" else "train"}


def test_what_the_other_classes_open_is_there(out: Path) -> None:
    for file in ("sparse_classes.csv", "picked_sparse_classes.csv"):
        sparse = {row[0] for row in rows(out / "data" / file, "\t") if row[1] == "y"}
        assert sparse == {row[2] for row in named(out).values()}
    shorter = (out / "data/filtered_examples_vggsound_shorter/less_than_9.5s.txt").read_text().split()
    lengths = {file.stem: check_file(file).facts.frames for file in (out / MEDIA).glob("*.mp4")}
    assert set(shorter) == {name for name, frames in lengths.items() if frames < 9.5 * 25}
    for folder in ("filtered_examples_vggsound", "filtered_examples_vggsound_extra"):
        assert not any(file.read_text() for file in (out / "data" / folder).glob("*.txt"))


def test_nothing_is_there_that_is_not_listed_and_each_name_is_explained(out: Path, flashing: Release) -> None:
    names = {file.name.removesuffix(".mp4") for file in (out / MEDIA).iterdir()}
    assert names == named(out).keys()
    clips = {row["clip_id"]: row for row in flashing.rows()}
    for name, clip_id, video_id, split, start_ms, end_ms in rows(out / "ids.csv")[1:]:
        row = clips[clip_id]
        assert name[:11] == short_name(video_id)
        assert split == {"train": "train", "dev": "valid", "test": "test"}[row["split"]]
        assert int(name.split("_")[-2]) == (row["source_start_ms"] + int(start_ms)) // 1000 * 1000
        assert 9_000 <= int(end_ms) - int(start_ms) <= 10_000
    assert {row[1]: row[3] for row in rows(out / "classes.csv")[1:]} == {
        source.video_id: source.label for source in SOURCES if source.video_id not in ("vimeo-79", "vimeo-80")
    }


def test_the_account_names_all_that_was_left_out(written: tuple[Path, Exported], flashing: Release) -> None:
    out, exported = written
    assert [(share.reason, share.parts, share.milliseconds) for share in exported.left_out] == [
        ("may_not_be_passed_on", 1, 12_000),
        ("shorter_than_9_s", 1, 8_960),
        ("rest_shorter_than_9_s", 2, 7_000),
    ]
    lost_ms = sum(share.milliseconds for share in exported.left_out)
    assert exported.milliseconds + lost_ms == sum(row["duration_ms"] for row in flashing.rows())
    assert exported.clips == len({row[1] for row in rows(out / "ids.csv")[1:]}) == 8
    readme = (out / "README.md").read_text()
    assert f"{len(list((out / MEDIA).iterdir()))} clips of 9 to 10 s" in readme
    assert f"from {exported.clips} clips of the version" in readme
    assert all(f"| `{share.reason}` | {share.parts} |" in readme for share in exported.left_out)
    assert "3 labels are in the class `other`" in readme
    assert "{" not in readme


@pytest.mark.parametrize(
    ("options", "videos"),
    [
        ({"splits": ("dev",)}, {"file-0123456789abcdef", "vimeo-81"}),
        ({"limit": 1, "splits": ("train",)}, {"youtube-abcDEF_-123"}),
        ({"splits": ("train",), "rules": Publishing()}, set()),
        (
            {"splits": ("train",), "rules": Publishing(), "own_use": True},
            {"youtube-abcDEF_-123", "vimeo-78", "vimeo-80"},
        ),
    ],
)
def test_what_is_asked_for_goes_in(
    flashing: Release, tmp_path: Path, options: dict, videos: set[str]
) -> None:
    told: list[int] = []
    exported = write(flashing, tmp_path / "out", advance=told.append, **options)
    assert {row[2] for row in rows(tmp_path / "out" / "ids.csv")[1:]} == videos
    assert sum(told) == milliseconds_in(flashing, Options(**{"rules": CC, **options})) > 0
    assert all(milliseconds > 0 for milliseconds in told)
    assert any("No clip is in" in note for note in exported.notes)


def small_version(folder: Path, flashing: Release, change, schema: pa.Schema | None = None) -> Release:
    """A version of one clip, whose row is changed."""
    row = next(row for row in flashing.rows() if row["video_id"] == "vimeo-81")
    (folder / "data" / "dev").mkdir(parents=True)
    table = pa.Table.from_pylist([change(row)], schema=schema)
    pq.write_table(table, folder / "data" / "dev" / "part-00000.parquet")
    return Release("small", "1.0.0", folder)


def test_clips_inside_the_tables_go_in_as_well(flashing: Release, tmp_path: Path) -> None:
    source = flashing.folder / "media" / "vimeo-81" / "vimeo-81_0_10000.mp4"
    inside = small_version(
        tmp_path / "version",
        flashing,
        lambda row: {**row, "path": None, "video": {"bytes": source.read_bytes(), "path": "a.mp4"}},
    )
    assert write(inside, tmp_path / "out").clips == 1
    (copy,) = (tmp_path / "out" / MEDIA).iterdir()
    assert copy.read_bytes() == source.read_bytes()


def test_clips_by_reference_are_counted(flashing: Release, tmp_path: Path) -> None:
    release = small_version(
        tmp_path / "version", flashing, lambda row: {**row, "path": None}, flashing.table().schema
    )
    exported = write(release, tmp_path / "out")
    assert (exported.clips, exported.left_out) == (0, [Share("no_media", 1, 10_000)])


@pytest.mark.parametrize(
    ("path", "problem"), [("media/gone.mp4", "is gone"), ("../1.mp4", "leads out of the version")]
)
def test_a_version_that_is_not_whole_is_refused(
    flashing: Release, tmp_path: Path, path: str, problem: str
) -> None:
    release = small_version(
        tmp_path / "version", flashing, lambda row: {**row, "path": path}, flashing.table().schema
    )
    with pytest.raises(ReleaseError, match=problem):
        write(release, tmp_path / "out")


def test_a_damaged_clip_is_left_out_by_its_reason(flashing: Release, tmp_path: Path) -> None:
    release = small_version(
        tmp_path / "version", flashing, lambda row: {**row, "path": "clip.mp4"}, flashing.table().schema
    )
    whole = (flashing.folder / "media" / "vimeo-81" / "vimeo-81_0_10000.mp4").read_bytes()
    (release.folder / "clip.mp4").write_bytes(whole[: len(whole) // 2])
    exported = write(release, tmp_path / "out")
    assert (exported.clips, exported.left_out) == (0, [Share("MediaError", 1, 10_000)])
    assert not any((tmp_path / "out" / MEDIA).iterdir())
