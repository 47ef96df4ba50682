"""Recipes: readable, strict, and errors that say where and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.outlook import RECIPES
from schemas.errors import RecipeError
from schemas.recipe import Recipe, digest, load_recipe, recipe_names

MINIMAL = "name: tiny\ntitle: Tiny\nmedia:\n  clip_length: 10 s\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", recipe_names(RECIPES))
def test_every_recipe_of_the_house_is_valid(name: str) -> None:
    assert load_recipe(RECIPES / f"{name}.yaml").name == name


def test_realsync_reads_like_its_paper() -> None:
    recipe = load_recipe(RECIPES / "realsync.yaml")
    assert {source.channel for source in recipe.sources} == {
        "GolfsHome", "NFL", "NHL", "MLB", "WTA", "CBSNews", "ABCNews", "NBCNews", "CNN",
    }  # fmt: skip
    assert recipe.admission.min_duration == 20 * 60_000
    assert recipe.admission.min_height == 720
    assert recipe.admission.max_per_channel == 100 * 3_600_000
    assert (recipe.media.clip_length, recipe.media.short_side) == (300_000, 256)
    assert (recipe.splits.train, recipe.splits.dev, recipe.splits.test) == (0.90, 0.05, 0.05)


MISTAKES = {
    "unknown key": ("media:\n  clip_lenght: 10 s\n", ["line 4", "media.clip_lenght", "clip_length"]),
    "no unit": (
        "media:\n  clip_length: 300\n",
        ["line 4", "media.clip_length", "needs a unit", "ms, s, min, h"],
    ),
    "bad unit": ("media:\n  clip_length: 300 frames\n", ["line 4", "300 frames", "ms, s, min, h"]),
    "wrong unit": ("media:\n  short_side: 256 s\n", ["media.short_side", "px"]),
    "impossible value": ("media:\n  crf: 77\n", ["line 4", "media.crf", "51", "77"]),
    "odd size": ("media:\n  short_side: 255 px\n", ["media.short_side", "multiple of 2"]),
    "shares": ("splits: {train: 0.9, dev: 0.2, test: 0.1}\n", ["line 3", "splits", "must be 1", "1.2"]),
    "choice": ("profile: heavy\n", ["line 3", "profile", "embedded", "light", "full", "heavy"]),
    "source kind": ("sources:\n  - {kind: ftp, url: x}\n", ["line 4", "sources.0", "ytdlp", "files", "list"]),
    "key of a source": ("sources:\n  - {kind: files, path: x, uri: y}\n", ["sources.0.uri", "path"]),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_names_the_file_the_line_the_key_and_what_is_allowed(case: str, tmp_path: Path) -> None:
    text, expected = MISTAKES[case]
    path = written(tmp_path, f"name: tiny\ntitle: Tiny\n{text}")
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    for part in (str(path), *expected):
        assert part in str(caught.value)


def test_settings_replace_fields_and_are_checked_alike(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL)
    assert load_recipe(path, {"media.clip_length": "2 min"}).media.clip_length == 120_000
    assert (
        load_recipe(path, {"splits.train": "0.8", "splits.dev": "0.1", "splits.test": 0.1}).splits.dev == 0.1
    )
    with pytest.raises(RecipeError, match="--set: media.clip_size"):
        load_recipe(path, {"media.clip_size": "1 s"})
    with pytest.raises(RecipeError, match="not a section"):
        load_recipe(path, {"title.x": "1"})


@pytest.mark.parametrize("text", ["", "[]", "a: [", "\t- x"])
def test_what_is_no_recipe_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError):
        load_recipe(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"nowhere\.yaml"):
        load_recipe(tmp_path / "nowhere.yaml")


def test_an_effective_recipe_can_be_read_back() -> None:
    recipe = load_recipe(RECIPES / "realsync.yaml", {"media.clip_length": "1520 ms"})
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


def test_equal_values_have_equal_digests() -> None:
    assert digest({"a": 1, "b": [1.5, None]}) == digest({"b": [1.5, None], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_as_run_it_tells_nothing_of_the_machine(tmp_path: Path) -> None:
    sources = [
        {"kind": "files", "path": "/home/somebody/matches/*.mkv", "channel": "cup"},
        {"kind": "list", "path": "/home/somebody/list.csv"},
        {"kind": "ytdlp", "url": "https://example.org/watch?v=1"},
    ]
    recipe = Recipe.model_validate(
        {"name": "toy", "title": "Toy", "sources": sources, "download": {"cookies": "/home/somebody/jar"}}
    )
    told = recipe.as_run().model_dump_json()
    assert "somebody" not in told
    assert all(name in told for name in ("*.mkv", "list.csv", "https://example.org/watch?v=1"))
