"""Shards: whole samples, neighbours parted, equal bytes, read by the libraries that read such shards."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import ReleaseError
from schemas.publishing import Publishing
from tasks.releases.formats.export import export_layout
from tasks.releases.formats.exported import Options
from tasks.releases.formats.webdataset import key_of, write_webdataset
from tests.releases.formats.making import CLIPS, CLOSED, FREE, SECONDS, make_clip, make_release

RULES = Publishing(redistributable=(FREE,))
MANY = {
    f"v{video}_{3000 * number}_{3000 * number + 3000}": "train" for video in range(8) for number in range(8)
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


def samples(folder: Path, split: str) -> list[tuple[str, bytes, dict]]:
    found = []
    for shard in sorted(folder.glob(f"{split}-*.tar")):
        with tarfile.open(shard) as tar:
            members = tar.getmembers()
            assert all((member.mtime, member.uid, member.uname) == (0, 0, "") for member in members)
            for video, row in zip(members[::2], members[1::2], strict=True):
                key = video.name.removesuffix(".mp4")
                assert (video.name, row.name) == (f"{key}.mp4", f"{key}.json")
                assert "." not in key
                found.append((key, tar.extractfile(video).read(), json.load(tar.extractfile(row))))
    return found


@pytest.mark.parametrize("media", ["path", "inside"])
def test_every_clip_is_in_one_shard_with_its_row(tmp_path, clip, media) -> None:
    release = make_release(tmp_path, clip, media)
    made = write_webdataset(release, tmp_path / "out", Options(RULES))
    assert (made.clips, made.milliseconds, made.left_out) == (4, 4 * SECONDS * 1000, [])
    rows = {row["clip_id"]: row for row in release.rows()}
    for split in ("train", "test"):
        for key, content, row in samples(tmp_path / "out", split):
            assert content == clip.read_bytes()
            assert key == key_of(row["clip_id"])
            assert row == {name: value for name, value in rows.pop(row["clip_id"]).items() if name in row}
            assert row["split"] == split
    assert rows == {}
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert [(shard["name"], shard["clips"]) for shard in index["shards"]] == [
        ("train-000000.tar", 3),
        ("test-000000.tar", 1),
    ]
    assert all(
        (tmp_path / "out" / shard["name"]).stat().st_size == shard["bytes"] for shard in index["shards"]
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "releases"]


def test_shards_end_by_their_bytes_and_neighbours_are_parted(tmp_path, clip) -> None:
    release = make_release(tmp_path, clip, "path", clips=MANY)
    size = clip.stat().st_size
    write_webdataset(release, tmp_path / "out", Options(RULES), shard_bytes=12 * size)
    found = samples(tmp_path / "out", "train")
    assert {row["clip_id"] for _, _, row in found} == set(MANY)
    shards = json.loads((tmp_path / "out" / "index.json").read_text())["shards"]
    assert len(shards) > 4
    assert all(12 * size <= shard["bytes"] < 16 * size + 20_480 for shard in shards[:-1])
    assert sum(shard["clips"] for shard in shards) == len(MANY)
    together = sum(one[2]["video_id"] == two[2]["video_id"] for one, two in itertools.pairwise(found))
    assert together < len(MANY) / 4  # 56 of 63 in the order of the version


def test_equal_versions_make_equal_shards_whatever_the_form_of_their_media(tmp_path, clip) -> None:
    contents = []
    for number, media in enumerate(("path", "path", "inside")):
        release = make_release(tmp_path / str(number), clip, media)
        write_webdataset(release, tmp_path / f"out{number}", Options(RULES))
        contents.append({file.name: file.read_bytes() for file in (tmp_path / f"out{number}").glob("*.*")})
    assert contents[0] == contents[1] == contents[2]


def test_clips_that_may_not_be_passed_on_are_rows_beside_the_shards(tmp_path, clip) -> None:
    release = make_release(tmp_path, clip, licences={"a_0_3000": CLOSED, "c_0_3000": None})
    made = write_webdataset(release, tmp_path / "out", Options(RULES))
    assert made.clips == 2
    assert [(share.reason, share.parts, share.milliseconds) for share in made.left_out] == [
        ("may_not_be_passed_on", 2, 6000)
    ]
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    assert index["left_out"] == [{"reason": "may_not_be_passed_on", "clips": 2, "milliseconds": 6000}]
    assert "a_0_3000" not in {row["clip_id"] for _, _, row in samples(tmp_path / "out", "train")}
    for split, clip_id in (("train", "a_0_3000"), ("test", "c_0_3000")):
        (file,) = (tmp_path / "out" / "by-reference" / split).iterdir()
        assert pq.read_table(file, partitioning=None)["clip_id"].to_pylist() == [clip_id]
    own = write_webdataset(release, tmp_path / "own", Options(RULES, own_use=True))
    assert (own.clips, own.left_out) == (4, [])


def test_a_limit_takes_so_many_of_each_split(tmp_path, clip) -> None:
    for media in ("path", "inside"):
        release = make_release(tmp_path / media, clip, media, clips=MANY | {"c_0_3000": "test"})
        out = tmp_path / media / "out"
        assert write_webdataset(release, out, Options(RULES, limit=3)).clips == 4
        assert (len(samples(out, "train")), len(samples(out, "test"))) == (3, 1)
        only = write_webdataset(release, tmp_path / media / "only", Options(RULES, splits=["test"]))
        assert only.clips == 1


def test_a_version_without_clips_cannot_be_shards(tmp_path, clip) -> None:
    release = make_release(tmp_path, clip, "reference")
    with pytest.raises(
        ReleaseError, match=r"toy 1\.0\.0: has its clips by reference alone.*--layout parquet"
    ):
        write_webdataset(release, tmp_path / "out", Options(RULES))


def test_the_library_of_that_name_reads_it(tmp_path, clip) -> None:
    webdataset = pytest.importorskip("webdataset")
    decoders = pytest.importorskip("torchcodec.decoders")
    write_webdataset(make_release(tmp_path, clip), tmp_path / "out", Options(RULES))
    shards = str(tmp_path / "out" / "train-{000000..000000}.tar")
    read = list(webdataset.WebDataset(shards, shardshuffle=False).decode())
    assert sorted(sample["json"]["clip_id"] for sample in read) == sorted(
        name for name, split in CLIPS.items() if split == "train"
    )
    for sample in read:
        assert sample["__key__"] == key_of(sample["json"]["clip_id"])
        assert decoders.VideoDecoder(sample["mp4"]).metadata.num_frames == 25 * SECONDS
        assert decoders.AudioDecoder(io.BytesIO(sample["mp4"])).get_all_samples().pts_seconds == 0


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_loads_the_folder_whatever_the_first_rows_lack(
    tmp_path, clip, monkeypatch, streaming
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    release = make_release(tmp_path, clip, clips=MANY | {"c_0_3000": "test"})
    (file,) = (file for file in release.files() if file.parent.name == "train")
    table = pq.read_table(file, partitioning=None)
    last = max(MANY, key=lambda clip_id: hashlib.md5(clip_id.encode()).hexdigest())
    rows = table.to_pylist()
    for row in rows:
        if row["clip_id"] == last:
            row |= {"level_dbfs": -20.5, "active_box": [0, 0, 8, 8], "scenario": "singing"}
            row |= {"review_votes": [{"annotator": "A1", "question": "scenario", "answer": "singing"}]}
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    export_layout(release, "webdataset", tmp_path / "out", Options(RULES))
    loaded = datasets.load_dataset(str(tmp_path / "out"), streaming=streaming)
    assert {split: sum(1 for _ in some) for split, some in loaded.items()} == {"train": 64, "test": 1}
    read = {row["json"]["clip_id"]: row for row in loaded["train"]}
    assert set(read) == set(MANY)
    (told,) = (row for row in rows if row["clip_id"] == last)
    told = {name: value for name, value in told.items() if name in read[last]["json"]}
    assert read[last]["json"] == told
    assert read[last]["mp4"].metadata.num_frames == 25 * SECONDS
