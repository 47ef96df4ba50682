"""A real Label Studio for tests: installed once, its tables made once, started from a copy in seconds."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen

import httpx
import pytest

from annotation.private import FOLDER, Connection, Person, Running, read_people, write_running
from annotation.server import inside_studio
from annotation.server.environment import PLACE_VARIABLE, REQUIREMENTS, ensure_studio
from annotation.server.people import Newcomer, ensure_people
from annotation.server.postgres import account_to_run_as, ensure_cluster, own_database, postgres_service
from annotation.server.processes import Started, end, free_port, remember, started_as
from annotation.server.services import Service, bring_up
from annotation.server.settings import SQLITE, Database
from annotation.server.studio import accounts_in, studio_service
from tests.annotation.watcher import end_with_us
from tests.conftest import ROOT

PEOPLE = (
    *(
        Newcomer(f"annotator{number}@example.com", f"Annotator {number}", "annotator")
        for number in range(1, 6)
    ),
    Newcomer("lead@example.com", "Lead", "lead"),
)


@dataclass(frozen=True)
class Studio:
    """A Label Studio that runs.

    Attributes:
        root: the workspace that it belongs to, with secrets.json, people.json and running.json.
        url: of Label Studio itself, without the gateway.
        people: the administrator, A1 to A5, L1.
    """

    root: Path
    url: str
    people: tuple[Person, ...]

    def person(self, pseudonym: str) -> Person:
        return next(person for person in self.people if person.pseudonym == pseudonym)

    @property
    def admin(self) -> Person:
        return self.person("admin")

    @property
    def lead(self) -> Person:
        return self.person("L1")

    @property
    def annotators(self) -> tuple[Person, ...]:
        return tuple(person for person in self.people if person.role == "annotator")

    @property
    def connection(self) -> Connection:
        return Connection(self.url, self.admin.token)

    def headers(self, pseudonym: str = "admin") -> dict[str, str]:
        """What a call carries to be somebody's."""
        return {"Authorization": f"Token {self.person(pseudonym).token}"}


@dataclass(frozen=True)
class Template:
    """A workspace with tables and accounts, to be copied.

    Attributes:
        python: of Label Studio's own environment.
        people: as in its people.json.
    """

    python: Path
    workspace: Path
    people: tuple[Person, ...]


def cache_folder() -> Path:
    """Where the environment and the templates stay from one run of the tests to the next."""
    folder = Path(os.environ.get("CLAPPER_TEST_CACHE") or ROOT / ".cache")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def studio_python() -> Path:
    """Label Studio's interpreter: the one that is named, the checkout's own, or one installed into the cache."""
    if os.environ.get(PLACE_VARIABLE):
        return ensure_studio(print)
    own = ROOT / ".venv-studio"
    return ensure_studio(print, own if (own / "bin" / "python").exists() else cache_folder() / "label-studio")


def template_of(name: str, build: Callable[[Path, Path], None], *made_by: Path) -> Template:
    """A cached template, built at the first call in the cache; one process builds, others wait for it.

    Args:
        build: makes the tables and accounts of a workspace, given the interpreter and the workspace.
        made_by: files that the template depends on, beside those that every one does.
    """
    python = studio_python()
    sources = (REQUIREMENTS, Path(str(inside_studio.__file__)), *made_by)
    what = b"".join(source.read_bytes() for source in sources) + repr(PEOPLE).encode()
    digest = hashlib.sha256(what).hexdigest()[:16]
    folder = cache_folder() / f"{name}-{digest}"
    with (cache_folder() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            build(python, unfinished)
            shutil.rmtree(unfinished / FOLDER / "logs", ignore_errors=True)
            unfinished.rename(folder)
    return Template(python, folder, tuple(read_people(folder)))


def build_on_sqlite(python: Path, workspace: Path) -> None:
    ensure_people(workspace, PEOPLE, accounts_in(python, workspace, SQLITE, print))


def build_on_postgres(python: Path, workspace: Path) -> None:
    with running_database(workspace) as database:
        ensure_people(workspace, PEOPLE, accounts_in(python, workspace, database, print))


@contextmanager
def running_database(root: Path) -> Iterator[Database]:
    """A PostgreSQL of the workspace's own."""
    account, port = account_to_run_as(), free_port()
    folder = ensure_cluster(root, print, account)
    with running_part(root, postgres_service(root, folder, port, account)):
        yield own_database(root, folder, port)


@contextmanager
def running_part(root: Path, service: Service) -> Iterator[None]:
    """A server of a workspace, which does not outlive this process, however that ends."""

    def start() -> Popen[bytes]:
        process = service.start()
        parts = _PARTS.setdefault(root, [])
        parts.append(started_as(service.name, process.pid, service.ending))
        remember(root, parts)
        return process

    end_with_us(root)
    process = bring_up(replace(service, start=start), print)
    try:
        yield
    finally:
        end(process, service.ending)


_PARTS: dict[Path, list[Started]] = {}


@contextmanager
def running_studio(
    template: Template, root: Path, port: int | None = None, database: Database = SQLITE
) -> Iterator[Studio]:
    """Label Studio over a workspace, which is filled from the template where it has no server yet.

    For tests that stop it or break it; for others there is the fixture `studio`. Use it twice on one root, with the
    same port, to have a server that goes away and comes back.
    """
    fill(root, template)
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    with running_part(root, studio_service(template.python, root, database, port)):
        try:
            write_running(root, Running(os.getpid(), url, "", datetime.now(UTC).isoformat()))
            yield Studio(root, url, template.people)
        finally:
            (root / FOLDER / "running.json").unlink(missing_ok=True)


@contextmanager
def browse(url: str, person: Person) -> Iterator[httpx.Client]:
    """A session of somebody who has gone through the log-in page; it may be that she was not let in."""
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as session:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', session.get("/user/login/").text)
        form = {
            "email": person.email,
            "password": person.password,
            "csrfmiddlewaretoken": found[1] if found else "",
        }
        session.post("/user/login/", data=form, headers={"Referer": url})
        yield session


def fill(root: Path, template: Template) -> None:
    """Copy a template's server into a workspace that has none."""
    if not (root / FOLDER).exists():
        shutil.copytree(template.workspace, root, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def studio_template() -> Template:
    return template_of("studio-sqlite", build_on_sqlite)


@pytest.fixture(scope="module")
def studio(studio_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Label Studio on SQLite with five annotators, a lead and an administrator, of this test file alone."""
    with running_studio(studio_template, tmp_path_factory.mktemp("workspace")) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_template() -> Template:
    return template_of("studio-postgres", build_on_postgres)


@pytest.fixture(scope="module")
def postgres_studio(
    postgres_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Studio]:
    """The same on PostgreSQL, as in production: annotators may ask at the same time."""
    root = tmp_path_factory.mktemp("workspace")
    fill(root, postgres_template)
    with (
        running_database(root) as database,
        running_studio(postgres_template, root, database=database) as running,
    ):
        yield running
