"""Downloading one file over HTTP: resumes, retries what may succeed, gives up with a reason."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from schemas.errors import ModelCorrupt, ModelMissing
from tasks.models.catalogue import Model

Progress = Callable[[str, int, int], None]
"""Called with a model's name, its bytes so far and its bytes in all."""

_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True)
class Patience:
    """How long to try: `tries` requests, each waiting `timeout_s` for its next bytes; pauses double."""

    tries: int = 5
    timeout_s: float = 30.0
    first_pause_s: float = 1.0


class _TryAgain(Exception):
    """A try that failed for now; `pause_s` is what the server asked for, if it did."""

    def __init__(self, reason: str, pause_s: float | None = None) -> None:
        self.pause_s = pause_s
        super().__init__(reason)


def access_token(model: Model) -> str | None:
    """The token for a gated model from the environment; None where the model needs none or none is set.

    Raises:
        ModelMissing: what is set cannot be a token. The error does not repeat it.
    """
    token = os.environ.get(model.token or "", "").strip()
    if not all("!" <= character <= "~" for character in token):
        raise ModelMissing(
            f"${model.token}",
            "has characters that no access token has",
            "set it to the token alone, or unset it",
        )
    return token or None


def download(
    model: Model, part: Path, patience: Patience, progress: Progress, token: str | None = None
) -> None:
    """Fetch `model.url` into `part`, going on where a former try ended.

    When it returns, `part` has `model.bytes` bytes, whose checksum is yet to be verified.

    Args:
        token: sent to the host of `model.url` alone, never to one that it redirects to.

    Raises:
        ModelMissing: refused, or still failing after the last try; what arrived stays in `part`.
        ModelCorrupt: the server's file is longer than the model; `part` is removed.
    """
    reason = ""
    with httpx.Client(follow_redirects=True, timeout=patience.timeout_s) as client:
        for number in range(patience.tries):
            try:
                _fetch_rest(client, model, part, progress, token)
                return
            except (httpx.RequestError, _TryAgain) as error:
                reason = str(error) or type(error).__name__
                asked_s = error.pause_s if isinstance(error, _TryAgain) else None
            if number + 1 < patience.tries:
                backoff_s = patience.first_pause_s * 2**number * random.uniform(0.75, 1.25)
                time.sleep(min(backoff_s if asked_s is None else asked_s, _LONGEST_PAUSE_S))
    raise ModelMissing(
        model.name,
        f"{model.url} failed {patience.tries} times, last with: {reason}; "
        f"{part.stat().st_size if part.exists() else 0} of {model.bytes} bytes arrived",
        f"run `clapper models pull {model.name}` again: it goes on from there",
    )


def _fetch_rest(
    client: httpx.Client, model: Model, part: Path, progress: Progress, token: str | None
) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have > model.bytes:
        part.unlink()
        have = 0
    if have == model.bytes:
        return
    # Only the file's own bytes can be resumed and counted, hence no compression.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    # A header that httpx takes off again when it follows a redirect to another scheme, host or port.
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    with client.stream("GET", model.url, headers=headers) as response:
        _refuse_failure(response, model, part)
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink(missing_ok=True)
            raise _TryAgain(f"asked for bytes from {have}, got {response.headers.get('Content-Range')}")
        _append(response, model, part, have if resumed else 0, progress)


def _append(response: httpx.Response, model: Model, part: Path, have: int, progress: Progress) -> None:
    with part.open("r+b" if have else "wb") as file:
        file.seek(have)
        for block in response.iter_bytes():
            file.write(block)
            have += len(block)
            if have > model.bytes:
                break
            progress(model.name, have, model.bytes)
    if have > model.bytes:
        part.unlink()
        raise ModelCorrupt(
            model.url,
            f"serves more than the {model.bytes} bytes of {model.name}",
            "nothing was kept; the file at this address has changed",
        )
    if have < model.bytes:
        raise _TryAgain(f"the server ended after {have} of {model.bytes} bytes")


def _refuse_failure(response: httpx.Response, model: Model, part: Path) -> None:
    status = response.status_code
    if status in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
        return
    if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
        part.unlink(missing_ok=True)
        raise _TryAgain("HTTP 416: what was kept of a former try does not fit the file")
    if status in _WORTH_ANOTHER_TRY:
        retry_after = response.headers.get("Retry-After", "")
        raise _TryAgain(f"HTTP {status}", float(retry_after) if retry_after.isdecimal() else None)
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN) and model.gate and model.token:
        raise ModelMissing(
            model.name,
            f"{model.url} answered HTTP {status}: the token in {model.token} is not valid, or its account has "
            f"not accepted the conditions, or it may not read gated files",
            f"{model.gate} with the account of that token; then run `clapper models pull {model.name}` again",
        )
    raise ModelMissing(
        model.name,
        f"{model.url} answered HTTP {status}",
        f"get {model.file} ({model.size}, {model.licence}) elsewhere; put it into the folder $CLAPPER_MODELS",
    )
