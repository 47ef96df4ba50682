"""Clips by expiring, unguessable addresses.

A task names its clip /clips/<item key>.mp4; whoever may see the task gets that address with the time until which it
is valid and a keyed digest of both. No part of an address is ever a part of a path: the key is looked up.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from annotation.gateway.known import Known

STEP_SECONDS = 600
"""Addresses end at whole steps, so that a page that asks twice gets the same one and plays on."""

_UNSIGNED = re.compile(r"/clips/([0-9a-f]{32})\.mp4")
_DIGITS = re.compile(r"[0-9]{1,12}")


def signature_of(secret: str, item_key: str, until: int) -> str:
    """Keyed digest, 64 hex digits.

    Args:
        secret: `Secrets.media`.
        until: Unix time in seconds.
    """
    text = f"{item_key}\n{until}"
    return hmac.new(bytes.fromhex(secret), text.encode(), hashlib.sha256).hexdigest()


def signed_address(secret: str, item_key: str, lasts_ms: int, now: float | None = None) -> str:
    """The address of a clip, valid for `lasts_ms` and up to one step more."""
    ends = (time.time() if now is None else now) + lasts_ms / 1000
    until = int(-(-ends // STEP_SECONDS) * STEP_SECONDS)
    return f"/clips/{item_key}.mp4?until={until}&signature={signature_of(secret, item_key, until)}"


def with_signed_clips(secret: str, data: Mapping[str, Any], lasts_ms: int) -> dict[str, Any]:
    """What a page shows, with every clip's address signed; the rest as it is."""
    return {
        name: signed_address(secret, found[1], lasts_ms)
        if isinstance(value, str) and (found := _UNSIGNED.fullmatch(value))
        else value
        for name, value in data.items()
    }


def valid(secret: str, item_key: str, until: str, signature: str, now: float | None = None) -> bool:
    """Whether an address was signed here and has not expired."""
    if not _DIGITS.fullmatch(until) or not signature.isascii():
        return False
    expected = signature_of(secret, item_key, int(until))
    return hmac.compare_digest(expected, signature) and int(until) > (time.time() if now is None else now)


async def clip_file(known: Known, request: Request, item_key: str) -> Response:
    """A clip, or the part of it that is asked for (RFC 9110, 14).

    Raises:
        HTTPException: 403 for an address that is forged or has expired, 404 when the file is gone.
    """
    query = request.query_params
    if not valid(known.secrets.media, item_key, query.get("until", ""), query.get("signature", "")):
        raise HTTPException(403, "The address of this clip has expired. Reload the page to get a new one.")
    path = await run_in_threadpool(known.clip, item_key)
    if path is None:
        raise HTTPException(404, "The file of this clip is not there any more. Skip it and tell your lead.")
    return FileResponse(path, media_type="video/mp4", headers={"cache-control": "private, max-age=600"})
