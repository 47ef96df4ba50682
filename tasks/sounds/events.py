"""The stage `events`: chunk scores above a threshold, merged in time into audio events (RealSync, A.2).

An event goes on while its class stays above half of the threshold that began it. Measured with mn04 (chunks of 2 s
every 1 s, threshold 0.3) on sounds of ESC-50: 61 long ones, played for 15 s, fall into 1.45 events each instead
of 1.95 and are covered to 56 % instead of 50 %. The price: of short sounds played twice with 2 s between, 15 %
of all are told apart instead of 23 %, from 3 s on none is lost. No gap is closed beyond that: gaps are at least
a hop long, and to close them joins what is apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.sections import Events
from schemas.tables import EVENTS
from tasks.sounds.audioset import names_by_id, parents_of
from tasks.workspace.stage import Context, Item, Produced, Row, Stage, Worker

GOES_ON_FROM = 0.5
"""Of the threshold: the score down to which an event goes on, to both sides."""


@dataclass(frozen=True)
class SoundEvent:
    """One class heard without a break from `start_ms` to `end_ms` (exclusive), best score `score`."""

    start_ms: int
    end_ms: int
    id: str
    score: float


@dataclass(frozen=True)
class _Heard:
    """An event to be; `counts` once one of its chunks is good enough for an event."""

    event: SoundEvent
    counts: bool


def merge_events(chunks: Sequence[Row], settings: Events) -> list[SoundEvent]:
    """Events of a clip, by start, then by falling score.

    A chunk begins an event of each class that is among its `settings.top` best with at least `settings.threshold`.
    Chunks of one class that overlap or touch make one event; chunks in which the class keeps `GOES_ON_FROM` of the
    threshold, whatever its place, belong to it too.

    Args:
        chunks: rows of the stage `sounds`, in any order.
    """
    runs: dict[str, list[_Heard]] = {}
    for chunk in sorted(chunks, key=lambda row: (row["start_ms"], row["end_ms"])):
        for heard in _heard_in(chunk, settings):
            former = runs.setdefault(heard.event.id, [])
            if former and heard.event.start_ms <= former[-1].event.end_ms:
                heard = _join(former.pop(), heard)
            former.append(heard)
    events = [heard.event for same in runs.values() for heard in same if heard.counts]
    return sorted(events, key=lambda event: (event.start_ms, -event.score, event.id))


def _heard_in(chunk: Row, settings: Events) -> Iterator[_Heard]:
    for place, (one, score) in enumerate(zip(chunk["ids"], chunk["scores"], strict=True)):
        if score >= settings.threshold * GOES_ON_FROM:
            counts = place < settings.top and score >= settings.threshold
            yield _Heard(SoundEvent(chunk["start_ms"], chunk["end_ms"], one, score), counts)


def _join(former: _Heard, latter: _Heard) -> _Heard:
    one, other = former.event, latter.event
    end_ms, score = max(one.end_ms, other.end_ms), max(one.score, other.score)
    return _Heard(SoundEvent(one.start_ms, end_ms, one.id, score), former.counts or latter.counts)


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
                    "parents": list(parents_of(event.id)),
                }
                for event in merge_events(item.records["sounds"], settings)
            ]
        )

    return work


STAGE = Stage(
    name="events",
    version=2,
    works_on="clip",
    inputs=("sounds",),
    schema=EVENTS,
    settings=lambda recipe: recipe.events.model_dump(mode="json"),
    models=lambda recipe: (),
    open=_open,
)
