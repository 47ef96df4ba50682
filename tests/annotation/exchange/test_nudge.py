"""An answer sets off a pull soon after, one for many answers, and never an error where it came in."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from annotation.exchange.nudge import on_answer, take_in
from annotation.store import review_folder, sole_writer
from schemas.errors import ServiceError
from tests.annotation.exchange.desk import key, open_desk, some_items
from tests.annotation.studio import Studio


def projects(root: Path, recipe: str, **numbers: int) -> None:
    folder = review_folder(root, recipe)
    folder.mkdir(parents=True)
    (folder / "projects.json").write_text(json.dumps(numbers))


class Pulls:
    """Counts pulls, and tells when there is one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.recipes, self.came, self.error = [], threading.Semaphore(0), error

    def __call__(self, root: Path, recipe: str) -> None:
        self.recipes.append(recipe)
        self.came.release()
        if self.error:
            raise self.error


def test_many_answers_set_off_one_pull_of_their_recipe(tmp_path: Path) -> None:
    projects(tmp_path, "one", review=3, adjudication=4)
    projects(tmp_path, "two", review=5)
    pulls = Pulls()
    nudge = on_answer(tmp_path, pulls, quiet_s=0.3)
    for project in (3, 4, 3, 5, 99):
        nudge(project)
    assert pulls.recipes == [], "it waits until it is quiet"
    assert pulls.came.acquire(timeout=20) and pulls.came.acquire(timeout=20)
    assert sorted(pulls.recipes) == ["one", "two"]
    assert not pulls.came.acquire(timeout=0.5)
    nudge(4)
    assert pulls.came.acquire(timeout=20)


def test_answers_that_never_cease_are_taken_in_all_the_same(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("annotation.exchange.nudge.LONGEST_S", 0.5)
    projects(tmp_path, "one", review=3)
    pulls = Pulls()
    nudge = on_answer(tmp_path, pulls, quiet_s=5.0)
    until = time.monotonic() + 20
    while not pulls.recipes and time.monotonic() < until:
        nudge(3)
        time.sleep(0.05)
    assert pulls.recipes == ["one"]


def test_it_rests_after_a_pull(tmp_path) -> None:
    projects(tmp_path, "one", review=3)
    times = []

    def slow(root: Path, recipe: str) -> None:
        times.append(time.monotonic())
        time.sleep(0.1)
        times.append(time.monotonic())

    nudge = on_answer(tmp_path, slow, quiet_s=0.0)
    nudge(3)
    until = time.monotonic() + 20
    while len(times) < 4 and time.monotonic() < until:
        if len(times) == 2:
            nudge(3)
        time.sleep(0.02)
    assert times[2] - times[1] >= 0.9, "ten times as long as the pull took"


@pytest.mark.parametrize("error", [ServiceError("server", "gone"), ValueError("a mistake of ours")])
def test_nothing_that_fails_reaches_the_caller(tmp_path, error: Exception) -> None:
    projects(tmp_path, "one", review=3)
    pulls = Pulls(error)
    nudge = on_answer(tmp_path, pulls, quiet_s=0.0)
    nudge(3)
    assert pulls.came.acquire(timeout=20)
    nudge(3)
    assert pulls.came.acquire(timeout=20), "the next answer is heard again"
    (review_folder(tmp_path, "one") / "projects.json").write_text("{half")
    nudge(3)


@pytest.mark.slow
def test_an_answer_is_taken_in_without_a_run(studio: Studio) -> None:
    desk = open_desk(studio, "nudged")
    desk.push(some_items(2))
    desk.answer("A1", key(0))
    with sole_writer(desk.root, desk.recipe):  # a run is at work: it will take the answer in
        on_answer(desk.root, quiet_s=0.0)(desk.projects["review"])
        time.sleep(1.0)
        assert desk.answers() == []
    take_in(desk.root, desk.recipe)
    assert [row["annotator"] for row in desk.answers()] == ["A1"]
    desk.answer("A2", key(0))
    on_answer(desk.root, quiet_s=0.0)(desk.projects["review"])
    until = time.monotonic() + 60
    while len(desk.answers()) < 2 and time.monotonic() < until:
        time.sleep(0.2)
    assert [row["annotator"] for row in desk.answers()] == ["A1", "A2"]
