"""The calls of the labelling page: the next clip, a clip again, drafts, answers, changes of one's own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from annotation.gateway.blind import (
    answer_to_submit,
    author_of,
    blind_answer,
    blind_draft,
    blind_task,
    draft_to_keep,
    is_of,
    rows,
)
from annotation.gateway.media import with_signed_clips
from annotation.gateway.upstream import as_admin
from annotation.gateway.visit import Purpose, Visit, json_or_fault, shown

TWICE = "You have answered this clip already; nothing was stored. To change that answer, go back to it and update it."
NOT_YOURS = "This answer is not yours. You can read and change your own answers only."
ASK_AGAIN_SECONDS = 0.3
KEPT = "An answer that was given stays. You can change it, not take it back."


async def next_clip(visit: Visit) -> Response:
    """The next clip for the person, by the page's own call or by the plain one."""
    number = visit.numbers.get("project") or visit.number("project")
    project = visit.project(number, "label")
    path = f"/api/projects/{project.number}/next/"
    answer = await visit.ask("GET", path)
    if answer.status_code == 404:
        # While another request holds the clip's row, the server says that there is none.
        await asyncio.sleep(ASK_AGAIN_SECONDS)
        answer = await visit.ask("GET", path)
    return shown(task_for(visit, json_or_fault(answer)), answer)


async def clip(visit: Visit) -> Response:
    """A clip again: for an annotator with her own answers only, for a lead with all."""
    answer = await visit.ask("GET", f"/api/tasks/{visit.numbers['task']}/")
    task = json_or_fault(answer)
    visit.project(task.get("project"))
    return shown(task_for(visit, task), answer)


async def submit(visit: Visit) -> Response:
    """Keep an answer, or that a clip was passed on; of each person one for each clip."""
    task = visit.numbers["task"]
    wanted = _checked(answer_to_submit, await visit.body())
    async with visit.gateway.sole_work_on(task):
        known = await _task(visit, task, "label")
        own = [each for each in rows(known, "annotations") if author_of(each) == visit.person.user]
        skipping = wanted.get("was_cancelled") is True
        if any(skipping or not each.get("was_cancelled") for each in own):
            raise HTTPException(409, TWICE)
        answer = await visit.ask("POST", f"/api/tasks/{task}/annotations/", json=wanted)
    return shown(_answer_for(visit, json_or_fault(answer)), answer)


async def own_answers(visit: Visit) -> Response:
    """The person's answers to a clip."""
    known = await _task(visit, visit.numbers["task"], "look")
    mine = [each for each in rows(known, "annotations") if author_of(each) == visit.person.user]
    return shown([blind_answer(each) for each in mine])


async def own_answer(visit: Visit) -> Response:
    """One answer of one's own."""
    found = await _own_answer(visit, visit.numbers["annotation"])
    return shown(blind_answer(found))


async def change(visit: Visit) -> Response:
    """Change an answer of one's own."""
    number = visit.numbers["annotation"]
    wanted = _checked(answer_to_submit, await visit.body())
    for name in ("draft_id", "unique_id"):  # of the first submission only
        wanted.pop(name, None)
    found = await _own_answer(visit, number)
    async with visit.gateway.sole_work_on(found["task"]):
        found = await _own_answer(visit, number)
        if not found.get("was_cancelled") and wanted.get("was_cancelled"):
            raise HTTPException(403, KEPT)
        answer = await visit.ask("PATCH", f"/api/annotations/{number}/", json=wanted)
    return shown(_answer_for(visit, json_or_fault(answer)), answer)


async def take_up_again(visit: Visit) -> Response:
    """Take back that a clip was passed on; the page then keeps what is there as a draft."""
    number = visit.numbers["annotation"]
    found = await _own_answer(visit, number)
    async with visit.gateway.sole_work_on(found["task"]):
        if not (await _own_answer(visit, number)).get("was_cancelled"):
            raise HTTPException(403, KEPT)
        answer = await visit.ask("DELETE", f"/api/annotations/{number}/")
    if answer.status_code >= 300:
        json_or_fault(answer)
    return Response(status_code=204)


async def keep_draft(visit: Visit) -> Response:
    """Keep what was answered so far, of a new answer or of a change of one's own."""
    task = visit.numbers["task"]
    wanted = _checked(draft_to_keep, await visit.body())
    await _task(visit, task, "label")
    path = f"/api/tasks/{task}/drafts"
    if "annotation" in visit.numbers:
        found = await _own_answer(visit, visit.numbers["annotation"])
        if found["task"] != task:
            raise HTTPException(404, "There is no such answer to this clip.")
        path = f"/api/tasks/{task}/annotations/{found['id']}/drafts"
    answer = await visit.ask("POST", path, json=wanted)
    return shown(blind_draft(json_or_fault(answer)), answer)


async def own_drafts(visit: Visit) -> Response:
    """The person's unfinished answers to a clip."""
    task = visit.numbers["task"]
    await _task(visit, task, "look")
    drafts = json_or_fault(await visit.ask("GET", f"/api/tasks/{task}/drafts"))
    return shown([blind_draft(each) for each in drafts if is_of(each, visit.email)])


async def change_draft(visit: Visit) -> Response:
    """Change an unfinished answer of one's own."""
    number = visit.numbers["draft"]
    wanted = _checked(draft_to_keep, await visit.body())
    await _own_draft(visit, number)
    answer = await visit.ask("PATCH", f"/api/drafts/{number}/", json=wanted)
    return shown(blind_draft(json_or_fault(answer)), answer)


async def drop_draft(visit: Visit) -> Response:
    """Throw an unfinished answer of one's own away."""
    number = visit.numbers["draft"]
    await _own_draft(visit, number)
    answer = await visit.ask("DELETE", f"/api/drafts/{number}/")
    if answer.status_code >= 300:
        json_or_fault(answer)
    return Response(status_code=204)


def task_for(visit: Visit, task: Mapping[str, Any]) -> dict[str, Any]:
    """A task as the person may see it, with addresses that play."""
    blinded = blind_task(task, visit.person.user, visit.email) if visit.is_annotator else dict(task)
    known = visit.gateway.known
    signed = with_signed_clips(
        known.secrets.media, task.get("data") or {}, known.address_lasts_ms(task.get("project"))
    )
    return blinded | {"data": signed}


def _answer_for(visit: Visit, answer: Mapping[str, Any]) -> dict[str, Any]:
    return blind_answer(answer) if visit.is_annotator else dict(answer)


async def _task(visit: Visit, number: int, purpose: Purpose) -> dict[str, Any]:
    task = await as_admin(visit.gateway.upstream, f"/api/tasks/{number}/")
    if task is None:
        raise HTTPException(404, "This clip is not under review any more. Go on with the next one.")
    visit.project(task.get("project"), purpose)
    return task


async def _own_answer(visit: Visit, number: int) -> dict[str, Any]:
    found = await as_admin(visit.gateway.upstream, f"/api/annotations/{number}/")
    if found is None or author_of(found) != visit.person.user:
        raise HTTPException(403, NOT_YOURS)
    visit.project(found.get("project"), "label")
    return found


async def _own_draft(visit: Visit, number: int) -> None:
    found = await as_admin(visit.gateway.upstream, f"/api/drafts/{number}/")
    if found is None or not is_of(found, visit.email):
        raise HTTPException(403, NOT_YOURS)


def _checked(read: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return read(body)
    except ValueError as error:
        raise HTTPException(400, f"{error}. Reload the page and try again.") from error
