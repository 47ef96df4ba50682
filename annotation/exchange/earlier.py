"""What of the answers has been taken in before: enough to tell a new one, a changed one and one that is gone."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotation.decide.count import is_lead
from annotation.store import each_answer
from tasks.workspace.stage import Row

Place = tuple[str | None, str | None]
"""Item and annotator: a person answers an item once, however many tasks it has or had."""


@dataclass(frozen=True)
class Standing:
    """How a person's answer to an item last stood."""

    version: int
    made_at: str
    annotation: int
    refused: str | None
    skipped: bool


@dataclass(frozen=True)
class Earlier:
    """The answers that were taken in before.

    Attributes:
        standing: by item and annotator.
        content: by item, annotator and the answer's number on the server: digest of what was answered, and why it was
            refused.
    """

    standing: dict[Place, Standing] = field(default_factory=dict)
    content: dict[tuple[Place, int], tuple[bytes, str | None]] = field(default_factory=dict)

    def add(self, row: Row, digest: bytes) -> None:
        place = row["item_key"], row["annotator"]
        before = self.standing.get(place)
        if before is None or row["version"] >= before.version:
            self.standing[place] = Standing(
                row["version"], row["made_at"], row["annotation"], row["refused"], row["skipped"]
            )
        self.content[place, row["annotation"]] = digest, row["refused"]

    def next_version(self, place: Place) -> int:
        return self.standing[place].version + 1 if place in self.standing else 1


_COLUMNS = ["item_key", "annotator", "version", "made_at", "annotation", "refused", "skipped"]


def read_earlier(root: Path, recipe: str, contents: bool = True) -> Earlier:
    """All answers of a review so far.

    Args:
        contents: whether their contents are compared; without, `content` has no digests.
    """
    earlier = Earlier()
    for row in each_answer(root, recipe, _COLUMNS + ["raw"] * contents):
        earlier.add(row, digest_of(json.loads(row["raw"])) if contents else b"")
    return earlier


def judgements(root: Path, recipe: str, items: Mapping[str, Row]) -> Counter[str]:
    """By item, how many different people have given it an answer that may count, as they last stand.

    Args:
        items: all that are known, by key.
    """
    found: Counter[str] = Counter()
    for (key, annotator), standing in read_earlier(root, recipe, contents=False).standing.items():
        if key in items and annotator and standing.refused is None and not standing.skipped:
            found[key] += is_lead(annotator) == (items[key]["kind"] == "dispute")
    return found


def last_answers(root: Path, recipe: str, keys: Collection[str]) -> dict[str, list[Row]]:
    """How each person's answer to these items last stood, where it may count: rows of ANSWERS by item."""
    latest: dict[Place, Row] = {}
    for row in each_answer(root, recipe, keys=keys) if keys else ():
        place = row["item_key"], row["annotator"]
        if row["annotator"] and (place not in latest or row["version"] >= latest[place]["version"]):
            latest[place] = row
    found: dict[str, list[Row]] = {}
    for (key, _), row in latest.items():
        if row["refused"] is None:
            found.setdefault(key, []).append(row)
    return found


def digest_of(annotation: Any) -> bytes:
    """What tells an answer from another: what was answered, and whether it was passed on."""
    told: Mapping[str, Any] = annotation if isinstance(annotation, dict) else {"result": annotation}
    text = json.dumps([told.get("result"), told.get("was_cancelled")], sort_keys=True)
    return hashlib.sha256(text.encode()).digest()[:16]
