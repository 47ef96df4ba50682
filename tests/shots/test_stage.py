"""The stage `shots` on a clip made here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.recipe import Recipe
from tasks.shots.stage import STAGE, seen_size
from tasks.workspace.stage import Context, Item


def test_a_made_clip_with_one_cut(tmp_path):
    scenes = "color=red:s=96x64:r=25:d=2[a];color=navy:s=96x64:r=25:d=1[b];[a][b]concat=n=2"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-filter_complex",
        scenes,
        "-pix_fmt",
        "yuv420p",
        str(tmp_path / "clip.mp4"),
    ]
    subprocess.run(command, check=True)
    row = {"path": "clip.mp4", "duration_ms": 3000, "width": 96, "height": 64}
    item = Item("v_0_3000", "v", row)
    worker = STAGE.open(Context(Recipe(name="test", title="Test"), tmp_path, lambda name: Path(name)))
    table = pa.Table.from_pylist(worker(item).rows, schema=STAGE.schema)
    assert table["start_frame"].to_pylist() == [0, 50]
    assert table["end_frame"].to_pylist() == [50, 75]


@pytest.mark.parametrize(
    ("own", "seen"),
    [((456, 256), (256, 144)), ((256, 456), (256, 456)), ((1280, 720), (256, 144)), ((96, 64), (96, 64))],
)
def test_wide_pictures_are_looked_at_small(own, seen):
    assert seen_size(*own) == seen
