"""Provenance: what made a version, by what pins it, and nothing of the machine."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import ToolMissing
from schemas.recipe import Recipe
from tasks.offscreen.prompts import read_prompt
from tasks.releases import provenance as made
from tasks.releases.provenance import provenance, recipe_digest

RECIPE = Recipe(name="toy", title="Toy")


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_it_names_code_libraries_models_and_recipe() -> None:
    told = provenance(RECIPE, {"speech": "silero@12", "faces": "haar"})
    assert list(told["models"]) == ["faces", "speech"]
    assert told["libraries"]["numpy"] == np.__version__
    assert {"av", "pyarrow", "duckdb", "libavcodec"} <= told["libraries"].keys()
    assert told["tools"]["ffmpeg"] and told["python"].count(".") == 2
    assert told["recipe"] == {"name": "toy", "profile": "light", "digest": recipe_digest(RECIPE)}
    assert told["prompt"] is None


def test_it_is_the_same_twice_and_says_nothing_of_the_machine() -> None:
    text = json.dumps(provenance(RECIPE, {"faces": "haar"}))
    assert text == json.dumps(provenance(RECIPE, {"faces": "haar"}))
    for word in (str(Path.cwd()), str(Path.home()), socket.gethostname(), "\\\\"):
        assert word not in text


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"sources": [{"kind": "files", "path": "/home/somebody/videos"}]}, True),
        ({"download": {"cookies": "/home/somebody/cookies.txt"}}, True),
        ({"labels": {"min_probability": 0.6}}, False),
        ({"profile": "embedded"}, False),
    ],
)
def test_the_digest_is_of_what_decides_and_not_of_the_machine(changes: dict, same: bool) -> None:
    other = Recipe.model_validate({"name": "toy", "title": "Toy", **changes})
    assert (recipe_digest(other) == recipe_digest(RECIPE)) == same


def test_the_prompt_is_pinned_by_its_words() -> None:
    recipe = Recipe.model_validate({"name": "toy", "title": "Toy", "offscreen": {"model": "gemini"}})
    told = provenance(recipe, {})["prompt"]
    assert told == {"version": "v1", "sha256": hashlib.sha256(read_prompt("v1").encode()).hexdigest()}


def test_a_checkout_is_told_by_its_revision_and_whether_it_was_changed(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    revision = git(tmp_path, "rev-parse", "HEAD")
    assert made._checkout(tmp_path) == (revision, False)
    (tmp_path / "notes.txt").write_text("nobody keeps this")
    assert made._checkout(tmp_path) == (revision, False)
    (tmp_path / "a.py").write_text("2")
    assert made._checkout(tmp_path) == (revision, True)


def test_a_package_inside_somebody_elses_repository_is_no_checkout(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-qm", "theirs", "--allow-empty")
    (tmp_path / "venv").mkdir()
    assert made._checkout(tmp_path / "venv") == (None, None)
    (tmp_path / "venv" / ".git").mkdir()  # and one that git cannot read
    assert made._checkout(tmp_path / "venv") == (None, None)


def test_without_git_or_ffmpeg_there_is_less_to_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise ToolMissing("ffmpeg", "is not on this machine", "install it")

    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(made, "ffmpeg_version", missing)
    assert made._checkout(tmp_path) == (None, None)
    assert provenance(RECIPE, {})["tools"] == {}
