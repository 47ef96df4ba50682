"""The server's word that an answer has come: a nudge, taken in at once and followed afterwards."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable
from typing import Any

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from annotation.gateway.visit import Gateway, bounded_body

HEADER = "X-Clapper-Hook"
PATH = "/hooks/answers"
LARGEST_HOOK_BYTES = 4 * 1024 * 1024

_log = logging.getLogger(__name__)


async def answers_came(gateway: Gateway, request: Request) -> Response:
    """Answer at once (the server waits for it while an annotator waits for the server), then pass the word on.

    Raises:
        HTTPException: 403 without the secret, 400 for a body that names no project, 413 for one that is too large.
    """
    expected = gateway.known.secrets.hooks.encode()
    if not hmac.compare_digest(expected, request.headers.get(HEADER, "").encode()):
        raise HTTPException(403, "Only the review server calls here.")
    number = _project_in(await bounded_body(request, LARGEST_HOOK_BYTES))
    follow = gateway.on_answer
    if follow is None or number not in gateway.known.projects():
        return Response(status_code=204)
    return Response(status_code=204, background=BackgroundTask(_followed, follow, number))


def _project_in(raw: bytes) -> int:
    try:
        body: Any = json.loads(raw)
        project = body["project"]
        return int(project["id"] if isinstance(project, dict) else project)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise HTTPException(400, "The body names no project.") from error


def _followed(follow: Callable[[int], None], number: int) -> None:
    try:
        follow(number)
    except Exception:  # the word is a nudge only: polling brings what it would have brought
        _log.exception("answers of project %d were not taken in at once", number)
