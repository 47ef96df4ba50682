"""The stage: rows that fit the table, paths below the workspace, names that a changed recipe changes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from schemas.errors import MediaError, Unavailable
from schemas.recipe import Recipe
from schemas.tables import CLIPS
from tasks.media.stage import STAGE
from tasks.workspace.stage import Context, Item, Produced
from tests.media.making import Recording, events_between, record, steady


def recipe(**media: str) -> Recipe:
    settings = {"clip_length": "4 s", "min_clip_length": "1 s", "short_side": "64 px", **media}
    return Recipe.model_validate({"name": "stage-test", "title": "Test", "media": settings})


def work(
    root: Path, path: str, segments: list | None = None, video_id: str = "match-1", **media: str
) -> Produced:
    context = Context(recipe(**media), root, weights=lambda name: pytest.fail(f"asked for {name}"))
    row = {"video_id": video_id, "segments": segments}
    item = Item(video_id, video_id, row, {"download": [{"video_id": video_id, "path": path}]})
    return STAGE.open(context)(item)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    pictures, sound, events = steady(25, 0, 5.5), [(0.2, 5.5)], events_between(0, 5.5)
    record(Recording("match.mkv", pictures, sound, events, audio_codec="pcm_s16le"), tmp_path / "raw")
    return tmp_path


def test_rows_fit_the_table(root: Path) -> None:
    made = work(root, "raw/match.mkv")
    table = pa.Table.from_pylist(made.rows, schema=CLIPS)
    assert table.column("clip_id").to_pylist() == ["match-1_200_4200", "match-1_4200_5480"]
    empty = [name for name in CLIPS.names if table.column(name).null_count]
    assert empty == ["label", "list_split", "source_drift_ms_per_hour"]
    for row in made.rows:
        assert set(row) == set(CLIPS.names)
        assert row["path"].startswith(f"clips/match-1/{row['clip_id']}-")
        assert (root / row["path"]).stat().st_size == row["bytes"]
    assert [(part.id, part.reason, part.milliseconds) for part in made.left_out] == [
        ("match-1_0_200", "no_sound", 200)
    ]


def test_segments_bring_their_labels(root: Path) -> None:
    segments = [{"start_ms": 1000, "end_ms": 3000, "label": "barking", "split": "test"}]
    [row] = work(root, "raw/match.mkv", segments).rows
    assert (row["clip_id"], row["label"], row["list_split"]) == ("match-1_1000_3000", "barking", "test")


def test_another_recipe_never_overwrites(root: Path) -> None:
    before = {row["path"]: (root / row["path"]).read_bytes() for row in work(root, "raw/match.mkv").rows}
    after = [row["path"] for row in work(root, str(root / "raw" / "match.mkv"), crf=30).rows]
    assert not set(before) & set(after)
    assert all((root / path).read_bytes() == content for path, content in before.items())
    assert len(list((root / "clips" / "match-1").iterdir())) == 4


def test_a_source_that_is_gone(root: Path) -> None:
    with pytest.raises(Unavailable, match=r"file_gone: .*other\.mkv"):
        work(root, "raw/other.mkv")


@pytest.mark.parametrize("video_id", ["../match", ".hidden", "a/b", ""])
def test_ids_that_would_leave_the_folder(root: Path, video_id: str) -> None:
    with pytest.raises(MediaError, match="no id that can name a folder"):
        work(root, "raw/match.mkv", video_id=video_id)
