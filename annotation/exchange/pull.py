"""Takes in what people have answered: each answer once, checked, and kept for ever.

    pulled = pull(client, root, "av-syncbench", review, {"review": 3, "adjudication": 4}, read_people(root))

An answer that has been taken in is never changed: one that its annotator changed is a further row. What cannot count
is kept too, with the reason. Deleting an answer on the server deletes nothing here. A pull that is killed has written
whole files; the next one adds what is missing, and one that finds nothing new writes nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from label_studio_sdk import LabelStudio

from annotation.configs.answers import Refused, parse_answer
from annotation.configs.pages import Page, page_of
from annotation.exchange.earlier import Earlier, Place, digest_of, read_earlier
from annotation.exchange.survey import Progress, Seen, seen_of, survey
from annotation.exchange.turn import keep_review, now, turn
from annotation.private import Person
from annotation.store import WAIT_S, add_answers, read_items
from schemas.judging import Review
from schemas.review import ANSWERS
from schemas.units import FRAME_MS
from tasks.workspace.layout import appearing
from tasks.workspace.stage import Row

ROWS_PER_FILE = 5_000
"""More answers than these are written before the rest is read, so that memory stays flat."""

ASKED = {"review": ("annotator", "not_an_annotator"), "adjudication": ("lead", "not_a_lead")}
"""Whose answers a project takes, and why another's does not count."""


@dataclass(frozen=True)
class Pulled:
    """What a pull found.

    Attributes:
        new: answers that were taken in, without the refused ones.
        changed: answers that were taken in again, because their annotators changed them.
        unchanged: answers that were there already.
        refused: how many were put aside now, by reason.
        missing: item and annotator of the answers that have gone from the server; told once, and kept here.
        seen: the tasks of each project: with these a push that follows need not ask again.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    missing: tuple[tuple[str, str], ...] = ()
    seen: Mapping[str, Sequence[Seen]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Desk:
    """What judging the answers of one project needs."""

    project: str
    page: Page
    by_key: Mapping[str, Row]
    by_task: Mapping[int, Row]
    people: Mapping[int, Person]
    earlier: Earlier
    pulled_at: str


def pull(
    client: LabelStudio,
    root: Path,
    recipe_name: str,
    review: Review,
    projects: Mapping[str, int],
    people: Sequence[Person],
    progress: Progress | None = None,
    wait_s: float = WAIT_S,
) -> Pulled:
    """Take in all answers of a review that are new or changed. Takes the memory of its tasks, not of its answers.

    Args:
        projects: number on the server by name, `review` and `adjudication`.
        people: everybody who has or had an account; answers of others are put aside.
        wait_s: how long it waits for another process that is at work on this review.

    Raises:
        ServiceError, ServiceRefused: see annotation.exchange.client; what was written until then is whole and stays.
        WorkspaceError: another process is at work on this review, or a file cannot be written.
    """
    told = progress or (lambda doing, done, of: None)
    with turn(root, recipe_name, wait_s) as folder:
        keep_review(folder, review)
        earlier, seen, there = read_earlier(root, recipe_name), {}, set()
        counts, refused, rows = Counter(), Counter(), []
        items = read_items(root, recipe_name)
        for name, number in projects.items():
            desk = _desk(name, review, items, people, earlier)
            seen[name] = []
            for task in survey(client, number, folder):
                seen[name].append(seen_of(task))
                for row, what in _taken(desk, task, there):
                    counts[what] += 1
                    if row is not None:
                        refused.update([row["refused"]] if row["refused"] else [])
                        rows.append(row)
                if len(rows) >= ROWS_PER_FILE:
                    add_answers(root, recipe_name, rows)
                    rows = []
                if len(seen[name]) % 100 == 0:
                    told(f"answers of {name}", len(seen[name]), None)
        add_answers(root, recipe_name, rows)
        missing = _missing(folder, earlier, items, projects, there)
    return Pulled(counts["new"], counts["changed"], counts["unchanged"], dict(refused), missing, seen)


def _desk(
    name: str, review: Review, items: Sequence[Row], people: Sequence[Person], earlier: Earlier
) -> _Desk:
    own = [item for item in items if item["project"] == name]
    return _Desk(
        name,
        page_of(review.form, adjudication=name == "adjudication"),
        {item["item_key"]: item for item in own},
        {item["task"]: item for item in own if item["task"] is not None},
        {person.user: person for person in people},
        earlier,
        now(),
    )


def _taken(desk: _Desk, task: Mapping[str, Any], there: set[Place]) -> Iterator[tuple[Row | None, str]]:
    """The answers of a task: a row and `new`, `changed` or `refused`; None and `unchanged` for what is known."""
    # The key says which item it is; where somebody has altered it, the task's number still does.
    item = desk.by_key.get(task["data"].get("key")) if isinstance(task["data"].get("key"), str) else None
    item = item or desk.by_task.get(task["id"])
    for annotation in sorted(task["annotations"], key=lambda each: (str(each.get("updated_at")), each["id"])):
        user = annotation.get("completed_by")
        person = desk.people.get(user) if isinstance(user, int) else None
        place = item and item["item_key"], person and person.pseudonym
        there.add(place)
        digest, was_there = digest_of(annotation), _content(desk.earlier, place, annotation)
        if was_there is not None and was_there == (digest, None):
            yield None, "unchanged"
            continue
        row = _row(desk, item, person, task, annotation)
        if was_there is not None and was_there == (digest, row["refused"]):
            yield None, "unchanged"
            continue
        first = place not in desk.earlier.standing
        desk.earlier.add(row, digest)
        yield row, "refused" if row["refused"] else "new" if first else "changed"


def _content(
    earlier: Earlier, place: Place, annotation: Mapping[str, Any]
) -> tuple[bytes, str | None] | None:
    """What was taken in of an answer, under its number or the one that it had before its task was made anew."""
    numbers = (annotation["id"], annotation.get("import_id"))
    return next(
        (earlier.content[place, number] for number in numbers if (place, number) in earlier.content), None
    )


def _row(
    desk: _Desk,
    item: Row | None,
    person: Person | None,
    task: Mapping[str, Any],
    annotation: Mapping[str, Any],
) -> Row:
    """An answer as a row of ANSWERS, with the reason if it cannot count."""
    place = item and item["item_key"], person and person.pseudonym
    made_at, changed_at = _moment(annotation.get("created_at")), _moment(annotation.get("updated_at"))
    standing = desk.earlier.standing.get(place)
    row = dict.fromkeys(ANSWERS.names) | {
        "item_key": place[0],
        "annotator": place[1],
        "version": desk.earlier.next_version(place),
        "made_at": min(standing.made_at, made_at or desk.pulled_at)
        if standing
        else made_at or desk.pulled_at,
        "changed_at": changed_at or made_at or desk.pulled_at,
        "pulled_at": desk.pulled_at,
        "skipped": annotation.get("was_cancelled") is True,
        "answers": {},
        "task": task["id"],
        "annotation": annotation["id"],
        "form": desk.page.name,
        "raw": json.dumps(annotation, sort_keys=True),
    }
    try:
        _may_count(desk, item, person, task, made_at and changed_at)
        parsed = parse_answer(desk.page, annotation, item["duration_ms"] // FRAME_MS)
    except Refused as refused:
        return row | {"refused": refused.reason, "detail": refused.detail}
    return row | {
        "lead_time_ms": parsed.lead_time_ms,
        "answers": dict(parsed.answers),
        "keep_start_ms": parsed.keep_start_ms,
        "keep_end_ms": parsed.keep_end_ms,
        "comment": parsed.comment,
    }


def _may_count(
    desk: _Desk, item: Row | None, person: Person | None, task: Mapping[str, Any], times: str | None
) -> None:
    role, reason = ASKED[desk.project]
    if item is None:
        raise Refused("unknown_task", f"task {task['id']} shows none of the items of this review")
    if person is None:
        raise Refused(reason, "its author is nobody on the list of people")
    if person.role != role:
        raise Refused(reason, f"{person.pseudonym} is {person.role}, and {desk.project} asks the {role}s")
    if not times:
        raise Refused("bad_time", "when it was made or changed is no time")


def _moment(text: Any) -> str | None:
    """A time of the server's as ISO 8601 in UTC; None for what is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError):
        return None


def _missing(
    folder: Path, earlier: Earlier, items: Sequence[Row], projects: Mapping[str, int], there: set[Place]
) -> tuple[tuple[str, str], ...]:
    """The answers that have gone from the server since the last pull: those that were told before are in a file."""
    path = folder / "missing.json"
    known = {(key, annotator) for key, annotator in json.loads(path.read_text())} if path.exists() else set()
    asked = {item["item_key"] for item in items if item["project"] in projects}
    gone = {
        place
        for place, standing in earlier.standing.items()
        if None not in place and place[0] in asked and standing.refused is None and place not in there
    }
    if gone != known:
        with appearing(path) as unfinished:
            unfinished.write_text(json.dumps(sorted(gone)), encoding="utf-8")
    return tuple(sorted(gone - known))
