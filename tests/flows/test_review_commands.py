"""`clapper review …` where something is missing: one line that says what, and what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from annotation.store import add_answers, review_folder, write_items
from tests.annotation.rows import GOOD, answer, item


def clapper(*words: str | Path) -> subprocess.CompletedProcess:
    hidden = ("CLAPPER_REVIEW_URL", "CLAPPER_REVIEW_TOKEN")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    command = [sys.executable, "-m", "flows.cli", "review", *map(str, words)]
    return subprocess.run(
        command, env={**environment, "COLUMNS": "200"}, capture_output=True, text=True, timeout=120
    )


def test_without_a_server_nothing_can_be_exchanged_or_stopped(tmp_path: Path) -> None:
    done = clapper("sync", "av-syncbench", "-w", tmp_path)
    assert done.returncode == 2
    assert "clapper review start" in done.stderr
    assert "No review server runs" in clapper("stop", "-w", tmp_path).stdout


@pytest.mark.parametrize("words", [("sync",), ("report",)])
def test_a_recipe_without_a_review_says_so(tmp_path: Path, words: tuple[str, ...]) -> None:
    recipe = tmp_path / "plain.yaml"
    recipe.write_text("name: plain\ntitle: Plain\n")
    done = clapper(*words, recipe, "-w", tmp_path)
    assert done.returncode == 2
    assert "asks no people" in done.stderr


def test_every_bad_row_of_a_list_of_people_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("email,name,role\nada@example.org,Ada,annotator\nnobody,N,annotator\nx@y.org,X,queen\n")
    done = clapper("start", "-w", tmp_path / "W", "--people", people)
    assert done.returncode == 2
    assert "row 3" in done.stderr
    assert "row 4" in done.stderr
    assert not (tmp_path / "W" / "review-server").exists()


def test_the_report_of_what_is_kept_needs_no_server(tmp_path: Path) -> None:
    items = [item(f"{number:032x}") for number in range(6)]
    answers = [
        answer(each["item_key"], annotator, minute, answers={**GOOD, "audio": audio})
        for each in items
        for minute, (annotator, audio) in enumerate((("A1", "good"), ("A2", "good"), ("A3", "poor")))
    ]
    write_items(tmp_path, "av-syncbench", items)
    add_answers(tmp_path, "av-syncbench", answers)
    told = json.loads(clapper("report", "av-syncbench", "-w", tmp_path, "--json").stdout)
    assert told["recipe"] == "av-syncbench"
    page = tmp_path / "page.html"
    done = clapper("report", "av-syncbench", "-w", tmp_path, "--html", page)
    assert "accepted 6" in done.stdout
    assert "A3" in page.read_text()
    assert not (review_folder(tmp_path, "av-syncbench") / "report.html").exists()
