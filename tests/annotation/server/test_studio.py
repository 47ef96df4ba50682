"""Label Studio itself: up, with its people, quiet, with nothing secret in its logs."""

from __future__ import annotations

import http.client
import json
import re
import sys
import time
from pathlib import Path

import httpx
import pytest

from annotation.private import open_secrets
from annotation.server.people import Newcomer, ensure_people
from annotation.server.processes import end, free_port, launch
from annotation.server.settings import SQLITE, studio_environment
from annotation.server.studio import accounts_in, is_well, package_folder, studio_command
from schemas.errors import SystemicError
from tests.annotation.studio import PEOPLE, Studio, Template, browse, fill, running_studio

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("pseudonym", ["admin", "A1", "A5", "L1"])
def test_everybody_has_a_token_that_works(studio: Studio, pseudonym: str) -> None:
    person = studio.person(pseudonym)
    answer = httpx.get(f"{studio.url}/api/current-user/whoami", headers=studio.headers(pseudonym))
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["email"]) == (person.user, person.email)
    assert answer.json()["first_name"] == pseudonym


def test_the_same_on_postgres(postgres_studio: Studio) -> None:
    answer = httpx.get(
        f"{postgres_studio.url}/api/current-user/whoami", headers=postgres_studio.headers("A3")
    )
    assert answer.json()["id"] == postgres_studio.person("A3").user


def test_a_connection_is_kept_longer_than_clients_hold_one(studio: Studio) -> None:
    place = studio.url.removeprefix("http://")
    connection = http.client.HTTPConnection(place, timeout=30)
    for idle in (0, 6):  # httpx lets go of one after 5 s
        time.sleep(idle)
        connection.request("GET", "/health")
        assert connection.getresponse().read() == b'{"status": "UP"}'
    connection.close()


def status(studio: Studio, token: str) -> int:
    return httpx.get(
        f"{studio.url}/api/current-user/whoami", headers={"Authorization": f"Token {token}"}
    ).status_code


def test_who_leaves_is_barred_and_may_come_back(studio_template: Template, tmp_path: Path) -> None:
    with running_studio(studio_template, tmp_path) as studio:
        accounts = accounts_in(studio_template.python, tmp_path, SQLITE, print)
        before = studio.person("A2")
        rest = [newcomer for newcomer in PEOPLE if newcomer.email != before.email]
        ensure_people(tmp_path, [*rest, Newcomer("new@example.com", "New", "annotator")], accounts)
        assert status(studio, before.token) == 401
        people = {person.pseudonym: person for person in ensure_people(tmp_path, PEOPLE, accounts)}
        after = people["A2"]
        assert (after.email, after.user) == (before.email, before.user)
        assert after.token not in ("", before.token)
        assert [status(studio, token) for token in (before.token, after.token)] == [401, 200]
        # Who was not touched keeps what she was given.
        assert people["A1"] == studio.person("A1")
        assert people["A6"].token == ""


HOOK = """
import runpy, sys
looked_up, arguments = sys.argv[1], sys.argv[2:]
def hook(event, details):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = details[0]
    elif event == "socket.connect" and isinstance(details[1], tuple):
        host = details[1][0]
    else:
        return
    with open(looked_up, "a") as file:
        print(host, file=file)
sys.addaudithook(hook)
sys.argv = arguments
runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
"""


def test_no_other_host_is_looked_up(studio_template: Template, tmp_path: Path) -> None:
    fill(tmp_path, studio_template)
    port, looked_up = free_port(), tmp_path / "looked-up"
    url = f"http://127.0.0.1:{port}"
    python, *arguments = studio_command(studio_template.python, SQLITE, port)
    command = [python, "-I", "-c", HOOK, str(looked_up), *arguments[arguments.index("-m") + 1 :]]
    environment = studio_environment(tmp_path, open_secrets(tmp_path).django, SQLITE)
    process = launch(command, environment, tmp_path / "empty", tmp_path / "log")
    admin = {"Authorization": f"Token {studio_template.people[0].token}"}
    page = (
        "<View><Text name='t' value='$t'/><Choices name='c' toName='t'><Choice value='a'/></Choices></View>"
    )
    try:
        with httpx.Client(base_url=url, headers=admin, timeout=30) as client:
            while not is_well(url):
                assert process.poll() is None, (tmp_path / "log").read_text()
            assert client.get("/user/login/").status_code == 200
            made = client.post("/api/projects", json={"title": "quiet", "label_config": page}).json()
            tasks = client.post(f"/api/projects/{made['id']}/import", json=[{"t": "one"}])
            assert tasks.status_code == 201
            task = client.get(f"/api/projects/{made['id']}/next/").json()
            assert (
                client.post(f"/api/tasks/{task['id']}/annotations/", json={"result": []}).status_code == 201
            )
        with browse(url, studio_template.people[1]) as session:
            html = session.get(f"/projects/{made['id']}/data").text
            assert "defaultEditorKeymap" in html
    finally:
        end(process)
    hosts = set(looked_up.read_text().split()) if looked_up.exists() else set()
    assert hosts <= {"127.0.0.1", "localhost", "::1", "None"}
    assert "googletagmanager" not in html
    assert "sentry.io" not in html


def test_the_hook_sees_what_is_looked_up(tmp_path: Path) -> None:
    (tmp_path / "looks_up.py").write_text("import socket; socket.getaddrinfo('127.0.0.1', 80)")
    looked_up = tmp_path / "looked-up"
    command = [sys.executable, "-c", HOOK, str(looked_up), "looks_up"]
    launch(command, {"PYTHONPATH": str(tmp_path)}, tmp_path, tmp_path / "log").wait()
    assert looked_up.read_text().split() == ["127.0.0.1"]


def test_the_keys_of_the_page_are_ours(studio: Studio) -> None:
    with browse(studio.url, studio.person("A1")) as session:
        html = session.get("/projects/").text
    found = re.search(r"defaultEditorKeymap = JSON\.parse\((.*)\);", html)
    assert found
    keys = json.loads(json.loads(found[1]))
    assert keys["media:playpause"] == {"key": "`"}
    assert keys["media:step-forward"] == {"key": "right"}


def test_an_environment_without_label_studio_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemicError, match="is no environment with Label Studio"):
        package_folder(tmp_path / "bin" / "python")
