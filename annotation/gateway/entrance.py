"""The pages themselves: log-in, start, the labelling page, the keys, and the files that they are made of."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import httpx
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from annotation.gateway.known import Project
from annotation.gateway.pages import Link, page
from annotation.gateway.upstream import as_asker, passed_on, stream
from annotation.gateway.visit import Gateway, Visit, bounded_body

NOTHING_YET = "Clips appear here when the first ones are ready. Reload later."
LARGEST_LOGIN_BYTES = 8 * 1024
_VERSION = re.compile(r"[A-Za-z0-9.]{1,40}")
LOGIN_FIELDS = ("email", "password", "csrfmiddlewaretoken", "persist_session")

# One frame to a step: the page's own default is ten. Its settings stay in the browser, so a person's choice is kept.
PAGE_SETTINGS = b"""<script>
(() => { const name = "labelStudio:settings";
  try { const kept = JSON.parse(localStorage.getItem(name) || "{}");
    if (!("videoHopSize" in kept)) localStorage.setItem(name, JSON.stringify({ ...kept, videoHopSize: 1 }));
  } catch { localStorage.setItem(name, JSON.stringify({ videoHopSize: 1 })); }
})();
</script>
<style>
a[href$="/settings"], a[href$="/settings/"], a[href$="/data/import"], a[href$="/data/export"] {
  display: none !important;
}
</style>
</head>"""


async def login(gateway: Gateway, request: Request) -> Response:
    """The log-in page, and what is filled in there. Whoever is in goes to the start page."""
    content = None
    if request.method == "POST":
        content = await bounded_body(request, LARGEST_LOGIN_BYTES)
        unknown = set(parse_qs(content.decode("latin-1"), keep_blank_values=True)) - set(LOGIN_FIELDS)
        if unknown or not request.headers.get("content-type", "").startswith(
            "application/x-www-form-urlencoded"
        ):
            raise HTTPException(400, "This is not the log-in form. Reload the page and try again.")
    answer = await as_asker(
        gateway.upstream, request, request.method, "/user/login/", query={"next": "/"}, content=content
    )
    if answer.status_code >= 500:
        raise HTTPException(502, "The review server met an error of its own. Try again; nothing was lost.")
    return passed_on(request, answer)


async def logout(gateway: Gateway, request: Request) -> Response:
    """Log out; open to all."""
    gateway.askers.remembered.clear()
    return passed_on(request, await as_asker(gateway.upstream, request, "GET", "/logout"))


async def file_of_pages(gateway: Gateway, request: Request, path: str) -> Response:
    """A script, style, font or picture of Label Studio's pages; open to all, as the log-in page needs them."""
    version = request.query_params.get("v", "")
    query = {"v": version} if _VERSION.fullmatch(version) else {}
    return await stream(gateway.upstream, request, path, query)


async def start(visit: Visit) -> Response:
    """To the clips; to a list where there is a choice."""
    known = sorted(visit.gateway.known.projects().values(), key=lambda each: (each.recipe, each.kind))
    projects = [each for each in known if visit.may(each, "look")]
    if visit.is_annotator and len(projects) == 1:
        return RedirectResponse(_stream_of(projects[0]), 303)
    links = [_link(visit, each) for each in projects]
    if not links:
        return page(
            visit.request,
            200,
            "Nothing to review yet",
            NOTHING_YET,
        )
    return page(visit.request, 200, "Your reviews", f"You are logged in as {visit.email}.", links)


async def labelling_page(visit: Visit) -> Response:
    """The page of a project: the stream of clips, for a lead the list too."""
    wants_stream = visit.request.query_params.get("labeling") == "1"
    project = visit.project(visit.numbers["project"], "label" if wants_stream else "look")
    if visit.is_annotator and not wants_stream:
        return RedirectResponse(_stream_of(project), 303)
    query = {"labeling": 1} if wants_stream else {}
    answer = await visit.ask("GET", f"/projects/{project.number}/data", **query)
    return _page_of_studio(visit, answer)


async def keys_page(visit: Visit) -> Response:
    """Where a person sets her keys."""
    return _page_of_studio(visit, await visit.ask("GET", "/user/account/hotkeys"))


def _page_of_studio(visit: Visit, answer: httpx.Response) -> Response:
    if answer.status_code != 200:
        raise HTTPException(502, "The review server did not give this page. Reload in a minute.")
    return passed_on(visit.request, answer, answer.content.replace(b"</head>", PAGE_SETTINGS, 1))


def _stream_of(project: Project) -> str:
    return f"/projects/{project.number}/data?labeling=1"


def _link(visit: Visit, project: Project) -> Link:
    if visit.may(project, "label"):
        what = "label clips" if project.kind == "review" else "decide disputes"
        return Link(_stream_of(project), f"{project.recipe}: {what}")
    return Link(f"/projects/{project.number}/data", f"{project.recipe}: look at the annotators' answers")
