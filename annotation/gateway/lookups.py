"""What the pages ask for beside the clips: account, project, settings of keys.

Where a true answer would tell of others, or nothing here needs it, the gateway answers itself.
"""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from annotation.gateway.blind import blind_account, blind_columns, blind_project, history_of_own, kept, rows
from annotation.gateway.labelling import task_for
from annotation.gateway.visit import Visit, json_or_fault, shown

PAGE_SIZES = range(1, 101)
LONGEST_HOTKEYS = 300
HIDDEN_COLUMNS = (
    "inner_id", "annotations_results", "annotations_ids", "predictions_score", "predictions_model_versions",
    "predictions_results", "total_predictions", "file_upload", "storage_filename", "created_at", "updated_at",
    "updated_by", "avg_lead_time", "draft_exists", "data.key", "data.fps", "data.frames",
)  # fmt: skip


async def account(visit: Visit) -> Response:
    """The person's own account."""
    answer = json_or_fault(await visit.ask("GET", "/api/current-user/whoami"))
    return shown(blind_account(answer))


async def accounts(visit: Visit) -> Response:
    """For an annotator herself alone, for a lead everybody's names."""
    if visit.is_annotator:
        return shown([blind_account(visit.account)])
    names = ("id", "first_name", "last_name", "username", "email", "initials", "avatar")
    return shown([kept(each, names) for each in json_or_fault(await visit.ask("GET", "/api/users/"))])


async def own_projects(visit: Visit) -> Response:
    """The projects that the person may look at."""
    numbers = [each.number for each in visit.gateway.known.projects().values() if visit.may(each, "look")]
    found = []
    for number in sorted(numbers):
        answer = await visit.ask("GET", f"/api/projects/{number}/")
        if answer.status_code == 200:
            found.append(_project_for(visit, answer.json()))
    return shown({"count": len(found), "next": None, "previous": None, "results": found})


async def one_project(visit: Visit) -> Response:
    """One project."""
    number = visit.project(visit.numbers["project"]).number
    return shown(_project_for(visit, json_or_fault(await visit.ask("GET", f"/api/projects/{number}/"))))


async def project_of_page(visit: Visit) -> Response:
    """The project of an open page, with how far the person's own queue is."""
    number = visit.project(visit.number("project")).number
    answer = await visit.ask("GET", "/api/dm/project", project=number)
    return shown(_project_for(visit, json_or_fault(answer)))


async def columns(visit: Visit) -> Response:
    """What the page's list has columns for."""
    number = visit.project(visit.number("project")).number
    found = json_or_fault(await visit.ask("GET", "/api/dm/columns", project=number))
    return shown(blind_columns(found) if visit.is_annotator else found)


async def tab(visit: Visit) -> Response:
    """The list's only tab. Tabs of the server are common to all who may log in, so nobody makes or sees any."""
    project = visit.project(visit.number("project"))
    return shown([_tab(visit, project.number)])


async def same_tab(visit: Visit) -> Response:
    """A change of the tab, which lasts as long as the page is open."""
    body = await visit.body()
    project = visit.project(visit.number("project"))
    data = body.get("data")
    own = _tab(visit, project.number)
    return shown(own | {"data": {**own["data"], **data}} if isinstance(data, dict) else own)


async def clips(visit: Visit) -> Response:
    """The list of clips: for a lead with all answers; for an annotator empty, who has her stream."""
    project = visit.project(visit.number("project"))
    if visit.is_annotator:
        return shown({"total_annotations": 0, "total_predictions": 0, "total": 0, "tasks": []})
    size = visit.number("page_size")
    query = {"page": visit.number("page") or 1, "page_size": size if size in PAGE_SIZES else 30}
    answer = await visit.ask("GET", "/api/tasks/", project=project.number, **query)
    listed = json_or_fault(answer)
    return shown(listed | {"tasks": [task_for(visit, task) for task in rows(listed, "tasks")]})


async def history(visit: Visit) -> Response:
    """The clips that the person has had, to go back to."""
    number = visit.project(visit.numbers["project"]).number
    answer = await visit.ask("GET", f"/api/projects/{number}/label-stream-history/")
    return shown(history_of_own(json_or_fault(answer)))


async def hotkeys(visit: Visit) -> Response:
    """The person's own keys."""
    answer = json_or_fault(await visit.ask("GET", "/api/current-user/hotkeys/"))
    return shown(kept(answer, ("custom_hotkeys",)))


async def set_hotkeys(visit: Visit) -> Response:
    """Change the person's own keys."""
    keys = (await visit.body()).get("custom_hotkeys")
    if not isinstance(keys, dict) or len(keys) > LONGEST_HOTKEYS:
        raise HTTPException(400, "`custom_hotkeys` should be an object. Reload the page and try again.")
    wanted = {"custom_hotkeys": keys}
    answer = await visit.ask("PATCH", "/api/current-user/hotkeys/", json=wanted)
    return shown(kept(json_or_fault(answer), ("custom_hotkeys",)), answer)


async def no_rows(visit: Visit) -> Response:
    """There are none of these here."""
    return shown([])


async def no_pages_of_rows(visit: Visit) -> Response:
    """There are none of these here."""
    return shown({"count": 0, "next": None, "previous": None, "results": []})


async def nothing(visit: Visit) -> Response:
    """Nothing to tell."""
    return shown({})


async def tokens_are_off(visit: Visit) -> Response:
    """Nobody makes tokens through here."""
    return shown({"api_tokens_enabled": False, "legacy_api_tokens_enabled": False})


def _project_for(visit: Visit, project: dict[str, Any]) -> dict[str, Any]:
    return blind_project(project) if visit.is_annotator else project


def _tab(visit: Visit, project: int) -> dict[str, Any]:
    hidden = [f"tasks:{name}" for name in HIDDEN_COLUMNS]
    data = {
        "title": "Clips", "type": "list", "target": "tasks", "ordering": [],
        "filters": {"conjunction": "and", "items": []}, "hiddenColumns": {"explore": hidden, "labeling": hidden},
        "columnsWidth": {}, "columnsDisplayType": {}, "gridWidth": 4, "semantic_search": [],
    }  # fmt: skip
    return {"id": project, "data": data, "order": 0, "user": visit.person.user, "project": project}
