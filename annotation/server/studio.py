"""Label Studio as processes: its database brought up to date, its web server, and whether that is well.

It runs in an interpreter of its own (annotation.server.environment), from an empty folder: its parts are top-level
modules called users, tasks, core …, and files of such names in the working folder would be taken for them.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from annotation.private import Person, open_secrets, private_folder
from annotation.server.people import ADMIN, Account, Accounts
from annotation.server.processes import launch
from annotation.server.services import Say, Service, last_words, logs_folder
from annotation.server.settings import SQLITE, Database, studio_environment
from schemas.errors import SystemicError

KEEP_ALIVE_SECONDS = 75
"""How long a connection is kept that asks nothing. Whoever holds one must let go of it first, or a request is sent
into a connection that closes in this moment and is lost: clients of ours after 5 s, nginx after 60 s."""

_INSIDE = Path(__file__).with_name("inside_studio.py")


def prepare_studio(
    python: Path, root: Path, database: Database, accounts: Sequence[Mapping[str, Any]], admin: str, say: Say
) -> dict[str, Account]:
    """Bring the database up to date and make the accounts, by email. Can be repeated, also while the server runs.

    Args:
        accounts: email, password, shown_as and active of each, the administrator's too.
        admin: the administrator's email.

    Raises:
        SystemicError: the database cannot be reached or written.
    """
    log = logs_folder(root) / "prepare.log"
    empty = private_folder(root) / "empty"
    empty.mkdir(exist_ok=True)
    environment = studio_environment(root, open_secrets(root).django, database)
    Path(environment["LABEL_STUDIO_BASE_DATA_DIR"]).mkdir(exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "wb") as errors:
        process = subprocess.Popen(
            [str(python), "-I", str(_INSIDE)], env=environment, cwd=empty, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True,
        )  # fmt: skip
    try:
        return _converse(process, {"admin": admin, "accounts": list(accounts)}, database, log, say)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def accounts_in(python: Path, root: Path, database: Database, say: Say) -> Accounts:
    """How annotation.server.people gets its accounts in a Label Studio of ours."""

    def make(here: Sequence[Person], gone: Sequence[Person]) -> dict[str, Account]:
        asked = [
            {
                "email": person.email,
                "password": person.password,
                # The server's own pages show this name.
                "shown_as": person.pseudonym,
                "active": person.active,
                "reset": person.user == 0,
            }
            for person in (*here, *gone)
        ]
        return prepare_studio(python, root, database, asked, ADMIN, say)

    return make


def _converse(
    process: subprocess.Popen[str], asked: Mapping[str, Any], database: Database, log: Path, say: Say
) -> dict[str, Account]:
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise SystemicError("Label Studio", "was started without pipes")
    stdin.write(json.dumps(asked))
    stdin.close()
    for line in stdout:
        # Label Studio prints greetings of its own; ours are marked.
        if not line.startswith("\x1e"):
            continue
        told = json.loads(line[1:])
        if "migrations" in told:
            done, total = told["migrations"]
            say(f"making the tables: {done} of {total} steps")
        elif "accounts" in told:
            return {email: Account(row["user"], row["token"]) for email, row in told["accounts"].items()}
    process.wait()
    raise SystemicError(
        str(database), f"could not be made ready for Label Studio: {last_words(log)}", f"the log is {log}"
    )


def studio_service(python: Path, root: Path, database: Database, port: int, origin: str = "") -> Service:
    """Label Studio's web server on loopback."""
    command = studio_command(python, database, port)
    environment = studio_environment(root, open_secrets(root).django, database, origin)
    empty, log = private_folder(root) / "empty", logs_folder(root) / "studio.log"
    return Service(
        "Label Studio",
        start=lambda: launch(command, environment, empty, log),
        well=lambda: is_well(f"http://127.0.0.1:{port}"),
        log=log,
        usual="5 to 15 s",
    )


def studio_command(python: Path, database: Database, port: int) -> list[str]:
    """How the web server is called.

    Twenty annotators ask for something every second or two, each answer taking 0.1–0.3 s, much of it in the database:
    two processes of eight threads are enough, at 270 MB each. SQLite has one writer, so one process.
    """
    return [
        str(python), "-I", "-m", "gunicorn", "label_studio.core.wsgi:application",
        "--pythonpath", str(package_folder(python)),
        "--bind", f"127.0.0.1:{port}", "--workers", "1" if database == SQLITE else "2", "--threads", "8",
        "--timeout", "120", "--graceful-timeout", "10", "--keep-alive", str(KEEP_ALIVE_SECONDS),
        "--no-control-socket",
    ]  # fmt: skip


def package_folder(python: Path) -> Path:
    """Where Label Studio lies in an environment.

    Raises:
        SystemicError: it is not in that environment.
    """
    found = sorted(python.parent.parent.glob("lib/python3.*/site-packages/label_studio"))
    if not found:
        raise SystemicError(
            str(python.parent.parent), "is no environment with Label Studio", "remove it and start again"
        )
    return found[0]


def is_well(url: str, seconds: float = 2) -> bool:
    """Whether Label Studio answers at an address."""
    try:
        answer = httpx.get(f"{url}/health", timeout=seconds, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200
