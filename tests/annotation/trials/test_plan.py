"""The plan of what is shown: the same whatever the order, only ever growing, nothing twice; and its files."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.store import read_items, write_items
from annotation.trials.plan import items_for, plan
from annotation.trials.trial import Unmade
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.review import ITEMS, KINDS
from tasks.media.check import check_file
from tasks.workspace.stage import Row
from tests.annotation.trials.making import SECRET, event, label, murmuring, ready, recipe_for

RECIPES = [
    recipe_for("clip-review", gold=0.3),
    recipe_for("in-sync", sample=20),
    recipe_for("label-check", sample=12),
]
SOUNDS = {"Bark": ["Dog", "Animal"], "Dog": ["Animal"], "Guitar": ["Music"], "Speech": []}


@st.composite
def ready_clips(draw: st.DrawFn) -> list[Row]:
    """Clips of several videos, some of which nobody could judge."""
    clips = []
    for place in range(draw(st.integers(0, 14))):
        cut = 40 * draw(st.integers(0, 300))
        names = draw(st.lists(st.sampled_from(sorted(SOUNDS)), max_size=2))
        clips.append(
            ready(
                f"c{place}",
                f"v{draw(st.integers(0, 5))}",
                duration_ms=draw(st.sampled_from([1_000, 2_960, 3_000, 6_000, 12_000])),
                evidence=draw(st.sampled_from(["evident", "evident", "uniform", "missing"])),
                scenario=draw(st.sampled_from([None, "singing", "dialogue"])),
                channel=draw(st.sampled_from(["", "news", "sports"])),
                labels=[label("talking_head", 0, cut), label("other", cut, 12_000)],
                events=[event(name, 0, 2_000, parents=SOUNDS[name]) for name in names],
                machine={"source": "visible"},
            )
        )
    return clips


def planned(recipe: Recipe, clips: list[Row], known: list[Row] | None = None) -> list[Row]:
    return [trial.item for trial in plan(recipe, clips, known or [], SECRET).trials]


def cut_anew(clip: Row) -> Row:
    return {**clip, "sha256": clip["sha256"][::-1]}


forms = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.review.form)


@forms
@settings(max_examples=40)
@given(clips=ready_clips(), seed=st.integers(0, 99))
def test_the_same_clips_give_the_same_plan_in_any_order(recipe: Recipe, clips: list[Row], seed: int) -> None:
    mixed = clips[:]
    random.Random(seed).shuffle(mixed)
    assert planned(recipe, mixed) == planned(recipe, clips)
    known = planned(recipe, clips[::2])
    random.Random(seed).shuffle(known)
    assert planned(recipe, mixed, known) == planned(recipe, clips, planned(recipe, clips[::2]))


@forms
@settings(max_examples=40)
@given(clips=ready_clips(), count=st.integers(0, 14))
def test_a_plan_grows_and_ends(recipe: Recipe, clips: list[Row], count: int) -> None:
    first = planned(recipe, clips[:count])
    more = planned(recipe, clips, first)
    keys = [item["item_key"] for item in first + more]
    assert len(keys) == len(set(keys))
    assert planned(recipe, clips, first + more) == []
    if not recipe.review.decides:
        assert len(keys) <= recipe.review.sample


@forms
@settings(max_examples=40)
@given(clips=ready_clips())
def test_rows_are_whole_and_tell_nothing(recipe: Recipe, clips: list[Row]) -> None:
    by_id = {clip["clip_id"]: clip for clip in clips}
    items = planned(recipe, clips)
    assert [item["item_key"] for item in items] == sorted(item["item_key"] for item in items)
    for item in items:
        clip = by_id[item["clip_id"]]
        assert list(item) == ITEMS.names
        assert (item["task"], item["pushed_at"], item["project"]) == (None, None, "review")
        assert item["kind"] in KINDS
        assert (item["clip_sha256"], item["video_id"]) == (clip["sha256"], clip["video_id"])
        assert 0 <= item["start_ms"] < item["start_ms"] + item["duration_ms"] <= clip["duration_ms"]
        if item["kind"] == "clip":
            assert item["path"] == clip["path"]
        else:
            assert item["path"] == f"reviews/some/media/{item['item_key']}.mp4"
        assert item["shown"].keys() <= {"event"}
        assert bool(item["expected"]) == item["kind"].startswith("gold")


@forms
@settings(max_examples=40)
@given(clips=ready_clips())
def test_a_clip_that_is_cut_anew_gives_new_items_and_one_that_is_gone_none(
    recipe: Recipe, clips: list[Row]
) -> None:
    first = planned(recipe, clips)
    anew = [cut_anew(clip) for clip in clips[::2]]
    later = planned(recipe, anew, first)
    assert {item["clip_id"] for item in later} <= {clip["clip_id"] for clip in anew}
    assert {item["clip_sha256"] for item in later} <= {clip["sha256"] for clip in anew}
    if recipe.review.form == "clip-review":
        assert sum(item["kind"] == "clip" for item in later) == len(anew)
    else:
        assert len(later) == len(planned(recipe, anew))


def test_every_clip_is_shown_as_it_is() -> None:
    clips = [ready("a", machine={"source": "visible", "audio": "good"}), ready("b", evidence="missing")]
    items = planned(recipe_for("clip-review"), clips)
    assert sorted(item["clip_id"] for item in items) == ["a", "b"]
    assert {item["kind"] for item in items} == {"clip"}
    assert next(item for item in items if item["clip_id"] == "a")["machine"] == clips[0]["machine"]


def test_another_secret_gives_other_keys_and_other_gold() -> None:
    clips = [ready(f"c{place}", scenario=["singing", "dialogue"][place % 2]) for place in range(60)]
    one, other = (
        [trial.item for trial in plan(RECIPES[0], clips, [], secret).trials] for secret in (SECRET, "ab" * 32)
    )
    assert not {item["item_key"] for item in one} & {item["item_key"] for item in other}
    assert {item["clip_id"] for item in one if item["expected"]} != {
        item["clip_id"] for item in other if item["expected"]
    }


def test_a_recipe_without_a_review_is_refused() -> None:
    with pytest.raises(RecipeError, match="no section 'review'"):
        plan(Recipe(name="some", title="Some"), [], [], SECRET)


# Files --------------------------------------------------------------------------------------------------------

CLIP_REVIEW = recipe_for("clip-review", gold=0.5)


def workspace(root: Path, count: int = 4) -> list[Row]:
    """Clips of four seconds, of another scenario each."""
    scenarios = ("singing", "dialogue", "action", "ensemble")
    clips = []
    for place in range(count):
        path = murmuring(root / "clips" / f"c{place}.mp4", 4, seed=place)
        sha256 = check_file(path).facts.sha256
        clips.append(ready(f"c{place}", duration_ms=4_000, scenario=scenarios[place % 4], sha256=sha256))
    return clips


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "reviews/some/media").iterdir()}


def test_files_are_made_once_and_in_order(tmp_path: Path) -> None:
    clips, steps = workspace(tmp_path), []
    rows = items_for(tmp_path, CLIP_REVIEW, clips, [], SECRET, lambda done, of: steps.append((done, of)))
    assert sorted(row["kind"] for row in rows) == ["clip"] * 4 + ["gold_shifted", "gold_swapped"]
    assert steps == [(done, 6) for done in range(1, 7)]
    for row in rows:
        check = check_file(tmp_path / row["path"])
        assert check.problems == ()
        assert check.facts.frames * 40 == row["duration_ms"]
    made = contents(tmp_path)
    assert len(made) == 2
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "reviews").rglob("*.mp4")}
    assert items_for(tmp_path, CLIP_REVIEW, clips, [], SECRET) == rows
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert items_for(tmp_path, CLIP_REVIEW, clips, rows, SECRET) == []


def test_rows_can_be_kept(tmp_path: Path) -> None:
    rows = items_for(tmp_path, CLIP_REVIEW, workspace(tmp_path), [], SECRET)
    write_items(tmp_path, "some", rows)
    assert read_items(tmp_path, "some") == rows


@pytest.mark.parametrize("form", ["clip-review", "in-sync", "label-check"])
def test_files_that_are_gone_are_made_again(tmp_path: Path, form: str) -> None:
    clips = [
        {**clip, "labels": [label("other", 0, 4_000)], "events": [event(f"sound {place}", 0, 4_000)]}
        for place, clip in enumerate(workspace(tmp_path))
    ]
    recipe = recipe_for(form, gold=0.5, offsets=(-400, 0, 400), sample=6)
    rows = items_for(tmp_path, recipe, clips, [], SECRET)
    made = contents(tmp_path)
    assert made
    for path in (tmp_path / "reviews/some/media").iterdir():
        path.unlink()
    assert items_for(tmp_path, recipe, clips, rows, SECRET) == []
    assert contents(tmp_path) == made


def test_one_bad_clip_is_told_and_the_others_are_made(tmp_path: Path) -> None:
    clips = workspace(tmp_path, 6)
    recipe = recipe_for("in-sync", offsets=(-400, 0, 400))
    whole = [clip | {"duration_ms": 4_000} for clip in clips]
    (tmp_path / clips[1]["path"]).write_bytes(b"broken")
    (tmp_path / clips[2]["path"]).unlink()
    told: list[Unmade] = []
    rows = items_for(tmp_path, recipe, whole, [], SECRET, tell=told.append)
    assert {row["clip_id"] for row in rows} == {"c0", "c3", "c4", "c5"}
    assert {unmade.clip_id for unmade in told} == {"c1", "c2"}
    assert all(unmade.reason == "MediaError" and unmade.detail for unmade in told)
    assert len(rows) + len(told) == 18


KILLED = """
import json, sys
from pathlib import Path
from annotation.trials.plan import items_for
from tests.annotation.trials.making import SECRET, recipe_for
root, recipe = Path(sys.argv[1]), recipe_for("in-sync", offsets=(-400, 0, 400))
clips = json.loads((root / "clips.json").read_text())
items_for(root, recipe, clips, [], SECRET, lambda done, of: print(done, flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 1, 5])
def test_killed_it_leaves_what_the_next_call_takes_up(tmp_path: Path, after: int) -> None:
    recipe = recipe_for("in-sync", offsets=(-400, 0, 400))
    clips = workspace(tmp_path)
    (tmp_path / "clips.json").write_text(json.dumps(clips))
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
    for _ in range(after + 1):
        child.stdout.readline()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    left = tmp_path / "reviews/some/media" / ".tmp-1-unfinished.mp4"
    left.write_bytes(b"half")
    rows = items_for(tmp_path, recipe, clips, [], SECRET)
    made = contents(tmp_path)
    assert made.keys() == {f"{row['item_key']}.mp4" for row in rows}
    assert len(rows) == 12
    for path in (tmp_path / "reviews/some/media").iterdir():
        path.unlink()
    assert items_for(tmp_path, recipe, clips, [], SECRET) == rows
    assert contents(tmp_path) == made
