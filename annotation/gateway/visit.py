"""One request, with all that is needed to answer it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakValueDictionary

import httpx
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from annotation.gateway.blind import blind_fault
from annotation.gateway.identity import Askers
from annotation.gateway.known import Known, Project
from annotation.gateway.upstream import Upstream, as_asker
from annotation.private import Person

LARGEST_BODY_BYTES = 1024 * 1024
"""An answer is a few kilobytes; a comment of every page at its longest is far below this."""

BODY_SECONDS = 30.0

Purpose = Literal["look", "label"]


@dataclass(frozen=True)
class Gateway:
    """What lasts from one request to the next.

    Attributes:
        on_answer: called with a project's number when the server says that an answer has come.
        at_work: a lock for each task on which somebody is at work; goes when nobody holds it.
    """

    known: Known
    upstream: Upstream
    askers: Askers
    on_answer: Callable[[int], None] | None = None
    at_work: WeakValueDictionary[int, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def sole_work_on(self, task: int) -> AbstractAsyncContextManager[None]:
        """One submission at a time for each clip: two quick clicks must not both find it unanswered."""
        return self._sole(task)

    @asynccontextmanager
    async def _sole(self, task: int):
        lock = self.at_work.get(task)
        if lock is None:
            lock = self.at_work[task] = asyncio.Lock()
        async with lock:
            yield


@dataclass(frozen=True)
class Visit:
    """A request of a person of the review.

    Attributes:
        numbers: those in the path, by name: project, task, annotation, draft.
        account: what Label Studio says of the person.
    """

    gateway: Gateway
    request: Request
    numbers: Mapping[str, int]
    person: Person
    account: Mapping[str, Any]

    @property
    def is_annotator(self) -> bool:
        return self.person.role == "annotator"

    @property
    def email(self) -> str:
        """Of the account, as the server writes it."""
        return str(self.account.get("email", ""))

    def may(self, project: Project, purpose: Purpose) -> bool:
        """Annotators label in `review`; leads look at both and label in `adjudication`."""
        if self.is_annotator:
            return project.kind == "review"
        return self.person.role == "lead" and (purpose == "look" or project.kind == "adjudication")

    def project(self, number: int | None, purpose: Purpose = "look") -> Project:
        """The project of that number.

        Raises:
            HTTPException: 403 when it is not the person's to look at or to label in.
        """
        project = self.gateway.known.projects().get(number) if number is not None else None
        if project is not None and self.may(project, purpose):
            return project
        if project is not None and self.person.role == "lead":
            raise HTTPException(
                403, "A lead decides disputes, in the adjudication project; here only annotators answer."
            )
        raise HTTPException(403, "This is no project of yours. Open the start page to get to your clips.")

    def number(self, name: str) -> int | None:
        """A number in the query; None when it is missing or is none."""
        value = self.request.query_params.get(name, "")
        return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else None

    async def body(self) -> dict[str, Any]:
        """The object in the body.

        Raises:
            HTTPException: 400 when it is none, 408 when it comes too slowly, 413 when it is too large.
        """
        raw = await bounded_body(self.request)
        try:
            value = json.loads(raw or b"{}", parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise HTTPException(400, "This is not JSON. Reload the page and try again.") from error
        if not isinstance(value, dict):
            raise HTTPException(400, "A JSON object is expected. Reload the page and try again.")
        return value

    async def ask(self, method: str, path: str, *, json: Any = None, **query: str | int) -> httpx.Response:
        """One call to Label Studio in the person's name.

        Raises:
            ServiceError: it cannot be reached, or does not answer.
        """
        return await as_asker(self.gateway.upstream, self.request, method, path, query=query, json=json)


async def bounded_body(request: Request, limit: int = LARGEST_BODY_BYTES) -> bytes:
    """The body of a request.

    Raises:
        HTTPException: 408 when it comes too slowly, 413 when it has more than `limit` bytes.
    """
    pieces, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                size += len(piece)
                if size > limit:
                    raise HTTPException(413, f"More than {limit} bytes were sent. Shorten the comment.")
                pieces.append(piece)
    except TimeoutError as error:
        raise HTTPException(
            408, f"The answer did not arrive within {BODY_SECONDS:.0f} s. Try again."
        ) from error
    return b"".join(pieces)


def json_or_fault(answer: httpx.Response) -> Any:
    """What Label Studio answered, where it did as asked.

    Raises:
        HTTPException: with its status and words otherwise; nothing of its inner errors.
    """
    if answer.status_code < 300:
        return answer.json()
    if answer.status_code >= 500:
        raise HTTPException(502, "The review server met an error of its own. Try again; nothing was lost.")
    try:
        fault = blind_fault(answer.json())
    except ValueError:
        fault = {}
    raise HTTPException(answer.status_code, str(fault.get("detail") or "The review server refused this."))


def shown(value: Any, answer: httpx.Response | None = None) -> Response:
    """JSON for the person, with the status that Label Studio gave."""
    status = 200 if answer is None else answer.status_code
    return JSONResponse(value, status, headers={"cache-control": "no-store"})


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")
