"""The whole review server, started from nothing on a PostgreSQL of its own, and what happens when things go wrong."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from annotation.private import Person, Running, open_secrets, read_people, read_running
from annotation.server.addresses import from_elsewhere
from annotation.server.environment import PLACE_VARIABLE
from annotation.server.people import Newcomer
from annotation.server.processes import free_port
from annotation.server.start import review_server, start, stop
from schemas.errors import SystemicError, WorkspaceError
from tests.annotation.studio import PEOPLE, Studio, Template, browse, fill, studio_python
from tests.annotation.watcher import end_with_us

pytestmark = pytest.mark.slow

LEAKS = {
    "HOST": "http://leak.example",
    "PORT": "1",
    "DEBUG": "true",
    "DATABASE_NAME": "/leak",
    "SENTRY_DSN": "leak",
}


@pytest.fixture(scope="module", autouse=True)
def caller() -> Iterator[None]:
    """A caller whose environment has names that Label Studio would read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PLACE_VARIABLE, str(studio_python().parent.parent))
        for name, value in LEAKS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Running, list[str]]]:
    """A server that was started from nothing, in a folder that only its owner may enter; and what was said."""
    root = tmp_path_factory.mktemp("workspace")
    root.chmod(0o700)
    end_with_us(root)
    said: list[str] = []
    running = start(root, PEOPLE, port=free_port(), say=said.append)
    yield root, running, said
    stop(root)
    assert processes_of(root) == []


def processes_of(root: Path) -> list[psutil.Process]:
    """All processes that work for a workspace."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        told = [*(process.info["cmdline"] or ()), *(process.info["environ"] or {}).values()]
        if process.pid != os.getpid() and any(str(root) in text for text in told):
            found.append(process)
    return found


def wait_until(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def listens(url: str) -> bool:
    port = int(url.rpartition(":")[2])
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def whoami(url: str, person: Person) -> int | None:
    answer = httpx.get(f"{url}/api/current-user/whoami", headers={"Authorization": f"Token {person.token}"})
    return answer.json()["id"] if answer.status_code == 200 else None


def log_in(url: str, person: Person) -> int | None:
    """Through the page, as people do; the user's number."""
    with browse(url, person) as session:
        answer = session.get("/api/current-user/whoami")
        return answer.json()["id"] if answer.status_code == 200 else None


def test_it_is_well_and_told_what_it_did(server: tuple[Path, Running, list[str]]) -> None:
    root, running, said = server
    assert read_running(root) == running
    assert httpx.get(f"{running.studio}/health").json() == {"status": "UP"}
    assert listens(running.gateway)
    assert running.inner_gateway == running.gateway
    told = "\n".join(said)
    assert re.search(r"making the tables: \d+ of \d+ steps", told)
    assert (
        told.index("starting PostgreSQL")
        < told.index("starting Label Studio")
        < told.index("starting gateway")
    )


def test_everybody_logs_in_with_password_and_with_token(server: tuple[Path, Running, list[str]]) -> None:
    root, running, _ = server
    people = read_people(root)
    assert [person.pseudonym for person in people] == ["admin", "A1", "A2", "A3", "A4", "A5", "L1"]
    for person in people:
        assert whoami(running.studio, person) == person.user
    for person in (people[1], people[-1]):
        assert log_in(running.studio, person) == person.user
    assert log_in(running.studio, replace(people[1], password="guess")) is None


def test_nobody_signs_up_without_an_invitation(server: tuple[Path, Running, list[str]]) -> None:
    _, running, _ = server
    with httpx.Client(base_url=running.studio) as session:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', session.get("/user/signup/").text)
        assert found
        form = {"email": "x@example.com", "password": "sesame-sesame", "csrfmiddlewaretoken": found[1]}
        assert session.post("/user/signup/", data=form).status_code == 403


def test_the_log_ins_are_in_a_private_file(server: tuple[Path, Running, list[str]]) -> None:
    root, running, _ = server
    path = root / "review-server" / "log-ins.txt"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().count(running.gateway) == len(PEOPLE)


def test_no_log_holds_a_secret(server: tuple[Path, Running, list[str]]) -> None:
    root, _, said = server
    secrets = open_secrets(root)
    hidden = [secrets.django, secrets.items, secrets.media, secrets.hooks, secrets.database]
    for person in read_people(root):
        hidden += [person.token, person.password]
    texts = ["\n".join(said), *(log.read_text() for log in (root / "review-server" / "logs").iterdir())]
    texts += ["\0".join(process.cmdline()) for process in processes_of(root)]
    assert len(texts) > 6
    assert not [secret for secret in hidden for text in texts if secret in text]


def test_label_studio_knows_nothing_of_the_caller(server: tuple[Path, Running, list[str]]) -> None:
    root, _, _ = server
    studios = [process for process in processes_of(root) if "gunicorn" in process.cmdline()]
    assert len(studios) == 3  # one that leads two
    for process in studios:
        assert not set(LEAKS) & set(process.environ())
        assert process.environ()["POSTGRE_HOST"] == "127.0.0.1"
    assert not (root / "review-server" / "studio" / "label_studio.sqlite3").exists()


def test_only_the_gateway_can_be_open_to_other_machines(server: tuple[Path, Running, list[str]]) -> None:
    root, _, _ = server
    open_at = {
        connection.laddr.ip
        for process in processes_of(root)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert open_at == {"127.0.0.1"}


def test_a_second_start_says_that_it_runs_and_where(server: tuple[Path, Running, list[str]]) -> None:
    root, running, _ = server
    with pytest.raises(
        WorkspaceError, match=rf"runs already, at {running.gateway} \(process {running.pid}\)"
    ):
        start(root, PEOPLE, port=free_port(), say=print)
    assert httpx.get(f"{running.studio}/health").status_code == 200


@pytest.mark.parametrize("name", ["Label Studio", "gateway", "PostgreSQL"])
def test_a_part_that_dies_runs_again(server: tuple[Path, Running, list[str]], name: str) -> None:
    root, running, _ = server
    what = {"Label Studio": "gunicorn", "gateway": "annotation.server.gateway_process", "PostgreSQL": "-D"}[
        name
    ]
    keeper = psutil.Process(running.pid)
    part = next(child for child in keeper.children() if what in child.cmdline())
    part.kill()
    log = root / "review-server" / "logs" / "keeper.log"
    wait_until(lambda: f"{name} runs again" in log.read_text(), 120)
    assert whoami(running.studio, read_people(root)[1]) == read_people(root)[1].user
    assert listens(running.gateway)


def test_a_restart_keeps_everything(server: tuple[Path, Running, list[str]]) -> None:
    root, running, _ = server
    people = read_people(root)
    admin = {"Authorization": f"Token {people[0].token}"}
    made = httpx.post(f"{running.studio}/api/projects", json={"title": "kept"}, headers=admin)
    assert made.status_code == 201
    assert stop(root, print)
    assert processes_of(root) == []
    assert not listens(running.studio) and not listens(running.gateway)
    assert read_running(root) is None
    assert not stop(root, print)
    again = start(root, port=int(running.gateway.rpartition(":")[2]), say=print)
    assert read_people(root) == people
    assert [whoami(again.studio, person) for person in people] == [person.user for person in people]
    assert log_in(again.studio, people[1]) == people[1].user
    kept = httpx.get(f"{again.studio}/api/projects/{made.json()['id']}", headers=admin)
    assert kept.json()["title"] == "kept"


def test_a_killed_keeper_leaves_nothing_to_the_next_start(server: tuple[Path, Running, list[str]]) -> None:
    root, _, _ = server
    running = read_running(root)
    assert running
    left = psutil.Process(running.pid).children(recursive=True)
    os.kill(running.pid, signal.SIGKILL)
    wait_until(lambda: read_running(root) is None)
    assert any(process.is_running() for process in left)
    said: list[str] = []
    with review_server(root, port=int(running.gateway.rpartition(":")[2]), say=said.append) as again:
        assert [line for line in said if "left by an earlier start" in line]
        assert not [process for process in left if process.is_running()]
        assert whoami(again.studio, read_people(root)[1]) == read_people(root)[1].user
    assert processes_of(root) == []


@pytest.fixture
def filled(postgres_template: Template, tmp_path: Path) -> Path:
    fill(tmp_path, postgres_template)
    return tmp_path


def test_a_taken_port_is_told_before_anything_starts(filled: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(SystemicError, match=f"port {port}: cannot be used .*--port"):
            start(filled, port=port, say=print)
        assert time.monotonic() - began < 20
    assert processes_of(filled) == []
    assert read_running(filled) is None


def test_a_workspace_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match="file: cannot be written: Not a directory"):
        start(tmp_path / "file", PEOPLE, say=print)


def test_a_database_that_is_not_there_is_told_without_its_password(tmp_path: Path) -> None:
    address = f"postgres://somebody:hunter2@127.0.0.1:{free_port()}/labels"
    with pytest.raises(
        SystemicError, match="postgres://somebody@127.0.0.1:.*could not be made ready"
    ) as caught:
        start(tmp_path, PEOPLE, database=address, port=free_port(), say=print)
    assert "refused" in caught.value.problem
    logs = [log.read_text() for log in (tmp_path / "review-server" / "logs").iterdir()]
    assert not [text for text in (str(caught.value), *logs) if "hunter2" in text]
    assert processes_of(tmp_path) == []


def test_a_start_can_be_stopped_while_it_starts(studio_template: Template, tmp_path: Path) -> None:
    fill(tmp_path, studio_template)
    said: list[str] = []

    def stop_it(text: str) -> None:
        said.append(text)
        if "starting Label Studio" in text:
            assert stop(tmp_path, print)

    with pytest.raises(SystemicError, match="was stopped while it started"):
        start(tmp_path, PEOPLE, database="sqlite", port=free_port(), say=stop_it)
    assert processes_of(tmp_path) == []
    assert [line for line in said if "warning: with SQLite" in line]


def test_people_of_an_existing_server_are_invited(studio: Studio, tmp_path: Path) -> None:
    newcomers = [PEOPLE[0], Newcomer("new@example.com", "New", "annotator")]
    with review_server(
        tmp_path, newcomers, port=free_port(), url=studio.url, token=studio.admin.token, say=print
    ) as running:
        assert running.studio == studio.url
        admin, known, new = read_people(tmp_path)
        assert (admin.user, admin.token) == (studio.admin.user, studio.admin.token)
        assert (known.user, known.password) == (studio.person("A1").user, "")
        assert known.email not in (tmp_path / "review-server" / "log-ins.txt").read_text()
        assert whoami(studio.url, new) == log_in(studio.url, new) == new.user
    assert httpx.get(f"{studio.url}/health").status_code == 200
    with review_server(
        tmp_path, newcomers[:1], port=free_port(), url=studio.url, token=studio.admin.token, say=print
    ) as running:
        members = httpx.get(f"{studio.url}/api/users/", headers=studio.headers()).json()
        # The server still lets her in, so the gateway must not.
        assert log_in(studio.url, new) == new.user
        with browse(running.gateway, new) as session:
            left = session.get("/", headers={"accept": "text/html"})
            assert (left.status_code, "no longer take part" in left.text) == (403, True)
            assert "no longer take part" in session.get("/api/current-user/whoami").json()["detail"]
    assert [person.user for person in read_people(tmp_path)] == [admin.user, known.user, new.user]
    assert [person.active for person in read_people(tmp_path)] == [True, True, False]
    assert {member["id"]: member["active_organization"] for member in members}[new.user] is None
    with pytest.raises(SystemicError, match="new@example.com: has an account .* taken out of"):
        start(tmp_path, newcomers, port=free_port(), url=studio.url, token=studio.admin.token, say=print)


def test_who_is_open_to_all_gives_an_address_that_others_can_open(studio: Studio, tmp_path: Path) -> None:
    port, said = free_port(), []
    with review_server(
        tmp_path, PEOPLE, port=port, host="0.0.0.0", url=studio.url, token=studio.admin.token, say=said.append
    ) as running:
        assert running.gateway == f"http://{from_elsewhere('0.0.0.0')}:{port}"
        assert "127.0.0.1" not in running.gateway
        assert httpx.get(f"{running.gateway}/gateway/health").text == "well"
        assert running.inner_gateway == ""  # a server elsewhere calls where people call
        assert read_running(tmp_path) == running
    note = next(line for line in said if "--origin" in line)
    assert note.startswith(f"{running.gateway} is this machine")
    assert (tmp_path / "review-server" / "log-ins.txt").read_text().endswith(f"\n\n{note}\n")


def test_a_named_address_is_given_as_it_is(studio: Studio, tmp_path: Path) -> None:
    said: list[str] = []
    with review_server(
        tmp_path, PEOPLE, port=free_port(), host="0.0.0.0", origin="https://review.example.org/",
        url=studio.url, token=studio.admin.token, say=said.append,
    ) as running:  # fmt: skip
        assert running.gateway == "https://review.example.org"
    assert not [line for line in said if "--origin" in line]


@pytest.mark.parametrize(
    ("url", "token", "problem"),
    [
        ("", "0" * 40, "refuses the token with 401"),
        ("http://127.0.0.1:9", "0" * 40, "cannot be reached"),
        ("http://127.0.0.1:9", "", "needs a token of its administrator"),
    ],
)
def test_an_existing_server_that_does_not_let_us_in(
    studio: Studio, tmp_path: Path, url: str, token: str, problem: str
) -> None:
    with pytest.raises(SystemicError, match=problem):
        start(tmp_path, PEOPLE, port=free_port(), url=url or studio.url, token=token, say=print)
    assert processes_of(tmp_path) == []
