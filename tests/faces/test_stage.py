"""The stages `detections` and `faces` on a rendered head, which the embedded detector must find."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa

from schemas.recipe import Recipe
from tasks.faces.detections import STAGE as DETECTIONS
from tasks.faces.stage import STAGE as FACES
from tasks.scenes import talking_face
from tasks.scenes.encode import encode
from tasks.workspace.stage import Context, Item


def no_weights(name):
    raise AssertionError(f"the embedded detector asked for weights of {name}")


def test_a_rendered_head_is_one_track_per_shot(tmp_path):
    size = (456, 256)
    pictures = talking_face(None, 50, Fraction(25), size)
    encode(tmp_path / "clip.mp4", pictures, np.zeros(32_000, np.float32), size, Fraction(25), 16_000)
    clip = {"path": "clip.mp4", "frames": 50, "duration_ms": 2000}
    recipe = Recipe(name="test", title="Test", profile="embedded", faces={"every": 4})
    context = Context(recipe, tmp_path, no_weights)
    found = DETECTIONS.open(context)(Item("v_0_2000", "v", clip)).rows
    table = pa.Table.from_pylist(found, schema=DETECTIONS.schema)
    assert table["frame"].to_pylist() == list(range(0, 50, 4))
    shots = [{"start_frame": 0, "end_frame": 21}, {"start_frame": 21, "end_frame": 50}]
    item = Item("v_0_2000", "v", {**clip, "path": "gone.mp4"}, {"shots": shots, "detections": found})
    table = pa.Table.from_pylist(FACES.open(context)(item).rows, schema=FACES.schema)
    assert table["track"].to_pylist() == [0, 1]
    assert table["start_frame"].to_pylist() == [0, 21]
    assert [len(boxes) for boxes in table["boxes"].to_pylist()] == [21, 29]


def test_the_model_is_the_detections_and_the_rules_of_tracks_are_the_faces():
    embedded = Recipe(name="test", title="Test", profile="embedded")
    assert DETECTIONS.models(embedded) == FACES.models(embedded) == ()
    assert DETECTIONS.models(Recipe(name="test", title="Test")) == ("yunet",)
    longer = Recipe(name="test", title="Test", faces={"min_track": "1 s"})
    surer = Recipe(name="test", title="Test", faces={"min_score": 0.9})
    default = Recipe(name="test", title="Test")
    assert DETECTIONS.settings(longer) == DETECTIONS.settings(default) != DETECTIONS.settings(surer)
    assert FACES.settings(surer) == FACES.settings(default) != FACES.settings(longer)
