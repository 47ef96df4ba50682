"""The two projects of a review on the server: made once, and put right whenever somebody has changed them there.

projects = ensure_projects(client, root, "av-syncbench", recipe.review, hooks_of(root))
projects.numbers    # {"review": 3, "adjudication": 4}
projects.repaired   # what was found otherwise than it should be, in words
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from label_studio_sdk import LabelStudio

from annotation.configs.hooks import Hooks, ensure_hook
from annotation.configs.pages import TRIM_MODEL, page_of
from annotation.private import open_secrets
from annotation.store import WAIT_S, review_folder, sole_writer
from schemas.errors import ServiceError, WorkspaceError
from schemas.forms import FORMS
from schemas.judging import Review
from tasks.workspace.layout import appearing

REVIEW, ADJUDICATION = "review", "adjudication"
LONGEST_TITLE = 50
"""Characters; the server takes no more."""
_PAGE_SIZE = 100

_WORDS = {
    "label_config": "the page",
    "expert_instruction": "the instructions",
    "maximum_annotations": "the number of judgements",
    "description": "the description",
    "title": "the title",
}
"""Settings in plain words; the others are called as the server calls them. Long ones are not shown."""


@dataclass(frozen=True)
class Projects:
    """The projects of one recipe's review.

    Attributes:
        numbers: on the server, by `review` and `adjudication`.
        repaired: what had to be put right, a sentence each; nothing about a project that is made for the first time.
    """

    numbers: Mapping[str, int]
    repaired: tuple[str, ...] = ()


def ensure_projects(
    client: LabelStudio, root: Path, recipe_name: str, review: Review, hooks: Hooks | None = None
) -> Projects:
    """Make the projects that a review needs, or put right what differs; twice the same does nothing more.

    A project is known by its number in the workspace, or by its description, which is signed: another workspace's
    project of the same title on the same server is left alone. One that was deleted is made anew. A review that
    takes no disputes to a lead has no second project; one that it had earlier is left as it is.

    Args:
        client: the administrator's.
        hooks: where the server tells of answers; None leaves that as it is.

    Raises:
        ServiceError, ServiceRefused: the server does not do it; what was made until then is found the next time.
        WorkspaceError: another process is at work on this review, or projects.json cannot be read.
    """
    with sole_writer(root, recipe_name, WAIT_S):
        earlier = read_projects(root, recipe_name)
        numbers, repaired = dict(earlier), []
        for kind in _kinds(review):
            wanted = settings_of(root, recipe_name, review, kind)
            found, words = _ensure(client, wanted, earlier.get(kind))
            numbers[kind] = found
            repaired += words
            _write(root, recipe_name, numbers)
            if hooks is not None:
                repaired += [
                    f"{_called(wanted, found)}: {word}" for word in ensure_hook(client, found, hooks)
                ]
    return Projects({kind: numbers[kind] for kind in _kinds(review)}, tuple(repaired))


def settings_of(root: Path, recipe_name: str, review: Review, kind: str) -> dict[str, Any]:
    """All that a project is to be on the server, by the server's own names.

    The order of tasks is that in which they are pushed. The instructions do not open by themselves: they would do so
    each time that somebody comes to the page; a button shows them, and the page has them in short. Only annotators
    are proposed the whole clip as the part to keep: left as it is by a lead, it would overrule theirs.
    """
    page = page_of(review.form, adjudication=kind == ADJUDICATION)
    return {
        "title": title_of(recipe_name, kind),
        "description": _signed(root, recipe_name, review.form, kind),
        "label_config": page.xml,
        "expert_instruction": page.guide_html,
        "show_instruction": False,
        "maximum_annotations": review.per_clip if kind == REVIEW else 1,
        "overlap_cohort_percentage": 100,
        "show_overlap_first": False,
        "skip_queue": "REQUEUE_FOR_OTHERS",
        "sampling": "Sequential sampling",
        "show_skip_button": True,
        "enable_empty_annotation": False,
        "show_collab_predictions": kind == REVIEW and FORMS[review.form].trims,
        "reveal_preannotations_interactively": False,
        "show_annotation_history": False,
        "show_ground_truth_first": False,
    }


def title_of(recipe_name: str, kind: str) -> str:
    """A title of 3 to 50 characters; of a long name the beginning, and a digest of the whole."""
    title = f"{recipe_name} {kind}"
    if len(title) <= LONGEST_TITLE:
        return title
    digest = hashlib.sha256(recipe_name.encode()).hexdigest()[:8]
    return f"{recipe_name[: LONGEST_TITLE - len(kind) - 10]}-{digest} {kind}"


def read_projects(root: Path, recipe_name: str) -> dict[str, int]:
    """Numbers of the projects as they were last; empty before there are any.

    Raises:
        WorkspaceError: the file cannot be read.
    """
    path = _path(root, recipe_name)
    if not path.exists():
        return {}
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))
        return {str(kind): int(number) for kind, number in numbers.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise WorkspaceError(
            str(path),
            f"cannot be read: {type(error).__name__}",
            "remove the file: the projects are found again by their descriptions",
        ) from None


def _kinds(review: Review) -> tuple[str, ...]:
    # A form that only measures has no disputes: that people differ is what it measures.
    return (REVIEW, ADJUDICATION) if review.adjudicate and review.decides else (REVIEW,)


def _ensure(client: LabelStudio, wanted: Mapping[str, Any], number: int | None) -> tuple[int, list[str]]:
    project = _find(client, wanted, number)
    if project is None:
        made = client.projects.create(**wanted)
        gone = f"{_called(wanted, number)} is gone from the server and was made anew, with number {made.id}"
        return made.id, [gone] if number is not None else []
    words = _differences(wanted, project)
    if words:
        client.projects.update(project["id"], **{name: wanted[name] for name in words})
    stale = _other_prediction(wanted, project)
    if stale:
        client.projects.update(project["id"], model_version=TRIM_MODEL)
    told = [*words.values(), *stale]
    return project["id"], [
        f"{_called(wanted, project['id'])} was set right: {', '.join(told)}"
    ] if told else []


def _find(client: LabelStudio, wanted: Mapping[str, Any], number: int | None) -> dict[str, Any] | None:
    """The project of that number or, where that is none of ours, of that description."""
    if number is not None:
        project = _get(client, number)
        # A number may come again after a deletion, for a project of somebody else's.
        if project and wanted["description"] == project.get("description"):
            return project
        if project and not project.get("description") and project.get("title") == wanted["title"]:
            return project
    same = [each for each in _all(client) if each.get("description") == wanted["description"]]
    return min(same, key=lambda each: each["id"], default=None)


def _get(client: LabelStudio, number: int) -> dict[str, Any] | None:
    try:
        return _plain(client.projects.get(number))
    except ServiceError as error:
        if error.kind == "gone":
            return None
        raise


def _all(client: LabelStudio) -> Iterator[dict[str, Any]]:
    """Every project; the client's own paging asks on until the server says that there is no such page."""
    for page in count(1):
        try:
            projects = client.projects.list(page=page, page_size=_PAGE_SIZE).items or []
        except ServiceError as error:
            if page > 1 and error.kind == "gone":
                return
            raise
        yield from map(_plain, projects)
        if len(projects) < _PAGE_SIZE:
            return


def _plain(project: Any) -> dict[str, Any]:
    return project.model_dump()


def _differences(wanted: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, str]:
    """Settings that differ, with words for what was found."""
    return {
        name: _told(name, value, project.get(name))
        for name, value in wanted.items()
        if project.get(name) != value
    }


def _told(name: str, value: Any, found: Any) -> str:
    word = _WORDS.get(name, name)
    return (
        word
        if isinstance(value, str) and len(value) > LONGEST_TITLE
        else f"{word} ({found!r}, not {value!r})"
    )


def _other_prediction(wanted: Mapping[str, Any], project: Mapping[str, Any]) -> list[str]:
    """The part to keep is proposed by a prediction, of the version that the project names."""
    some = wanted["show_collab_predictions"] and project.get("total_predictions_number")
    version = project.get("model_version")
    return [f"the proposal ({version!r}, not {TRIM_MODEL!r})"] if some and version != TRIM_MODEL else []


def _called(wanted: Mapping[str, Any], number: int | None) -> str:
    return f"project {number} “{wanted['title']}”"


def _signed(root: Path, recipe_name: str, form: str, kind: str) -> str:
    """A description that this workspace alone can have written."""
    text = "\n".join(("project", recipe_name, form, kind))
    mark = hmac.new(bytes.fromhex(open_secrets(root).items), text.encode(), hashlib.sha256).hexdigest()[:16]
    return f"{kind} of {recipe_name} with {form}. Kept by Clapper, which knows it by {mark}."


def _path(root: Path, recipe_name: str) -> Path:
    return review_folder(root, recipe_name) / "projects.json"


def _write(root: Path, recipe_name: str, numbers: Mapping[str, int]) -> None:
    if read_projects(root, recipe_name) == dict(numbers):
        return
    with appearing(_path(root, recipe_name)) as unfinished:
        unfinished.write_text(json.dumps(numbers) + "\n", encoding="utf-8")
