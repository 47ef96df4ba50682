"""A review on a real server for tests: items that are pushed, people who answer, and a connection that can fail."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
        return open_client(Connection(self.url, self.studio.admin.token), timeout=self.timeout_s)

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
        headers = self.studio.headers(by)
        reply = httpx.request(method, f"{self.studio.url}{path}", headers=headers, timeout=60, **options)
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
        path = f"{self.studio.url}/api/projects/{self.projects[project]}/next/"
        reply = httpx.get(path, headers=self.studio.headers(by), timeout=60)
        return reply.json()["data"]["key"] if reply.status_code == 200 else None


def open_desk(studio: Studio, recipe: str, **review: Any) -> Desk:
    """A review of its own with two projects."""
    section = Review(**({"batch": 4} | review))
    projects = ensure_projects(open_client(studio.connection), studio.root, recipe, section).numbers
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
