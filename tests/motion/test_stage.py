"""The stage `motion` on clips made here: still, black, flashing, moving, as an encoder leaves them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.recipe import Recipe
from tasks.motion.stage import STAGE
from tasks.workspace.stage import Context, Item

FLASH = "color=black:s=320x180:r=25:d=2,geq=lum='if(eq(N,30),235,16)':cb=128:cr=128"
CASES = {
    "still": ("testsrc=s=320x180:r=25:d=0.04,loop=49:1", (24, 25), (0, 0), (0, 0)),
    "black": ("color=black:s=320x180:r=25:d=2", (24, 25), (25, 25), (0, 0)),
    "flash": (FLASH, (24, 23), (25, 24), (0, 0.08)),
    "moving": ("testsrc2=s=320x180:r=25:d=2", (0, 0), (0, 0), (0.05, 0.05)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_made_clip(tmp_path: Path, name: str) -> None:
    picture, frozen, black, changed = CASES[name]
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        picture,
        "-crf",
        "18",
        "-g",
        "50",
        "-pix_fmt",
        "yuv420p",
    ]
    subprocess.run([*command, str(tmp_path / "clip.mp4")], check=True)
    worker = STAGE.open(Context(Recipe(name="test", title="Test"), tmp_path, lambda name: Path(name)))
    rows = worker(Item("v_0_2000", "v", {"path": "clip.mp4", "duration_ms": 2000})).rows
    (row,) = pa.Table.from_pylist(rows, schema=STAGE.schema).to_pylist()
    assert row["active_box"] == [0, 0, 320, 180]
    assert row["card_frames"] == [0, 0]
    assert (max(row["unlike"]) > 0.01) == (name == "moving")
    assert tuple(row["frozen_frames"]) == frozen
    assert tuple(row["black_frames"]) == black
    for found, expected in zip(row["changed"], changed, strict=True):
        assert found > expected if name == "moving" else found == pytest.approx(expected, abs=0.002)
