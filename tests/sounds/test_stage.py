"""The stage `sounds` on a clip made here, with the embedded tagger and, if torch is there, with mn04."""

from __future__ import annotations

import importlib.util
import subprocess

import pyarrow as pa
import pytest

from schemas.errors import ModelMissing, RecipeError
from schemas.recipe import Recipe
from schemas.tables import SOUNDS
from tasks.sounds import SOUNDS_STAGE
from tasks.sounds.audioset import names_by_id
from tasks.workspace.stage import Context, Item


def recipe(profile: str = "embedded", **sounds) -> Recipe:
    return Recipe(name="test", title="test", profile=profile, sounds=sounds)


@pytest.fixture
def clip(tmp_path):
    """Five seconds at 16 kHz: silence, then white noise from 2.5 s on."""
    file = tmp_path / "clips" / "c.wav"
    file.parent.mkdir()
    noise = "anoisesrc=r=16000:a=0.3:seed=1:d=2.5,adelay=2500"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", noise, "-ac", "1", file]
    subprocess.run(command, check=True)
    return Item("v_0_5000", "v", {"clip_id": "v_0_5000", "video_id": "v", "path": "clips/c.wav"})


def rows_of(root, item: Item, wanted: Recipe, weights=None):
    rows = SOUNDS_STAGE.open(Context(wanted, root, weights or (lambda name: root / name)))(item).rows
    assert pa.Table.from_pylist(rows, SOUNDS).num_rows == len(rows)
    return rows


def test_embedded(clip, tmp_path):
    rows = rows_of(tmp_path, clip, recipe())
    assert [(row["start_ms"], row["end_ms"]) for row in rows] == [
        (i * 1_000, i * 1_000 + 2_000) for i in range(4)
    ]
    named = [[names_by_id()[one] for one in row["ids"]] for row in rows]
    assert named[0] == ["Silence"]
    assert named[3] == ["White noise"]
    assert {(row["clip_id"], row["video_id"]) for row in rows} == {("v_0_5000", "v")}


def test_chunks_follow_the_recipe(clip, tmp_path):
    rows = rows_of(tmp_path, clip, recipe(chunk="3 s", hop="3 s"))
    assert [(row["start_ms"], row["end_ms"]) for row in rows] == [(0, 3_000), (2_000, 5_000)]


@pytest.mark.slow
def test_mn04(clip, tmp_path, shared_data):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    rows = rows_of(
        tmp_path, clip, recipe("light"), lambda name: shared_data / "weights" / "mn04_as_mAP_432.pt"
    )
    assert rows == rows_of(
        tmp_path, clip, recipe("light"), lambda name: shared_data / "weights" / "mn04_as_mAP_432.pt"
    )
    assert names_by_id()[rows[0]["ids"][0]] == "Silence"
    for row in rows:
        assert 0 < len(row["ids"]) <= 20
        assert row["scores"] == sorted(row["scores"], reverse=True)
        assert row["scores"][-1] >= 0.01


def test_key_follows_settings_and_model():
    assert SOUNDS_STAGE.models(recipe()) == ()
    assert SOUNDS_STAGE.models(recipe("light")) == ("mn04",)
    assert SOUNDS_STAGE.models(recipe("full")) == ("beats",)
    assert SOUNDS_STAGE.models(recipe("full", model="ast")) == ("ast", "ast-config", "ast-features")
    assert SOUNDS_STAGE.settings(recipe()) != SOUNDS_STAGE.settings(recipe("light"))
    assert SOUNDS_STAGE.settings(recipe()) != SOUNDS_STAGE.settings(recipe(hop="2 s"))


def test_what_is_not_there_is_refused_before_any_work(tmp_path):
    with pytest.raises(RecipeError, match="yamnet.*beats, ast, mn04, spectral"):
        SOUNDS_STAGE.models(recipe("full", model="yamnet"))

    def no_weights(name):
        raise ModelMissing(name, "is not here", "pull it")

    with pytest.raises(ModelMissing):
        SOUNDS_STAGE.open(Context(recipe("light"), tmp_path, no_weights))


@pytest.mark.parametrize(("chunk", "hop"), [("1 s", "2 s"), ("0 ms", "0 ms"), ("2 s", "0 ms")])
def test_chunks_that_would_leave_gaps_are_refused(chunk, hop):
    with pytest.raises(ValueError, match="hop|chunk"):
        recipe(chunk=chunk, hop=hop)
