"""The stage `speech` on a real clip: rows that fit the schema, and a key that follows the settings."""

from __future__ import annotations

import subprocess

import pyarrow as pa
import pytest

from schemas.errors import MediaError, RecipeError
from schemas.recipe import Recipe
from schemas.tables import SPEECH
from tasks.speech import STAGE
from tasks.workspace.stage import Context, Item


def no_weights(name: str):
    raise AssertionError(f"the speech stage asked for {name}")


def open_stage(root, recipe: Recipe):
    return STAGE.open(Context(recipe, root, no_weights))


def recipe(**speech) -> Recipe:
    return Recipe(name="test", title="test", profile="embedded", speech=speech)


def test_rows_of_a_real_clip(shared_data, tmp_path):
    clip = tmp_path / "clips" / "v" / "c.mp4"
    clip.parent.mkdir(parents=True)
    source = shared_data / "audio/speech/jfk.flac"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", source, "-t", "6", "-ac", "1", "-ar", "16000", "-c:a", "aac", clip],
        check=True,
    )
    item = Item("v_0_6000", "v", {"clip_id": "v_0_6000", "video_id": "v", "path": "clips/v/c.mp4"})
    rows = open_stage(tmp_path, recipe())(item).rows
    assert rows
    assert pa.Table.from_pylist(rows, SPEECH).num_rows == len(rows)
    assert {row["clip_id"] for row in rows} == {"v_0_6000"}
    assert {row["video_id"] for row in rows} == {"v"}
    assert all(0 <= row["start_ms"] < row["end_ms"] <= 6100 for row in rows)
    assert open_stage(tmp_path, recipe())(item).rows == rows


def test_missing_clip_is_an_error_of_the_item(tmp_path):
    item = Item("v_0_6000", "v", {"path": "clips/absent.mp4"})
    with pytest.raises(MediaError, match="absent"):
        open_stage(tmp_path, recipe())(item)


def test_settings_follow_the_recipe_and_the_weights():
    one, other = STAGE.settings(recipe()), STAGE.settings(recipe(threshold=0.7))
    assert one != other
    assert len(one["weights_sha256"]) == 64
    assert STAGE.settings(recipe(model="silero")) == one
    assert STAGE.models(recipe()) == ()


@pytest.mark.parametrize("ask", [STAGE.settings, STAGE.models])
def test_a_detector_that_does_not_exist_is_refused_before_any_work(ask):
    with pytest.raises(RecipeError, match="webrtc"):
        ask(recipe(model="webrtc"))


def test_the_full_profile_takes_its_weights_from_the_store():
    full = Recipe(name="test", title="test", profile="full")
    assert STAGE.models(full) == ("pyannote-segmentation",)
    assert STAGE.settings(full)["model"] == "pyannote"
    assert "weights_sha256" not in STAGE.settings(full)
