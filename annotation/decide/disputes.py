"""Clips that annotators disagree on: which go to the lead, and what she is shown of their answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from annotation.decide.count import Counted, counted
from annotation.store import item_key
from schemas.forms import words
from tasks.workspace.stage import Row

FRAME_STYLE = "border:1px solid rgba(128,128,150,.5);padding:3px 8px;text-align:left;vertical-align:top"
MARK_STYLE = FRAME_STYLE + ";font-weight:700;background:rgba(217,119,6,.22)"


@dataclass(frozen=True)
class Dispute:
    """A clip that waits for the lead.

    Attributes:
        item: the clip's item, as annotators saw it.
        questions: those that nothing was decided on; first the one that it waits for, then in the form's order.
        answers: question to what each annotator answered, by pseudonym.
        shown: what the lead's page says beside the clip: what theirs said, and `answers`, an HTML table that can
            run nothing.
    """

    item: Row
    questions: tuple[str, ...]
    answers: Mapping[str, Mapping[str, str]]
    shown: Mapping[str, str]


def disputes(decided: Iterable[Row], items: Iterable[Row], answers: Iterable[Row] = ()) -> list[Dispute]:
    """Every disputed clip that still has its item, by clip.

    Args:
        answers: rows of ANSWERS, for the comments and for the part that each would keep; without them the table
            has only the answers.
    """
    waiting = [row for row in decided if row["outcome"] == "disputed"]
    clips = {(row["clip_id"], row["clip_sha256"]) for row in waiting}
    as_they_are = [
        item for item in items if item["kind"] == "clip" and (item["clip_id"], item["clip_sha256"]) in clips
    ]
    by_clip = {(item["clip_id"], item["clip_sha256"]): item for item in as_they_are}
    most = max((row["needed"] for row in waiting), default=0)
    said = counted(as_they_are, answers, most)
    found = (_dispute(row, by_clip.get((row["clip_id"], row["clip_sha256"])), said) for row in waiting)
    return sorted((each for each in found if each), key=lambda each: each.item["clip_id"])


def dispute_items(
    found: Iterable[Dispute], known_items: Iterable[Row], recipe: str, secret: str
) -> list[Row]:
    """Rows of ITEMS for the disputes that the lead has not been given yet, and for those of which she is to be shown
    something else than before, since annotators have changed their answers.

    Args:
        known_items: all rows of ITEMS so far; a renewed one takes the place of the row with its key.
        secret: `Secrets.items`.
    """
    known = {item["item_key"]: item for item in known_items}
    rows = []
    for dispute in found:
        key = item_key(secret, recipe, "adjudication", "dispute", dispute.item["clip_sha256"])
        before, shown = known.get(key), dict(dispute.shown)
        if before is None:
            rows.append(
                dict(dispute.item)
                | {"item_key": key, "project": "adjudication", "kind": "dispute", "expected": {}}
                | {"shown": shown, "task": None, "pushed_at": None}
            )
        elif before["shown"] != shown:
            rows.append(dict(before) | {"shown": shown})
    return rows


def settled_by_annotators(decided: Iterable[Row], items: Iterable[Row]) -> set[str]:
    """Keys of the disputes that no lead has decided and none need: annotators have changed their answers since."""
    settled = {
        (row["clip_id"], row["clip_sha256"])
        for row in decided
        if row["outcome"] != "disputed" and row["adjudicator"] is None
    }
    return {
        item["item_key"]
        for item in items
        if item["kind"] == "dispute" and (item["clip_id"], item["clip_sha256"]) in settled
    }


def _dispute(decided: Row, item: Row | None, said: Mapping[str, Counted]) -> Dispute | None:
    if item is None:
        return None
    findings = decided["findings"]
    votes = {vote["annotator"]: vote["answers"] for vote in decided["votes"]}
    rows = {row["annotator"]: row for row in said[item["item_key"]].answers}
    questions = [finding["question"] for finding in findings if finding["answer"] is None]
    first = [question for question in questions if question == decided["question"]]
    ordered = (*first, *(question for question in questions if question not in first))
    table = answers_table([finding["question"] for finding in findings], questions, votes, rows)
    return Dispute(item, ordered, votes, dict(item["shown"]) | {"answers": table})


def answers_table(
    questions: Sequence[str],
    disputed: Sequence[str],
    votes: Mapping[str, Mapping[str, str]],
    rows: Mapping[str, Row],
) -> str:
    """The answers of each annotator, a column each, disputed questions marked; all text escaped.

    Args:
        votes: pseudonym to question to answer.
        rows: pseudonym to the row of ANSWERS, for comments and parts to keep; people may be missing.
    """
    lines = [_line("", votes, "th", FRAME_STYLE)]
    for question in questions:
        style = MARK_STYLE if question in disputed else FRAME_STYLE
        said = [answers.get(question, "–") for answers in votes.values()]
        lines.append(_line(words(question), map(words, said), "td", style))
    if any(row["keep_start_ms"] is not None for row in rows.values()):
        lines.append(_line("keep", (_part(rows.get(name)) for name in votes), "td", FRAME_STYLE))
    if any(row["comment"] for row in rows.values()):
        comments = ((rows[name]["comment"] or "") if name in rows else "" for name in votes)
        lines.append(_line("comment", comments, "td", FRAME_STYLE))
    return f'<table style="border-collapse:collapse;font-size:14px">{"".join(lines)}</table>'


def _line(head: str, cells: Iterable[str], tag: str, style: str) -> str:
    inside = "".join(f'<{tag} style="{style}">{escape(cell)}</{tag}>' for cell in cells)
    return f'<tr><th style="{style}">{escape(head)}</th>{inside}</tr>'


def _part(row: Row | None) -> str:
    if row is None or row["keep_start_ms"] is None or row["keep_end_ms"] is None:
        return "–"
    return f"{row['keep_start_ms'] / 1000:.2f}–{row['keep_end_ms'] / 1000:.2f} s"
