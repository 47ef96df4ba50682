"""An item to be: what is to be shown, from which clip, and what its file is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotation.store import item_key
from schemas.review import ITEMS
from tasks.workspace.stage import Row

PROJECT = "review"

LEAST_MS = 3_000
"""Of a clip in which a person can be expected to tell that its sound is out of time, or another's."""


@dataclass(frozen=True)
class Trial:
    """An item that is to be shown.

    Attributes:
        item: its row of `schemas.review.ITEMS`, not pushed.
        clip: the clip that it is or is made from; see `annotation.trials.plan`.
        other: the clip whose sound it has, if not its own.
    """

    item: Row
    clip: Row
    other: Row | None = None


@dataclass(frozen=True)
class Unmade:
    """An item that is not shown.

    Attributes:
        kind: one of `schemas.review.KINDS`.
        clip_id: None where no clip suits.
        reason: a stable word, such as `no_other_sound`.
        detail: the numbers behind it.
    """

    kind: str
    clip_id: str | None
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Plan:
    """New items, in the order of their keys, which tells nothing, and what could not be planned."""

    trials: tuple[Trial, ...]
    unmade: tuple[Unmade, ...] = ()


@dataclass(frozen=True)
class Known:
    """The clips that are ready, and the items that were planned before.

    Attributes:
        secret: `Secrets.items`.
        clips: by id.
        items: all that were ever planned, also of clips that are gone or were cut anew.
    """

    recipe: str
    secret: str
    clips: Mapping[str, Row]
    items: Sequence[Row]

    def current(self, kind: str) -> list[Row]:
        """Items of one kind that are made from a clip as it is now."""
        return [item for item in self.items if item["kind"] == kind and self._is_current(item)]

    def _is_current(self, item: Row) -> bool:
        clip = self.clips.get(item["clip_id"])
        return clip is not None and clip["sha256"] == item["clip_sha256"]


def trial_of(
    known: Known, kind: str, clip: Row, *what: int | str, other: Row | None = None, **columns: object
) -> Trial:
    """The item of one kind that is made from a clip.

    Args:
        what: what tells it from others of its kind and clip, such as its offset.
        columns: of its row, in place of those of a clip as it is.
    """
    key = item_key(known.secret, known.recipe, PROJECT, kind, clip["sha256"], *what)
    item = {
        "item_key": key,
        "project": PROJECT,
        "kind": kind,
        "clip_id": clip["clip_id"],
        "video_id": clip["video_id"],
        "clip_sha256": clip["sha256"],
        "path": f"reviews/{known.recipe}/media/{key}.mp4",
        "duration_ms": clip["duration_ms"],
        "offset_ms": 0,
        "start_ms": 0,
        "expected": {},
        "machine": {},
        "shown": {},
        "task": None,
        "pushed_at": None,
    }
    return Trial({name: {**item, **columns}[name] for name in ITEMS.names}, clip, other)


def can_tell(clip: Row, least_ms: int = LEAST_MS) -> bool:
    """Whether people can be expected to tell from a clip if its sound is in time."""
    return clip["evidence"] == "evident" and clip["duration_ms"] >= least_ms
