"""From spans to turns: a table of cases and what holds for any spans; the stage `turns` on a clip."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.tables import TURNS
from tasks.speech.turns import DIARIZERS, STAGE, turns_of
from tasks.workspace.stage import Context, Item

DURATION_MS = 10_000


@pytest.mark.parametrize(
    ("spans", "wanted"),
    [
        ([], []),
        ([(1, 2, "b"), (3, 4, "a")], [(1000, 2000, "V1", 0), (3000, 4000, "V2", 0)]),
        # Named by who is heard first, whatever they are called and in whichever order they are given.
        ([(3, 4, "a"), (1, 2, "z")], [(1000, 2000, "V1", 0), (3000, 4000, "V2", 0)]),
        ([(1, 4, "a"), (2, 3, "b")], [(1000, 4000, "V1", 1000), (2000, 3000, "V2", 1000)]),
        # What two others say at once over a third counts once.
        (
            [(0, 6, "a"), (1, 4, "b"), (2, 5, "c")],
            [(0, 6000, "V1", 4000), (1000, 4000, "V2", 3000), (2000, 5000, "V3", 3000)],
        ),
        # One voice's touching pieces are one turn.
        ([(1, 2, "a"), (2, 3, "a")], [(1000, 3000, "V1", 0)]),
        # Too short, and so neither a turn nor an overlap.
        ([(1, 4, "a"), (2, 2.2, "b")], [(1000, 4000, "V1", 0)]),
        # What frames reach beyond the clip is cut off.
        ([(-0.01, 1, "a"), (9, 10.02, "b")], [(0, 1000, "V1", 0), (9000, 10_000, "V2", 0)]),
    ],
)
def test_cases(spans, wanted):
    found = turns_of(spans, DURATION_MS, 250)
    assert [(turn.start_ms, turn.end_ms, turn.voice, turn.overlapped_ms) for turn in found] == wanted


spans = st.lists(
    st.tuples(st.floats(-0.1, 10.1), st.floats(0, 3), st.sampled_from("abcd")).map(
        lambda drawn: (drawn[0], drawn[0] + drawn[1], drawn[2])
    ),
    max_size=15,
)


@given(spans, st.integers(0, 1000))
def test_turns_are_ordered_inside_and_counted_right(spans, min_turn_ms):
    turns = turns_of(spans, DURATION_MS, min_turn_ms)
    assert [turn.start_ms for turn in turns] == sorted(turn.start_ms for turn in turns)
    first_heard = list(dict.fromkeys(turn.voice for turn in turns))
    assert first_heard == [f"V{number + 1}" for number in range(len(first_heard))]
    spoken = {voice: np.zeros(DURATION_MS, int) for voice in first_heard}
    for turn in turns:
        assert 0 <= turn.start_ms < turn.end_ms <= DURATION_MS
        assert turn.end_ms - turn.start_ms >= min_turn_ms
        spoken[turn.voice][turn.start_ms : turn.end_ms] += 1
    for turn in turns:
        others = sum(
            (track for voice, track in spoken.items() if voice != turn.voice), np.zeros(DURATION_MS, int)
        )
        assert turn.overlapped_ms == np.count_nonzero(others[turn.start_ms : turn.end_ms])
    # No voice speaks over itself.
    assert all(track.max() == 1 for track in spoken.values())
    backwards = spans[::-1]
    assert turns_of(backwards, DURATION_MS, min_turn_ms) == turns


def recipe(**turns) -> Recipe:
    return Recipe(name="test", title="test", profile="light", turns=turns)


def no_weights(name: str):
    raise AssertionError(f"the stage asked for {name}")


@pytest.fixture
def clip(tmp_path: Path) -> Item:
    file = tmp_path / "clips" / "v" / "c.mp4"
    file.parent.mkdir(parents=True)
    sound = ["-f", "lavfi", "-i", "sine=frequency=400:sample_rate=16000:duration=3"]
    subprocess.run(["ffmpeg", "-v", "error", *sound, "-ac", "1", "-c:a", "aac", file], check=True)
    return Item("v_0_3000", "v", {"clip_id": "v_0_3000", "video_id": "v", "path": "clips/v/c.mp4"})


def test_none_looks_for_nothing(tmp_path):
    work = STAGE.open(Context(recipe(), tmp_path, no_weights))
    assert work(Item("v_0_3000", "v", {"path": "clips/absent.mp4"})).rows == []
    assert STAGE.models(recipe()) == ()
    assert STAGE.settings(recipe()) == STAGE.settings(recipe(min_turn="1 s")) == {"model": "none"}


def test_rows_of_a_clip(tmp_path, clip, monkeypatch):
    heard = []

    def diarize(waveform: np.ndarray) -> list[tuple[float, float, str]]:
        heard.append(waveform)
        return [(0.5, 2, "x"), (1.5, len(waveform) / 16_000 + 1, "y")]

    monkeypatch.setitem(DIARIZERS, "pyannote", lambda weights: diarize)
    work = STAGE.open(Context(recipe(model="pyannote"), tmp_path, no_weights))
    rows = work(clip).rows
    assert pa.Table.from_pylist(rows, TURNS).num_rows == 2
    assert heard[0].dtype == np.float32
    found = [(row["start_ms"], row["voice"], row["overlapped_ms"]) for row in rows]
    assert found == [(500, "V1", 500), (1500, "V2", 500)]
    assert {(row["clip_id"], row["video_id"]) for row in rows} == {("v_0_3000", "v")}
    assert rows[1]["end_ms"] == len(heard[0]) // 16


def test_the_key_follows_model_and_settings():
    whole = recipe(model="pyannote")
    assert STAGE.settings(whole)["model"] == "pyannote"
    assert STAGE.settings(whole) != STAGE.settings(recipe(model="pyannote", min_turn="1 s"))
    assert STAGE.models(whole) == (
        "pyannote-segmentation", "pyannote-embedding", "pyannote-plda-transform", "pyannote-plda",
    )  # fmt: skip
    assert STAGE.models(Recipe(name="test", title="test", profile="full")) == STAGE.models(whole)


@pytest.mark.parametrize("ask", [STAGE.settings, STAGE.models])
def test_an_unknown_diarizer_is_refused_before_any_work(ask):
    with pytest.raises(RecipeError, match=r"turns.model: 'best'.*none, pyannote"):
        ask(recipe(model="best"))
