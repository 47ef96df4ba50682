"""`curate/av-syncbench` closes the loop: each run puts new clips before people and takes in what they answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from annotation.private import FOLDER
from annotation.store import read_answers, read_items, review_folder
from tasks.releases import latest_release, releases
from tests.annotation.exchange.desk import result_of
from tests.annotation.studio import Studio
from tests.flows.fixtures import Command
from tests.flows.wild import NOBODY, Place, check_funnel

pytestmark = pytest.mark.slow

ALL = {**NOBODY, "review.of": "all", "review.gold": "0"}
RECIPE = "av-syncbench"


@pytest.fixture(scope="module")
def place(clapper: Command, wild_videos: Path, studio: Studio) -> Place:
    """A workspace with a review server, after its first run."""
    place = Place(clapper, wild_videos, studio.root, {})
    place.run(settings=ALL)
    return place


class People:
    """Annotators who answer as they are told, by the server's own interface."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        path = review_folder(studio.root, RECIPE) / "projects.json"
        self.projects: Mapping[str, int] = json.loads(path.read_text())

    def clips(self, project: str = "review") -> dict[str, dict[str, Any]]:
        """Clip id to its item, of those that are on the server."""
        items = read_items(self.studio.root, RECIPE)
        return {row["clip_id"]: row for row in items if row["project"] == project and row["task"]}

    def answer(self, by: str, task: int, **changes: str) -> None:
        body = {"result": result_of(**changes), "lead_time": 14.0}
        reply = httpx.post(
            f"{self.studio.url}/api/tasks/{task}/annotations/",
            headers=self.studio.headers(by),
            json=body,
            timeout=60,
        )
        reply.raise_for_status()

    def offered(self, by: str, project: str = "review") -> list[int]:
        """The task that somebody would be given next, if there is one."""
        reply = httpx.get(
            f"{self.studio.url}/api/projects/{self.projects[project]}/next/",
            headers=self.studio.headers(by),
            timeout=60,
        )
        return [reply.json()["id"]] if reply.status_code == 200 else []


@pytest.fixture(scope="module")
def people(place: Place, studio: Studio) -> Iterator[People]:
    yield People(studio)


@pytest.fixture(scope="module")
def judged(place: Place, people: People) -> dict[str, str]:
    """After three people have judged all clips but one, and a further run. Clip to what should become of it."""
    accepted, rejected, disputed, pending, *more = sorted(people.clips())
    for by, audio in zip(("A1", "A2", "A3"), ("good", "poor", "unclear"), strict=True):
        for clip in (accepted, *more):
            people.answer(by, people.clips()[clip]["task"], scenario="single_instrument")
        people.answer(by, people.clips()[rejected]["task"], source="visible" if by == "A2" else "off_screen")
        people.answer(by, people.clips()[disputed]["task"], audio=audio)
    for by in ("A4", "A5"):
        people.answer(by, people.clips()[pending]["task"])
    place.run(settings=ALL)
    return {
        **dict.fromkeys((accepted, *more), "accepted"), rejected: "rejected", disputed: "disputed", pending: "pending"
    }  # fmt: skip


def test_the_first_run_puts_every_clip_that_is_fit_before_people(place: Place, people: People) -> None:
    counts = check_funnel(place.summary(**ALL))
    items = read_items(place.root, RECIPE)
    assert len(items) == counts["clips for people to judge"] >= 5
    assert all(item["task"] and item["pushed_at"] for item in items)
    assert people.offered("A1")
    for item in items:
        task = httpx.get(
            f"{people.studio.url}/api/tasks/{item['task']}/", headers=people.studio.headers(), timeout=60
        ).json()
        shown = json.dumps(task["data"])
        assert not [word for word in (item["clip_id"], item["video_id"], "secret") if word in shown]


def test_a_run_without_news_pushes_and_takes_in_nothing(place: Place, people: People) -> None:
    before = read_items(place.root, RECIPE)
    place.run(settings=ALL)
    assert read_items(place.root, RECIPE) == before
    assert read_answers(place.root, RECIPE) == []


def test_what_is_decided_is_released_and_the_rest_waits(place: Place, judged: dict[str, str]) -> None:
    counts = check_funnel(place.summary(**ALL))
    accepted = {clip for clip, outcome in judged.items() if outcome == "accepted"}
    rows = latest_release(place.root, RECIPE).rows()
    assert {row["clip_id"] for row in rows} == accepted
    assert counts["clips for people to judge"] == 2
    losses = {loss.reason: loss for loss in place.summary(**ALL).losses if loss.stage == "review"}
    assert {reason: loss.items for reason, loss in losses.items()} == {
        "rejected_source": 1, "review_disputed": 1, "review_pending": 1
    }  # fmt: skip
    assert losses["rejected_source"].outcome == "dropped"
    outcomes = [row for survey in place.surveys(**ALL) for row in survey.outputs["review"].outcomes.values()]
    assert {row["detail"] for row in outcomes if row["outcome"] != "done"} == {
        "source: off_screen 2, visible 1", "audio: good 1, poor 1, unclear 1", "2 of 3 judgements"
    }  # fmt: skip


def test_the_manifest_has_votes_and_agreement_by_pseudonym(place: Place, judged: dict[str, str]) -> None:
    release = latest_release(place.root, RECIPE)
    for row in release.rows():
        assert (row["reviewers"], row["review_agreement"], row["adjudicator"]) == (3, 1.0, None)
        assert (row["sound_source"], row["scenario"], row["scenario_domain"]) == (
            "visible", "single_instrument", "music"
        )  # fmt: skip
        assert {vote["annotator"] for vote in row["review_votes"]} == {"A1", "A2", "A3"}
        assert {finding["question"] for finding in row["review_findings"]} == {
            "source", "aligned", "audio", "scenario", "speech"
        }  # fmt: skip
    card = (release.folder / "README.md").read_text()
    assert "3 people judged" in card
    for path in release.folder.rglob("*"):
        if path.is_file() and path.suffix != ".mp4":
            assert b"@example.com" not in path.read_bytes(), path


def test_the_server_may_be_away(place: Place, judged: dict[str, str]) -> None:
    """Without one the decisions hold; with one that does not answer the run says so, and nothing is lost."""
    running = place.root / FOLDER / "running.json"
    before, text = place.summary(**ALL).funnel, running.read_text()
    running.unlink()
    assert "Nothing to do" in place.run(settings=ALL).stdout
    running.write_text(json.dumps(json.loads(text) | {"studio": "http://127.0.0.1:9"}))
    done = place.run(settings=ALL, check=False)
    running.write_text(text)
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stdout
    assert place.summary(**ALL).funnel == before
    assert len(releases(place.root, RECIPE)) == 1


def test_the_lead_decides_a_dispute_and_the_next_run_releases_the_clip(
    place: Place, people: People, judged: dict[str, str]
) -> None:
    (disputed,) = (clip for clip, outcome in judged.items() if outcome == "disputed")
    assert set(people.clips("adjudication")) == {disputed}
    (task,) = people.offered("L1", "adjudication")
    people.answer("L1", task)
    done = place.run(settings=ALL)
    assert [release.version for release in releases(place.root, RECIPE)] == ["1.0.0", "1.1.0"]
    row = next(row for row in latest_release(place.root, RECIPE).rows() if row["clip_id"] == disputed)
    assert (row["adjudicator"], row["reviewers"]) == ("L1", 3)
    assert "people judge" in done.stdout


def test_the_report_tells_how_it_stands(place: Place, judged: dict[str, str]) -> None:
    shown = place.command("review", "report", RECIPE, settings=ALL)
    told = json.loads(place.command("review", "report", RECIPE, "--json", settings=ALL).stdout)
    assert "accepted" in shown.stdout
    assert told
    page = (review_folder(place.root, RECIPE) / "report.html").read_text()
    assert "<svg" in page
    assert "@example.com" not in page + shown.stdout


def test_a_clip_that_is_cut_anew_is_judged_anew(place: Place, judged: dict[str, str]) -> None:
    anew = {**ALL, "media.crf": "30"}
    before = {item["clip_sha256"] for item in read_items(place.root, RECIPE)}
    place.run(settings=anew)
    fresh = [item for item in read_items(place.root, RECIPE) if item["clip_sha256"] not in before]
    waiting = dict(place.summary(**anew).funnel)["clips for people to judge"]
    assert len(fresh) == waiting == len(before)
    assert all(item["task"] for item in fresh)
