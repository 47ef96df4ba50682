"""The gateway as an application: who asks, what may be asked, and how refusals look.

Run it in one process: that no two submissions of a clip cross each other is seen to within it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from annotation.gateway import entrance, hooks, pages
from annotation.gateway.calls import FILES, find_call
from annotation.gateway.identity import Askers, who_asks
from annotation.gateway.known import open_known
from annotation.gateway.media import clip_file
from annotation.gateway.upstream import open_upstream
from annotation.gateway.visit import Gateway, Visit
from schemas.errors import ServiceError

HEALTH = "/gateway/health"
TIPS = "/heidi-tips"  # the log-in page asks for advertisements
NOT_OPEN = (
    "Only labelling is open here: watch, answer, submit, skip, go back, set your keys. "
    "For everything else ask whoever runs the review."
)
UNKNOWN_ACCOUNT = (
    "Your account is not on the list of this review. Ask your lead to add you, then log in again."
)
LEFT = (
    "You no longer take part in this review; what you have answered stays and counts. "
    "If this is a mistake, ask your lead to put you back on the list."
)
NO_ADMINISTRATOR = (
    "The administrator's account is for the server's own calls. Log out, and log in as yourself."
)

_CLIP = re.compile(r"/clips/([0-9a-f]{32})\.mp4", re.ASCII)
_LOGIN = re.compile(r"/user/login/?")
_LOGOUT = re.compile(r"/logout/?")
_SAFE = ("GET", "HEAD")
_GUARDS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def gateway_app(
    root: Path,
    studio_url: str,
    on_answer: Callable[[int], None] | None = None,
) -> Starlette:
    """The application that people open; run it under uvicorn with one worker.

    Args:
        root: the workspace.
        studio_url: Label Studio's own address, which nobody but this process should reach.
        on_answer: called in a thread with a project's number when the server says that an answer has come.
    """
    known = open_known(root)
    upstream = open_upstream(studio_url, known)
    gateway = Gateway(known, upstream, Askers(upstream), on_answer)

    @asynccontextmanager
    async def open_while_running(app: Starlette) -> AsyncIterator[None]:
        async with upstream.client:
            yield

    app = Starlette(
        lifespan=open_while_running,
        exception_handlers={HTTPException: pages.refused, ServiceError: pages.down, Exception: pages.broken},
    )

    async def any_request(request: Request) -> Response:
        return await answer_to(gateway, request)

    app.add_route("/{anything:path}", any_request, methods=list(METHODS), include_in_schema=False)
    app.add_middleware(Guarded)
    return app


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


async def answer_to(gateway: Gateway, request: Request) -> Response:
    """Answer a request.

    Raises:
        HTTPException: what is refused, and why.
        ServiceError: Label Studio cannot be reached, or does not answer.
    """
    path = request.scope.get("raw_path", b"").split(b"?")[0].decode("latin-1")
    if path == HEALTH and request.method in _SAFE:
        return PlainTextResponse("well")
    if path == hooks.PATH and request.method == "POST":
        return await hooks.answers_came(gateway, request)
    if (clip := _CLIP.fullmatch(path)) and request.method in _SAFE:
        return await clip_file(gateway.known, request, clip[1])
    if FILES.fullmatch(path) and request.method in _SAFE:
        return await entrance.file_of_pages(gateway, request, path)
    if path.rstrip("/") == TIPS and request.method in _SAFE:
        return JSONResponse({})
    refuse_foreign_pages(request)
    if _LOGIN.fullmatch(path) and request.method in ("GET", "POST"):
        return await entrance.login(gateway, request)
    if _LOGOUT.fullmatch(path) and request.method == "GET":
        return await entrance.logout(gateway, request)
    return await _for_a_person(gateway, request, path)


async def _for_a_person(gateway: Gateway, request: Request, path: str) -> Response:
    asker = await who_asks(gateway.askers, request)
    if asker is None:
        if pages.wants_page(request) and request.method == "GET":
            return RedirectResponse("/user/login/", 303)
        raise HTTPException(401, "You are not logged in. Open the start page and log in.")
    if asker.person is None:
        raise HTTPException(403, UNKNOWN_ACCOUNT)
    if not asker.person.active:
        raise HTTPException(403, LEFT)
    if asker.person.role == "admin":
        raise HTTPException(403, NO_ADMINISTRATOR)
    found = find_call(request.method, path, request.query_params)
    if found is None:
        raise HTTPException(403, NOT_OPEN)
    call, numbers = found
    return await call.answering(Visit(gateway, request, numbers, asker.person, asker.account))


def refuse_foreign_pages(request: Request) -> None:
    """Stop what another site's page would have this person's browser do.

    Raises:
        HTTPException: 403.
    """
    if request.method in _SAFE:
        return
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    foreign = urlsplit(origin).netloc.lower() != host.lower() if origin else False
    if foreign or request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise HTTPException(403, "This was sent from another site's page. Open the review itself.")


class Guarded:
    """Adds the headers that tell browsers what these pages never do."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _GUARDS.items():
                    headers[name] = value
            await send(message)

        await self.app(scope, receive, guarded if scope["type"] == "http" else send)
