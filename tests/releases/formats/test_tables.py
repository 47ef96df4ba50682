"""Tables are written whole and in order, and equal rows make equal files however they come."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.manifest import MANIFEST
from tasks.releases.formats import tables
from tasks.releases.formats.media import cut_by_bytes, with_media
from tasks.releases.formats.tables import write_tables
from tests.releases.formats.making import make_clip


def batch_of(rows: int) -> pa.RecordBatch:
    made = [
        {
            **{field.name: None for field in MANIFEST},
            "clip_id": f"v_{number}_{number + 1}",
            "video_id": "v",
            "split": "train",
            "bytes": number,
            "duration_ms": 1000,
        }
        for number in range(rows)
    ]
    return pa.RecordBatch.from_pylist(made, schema=MANIFEST)


def cut(batch: pa.RecordBatch, at: list[int]) -> list[pa.RecordBatch]:
    edges = [0, *sorted({place % (batch.num_rows + 1) for place in at}), batch.num_rows]
    return [batch.slice(start, end - start) for start, end in itertools.pairwise(edges)]


@settings(max_examples=12, deadline=None)
@pytest.mark.parametrize("media", ["reference", "path"])
@given(rows=st.integers(0, 40), at=st.lists(st.integers(0, 40), max_size=5))
def test_equal_rows_make_equal_files_however_they_come(media, rows, at) -> None:
    whole = batch_of(rows)
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as two,
    ):
        patch.setattr(tables, "ROWS_IN_A_GROUP", 5)
        patch.setattr(tables, "ROWS_IN_FILE", 15)
        first = write_tables([whole], Path(one) / "train", media, lambda group: ())
        second = write_tables(cut(whole, at), Path(two) / "train", media, lambda group: ())
        assert [file.name for file in first] == [f"part-{n:05d}.parquet" for n in range(-(-rows // 15))]
        assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
        read = [row for file in first for row in pq.read_table(file, partitioning=None).to_pylist()]
        assert read == with_media(whole, (), media).to_pylist()
        groups = [
            pq.read_metadata(file).row_group(n).num_rows for file in first for n in range(_groups(file))
        ]
        assert all(size == 5 for size in groups[:-1])


@pytest.mark.parametrize("most", [1, 2, 100])
def test_with_clips_inside_groups_are_as_large_as_bytes_allow(tmp_path, monkeypatch, most) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    size = clip.stat().st_size
    whole = batch_of(7)
    whole = whole.set_column(whole.schema.get_field_index("bytes"), "bytes", pa.array([size] * 7))
    monkeypatch.setattr(tables, "cut_by_bytes", lambda batch: cut_by_bytes(batch, most * size))
    written = [
        write_tables(batches, tmp_path / name, "inside", lambda group: [clip] * group.num_rows)
        for name, batches in (("one", [whole]), ("two", cut(whole, [1, 2, 5])))
    ]
    assert [file.read_bytes() for file in written[0]] == [file.read_bytes() for file in written[1]]
    (file,) = written[0]
    groups = [pq.read_metadata(file).row_group(number).num_rows for number in range(_groups(file))]
    assert groups == {1: [1] * 7, 2: [2, 2, 2, 1], 100: [7]}[most]
    videos = pq.read_table(file, partitioning=None)["video"].to_pylist()
    assert {video["bytes"] for video in videos} == {clip.read_bytes()}


def _groups(file: Path) -> int:
    return pq.read_metadata(file).num_row_groups


@given(st.lists(st.integers(0, 30), max_size=30), st.integers(1, 40))
def test_pieces_hold_all_rows_in_order_and_no_more_than_asked(sizes: list[int], most: int) -> None:
    batch = pa.RecordBatch.from_pydict({"bytes": pa.array(sizes, pa.int64())})
    pieces = [piece["bytes"].to_pylist() for piece in cut_by_bytes(batch, most)]
    assert [size for piece in pieces for size in piece] == sizes
    assert all(sum(piece) <= most or len(piece) == 1 for piece in pieces)
    assert all(sum(one) + two[0] > most for one, two in itertools.pairwise(pieces))


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_rows_whose_clips_may_not_be_given_name_none(shown: list[bool]) -> None:
    made = with_media(batch_of(len(shown)), (), "path", shown).to_pylist()
    assert [row["path"] is not None for row in made] == shown
    for row in made:
        assert row["path"] == (row["video_file_name"] and f"data/train/{row['video_file_name']}")
        assert row["video_file_name"] == row["audio_file_name"]
