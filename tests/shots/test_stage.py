"""The stage `shots` on a clip made here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pyarrow as pa

from schemas.recipe import Recipe
from tasks.shots.stage import STAGE
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
    item = Item("v_0_3000", "v", {"path": "clip.mp4", "duration_ms": 3000})
    worker = STAGE.open(Context(Recipe(name="test", title="Test"), tmp_path, lambda name: Path(name)))
    table = pa.Table.from_pylist(worker(item).rows, schema=STAGE.schema)
    assert table["start_frame"].to_pylist() == [0, 50]
    assert table["end_frame"].to_pylist() == [50, 75]
