"""The stage `faces` on a rendered head, which the embedded detector must find."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa

from schemas.recipe import Recipe
from tasks.faces.stage import STAGE
from tasks.scenes import talking_face
from tasks.scenes.encode import encode
from tasks.workspace.stage import Context, Item


def no_weights(name):
    raise AssertionError(f"the embedded detector asked for weights of {name}")


def test_a_rendered_head_is_one_track_per_shot(tmp_path):
    size = (456, 256)
    pictures = talking_face(None, 50, Fraction(25), size)
    encode(tmp_path / "clip.mp4", pictures, np.zeros(32_000, np.float32), size, Fraction(25), 16_000)
    shots = [{"start_frame": 0, "end_frame": 20}, {"start_frame": 20, "end_frame": 50}]
    item = Item("v_0_2000", "v", {"path": "clip.mp4", "frames": 50, "duration_ms": 2000}, {"shots": shots})
    recipe = Recipe(name="test", title="Test", profile="embedded")
    rows = STAGE.open(Context(recipe, tmp_path, no_weights))(item).rows
    table = pa.Table.from_pylist(rows, schema=STAGE.schema)
    assert table["track"].to_pylist() == [0, 1]
    assert table["start_frame"].to_pylist() == [0, 20]
    assert [len(boxes) for boxes in table["boxes"].to_pylist()] == [20, 30]
    assert STAGE.models(recipe) == ()
    assert STAGE.models(Recipe(name="test", title="Test")) == ("yunet",)
