"""The stage `fingerprints` on clips made here and made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from schemas.recipe import Recipe
from schemas.sections import Duplicates
from tasks.duplicates import Fingerprint, compare, from_row
from tasks.duplicates.fingerprints import STAGE
from tasks.duplicates.sound import SPAN_MS, STEP_MS, prints_of
from tasks.workspace.stage import Context, Item, Row
from tests.duplicates.making import film

EDITS = {
    "none": "null",
    "small": "scale=96:54,scale=160:90",
    "bars": "pad=160:120:0:15",
    "stretched": "scale=120:90,setsar=1",
    "mirrored": "hflip",
    "marked": "drawbox=x=130:y=5:w=25:h=12:color=white:t=fill",
}


def rows_of(folder: Path, name: str, duplicates: dict | None) -> list[Row]:
    recipe = Recipe(name="test", title="Test", duplicates=duplicates)
    worker = STAGE.open(Context(recipe, folder, lambda name: Path(name)))
    return worker(Item(name, name, {"path": f"{name}.mp4"})).rows


def seen(folder: Path, name: str) -> Fingerprint:
    rows = rows_of(folder, name, {})
    (row,) = pa.Table.from_pylist(rows, schema=STAGE.schema).to_pylist()
    assert row == rows[0]
    return from_row(row)


@pytest.mark.parametrize("edit", EDITS)
def test_a_copy_and_another(tmp_path: Path, edit: str) -> None:
    film(tmp_path / "original.mp4", 1)
    film(tmp_path / "copy.mp4", 1, edit=EDITS[edit])
    film(tmp_path / "other.mp4", 2)
    original, copy, other = (seen(tmp_path, name) for name in ("original", "copy", "other"))
    match = compare(original, copy, Duplicates())
    assert (match.kind, match.lag_ms, match.mirrored) == ("both", 0, edit == "mirrored")
    assert compare(original, other, Duplicates()) is None
    assert compare(copy, other, Duplicates()) is None
    if edit == "none":
        assert (match.picture_distance, match.sound_distance) == (0, 0)
        assert len(original.pictures) == 42
        assert len(original.sounds) == 1 + int((5_000 - SPAN_MS) / STEP_MS)


def test_a_copy_that_begins_later(tmp_path: Path) -> None:
    film(tmp_path / "original.mp4", 1, seconds=6)
    film(tmp_path / "later.mp4", 1, seconds=5, start=0.7)
    match = compare(seen(tmp_path, "original"), seen(tmp_path, "later"), Duplicates())
    assert match.kind == "both"
    assert match.lag_ms == pytest.approx(700, abs=70)


def test_what_shows_and_sounds_nothing_has_no_fingerprint(tmp_path: Path) -> None:
    film(tmp_path / "black.mp4", 1, seconds=3, edit="lutyuv=y=16")
    assert not seen(tmp_path, "black").seen.any()
    assert prints_of(np.zeros(48_000, np.float32)) == [None] * (1 + int((3_000 - SPAN_MS) / STEP_MS))
    assert prints_of(np.zeros(100, np.float32)) == []


def test_without_the_section_nothing_is_made(tmp_path: Path) -> None:
    film(tmp_path / "clip.mp4", 1, seconds=1)
    assert rows_of(tmp_path, "clip", None) == []
    plain, wanted = (Recipe(name="test", title="Test", duplicates=some) for some in (None, {}))
    assert STAGE.settings(plain) != STAGE.settings(wanted)
    changed = Recipe(name="test", title="Test", duplicates={"max_sound": 0.2})
    assert STAGE.settings(changed) == STAGE.settings(wanted)
