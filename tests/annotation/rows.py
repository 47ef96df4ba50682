"""Rows of a review for tests: items, answers and decisions, with what a test does not care about filled in."""

from __future__ import annotations

from typing import Any

from schemas.review import ANSWERS, DECIDED, ITEMS
from tasks.workspace.stage import Row

GOOD = {
    "source": "visible", "aligned": "in_time", "audio": "good", "scenario": "action", "speech": "neither",
}  # fmt: skip


def item(key: str, **changes: Any) -> Row:
    usual = {
        "item_key": key, "project": "review", "kind": "clip", "clip_id": f"clip-{key}", "video_id": "video",
        "clip_sha256": f"sha-{key}", "path": f"clips/video/{key}.mp4", "duration_ms": 8000, "offset_ms": 0,
        "start_ms": 0, "expected": {}, "machine": {}, "shown": {}, "task": None, "pushed_at": None,
    }  # fmt: skip
    return _complete(usual | changes, ITEMS.names)


def answer(key: str, annotator: str | None, minute: int = 0, **changes: Any) -> Row:
    at = f"2026-11-02T10:{minute:02d}:00+00:00"
    usual = {
        "item_key": key, "annotator": annotator, "version": 1, "made_at": at, "changed_at": at, "pulled_at": at,
        "lead_time_ms": 20_000, "skipped": False, "answers": GOOD, "keep_start_ms": None, "keep_end_ms": None,
        "comment": None, "refused": None, "detail": None, "task": 1, "annotation": 1, "form": "clip-review@1",
        "raw": "[]",
    }  # fmt: skip
    return _complete(usual | changes, ANSWERS.names)


def decision(clip: str, outcome: str, **changes: Any) -> Row:
    votes = [{"annotator": f"A{number}", "answers": GOOD} for number in (1, 2, 3)]
    usual = {
        "clip_id": clip, "clip_sha256": f"sha-{clip}", "outcome": outcome, "question": None, "counted": 3,
        "needed": 3, "extra": 0, "findings": [], "votes": votes, "agreement": 1.0, "adjudicator": None,
        "keep_start_ms": None, "keep_end_ms": None, "decided_at": "2026-11-02T10:02:00+00:00",
    }  # fmt: skip
    return _complete(usual | changes, DECIDED.names)


def _complete(row: Row, names: list[str]) -> Row:
    strange = row.keys() ^ set(names)
    if strange:
        raise KeyError(f"not the columns of the table: {strange}")
    return row
