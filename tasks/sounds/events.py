"""The stage `events`: chunk scores above a threshold, merged in time into audio events (RealSync, A.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.recipe import Events
from schemas.tables import EVENTS
from tasks.sounds.audioset import names_by_id
from tasks.workspace.stage import Context, Item, Produced, Row, Stage, Worker


@dataclass(frozen=True)
class SoundEvent:
    """One class heard without a break from `start_ms` to `end_ms` (exclusive), best score `score`."""

    start_ms: int
    end_ms: int
    id: str
    score: float


def merge_events(chunks: Sequence[Row], settings: Events) -> list[SoundEvent]:
    """Events of a clip, by start, then by falling score.

    Of each chunk count the `settings.top` best classes with at least `settings.threshold`. Chunks of one class
    that overlap or touch make one event.

    Args:
        chunks: rows of the stage `sounds`, in any order.
    """
    heard: dict[str, list[SoundEvent]] = {}
    for chunk in sorted(chunks, key=lambda row: (row["start_ms"], row["end_ms"])):
        for one, score in list(zip(chunk["ids"], chunk["scores"], strict=True))[: settings.top]:
            if score < settings.threshold:
                continue
            event = SoundEvent(chunk["start_ms"], chunk["end_ms"], one, score)
            former = heard.setdefault(one, [])
            if former and event.start_ms <= former[-1].end_ms:
                event = _join(former.pop(), event)
            former.append(event)
    events = [event for same in heard.values() for event in same]
    return sorted(events, key=lambda event: (event.start_ms, -event.score, event.id))


def _join(one: SoundEvent, other: SoundEvent) -> SoundEvent:
    return SoundEvent(
        min(one.start_ms, other.start_ms), max(one.end_ms, other.end_ms), one.id, max(one.score, other.score)
    )


def _open(context: Context) -> Worker:
    settings, names = context.recipe.events, names_by_id()

    def work(item: Item) -> Produced:
        return Produced(
            [
                {
                    "clip_id": item.id,
                    "video_id": item.video_id,
                    "start_ms": event.start_ms,
                    "end_ms": event.end_ms,
                    "id": event.id,
                    "name": names[event.id],
                    "score": event.score,
                }
                for event in merge_events(item.records["sounds"], settings)
            ]
        )

    return work


STAGE = Stage(
    name="events",
    version=1,
    works_on="clip",
    inputs=("sounds",),
    schema=EVENTS,
    settings=lambda recipe: recipe.events.model_dump(mode="json"),
    models=lambda recipe: (),
    open=_open,
)
