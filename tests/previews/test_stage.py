"""The stage `previews`: the file that a record names, and names that come from outside."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import cv2
import pyarrow as pa
import pytest

from schemas.errors import AnalysisError
from schemas.recipe import Recipe
from tasks.previews.stage import STAGE
from tasks.workspace.stage import Context, Item, Worker


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=320x180:r=25:d=2",
        "-pix_fmt",
        "yuv420p",
    ]
    subprocess.run([*command, str(tmp_path / "clip.mp4")], check=True)
    return STAGE.open(Context(Recipe(name="test", title="Test"), tmp_path, lambda name: Path(name)))


CLIP = {"path": "clip.mp4", "frames": 50, "duration_ms": 2000}


def test_the_sheet_is_the_one_that_the_record_names(worker: Worker, tmp_path: Path) -> None:
    rows = worker(Item("v_0_2000", "v", CLIP)).rows
    (row,) = pa.Table.from_pylist(rows, schema=STAGE.schema).to_pylist()
    jpeg = (tmp_path / row["path"]).read_bytes()
    assert row["path"].startswith("previews/v/v_0_2000-") and row["path"].endswith(".jpg")
    assert hashlib.sha256(jpeg).hexdigest() == row["sha256"]
    assert len(jpeg) == row["bytes"] <= 60_000
    picture = cv2.imread(str(tmp_path / row["path"]))
    assert picture.shape == (row["height"], row["width"], 3)
    assert row["times_ms"] == [(2 * n + 1) * 50 // 24 * 40 for n in range(12)]
    assert [path.name for path in (tmp_path / "previews" / "v").iterdir()] == [Path(row["path"]).name]


def test_the_same_clip_gives_the_same_bytes(worker: Worker) -> None:
    item = Item("v_0_2000", "v", CLIP)
    assert worker(item) == worker(item)


@pytest.mark.parametrize("name", ["../up", "/etc", "a/b", "", ".", "..", ".hidden", "a\nb", "a b", "C:x"])
def test_no_name_from_outside_makes_a_path(worker: Worker, tmp_path: Path, name: str) -> None:
    for item in (Item(name, "v", CLIP), Item("v_0_2000", name, CLIP)):
        with pytest.raises(AnalysisError, match="is no id that can name a file"):
            worker(item)
    assert not (tmp_path / "previews").exists()
