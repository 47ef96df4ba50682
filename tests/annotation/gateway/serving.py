"""Servers in threads, a workspace for the gateway, and a stand-in for Label Studio that keeps what it is asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from annotation.private import Person, open_secrets, write_people
from annotation.server.processes import free_port
from annotation.store import write_items

KEY = "0123456789abcdef0123456789abcdef"
CLIP_BYTES = bytes(range(256)) * 40
PEOPLE = (
    Person("admin@example.com", "admin", "admin", 1, token="a" * 40),
    Person("ann@example.com", "annotator", "A1", 2, token="b" * 40),
    Person("ben@example.com", "annotator", "A2", 3, token="c" * 40),
    Person("lead@example.com", "lead", "L1", 4, token="d" * 40),
)


@contextmanager
def serving(app: Any, port: int | None = None, **settings: Any) -> Iterator[str]:
    """An application under uvicorn; its address."""
    port = port or free_port()
    config = uvicorn.Config(app, "127.0.0.1", port, log_level="warning", server_header=False, **settings)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    if not server.started:
        raise RuntimeError(f"no server on port {port} within 20 s")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


def make_workspace(root: Path, *keys: str) -> Path:
    """People, two projects of the recipe `demo` (3 review, 4 adjudication) and items that show one short file."""
    write_people(root, PEOPLE)
    open_secrets(root)
    (root / "clips").mkdir()
    (root / "clips" / "clip.mp4").write_bytes(CLIP_BYTES)
    write_items(root, "demo", [item(key) for key in (keys or (KEY,))])
    write_projects(root, {"review": 3, "adjudication": 4})
    return root


def write_projects(root: Path, numbers: dict[str, int]) -> None:
    (root / "reviews" / "demo" / "projects.json").write_text(json.dumps(numbers))


def item(key: str, path: str = "clips/clip.mp4") -> dict[str, Any]:
    return {
        "item_key": key, "project": "review", "kind": "clip", "clip_id": "clip", "video_id": "video",
        "clip_sha256": "0" * 64, "path": path, "duration_ms": 4000, "offset_ms": 0, "start_ms": 0,
        "expected": {}, "machine": {}, "shown": {}, "task": None, "pushed_at": None,
    }  # fmt: skip


@dataclass
class Asked:
    """One request that reached the stand-in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass
class StandIn:
    """Label Studio as far as a test says: path to answer; people by their token or session cookie.

    Attributes:
        answers: by method and path JSON, a response, or what makes one of the body; 404 for others.
        asked: every request in its order.
    """

    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def app(self) -> Starlette:
        app = Starlette()
        methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        app.add_route("/{anything:path}", self._answer, methods=methods)
        return app

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        path = request.scope["raw_path"].decode()
        self.asked.append(Asked(request.method, path, request.url.query, dict(request.headers), body))
        who = self._who(request)
        if path == "/api/current-user/whoami":
            if who is None:
                return JSONResponse({"detail": "no credentials"}, 401)
            return JSONResponse({"id": who.user, "email": who.email, "permissions": ["projects.delete"]})
        if path == "/user/login/" and request.method == "POST":
            answer = Response(status_code=302, headers={"location": "/"})
            answer.set_cookie("sessionid", "session-" + body.decode(), httponly=True)
            answer.set_cookie("tracker", "1")
            return answer
        found = self.answers.get((request.method, path))
        if isinstance(found, Response):
            return found
        if callable(found):
            return await found(body)
        return JSONResponse({"detail": "Not found."}, 404) if found is None else JSONResponse(found)

    def _who(self, request: Request) -> Person | None:
        token = request.headers.get("authorization", "").removeprefix("Token ")
        session = request.cookies.get("sessionid", "")
        everybody = (*PEOPLE, Person("stranger@example.com", "annotator", "?", 99, token="e" * 40))
        return next(
            (each for each in everybody if each.token == token or session.endswith(each.pseudonym)), None
        )

    def paths(self, method: str) -> list[str]:
        return [each.path for each in self.asked if each.method == method]
