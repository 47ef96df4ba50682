"""The gateway's own pages: what is refused and why, what is down, where to go. JSON for calls, HTML for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template, select_autoescape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from schemas.errors import ServiceError

TITLES = {
    400: "That was not understood",
    401: "Please log in",
    403: "This is not open to you",
    404: "There is nothing here",
    405: "This is not open to you",
    408: "That took too long",
    409: "Answered already",
    413: "That is too much",
    500: "Something went wrong here",
    502: "The review server is not running",
    504: "The review server is too slow",
}
DOWN = "Your answers so far are kept. Wait a minute and reload; if this stays, tell your lead."
BROKEN = "Your answers so far are kept. Reload; if it happens again, tell your lead when it happened."
SLOW = (
    "Your last answer may or may not have been stored. Reload in a minute: the page then shows what there is."
)


@dataclass(frozen=True)
class Link:
    """A way on, local to this site."""

    address: str
    text: str


def page(
    request: Request, status: int, title: str, text: str, links: Sequence[Link] = (), logged_in: bool = True
) -> Response:
    """A short page in one column."""
    return HTMLResponse(
        _template().render(title=title, text=text, links=links, logged_in=logged_in),
        status,
        headers={"cache-control": "no-store"},
    )


def refusal(request: Request, status: int, text: str) -> Response:
    """What is refused, why, and what to do: a page for people, JSON in Label Studio's form for calls."""
    title = TITLES.get(status, HTTPStatus(status).phrase)
    if not wants_page(request):
        return JSONResponse(
            {"status_code": status, "detail": text, "title": title},
            status,
            headers={"cache-control": "no-store"},
        )
    again = Link("", "Reload") if request.method == "GET" and status in (408, 502, 504) else None
    return page(
        request,
        status,
        title,
        text,
        [again] if again else [Link("/", "Back to your clips")],
        not again and status != 401,
    )


def refused(request: Request, error: HTTPException) -> Response:
    """For a refusal that was raised."""
    return refusal(request, error.status_code, error.detail)


def down(request: Request, error: ServiceError) -> Response:
    """For a review server that does not answer; nothing of its address is told."""
    slow = error.kind == "timed_out"
    return refusal(request, 504 if slow else 502, SLOW if slow else DOWN)


def broken(request: Request, error: Exception) -> Response:
    """For a fault of our own, which the log tells; the page does not."""
    return refusal(request, 500, BROKEN)


def wants_page(request: Request) -> bool:
    """Whether a person looks at the answer, not a script."""
    return not request.url.path.startswith(("/api/", "/hooks/")) and "text/html" in request.headers.get(
        "accept", ""
    )


@cache
def _template() -> Template:
    folder = Path(__file__).parent / "templates"
    return Environment(loader=FileSystemLoader(folder), autoescape=select_autoescape()).get_template(
        "page.html"
    )
