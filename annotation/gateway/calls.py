"""Every call that is allowed. What is not in this table is refused.

A path is matched as it was sent, undecoded, and what goes on to Label Studio is written by the function beside it; so
no spelling of a path that is not here can come to mean one that is.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from starlette.responses import Response

from annotation.gateway import entrance, labelling, lookups
from annotation.gateway.visit import Visit

Answering = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True)
class Call:
    """One allowed call.

    Attributes:
        path: with names of numbers in braces; a slash at its end may be there or not.
        only: a name and a value that the query must have; most need none.
    """

    method: str
    path: str
    answering: Answering
    only: tuple[str, str] | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        named = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[0-9]{1,9})", re.escape(self.path))
        return re.compile(named + ("" if self.path == "/" else "/?"), re.ASCII)


CALLS: tuple[Call, ...] = (
    # Pages
    Call("GET", "/", entrance.start),
    Call("GET", "/projects", entrance.start),
    Call("GET", "/projects/{project}", entrance.labelling_page),
    Call("GET", "/projects/{project}/data", entrance.labelling_page),
    Call("GET", "/user/account/hotkeys", entrance.keys_page),
    # Labelling
    Call("POST", "/api/dm/actions", labelling.next_clip, only=("id", "next_task")),
    Call("GET", "/api/projects/{project}/next", labelling.next_clip),
    Call("GET", "/api/projects/{project}/label-stream-history", lookups.history),
    Call("GET", "/api/tasks/{task}", labelling.clip),
    Call("GET", "/api/tasks/{task}/annotations", labelling.own_answers),
    Call("POST", "/api/tasks/{task}/annotations", labelling.submit),
    Call("GET", "/api/annotations/{annotation}", labelling.own_answer),
    Call("PATCH", "/api/annotations/{annotation}", labelling.change),
    Call("DELETE", "/api/annotations/{annotation}", labelling.take_up_again),
    Call("GET", "/api/tasks/{task}/drafts", labelling.own_drafts),
    Call("POST", "/api/tasks/{task}/drafts", labelling.keep_draft),
    Call("POST", "/api/tasks/{task}/annotations/{annotation}/drafts", labelling.keep_draft),
    Call("PATCH", "/api/drafts/{draft}", labelling.change_draft),
    Call("DELETE", "/api/drafts/{draft}", labelling.drop_draft),
    # What the pages ask for beside
    Call("GET", "/api/current-user/whoami", lookups.account),
    Call("GET", "/api/current-user/hotkeys", lookups.hotkeys),
    Call("PATCH", "/api/current-user/hotkeys", lookups.set_hotkeys),
    Call("GET", "/api/projects", lookups.own_projects),
    Call("GET", "/api/projects/{project}", lookups.one_project),
    Call("GET", "/api/dm/project", lookups.project_of_page),
    Call("GET", "/api/dm/columns", lookups.columns),
    Call("GET", "/api/tasks", lookups.clips),
    Call("GET", "/api/users", lookups.accounts),
    Call("GET", "/api/dm/views", lookups.tab),
    Call("PATCH", "/api/dm/views/{tab}", lookups.same_tab),
    Call("GET", "/api/dm/actions", lookups.no_rows),
    Call("GET", "/api/ml", lookups.no_rows),
    Call("GET", "/api/label_links", lookups.no_pages_of_rows),
    Call("GET", "/api/version", lookups.nothing),
    Call("GET", "/api/jwt/settings", lookups.tokens_are_off),
)

FILES = re.compile(
    r"/(?:(?:static|react-app|label-studio-frontend|dm)/(?!.*(?:\.\.|//))[A-Za-z0-9][A-Za-z0-9._/-]*"
    r"|favicon\.ico|sw\.js|sw-fallback\.js)",
    re.ASCII,
)
"""Files that Label Studio's pages are made of; the same for everybody."""


def find_call(method: str, path: str, query: Mapping[str, str]) -> tuple[Call, Mapping[str, int]] | None:
    """The allowed call that a request is, with the numbers in its path; None for any other.

    Args:
        path: as it was sent, without the query, undecoded.
    """
    for call in CALLS:
        if call.method != method:
            continue
        found = call.pattern.fullmatch(path)
        if found and (call.only is None or query.get(call.only[0]) == call.only[1]):
            return call, {name: int(value) for name, value in found.groupdict().items()}
    return None
