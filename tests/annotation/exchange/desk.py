"""A review on a real server for tests: items that are pushed, people who answer, and a connection that can fail."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from label_studio_sdk import LabelStudio

from annotation.configs.projects import ensure_projects
from annotation.exchange.client import open_client
from annotation.exchange.pull import Pulled, pull
from annotation.exchange.push import Pushed, push
from annotation.private import Connection
from annotation.store import read_answers, read_items
from schemas.judging import Review
from tasks.workspace.stage import Row
from tests.annotation.rows import GOOD, item
from tests.annotation.studio import Studio

PROCESSES = multiprocessing.get_context("forkserver")
"""Makes processes that have loaded everything: a fresh one takes seconds for that."""
PROCESSES.set_forkserver_preload(["annotation.exchange.push", "annotation.exchange.pull", "pytest", __name__])


@dataclass(frozen=True)
class Desk:
    """One review of a running server.

    Attributes:
        url: through which it is reached; a proxy's where a connection is to fail.
        projects: number by name.
    """

    studio: Studio
    recipe: str
    review: Review
    projects: Mapping[str, int]
    url: str
    timeout_s: float = 30.0

    @property
    def root(self) -> Path:
        return self.studio.root

    @property
    def client(self) -> LabelStudio:
        connection = Connection(self.url, self.studio.admin.token)
        # One that has gone through a proxy would keep its connection when the proxy is no more.
        opened = client_of if self.url == self.studio.url else open_client
        return opened(connection, self.timeout_s)

    def through(self, url: str, timeout_s: float = 30.0) -> Desk:
        return replace(self, url=url, timeout_s=timeout_s)

    def push(self, items: Sequence[Row], **options: Any) -> Pushed:
        return push(self.client, self.root, self.recipe, self.review, self.projects, items, **options)

    def pull(self, **options: Any) -> Pulled:
        people = self.studio.people
        return pull(self.client, self.root, self.recipe, self.review, self.projects, people, **options)

    def items(self) -> list[Row]:
        return read_items(self.root, self.recipe)

    def answers(self) -> list[Row]:
        return read_answers(self.root, self.recipe)

    def task_of(self, key: str) -> int:
        return next(row["task"] for row in self.items() if row["item_key"] == key)

    def call(self, method: str, path: str, by: str = "admin", **options: Any) -> Any:
        """A call of the server's own interface, by somebody."""
        reply = self._asked(method, path, by, **options)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def answer(self, by: str, key: str, **changes: Any) -> int:
        """Somebody's answer to an item; its number."""
        body = {"result": result_of(), "lead_time": 12.5, **changes}
        return self.call("POST", f"/api/tasks/{self.task_of(key)}/annotations/", by, json=body)["id"]

    def tasks(self, project: str = "review") -> list[dict[str, Any]]:
        """Every task on the server with its answers, oldest first."""
        path = f"/api/projects/{self.projects[project]}/export?exportType=JSON&download_all_tasks=true"
        return sorted(self.call("GET", path), key=lambda task: task["id"])

    def offered(self, by: str, project: str = "review") -> str | None:
        """The key of the item that somebody would be given next."""
        reply = self._asked("GET", f"/api/projects/{self.projects[project]}/next/", by)
        return reply.json()["data"]["key"] if reply.status_code == 200 else None

    def _asked(self, method: str, path: str, by: str, **options: Any) -> httpx.Response:
        headers = self.studio.headers(by)
        # Loopback: certificates, which take longer to load than the call does, are not needed.
        return httpx.request(
            method, f"{self.studio.url}{path}", headers=headers, timeout=60, verify=False, **options
        )


client_of = cache(open_client)


def open_desk(studio: Studio, recipe: str, **review: Any) -> Desk:
    """A review of its own; with a second project where it is told to `adjudicate`."""
    section = Review(**({"batch": 4, "adjudicate": False} | review))
    projects = ensure_projects(client_of(studio.connection, 30.0), studio.root, recipe, section).numbers
    return Desk(studio, recipe, section, projects, studio.url)


def key(number: int, recipe: str = "") -> str:
    return hashlib.sha256(f"{recipe} {number}".encode()).hexdigest()[:32]


def some_items(count: int, **changes: Any) -> list[Row]:
    return [item(key(number), **changes) for number in range(count)]


def dispute(number: int) -> Row:
    shown = {"answers": "<table><tr><td>A1</td><td>visible</td></tr></table>"}
    return item(key(number, "dispute"), project="adjudication", kind="dispute", shown=shown)


def result_of(**changes: str) -> list[dict[str, Any]]:
    """A whole answer to the form clip-review as the server keeps it."""
    return [
        {"id": name, "from_name": name, "to_name": "clip", "type": "choices", "value": {"choices": [answer]}}
        for name, answer in (GOOD | changes).items()
    ]
