"""The stages `motion` and `conditions` one after the other, on clips made here, through an encoder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import Dropped, MediaError
from schemas.recipe import Recipe
from tasks.conditions import STAGE
from tasks.motion import STAGE as MOTION
from tasks.workspace.stage import Context, Item, Row
from tests.motion.drawing import caption, card, living, still, texture, within_bars

TONE, QUIET, SILENCE = "sine=400:r=16000", "sine=400:r=16000,volume=0.05", "anullsrc=r=16000:cl=mono"
WIDE = (0, 31, 456, 225)
TITLE = card(("The Long Way Home", "a film in three parts"))
MADE = {
    "living": (living(50), TONE, []),
    "quiet": (living(50), QUIET, ["too_quiet"]),
    "silent": (living(50), SILENCE, ["near_silent", "too_quiet"]),
    "dim but living": (living(50, 1, dark=2, light=60), TONE, []),
    "dark but living": (living(50, 1, dark=2, light=42), TONE, ["dark"]),
    "out of focus": (np.stack([cv2.GaussianBlur(one, (0, 0), 4) for one in living(50)]), TONE, ["blurred"]),
    "cut off at full scale": (living(50), "sine=400:r=16000,volume=40", ["too_loud", "clipped"]),
    "black": (np.zeros((50, 256, 456), np.uint8), TONE, ["black", "frozen", "still"]),
    "photograph with noise": (still(50, texture(1), 6.0), TONE, ["still"]),
    "photograph zoomed": (still(50, texture(2), 2.0, 0.03), TONE, ["still"]),
    "title": (still(50, TITLE, 3.0), TONE, ["still", "text_card"]),
    "subtitled in the bar": (
        caption(within_bars(living(50), WIDE), "Where have you been?", 248),
        TONE,
        ["letterboxed"],
    ),
    "lower third": (caption(living(50), "Anna Meyer, correspondent", 225, 30), TONE, []),
    "silent photograph in bars": (
        within_bars(still(50, texture(3), 6.0), WIDE),
        SILENCE,
        ["near_silent", "still", "letterboxed", "too_quiet"],
    ),
}


def write(path: Path, frames: np.ndarray, sound: str | None) -> Item:
    count, height, width = frames.shape
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", "25", "-i", "-"]
    heard = ["-f", "lavfi", "-t", str(count / 25), "-i", sound, "-c:a", "aac"] if sound else []
    encoder = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"]
    command = ["ffmpeg", "-v", "error", *raw, *heard, *encoder, str(path)]
    subprocess.run(command, input=frames.tobytes(), check=True)
    return Item(
        "v_0_3000", "v", {"path": path.name, "duration_ms": 40 * count, "width": width, "height": height}
    )


def judged(folder: Path, item: Item, **actions: str) -> Row:
    recipe = Recipe(name="test", title="Test", conditions=actions)
    context = Context(recipe, folder, lambda name: Path(name))
    seen = MOTION.open(context)(item).rows
    rows = STAGE.open(context)(Item(item.id, item.video_id, item.row, {"motion": seen})).rows
    (row,) = pa.Table.from_pylist(rows, schema=STAGE.schema).to_pylist()
    assert set(rows[0]) == set(row)
    return row


KEPT = dict.fromkeys(("near_silent", "black", "frozen", "still"), "label") | {"muffled": "keep"}
"""A tone has nothing above its own frequency."""


@pytest.mark.parametrize("name", MADE)
def test_a_made_clip(tmp_path: Path, name: str) -> None:
    frames, sound, expected = MADE[name]
    row = judged(tmp_path, write(tmp_path / "clip.mp4", frames, sound), **KEPT)
    assert row["conditions"] == expected
    box = WIDE if "letterboxed" in expected else (0, 0, 456, 256)
    assert np.abs(np.subtract(row["active_box"], box)).max() <= 1
    assert (row["level_dbfs"] is None) == (row["loudness_lufs"] is None) == ("near_silent" in expected)
    assert (
        (row["bandwidth_hz"] is None) == (row["above_background_db"] is None) == ("near_silent" in expected)
    )
    assert row["dropout_ms"] == 0
    if sound == QUIET:
        assert -53 < row["level_dbfs"] < -43


def test_the_recipe_decides_what_becomes_of_it(tmp_path: Path) -> None:
    item = write(tmp_path / "clip.mp4", living(25), SILENCE)
    with pytest.raises(Dropped, match="near_silent: 1... of 1000 ms below -60 dBFS"):
        judged(tmp_path, item)
    assert judged(tmp_path, item, near_silent="label")["conditions"] == ["near_silent", "too_quiet"]
    assert judged(tmp_path, item, near_silent="keep", too_quiet="keep")["conditions"] == []
    with pytest.raises(Dropped, match="too_quiet: .* LUFS, below -45"):
        judged(tmp_path, item, near_silent="keep", too_quiet="drop")
    assert judged(tmp_path, item, near_silent="keep")["silent_ms"] >= 1000


def test_a_clip_without_sound_fails_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        judged(tmp_path, write(tmp_path / "clip.mp4", living(25), None))


def test_the_key_follows_the_recipe() -> None:
    plain, changed = (Recipe(name="test", title="Test", conditions=one) for one in ({}, {"still": "keep"}))
    assert STAGE.settings(plain) != STAGE.settings(changed)
