"""What must stay on this machine: secrets, people with their tokens, and the servers that run.

workspace/review-server/     only its owner may enter it
  secrets.json   people.json   running.json
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from annotation.alive import begin_of
from schemas.errors import SystemicError

FOLDER = "review-server"

Role = Literal["annotator", "lead", "admin"]


@dataclass(frozen=True)
class Secrets:
    """Made once for each workspace, 64 hex digits each.

    Attributes:
        django: signs the sessions and tokens of Label Studio.
        items: makes the keys of items, so that nobody can tell from a key what is shown.
        media: signs the addresses of clips.
        hooks: what the server shows when it calls our webhook.
        database: password of the database's own cluster.
    """

    django: str = field(repr=False)
    items: str = field(repr=False)
    media: str = field(repr=False)
    hooks: str = field(repr=False)
    database: str = field(repr=False)


@dataclass(frozen=True)
class Person:
    """Somebody with an account on the review server.

    Attributes:
        pseudonym: A1, A2 … for annotators, L1 … for leads, admin for the administrator; never given to another.
        user: number on the server.
        token: for calls of the server's interface; never shown; empty where we do not know it.
        password: for the log-in page; empty where the person has set her own.
        active: whether she takes part. Who has left keeps her pseudonym and cannot log in any more; her answers
            stay and count.
    """

    email: str
    role: Role
    pseudonym: str
    user: int
    name: str = ""
    token: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    active: bool = True


@dataclass(frozen=True)
class Running:
    """The servers of a workspace while they run.

    Attributes:
        pid: of the process that keeps them.
        studio: address of Label Studio itself; only this machine should reach it.
        gateway: address that people open.
        since: ISO 8601, UTC.
        inner_gateway: address at which Label Studio itself calls the gateway; empty where that is `gateway`. What
            people open may lead through a proxy that does not let such calls in.
    """

    pid: int
    studio: str
    gateway: str
    since: str
    inner_gateway: str = ""


@dataclass(frozen=True)
class Connection:
    """How to reach Label Studio as its administrator."""

    studio: str
    token: str = field(repr=False)


def private_folder(root: Path) -> Path:
    """The folder in a workspace that only its owner may enter, made if it is not there."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def open_secrets(root: Path) -> Secrets:
    """The workspace's secrets, made at the first call.

    Raises:
        SystemicError: the file is there and cannot be read.
    """
    path = private_folder(root) / "secrets.json"
    if not path.exists():
        made = {each.name: secrets.token_hex(32) for each in fields(Secrets)}
        with suppress(FileExistsError):  # another process made them in this moment
            _write(path, made, new=True)
    return Secrets(**_read(path))


def read_people(root: Path) -> list[Person]:
    """Everybody with an account, in the order in which they were added; empty before the first start."""
    path = root / FOLDER / "people.json"
    return [_person(row) for row in _read(path)["people"]] if path.exists() else []


def write_people(root: Path, people: Sequence[Person]) -> None:
    _write(private_folder(root) / "people.json", {"people": [asdict(person) for person in people]})


def read_running(root: Path) -> Running | None:
    """The servers that run, or None.

    A file that a killed process has left counts for nothing, also when another process has its number by now.
    """
    path = root / FOLDER / "running.json"
    if not path.exists():
        return None
    row = _read(path)
    began = row.pop("began", None)
    running = Running(**row)
    found = begin_of(running.pid)
    return running if found is not None and began in (None, found) else None


def write_running(root: Path, running: Running) -> None:
    """Note what runs, with the begin of the process that keeps it."""
    began = begin_of(running.pid) or "it had ended"
    _write(private_folder(root) / "running.json", {**asdict(running), "began": began})


def connection_of(root: Path) -> Connection | None:
    """How to reach the review server: named by the environment, else the one that runs in the workspace.

    CLAPPER_REVIEW_URL and CLAPPER_REVIEW_TOKEN name a server; the token alone may also come with a running one.
    """
    url, token = os.environ.get("CLAPPER_REVIEW_URL"), os.environ.get("CLAPPER_REVIEW_TOKEN")
    if url and token:
        return Connection(url.rstrip("/"), token)
    running = read_running(root)
    admin = next((person for person in read_people(root) if person.role == "admin"), None)
    return Connection(running.studio, token or admin.token) if running and admin else None


def _person(row: Mapping[str, Any]) -> Person:
    """A row of people.json; in older files those who have left are the ones who cannot show anything."""
    return Person(**{"active": bool(row.get("token") or row.get("password")), **row})


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        # What stands in it is secret: the error must not show it.
        raise SystemicError(
            str(path), f"cannot be read: {type(error).__name__}", "restore the file, or remove the folder"
        ) from None


def _write(path: Path, value: Mapping[str, Any], new: bool = False) -> None:
    """Write a file that only its owner may read; whole or not at all."""
    unfinished = path.with_name(f".tmp-{secrets.token_hex(8)}-{path.name}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    if new:
        try:
            os.link(unfinished, path)
        finally:
            unfinished.unlink()
    else:
        unfinished.replace(path)
