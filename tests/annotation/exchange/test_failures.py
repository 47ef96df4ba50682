"""Whatever fails on the way, nothing is lost, nothing is there twice, and the error says what to do."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from annotation.configs.projects import ensure_projects
from annotation.exchange.client import open_client
from annotation.exchange.pull import pull
from annotation.exchange.push import push
from annotation.private import Connection
from annotation.store import review_folder
from schemas.errors import ClapperError, ServiceError, ServiceRefused, WorkspaceError
from schemas.judging import Review
from tasks.workspace.stage import Row
from tests.annotation.exchange.desk import PROCESSES, Desk, dispute, key, open_desk, some_items
from tests.annotation.exchange.failing import Fault, failing
from tests.annotation.studio import Studio

pytestmark = pytest.mark.slow

IMPORT, SNAPSHOT, DOWNLOAD, ANYTHING = (
    "POST .*/import",
    "POST .*/exports/",
    "GET .*/download",
    ".*",
)

HANGS_S = 2.0
"""After so long a call is given up where one hangs; an honest one takes a twentieth of it, on an idle machine."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits, and no longer ones for slow calls."""
    monkeypatch.setattr("annotation.exchange.client.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("annotation.exchange.client.MOST_WAIT_S", 0.02)
    monkeypatch.setattr("annotation.exchange.client.SLOW_TIMES", 1)


def keys_there(desk: Desk) -> list[str]:
    """The keys of the tasks that are offered, twice where two tasks of one item are."""
    return sorted(task["data"]["key"] for task in desk.tasks() if not task["meta"].get("closed"))


def keys_of(items: Sequence[Row]) -> list[str]:
    return sorted(row["item_key"] for row in items)


def leftovers(desk: Desk) -> list[str]:
    return [path.name for path in review_folder(desk.root, desk.recipe).rglob(".tmp-*")]


@pytest.mark.parametrize("way", ["lose_request", "lose_answer", "cut_answer"])
def test_a_push_that_is_cut_goes_on(studio: Studio, way: str) -> None:
    desk = open_desk(studio, f"cut-{way}")
    items = some_items(10)
    with failing(studio.url, Fault(IMPORT, way, skip=1, times=1)) as url:
        assert desk.through(url).push(items).pushed == 10
    assert keys_there(desk) == keys_of(items)
    assert {row["task"] for row in desk.items()} == {task["id"] for task in desk.tasks()}


@pytest.mark.parametrize("way", ["lose_request", "lose_answer", "cut_answer", "hang"])
def test_a_push_whose_network_stays_away_is_finished_by_the_next(studio: Studio, way: str) -> None:
    desk = open_desk(studio, f"away-{way}")
    items = some_items(20)
    fault = Fault(IMPORT, way, skip=1)
    with failing(studio.url, fault) as url, pytest.raises(ServiceError) as caught:
        desk.through(url, timeout_s=HANGS_S if way == "hang" else 30).push(items)
    assert caught.value.kind == ("timed_out" if way == "hang" else "cut")
    assert "/import" in str(caught.value) and studio.admin.token not in repr(caught.value)
    assert 4 <= len(desk.tasks()) < 20
    desk.push(items)
    assert keys_there(desk) == keys_of(items)
    assert {row["task"] for row in desk.items()} == {task["id"] for task in desk.tasks()}


def _push(root: Path, url: str, token: str, recipe: str, projects: dict[str, int], items: list[Row]) -> None:
    push(open_client(Connection(url, token)), root, recipe, Review(batch=4), projects, items)


def _pull(root: Path, url: str, token: str, recipe: str, projects: dict[str, int], people: list) -> None:
    pull(open_client(Connection(url, token)), root, recipe, Review(batch=4), projects, people)


def killed(work, desk: Desk, fault: Fault, what: list) -> None:
    """Do it in a process of its own, which is killed when the fault is met."""
    with failing(desk.studio.url, fault) as url:
        arguments = (desk.root, url, desk.studio.admin.token, desk.recipe, dict(desk.projects), what)
        process = PROCESSES.Process(target=work, args=arguments)
        process.start()
        assert fault.met.wait(120)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize(
    "fault",
    [
        Fault(SNAPSHOT, "hang_before"),
        Fault(IMPORT, "hang_before"),
        Fault(IMPORT, "hang"),
        Fault(IMPORT, "hang", skip=2),
    ],
    ids=["while it looks", "before the first batch", "after the first batch", "after the last batch"],
)
def test_a_push_that_is_killed_loses_and_doubles_nothing(studio: Studio, fault: Fault) -> None:
    desk = open_desk(studio, f"killed-{fault.way}-{fault.skip}-{len(fault.pattern)}")
    items = some_items(10)
    killed(_push, desk, fault, items)
    there = len(desk.tasks())
    pushed = desk.push(items)
    assert (pushed.doubled, pushed.restored) == ((), ())
    assert there in (0, 4, 10)
    assert keys_there(desk) == keys_of(items)
    assert {row["task"] for row in desk.items()} == {task["id"] for task in desk.tasks()}
    assert desk.push(items).pushed == 0
    assert leftovers(desk) == []


@pytest.mark.parametrize(
    "fault",
    [Fault(DOWNLOAD, "hang"), Fault("DELETE .*/exports/.*", "hang_before")],
    ids=["while it takes answers", "when it has read them"],
)
def test_a_pull_that_is_killed_is_finished_by_the_next(studio: Studio, fault: Fault) -> None:
    desk = open_desk(studio, f"killed-pull-{len(fault.pattern)}")
    desk.push(some_items(2))
    for annotator in ("A1", "A2"):
        desk.answer(annotator, key(0))
    killed(_pull, desk, fault, list(studio.people))
    assert desk.answers() == []
    assert desk.pull().new == 2
    assert desk.pull().unchanged == 2
    assert leftovers(desk) == []
    number = desk.projects["review"]
    assert desk.call("GET", f"/api/projects/{number}/exports/") == [], "no snapshot is left on the server"


@pytest.mark.parametrize("way", ["lose_answer", "cut_answer", "hang"])
@pytest.mark.parametrize("call", [SNAPSHOT, DOWNLOAD])
def test_a_pull_that_is_cut_asks_again(studio: Studio, call: str, way: str) -> None:
    desk = open_desk(studio, f"again-{way}-{len(call)}")
    desk.push(some_items(2))
    desk.answer("A1", key(0))
    with failing(studio.url, Fault(call, way, times=1)) as url:
        slow = desk.through(url, timeout_s=HANGS_S)
        if (call, way) == (SNAPSHOT, "hang"):  # the server may still be at work on it: not asked again
            with pytest.raises(ServiceError, match="no answer in time"):
                slow.pull()
        else:
            assert slow.pull().new == 1
    desk.pull()
    assert [row["annotator"] for row in desk.answers()] == ["A1"]
    assert leftovers(desk) == []


@pytest.mark.parametrize(
    ("pattern", "reply", "kind"),
    [
        (ANYTHING, {"status": 500, "body": b"<html>Server Error</html>"}, "server_error"),
        (ANYTHING, {"status": 502, "body": b"<html>Bad Gateway</html>"}, "server_error"),
        (ANYTHING, {"status": 200, "body": b"<html>Welcome</html>"}, "not_understood"),
        (ANYTHING, {"status": 302, "body": b""}, "not_understood"),
        (ANYTHING, {"status": 200, "body": b'[{"id"', "content_type": "application/json"}, "not_understood"),
        (ANYTHING, {"status": 429, "body": b"{}", "content_type": "application/json"}, "busy"),
        (DOWNLOAD, {"status": 200, "body": b"<html>Log in</html>"}, "not_understood"),
        (DOWNLOAD, {"status": 200, "body": b'[{"id": 1, "data": {}, "annota'}, "not_understood"),
        (DOWNLOAD, {"status": 200, "body": b'[{"id": 1, "data": [], "annotations": []}]'}, "not_understood"),
        (DOWNLOAD, {"status": 200, "body": b'[{"id": 1, "data": {}, "annotations": [7]}]'}, "not_understood"),
        (DOWNLOAD, {"status": 500, "body": b"Server Error"}, "server_error"),
    ],
)
def test_what_is_no_answer_of_the_server_is_told(
    studio: Studio, pattern: str, reply: dict, kind: str
) -> None:
    desk = open_desk(studio, "no-answer")
    items = some_items(2)
    desk.push(items)
    before = desk.items()
    with failing(studio.url, Fault(pattern, "replace", **reply)) as url:
        for work in (desk.through(url).pull, lambda: desk.through(url).push(items)):
            with pytest.raises(ServiceError) as caught:
                work()
            assert caught.value.kind == kind
            assert "<html>" not in str(caught.value) and studio.admin.token not in repr(caught.value)
            assert caught.value.action
    assert desk.items() == before and desk.answers() == [] and leftovers(desk) == []


def test_a_token_that_is_revoked_is_told(studio: Studio) -> None:
    desk = open_desk(studio, "revoked")
    token = "f" * 40
    client = open_client(Connection(studio.url, token))
    with pytest.raises(ServiceRefused, match="401") as caught:
        pull(client, desk.root, desk.recipe, desk.review, desk.projects, studio.people)
    assert token not in repr(caught.value) and "CLAPPER_REVIEW_TOKEN" in caught.value.action
    with pytest.raises(ServiceRefused):
        push(client, desk.root, desk.recipe, desk.review, desk.projects, some_items(1))
    assert desk.tasks() == []


def test_a_server_that_is_down_is_told(studio: Studio) -> None:
    desk = open_desk(studio, "down")
    with failing(studio.url) as url:
        desk.through(url).push(some_items(3))
    # Nobody listens there any more.
    for work in (desk.through(url).pull, lambda: desk.through(url).push(some_items(4))):
        with pytest.raises(ServiceError) as caught:
            work()
        assert caught.value.kind == "unreachable"
        assert "start the review server" in caught.value.action
    assert desk.push(some_items(4)).pushed == 1


def test_a_project_that_is_deleted_by_hand_comes_back_whole(studio: Studio) -> None:
    desk = open_desk(studio, "deleted-project", per_clip=1, adjudicate=True)
    items = [*some_items(6), dispute(1)]
    desk.push(items)
    desk.answer("A1", key(0))
    desk.answer("L1", dispute(1)["item_key"])
    desk.pull()
    for number in desk.projects.values():
        desk.call("DELETE", f"/api/projects/{number}/")
    for work in (desk.pull, lambda: desk.push(items)):
        with pytest.raises(ServiceError) as caught:
            work()
        assert caught.value.kind == "gone"
    made = ensure_projects(desk.client, desk.root, desk.recipe, desk.review)
    again = Desk(studio, desk.recipe, desk.review, made.numbers, studio.url)
    assert len(again.push(items).restored) == 7
    assert keys_there(again) == keys_of(items[:6])
    assert again.offered("A1") != key(0)
    pulled = again.pull()
    assert (pulled.new, pulled.unchanged, pulled.missing) == (0, 2, ())
    assert len(again.answers()) == 2


@pytest.mark.parametrize("work", ["push", "pull"])
def test_a_full_disk_leaves_whole_files(studio: Studio, work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = open_desk(studio, f"full-{work}")
    desk.push(some_items(4))
    desk.answer("A1", key(0))
    before = desk.items()

    def half_written(table, path) -> None:
        path.write_bytes(b"PAR1")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("annotation.store.write_table", half_written)
        with pytest.raises(WorkspaceError, match="No space left"):
            desk.pull() if work == "pull" else desk.push(some_items(10))
    assert desk.items() == before and desk.answers() == [] and leftovers(desk) == []
    assert desk.pull().new == 1
    desk.push(some_items(10))
    assert keys_there(desk) == keys_of(some_items(10))


def test_errors_cross_borders_between_processes(studio: Studio) -> None:
    import pickle

    client = open_client(Connection(studio.url, studio.admin.token))
    with pytest.raises(ClapperError) as caught:
        client.projects.get(99_999)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.kind, again.item) == ("gone", studio.url)
