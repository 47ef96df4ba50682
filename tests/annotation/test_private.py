"""What must stay on this machine is readable by its owner alone, and shows in no text."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from annotation.private import (
    Connection,
    Person,
    Running,
    connection_of,
    open_secrets,
    private_folder,
    read_people,
    read_running,
    write_people,
    write_running,
)
from schemas.errors import SystemicError

ADMIN = Person("admin@example.com", "admin", "admin", 1, token="the-token", password="the-password")


def test_secrets_are_made_once_and_are_their_owners_alone(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: open_secrets(tmp_path), range(16)))
    assert len(set(found)) == 1
    values = list(asdict(found[0]).values())
    assert len(set(values)) == len(values)
    assert all(len(value) == 64 for value in values)
    folder = private_folder(tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "secrets.json").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["secrets.json"]


def test_no_secret_shows_in_a_text(tmp_path: Path) -> None:
    secrets = open_secrets(tmp_path)
    shown = repr(secrets) + repr(ADMIN) + repr(Connection("http://127.0.0.1:1", "the-token"))
    hidden = [*asdict(secrets).values(), "the-token", "the-password"]
    assert not [value for value in hidden if value in shown]


def test_a_broken_file_of_secrets_is_named_and_not_shown(tmp_path: Path) -> None:
    path = private_folder(tmp_path) / "secrets.json"
    path.write_text('{"django": "s3cr3t"')
    with pytest.raises(SystemicError, match=r"secrets\.json") as caught:
        open_secrets(tmp_path)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_people_come_back(tmp_path: Path) -> None:
    assert read_people(tmp_path) == []
    people = [ADMIN, Person("a@example.com", "annotator", "A1", 2, "Ada", "t", "p")]
    write_people(tmp_path, people)
    assert read_people(tmp_path) == people


def test_who_has_left_comes_back_as_such(tmp_path: Path) -> None:
    people = [ADMIN, Person("a@example.com", "annotator", "A1", 2, active=False)]
    write_people(tmp_path, people)
    assert read_people(tmp_path) == people


@pytest.mark.parametrize(
    ("shown", "active"),
    [
        ({"token": "t", "password": "p"}, True),
        ({"token": "", "password": "p"}, True),
        ({"token": "t", "password": ""}, True),
        ({"token": "", "password": ""}, False),
    ],
)
def test_in_older_files_who_has_left_can_show_nothing(
    tmp_path: Path, shown: dict[str, str], active: bool
) -> None:
    row = {
        "email": "a@example.com",
        "role": "annotator",
        "pseudonym": "A1",
        "user": 2,
        "name": "Ada",
        **shown,
    }
    (private_folder(tmp_path) / "people.json").write_text(json.dumps({"people": [row]}))
    assert read_people(tmp_path) == [Person(**row, active=active)]


def test_servers_run_while_their_keeper_does(tmp_path: Path) -> None:
    assert read_running(tmp_path) is None
    here = Running(os.getpid(), "http://127.0.0.1:1", "http://127.0.0.1:2", "2026-11-02T10:00:00+00:00")
    write_running(tmp_path, here)
    assert read_running(tmp_path) == here
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_running(tmp_path, Running(gone.pid, here.studio, here.gateway, here.since))
    assert read_running(tmp_path) is None


def test_a_keeper_that_is_no_more_than_a_zombie_keeps_nothing(tmp_path: Path) -> None:
    keeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    running = Running(keeper.pid, "http://127.0.0.1:1", "http://127.0.0.1:2", "now")
    write_running(tmp_path, running)
    assert read_running(tmp_path) == running
    keeper.kill()
    os.waitid(os.P_PID, keeper.pid, os.WEXITED | os.WNOWAIT)
    assert read_running(tmp_path) is None
    keeper.wait()


@pytest.mark.parametrize("began", ["another begin", "it had ended", ""])
def test_another_process_with_the_keepers_number_keeps_nothing(tmp_path: Path, began: str) -> None:
    write_running(tmp_path, Running(os.getpid(), "http://127.0.0.1:1", "http://127.0.0.1:2", "now"))
    path = private_folder(tmp_path) / "running.json"
    row = json.loads(path.read_text())
    path.write_text(json.dumps({**row, "began": began}))
    assert read_running(tmp_path) is None
    path.write_text(json.dumps(row))
    assert read_running(tmp_path) is not None


def test_a_file_without_the_keepers_begin_is_believed_while_there_is_such_a_process(tmp_path: Path) -> None:
    row = {"pid": os.getpid(), "studio": "http://127.0.0.1:1", "gateway": "", "since": "now"}
    (private_folder(tmp_path) / "running.json").write_text(json.dumps(row))
    assert read_running(tmp_path) == Running(**row)


def test_a_server_is_named_by_the_environment_or_runs_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLAPPER_REVIEW_URL", "CLAPPER_REVIEW_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert connection_of(tmp_path) is None
    write_people(tmp_path, [ADMIN])
    assert connection_of(tmp_path) is None
    write_running(tmp_path, Running(os.getpid(), "http://127.0.0.1:1", "http://127.0.0.1:2", "now"))
    assert connection_of(tmp_path) == Connection("http://127.0.0.1:1", "the-token")
    monkeypatch.setenv("CLAPPER_REVIEW_URL", "https://review.example.com/")
    assert connection_of(tmp_path) == Connection("http://127.0.0.1:1", "the-token")
    monkeypatch.setenv("CLAPPER_REVIEW_TOKEN", "another")
    assert connection_of(tmp_path) == Connection("https://review.example.com", "another")
