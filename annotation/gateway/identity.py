"""Who asks: what Label Studio itself answers to the same log-in, and which person of the workspace that is."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

from cachetools import TTLCache
from starlette.requests import Request

from annotation.gateway.upstream import Upstream, as_asker, credentials_of
from annotation.private import Person
from schemas.errors import ServiceError

REMEMBERED_SECONDS = 5.0
"""So long an answer is believed: a page makes a dozen calls at once; who is struck off is out in seconds."""


@dataclass(frozen=True)
class Asker:
    """Somebody who is logged in.

    Attributes:
        person: None for an account that is none of the workspace's people.
        account: what Label Studio says of the account.
    """

    person: Person | None
    account: dict[str, Any]


@dataclass(frozen=True)
class Askers:
    """Those who asked in the last seconds, by a digest of what they showed."""

    upstream: Upstream
    remembered: TTLCache[str, asyncio.Task[dict[str, Any] | None]] = field(
        default_factory=lambda: TTLCache(1000, REMEMBERED_SECONDS)
    )


async def who_asks(askers: Askers, request: Request) -> Asker | None:
    """The person behind a request, or None when nobody is logged in.

    Raises:
        ServiceError: Label Studio cannot be asked.
    """
    credentials = credentials_of(request)
    if not credentials:
        return None
    shown = hashlib.sha256(repr(sorted(credentials.items())).encode()).hexdigest()
    asking = askers.remembered.get(shown)
    if asking is None:
        asking = askers.remembered[shown] = asyncio.create_task(_account(askers.upstream, request))
    try:
        # Others may wait for the same answer: it must come whether or not this one goes away.
        account = await asyncio.shield(asking)
    except Exception:
        askers.remembered.pop(shown, None)
        raise
    if account is None:
        return None
    return Asker(askers.upstream.known.people().get(account["id"]), account)


async def _account(upstream: Upstream, request: Request) -> dict[str, Any] | None:
    answer = await as_asker(upstream, request, "GET", "/api/current-user/whoami")
    if answer.status_code in (401, 403):
        return None
    account = answer.json() if answer.status_code == 200 else None
    if not isinstance(account, dict) or not isinstance(account.get("id"), int):
        raise ServiceError(
            "review server",
            f"answered {answer.status_code} without an account when asked who is logged in",
            "see its log",
            "server_error",
        )
    return account
