"""The way to Label Studio: its own client, with errors that say what was asked and what to do, and hold no secret.

    client = open_client(connection)
    client.projects.get(3)      # raises ServiceError or ServiceRefused, never the client's own errors

The client would repeat any request that fails, and an import that is repeated makes every task twice. So only what is
the same when done twice (GET, HEAD, PATCH, PUT) is repeated here, and at most three times.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import httpx
from label_studio_sdk import LabelStudio
from label_studio_sdk.core.api_error import ApiError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from annotation.private import Connection
from schemas.errors import ClapperError, ServiceError, ServiceRefused

TRIES = 3
FIRST_WAIT_S, MOST_WAIT_S = 0.5, 8.0
CONNECT_S = 10.0

SLOW = re.compile(r"/(import|exports/?|export)$")
"""Calls that the server answers when all the work is done; their time-out is this many times longer:"""
SLOW_TIMES = 10

PASSING = ("unreachable", "timed_out", "cut", "server_error", "busy")
"""Kinds of errors after which another try may succeed."""

_SAME_WHEN_DONE_TWICE = ("GET", "HEAD", "PATCH", "PUT")
_START = "start the review server, or mend its address; nothing is lost, the next run goes on from here"
_LATER = "nothing is lost, the next run goes on from here; where it happens again, see the server's log"
_TOKEN = (
    "set CLAPPER_REVIEW_TOKEN to a token of an administrator that is valid, or start the review server anew"
)


def open_client(connection: Connection, timeout: float = 60.0) -> LabelStudio:
    """The client of a Label Studio.

    Args:
        timeout: seconds without a byte after which a request is given up; ten times as long for imports and
            snapshots, during which the server is silent.

    Raises:
        ServiceRefused: the token has expired. All later calls raise it for a token that is not taken, and
            ServiceError with a kind for the rest: unreachable, timed_out, cut, gone, refused, busy, server_error,
            not_understood.
    """
    address = str(httpx.URL(connection.studio).copy_with(username=None, password=None, query=None))
    transport = _Telling(httpx.HTTPTransport(), address)
    http = httpx.Client(
        transport=transport,
        timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT_S)),
        follow_redirects=False,
        trust_env=False,
    )
    try:
        return LabelStudio(
            base_url=connection.studio,
            api_key=connection.token,
            httpx_client=http,
            timeout=timeout,
            max_retries=0,
        )
    except ApiError:
        # Its text has the token's content.
        raise ServiceRefused(address, "the token has expired or is none", _TOKEN) from None


def tries(kinds: Collection[str] = PASSING) -> Retrying:
    """Up to three tries of what is the same when done twice, while its errors are of a kind that passes."""
    return Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, ServiceError) and error.kind in kinds),
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential_jitter(FIRST_WAIT_S, MOST_WAIT_S, jitter=FIRST_WAIT_S),
        reraise=True,
    )


class _Telling(httpx.BaseTransport):
    """Passes requests on; whatever goes wrong leaves as an error of ours. The client asks for a class here."""

    def __init__(self, inner: httpx.BaseTransport, address: str) -> None:
        self.inner, self.address = inner, address

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and SLOW.search(request.url.path):
            limits = request.extensions.get("timeout", {})
            request.extensions["timeout"] = {**limits, "read": (limits.get("read") or 0) * SLOW_TIMES or None}
        if request.method in _SAME_WHEN_DONE_TWICE:
            return tries()(self._answer, request)
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        asked = f"{request.method} {request.url.path}"
        with _told(self.address, asked):
            response = self.inner.handle_request(request)
            if response.is_success and request.url.path.endswith("/download"):
                response.stream = _TellingStream(response.stream, self.address, asked)
                return response
            response.request = request
            try:
                response.read()
            finally:
                response.close()
        fault = _fault(self.address, asked, response)
        if fault is not None:
            raise fault
        return response

    def close(self) -> None:
        self.inner.close()


class _TellingStream(httpx.SyncByteStream):
    """The bytes of a large answer; a connection that is cut between them leaves as an error of ours."""

    def __init__(self, inner: httpx.SyncByteStream, address: str, asked: str) -> None:
        self.inner, self.address, self.asked = inner, address, asked

    def __iter__(self) -> Iterator[bytes]:
        with _told(self.address, self.asked):
            yield from self.inner

    def close(self) -> None:
        self.inner.close()


@contextmanager
def _told(address: str, asked: str) -> Iterator[None]:
    try:
        yield
    except httpx.ConnectTimeout:
        raise ServiceError(address, f"{asked}: no connection in time", _START, "unreachable") from None
    except httpx.TimeoutException:
        raise ServiceError(address, f"{asked}: no answer in time", _LATER, "timed_out") from None
    except httpx.ConnectError as error:
        raise ServiceError(address, f"{asked}: cannot be reached: {error}", _START, "unreachable") from None
    except (httpx.TransportError, httpx.DecodingError) as error:
        problem = f"{asked}: the answer was cut off ({type(error).__name__})"
        raise ServiceError(address, problem, _LATER, "cut") from None


def _fault(address: str, asked: str, response: httpx.Response) -> ClapperError | None:
    """What is wrong with an answer that came whole; None for a good one."""
    status = response.status_code
    problem = f"{asked} was answered with {status}{_detail(response)}"
    if status in (401, 403):
        return ServiceRefused(address, problem, _TOKEN)
    if status in (404, 410):
        return ServiceError(
            address, problem, "what was asked for is gone; the next run makes it anew", "gone"
        )
    if status in (408, 429, 503):
        return ServiceError(address, problem, _LATER, "busy")
    if status >= 500:
        return ServiceError(address, problem, _LATER, "server_error")
    if status >= 400:
        return ServiceError(
            address, problem, "the server does not take what was sent: report this", "refused"
        )
    if status >= 300 or not _is_json(response):
        action = "is this the address of a Label Studio, and of nothing in front of it?"
        return ServiceError(
            address, f"{problem}, which is no answer of Label Studio's", action, "not_understood"
        )
    return None


def _is_json(response: httpx.Response) -> bool:
    if not response.content:
        return response.status_code in (201, 204)
    try:
        json.loads(response.content)
    except ValueError:
        return False
    return True


def _detail(response: httpx.Response) -> str:
    """What the server itself says was wrong, at most 300 characters; nothing of a page for browsers."""
    try:
        said = json.loads(response.content)
    except ValueError:
        return ""
    if not isinstance(said, dict):
        return ""
    words = [str(said[name]) for name in ("detail", "validation_errors") if said.get(name)]
    return f": {' '.join(words)[:300]}" if words else ""
