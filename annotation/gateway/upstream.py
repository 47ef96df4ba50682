"""Calls to Label Studio: what goes there is written here, and what it answers is passed on in part.

Nothing of a request goes on but what is named: two cookies, the token, a few headers about languages and caches.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
from cachetools import TTLCache
from starlette.background import BackgroundTask
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from annotation.gateway.known import Known
from schemas.errors import ServiceError

PATIENCE = httpx.Timeout(60, connect=5, pool=30)
"""Seconds; the next clip of a large project can take half a second, an answer on a busy machine a few."""

EXCHANGED_SECONDS = 240

COOKIES = ("sessionid", "csrftoken")
PASSED_UP = ("accept-language", "user-agent", "x-csrftoken")
PASSED_DOWN = ("content-type", "content-language", "cache-control", "etag", "last-modified", "vary")
_TOKEN = re.compile(r"(Token|Bearer) [A-Za-z0-9._-]{1,4096}")
_LOCAL = re.compile(r"/(?:[^/\\\s][^\\\s]*)?")


@dataclass(frozen=True)
class Upstream:
    """Label Studio as the gateway reaches it.

    Attributes:
        client: with Label Studio's address, without cookies of its own.
        known: where the administrator's token is.
        exchanged: what was got for it, where it is of the kind that must be changed for one of five minutes.
    """

    client: httpx.AsyncClient
    known: Known
    exchanged: TTLCache[str, str] = field(default_factory=lambda: TTLCache(2, EXCHANGED_SECONDS))


def open_upstream(studio_url: str, known: Known) -> Upstream:
    """The connection. It keeps no cookies: with those of one person the next one's calls would be hers."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
    keeps_none = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return Upstream(
        httpx.AsyncClient(
            base_url=studio_url, timeout=PATIENCE, limits=limits, cookies=keeps_none, trust_env=False
        ),
        known,
    )


def credentials_of(request: Request) -> dict[str, str]:
    """The headers that say who asks: the log-in's cookies and the token, of their known forms only; maybe none."""
    cookies = [f"{name}={request.cookies[name]}" for name in COOKIES if _plain(request.cookies.get(name, ""))]
    token = request.headers.get("authorization", "")
    found = {"cookie": "; ".join(cookies)} if cookies else {}
    return found | ({"authorization": token} if _TOKEN.fullmatch(token) else {})


async def as_asker(
    upstream: Upstream,
    request: Request,
    method: str,
    path: str,
    *,
    query: Mapping[str, str | int] | None = None,
    json: Any = None,
    content: bytes | None = None,
) -> httpx.Response:
    """One call in the name of the person who asks.

    Raises:
        ServiceError: of kind `unreachable` or `timed_out`.
    """
    # Django compares this with the address that it is asked at, which is its own.
    headers = _headers_up(request) | {"origin": _origin_of(upstream)}
    # What the asker would rather have is the gateway's affair: the server refuses a kind that it does not have.
    headers["accept"] = "application/json" if path.startswith("/api/") else "text/html"
    if content is not None:
        headers["content-type"] = request.headers.get("content-type", "application/octet-stream")
    return await _send(upstream, method, path, headers, query, json, content)


async def as_admin(upstream: Upstream, path: str) -> Any:
    """What the administrator reads there; None when there is no such thing.

    Raises:
        ServiceError: of kind `unreachable`, `timed_out` or `refused_token`.
    """
    headers = {"authorization": await _as_administrator(upstream)}
    answer = await _send(upstream, "GET", path, headers, None, None, None)
    if answer.status_code == 404:
        return None
    if answer.status_code != 200:
        raise _refused_token(answer)
    return answer.json()


async def stream(upstream: Upstream, request: Request, path: str, query: Mapping[str, str]) -> Response:
    """A file of the pages themselves, handed on as it comes.

    Raises:
        ServiceError: of kind `unreachable` or `timed_out`.
    """
    kept = ("accept-encoding", "if-none-match", "if-modified-since")
    headers = {name: request.headers[name] for name in kept if name in request.headers}
    wanted = upstream.client.build_request(request.method, path, params=query or None, headers=headers)
    wanted.headers.setdefault("accept-encoding", "identity")
    try:
        answer = await upstream.client.send(wanted, stream=True)
    except httpx.TransportError as error:
        raise _failure(error) from error
    passed = StreamingResponse(_raw(answer), answer.status_code, background=BackgroundTask(answer.aclose))
    _headers_down(answer, passed.headers, "content-length", "content-encoding")
    return passed


def passed_on(request: Request, answer: httpx.Response, body: bytes | None = None) -> Response:
    """An answer of Label Studio for the person who asked, with its cookies and, inside this site, where to go next.

    Args:
        body: instead of the answer's own.
    """
    passed = Response(answer.content if body is None else body, answer.status_code)
    _headers_down(answer, passed.headers)
    passed.headers.setdefault("cache-control", "no-store")
    for cookie in answer.headers.get_list("set-cookie"):
        if cookie.split("=", 1)[0].strip() in COOKIES:
            secure = "; Secure" if request.url.scheme == "https" else ""
            passed.headers.append("set-cookie", cookie.strip() + secure)
    return passed


async def _as_administrator(upstream: Upstream) -> str:
    token = upstream.known.admin_token()
    if token.count(".") != 2:
        return f"Token {token}"
    if token not in upstream.exchanged:
        answer = await _send(upstream, "POST", "/api/token/refresh/", {}, None, {"refresh": token}, None)
        if answer.status_code != 200:
            raise _refused_token(answer)
        upstream.exchanged[token] = answer.json()["access"]
    return f"Bearer {upstream.exchanged[token]}"


def _refused_token(answer: httpx.Response) -> ServiceError:
    return ServiceError(
        "review server",
        f"answered {answer.status_code} to the administrator's token, expected 200",
        "start the review anew, or give the token of an administrator in CLAPPER_REVIEW_TOKEN",
        kind="refused_token",
    )


def _origin_of(upstream: Upstream) -> str:
    url = upstream.client.base_url
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _plain(cookie: str) -> bool:
    return re.fullmatch(r"[\x21-\x2b\x2d-\x3a\x3c-\x7e]{1,4096}", cookie) is not None


def _headers_up(request: Request) -> dict[str, str]:
    headers = {name: request.headers[name] for name in PASSED_UP if name in request.headers}
    return headers | credentials_of(request)


def _headers_down(answer: httpx.Response, headers: MutableHeaders, *more: str) -> None:
    for name in (*PASSED_DOWN, *more):
        if name in answer.headers:
            headers[name] = answer.headers[name]
    if "location" in answer.headers:
        target = answer.headers["location"]
        headers["location"] = target if _LOCAL.fullmatch(target) else "/"


async def _send(
    upstream: Upstream,
    method: str,
    path: str,
    headers: Mapping[str, str],
    query: Mapping[str, str | int] | None,
    json: Any,
    content: bytes | None,
) -> httpx.Response:
    try:
        return await upstream.client.request(
            method,
            path,
            params=query or None,
            headers={"accept-encoding": "identity", **headers},
            json=json,
            content=content,
        )
    except httpx.TransportError as error:
        raise _failure(error) from error


async def _raw(answer: httpx.Response) -> AsyncIterator[bytes]:
    async for piece in answer.aiter_raw():
        yield piece


def _failure(error: httpx.TransportError) -> ServiceError:
    sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    if isinstance(error, httpx.TimeoutException) and sent:
        return ServiceError(
            "review server",
            f"gave no answer within {PATIENCE.read:.0f} s",
            "reload in a minute",
            kind="timed_out",
        )
    return ServiceError(
        "review server", "cannot be reached", "ask whoever runs the review", kind="unreachable"
    )
