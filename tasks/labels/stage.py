"""The stage `labels`: a clip's speech, faces and speaker windows to labelled intervals."""

from __future__ import annotations

from dataclasses import asdict

from schemas.tables import LABELS
from tasks.labels.fuse import SpeakerWindow, SpeechSpan, Turn, fuse, span_of_track
from tasks.workspace.stage import Context, Item, Produced, Row, Stage, Worker


def open_worker(context: Context) -> Worker:
    """The worker of a shard."""

    def labels_of(item: Item) -> Produced:
        intervals = fuse(
            item.row["duration_ms"],
            [speech_span(row) for row in item.records["speech"]],
            [span_of_track(row) for row in item.records["faces"]],
            [speaker_window(row) for row in item.records["speakers"]],
            context.recipe.labels,
            [Turn(row["voice"], row["start_ms"], row["end_ms"]) for row in item.records["turns"]],
        )
        return Produced([{"clip_id": item.id, "video_id": item.video_id} | asdict(i) for i in intervals])

    return labels_of


def speech_span(row: Row) -> SpeechSpan:
    """A row of the `speech` table."""
    return SpeechSpan(row["start_ms"], row["end_ms"], row["score"])


def speaker_window(row: Row) -> SpeakerWindow:
    """A row of the `speakers` table."""
    names = ("track", "start_ms", "end_ms", "probability", "offset_ms", "confidence", "unjudged")
    return SpeakerWindow(**{name: row[name] for name in names})


STAGE = Stage(
    name="labels",
    version=2,
    works_on="clip",
    inputs=("faces", "speech", "turns", "speakers"),
    schema=LABELS,
    settings=lambda recipe: recipe.labels.model_dump(mode="json"),
    models=lambda recipe: (),
    open=open_worker,
)
