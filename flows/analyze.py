"""What the pipeline thinks of a single file: the same stages, on one clip in a scratch folder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from flows.pipeline import STAGES
from schemas.errors import Dropped, MediaError
from schemas.recipe import Recipe
from tasks.labels.stage import speaker_window, speech_span
from tasks.labels.summary import sync_summary
from tasks.media import probe, read_waveform
from tasks.media.fanout import Reader, fan_out
from tasks.media.frames import FrameBatch
from tasks.models import ModelStore
from tasks.workspace.reconcile import attempt
from tasks.workspace.stage import Context, Item, Produced, Row, Watcher, Worker

WHOLE = {"clip_length": 24 * 3_600_000, "min_clip_length": 1}
"""A file is analysed as one clip, however long or short it is."""

SOUND_ALONE = ("speech", "turns", "sounds", "events", "labels")
"""The stages that a file without a picture goes through."""

WITH_PICTURE = (
    "shots", "detections", "motion", "conditions", "faces", "speech", "turns", "speakers", "sounds", "events",
    "labels", "evidence",
)  # fmt: skip
"""The stages that what is shown comes from."""

SHADES = {"talking_head": "green", "voice_over": "yellow", "cannot_tell": "magenta", "other": "bright_black"}


@contextmanager
def open_analysis(recipe: Recipe, models: ModelStore) -> Iterator[Callable[[Path], Row]]:
    """A function that analyses one file after another, with the models loaded once.

    It returns `path`, `duration_ms`, `labels`, `sync`, `speech`, `turns`, `audio_events`, `evidence` and `conditions`
    as `clapper analyze --json` prints them; `left_out` when the pipeline would not take the clip, and `errors` by
    stage where one failed, which costs only what depends on it.

    Raises (the function): MediaError for what cannot be read at all.
    """
    whole = recipe.model_copy(update={"media": recipe.media.model_copy(update=WHOLE)})
    with tempfile.TemporaryDirectory(prefix="clapper-") as folder:
        context = Context(whole, Path(folder), models.path)
        opened: dict[str, Worker | Watcher] = {}

        def worker(name: str) -> Worker | Watcher:
            if name not in opened:
                opened[name] = (STAGES[name].watch or STAGES[name].open)(context)
            return opened[name]

        yield lambda file: _analyze(file, worker, Path(folder))


def _analyze(file: Path, worker: Callable[[str], Worker | Watcher], scratch: Path) -> Row:
    try:
        info = probe(file)
        if info.video is None:
            milliseconds = round(len(read_waveform(file)) / 16)
            clip, stages = {"path": str(file.absolute()), "duration_ms": milliseconds}, SOUND_ALONE
        else:
            clip, stages = _normalized(file, worker("normalize")), WITH_PICTURE
    except Dropped as drop:
        return _left_out(file, drop)
    clip |= {"clip_id": "clip", "video_id": "file", "path": str(scratch / clip["path"])}
    records, troubles = _records(clip, stages, worker)
    for left in (scratch / "clips").glob("*/*"):
        left.unlink()
    windows = [speaker_window(row) for row in records["speakers"]]
    probability, offset_ms = sync_summary(windows, [speech_span(row) for row in records["speech"]])
    unjudged = sorted({row["unjudged"] for row in records["speakers"] if row["unjudged"]})
    analysis = {
        "path": str(file),
        "duration_ms": clip["duration_ms"],
        "labels": _plain(records["labels"]),
        "sync": {"probability": probability, "offset_ms": offset_ms, "unjudged": unjudged},
        "speech": _plain(records["speech"]),
        "turns": _plain(records["turns"]),
        "audio_events": _plain(records["events"]),
        "evidence": next(iter(_plain(records["evidence"])), None),
        "conditions": next(iter(_plain(records["conditions"])), None),
    }
    return analysis | _told(troubles)


def _told(troubles: Mapping[str, Row]) -> Row:
    """The outcomes of the stages that gave nothing, as `left_out` for a clip that is dropped, and as `errors`."""
    dropped = [outcome for outcome in troubles.values() if outcome["outcome"] == "dropped"]
    errors = {name: outcome["detail"] for name, outcome in troubles.items() if outcome not in dropped}
    left_out = {"left_out": {name: dropped[0][name] for name in ("reason", "detail")}} if dropped else {}
    return left_out | ({"errors": errors} if errors else {})


def _normalized(file: Path, normalize: Worker) -> Row:
    download = {"path": str(file.absolute())}
    item = Item("file", "file", {"video_id": "file", "segments": None}, {"download": [download]})
    return normalize(item).rows[0]


def _records(
    clip: Row, stages: Sequence[str], worker: Callable[[str], Worker | Watcher]
) -> tuple[dict[str, list[Row]], dict[str, Row]]:
    """The records of every stage, and the outcome of each that is not done."""
    watching = [name for name in stages if STAGES[name].watch]
    seen, troubles = _watched(clip, {name: worker(name) for name in watching})
    records: dict[str, list[Row]] = {name: [] for name in STAGES} | seen
    for name in (name for name in stages if name not in watching):
        missing = [needed for needed in STAGES[name].inputs if needed in troubles]
        if missing:
            needs = f"needs {', '.join(missing)}"
            troubles[name] = {"outcome": "waiting", "reason": None, "detail": needs}
            continue
        inputs = {needed: records[needed] for needed in STAGES[name].inputs}
        produced, outcome = attempt(partial(worker(name), Item("clip", "file", clip, inputs)), clip["path"])
        records[name] = produced.rows
        troubles |= {name: outcome} if outcome["outcome"] != "done" else {}
    return records, troubles


def _watched(clip: Row, watchers: Mapping[str, Watcher]) -> tuple[dict[str, list[Row]], dict[str, Row]]:
    """What the watching stages make of one decode of the clip, and the outcome of each that is not done."""
    found: dict[str, tuple[Produced, Row]] = {}

    def kept(name: str, reader: Reader) -> Reader:
        def consume(batches: Iterator[FrameBatch]) -> None:
            found[name] = attempt(lambda: reader.consume(batches), clip["path"])

        return Reader(reader.view, consume)

    readers = {name: kept(name, watcher(Item("clip", "file", clip))) for name, watcher in watchers.items()}
    try:
        fan_out(Path(clip["path"]), readers)
    except MediaError as error:
        unread = {"outcome": "failed", "reason": type(error).__name__, "detail": str(error)}
        found = {name: (Produced([]), unread) for name in readers} | found
    troubles = {name: outcome for name, (_, outcome) in found.items() if outcome["outcome"] != "done"}
    return {name: produced.rows for name, (produced, _) in found.items()}, troubles


def _left_out(file: Path, drop: Dropped) -> Row:
    """What is known of a file that the pipeline would not take."""
    duration_ms = probe(file).duration_ms or 0
    whole = {"start_ms": 0, "end_ms": duration_ms, "label": "other", "probability": 1.0, "track": None}
    return {
        "path": str(file),
        "duration_ms": duration_ms,
        "labels": [whole] if duration_ms else [],
        "sync": {"probability": None, "offset_ms": None, "unjudged": []},
        "speech": [],
        "turns": [],
        "audio_events": [],
        "evidence": None,
        "conditions": None,
        "left_out": {"reason": drop.reason, "detail": drop.detail},
    }


def _plain(rows: Sequence[Row]) -> list[Row]:
    return [
        {name: value for name, value in row.items() if name not in ("clip_id", "video_id")} for row in rows
    ]


def show_analysis(console: Console, analysis: Row) -> None:
    """A timeline that one can read: labels and speech as bars, events as a table."""
    duration = max(1, analysis["duration_ms"])
    console.print(f"\n[bold]{escape(analysis['path'])}[/]  {duration / 1000:.2f} s", soft_wrap=True)
    if "left_out" in analysis:
        console.print(f"[yellow]the pipeline would leave this out:[/] {escape(str(analysis['left_out']))}")
    width = max(20, console.width - 16)
    for label, shade in SHADES.items():
        spans = [row for row in analysis["labels"] if row["label"] == label]
        console.print(_bar(f"{label:<13}", spans, duration, width, shade))
    console.print(_bar(f"{'speech':<13}", analysis["speech"], duration, width, "cyan"))
    sync = analysis["sync"]
    if sync["probability"] is None:
        console.print("sync          no visible face with speech")
    else:
        sense = (
            "audio early" if sync["offset_ms"] > 0 else "audio late" if sync["offset_ms"] < 0 else "in time"
        )
        unjudged = f"; in part {', '.join(sync['unjudged'])}" if sync["unjudged"] else ""
        offset = f"offset {sync['offset_ms']:+d} ms ({sense})"
        console.print(f"sync          {sync['probability']:.2f}, {offset}{unjudged}")
    if analysis["turns"]:
        console.print(f"voices        {len({turn['voice'] for turn in analysis['turns']})}")
    _show_whole(console, analysis)
    if analysis["audio_events"]:
        table = Table("from s", "to s", "audio event", "score")
        for event in analysis["audio_events"]:
            times = (f"{event[name] / 1000:.2f}" for name in ("start_ms", "end_ms"))
            table.add_row(*times, event["name"], f"{event['score']:.2f}")
        console.print(table)
    for stage, problem in analysis.get("errors", {}).items():
        console.print(f"[red]{stage} failed[/] {escape(problem)}")


def _show_whole(console: Console, analysis: Row) -> None:
    """What holds of the clip as a whole."""
    if evidence := analysis["evidence"]:
        console.print(f"evidence      {evidence['evidence']} ({evidence['reason']}, {evidence['score']:.2f})")
    if conditions := analysis["conditions"]:
        level = conditions["level_dbfs"]
        loud = "digital silence" if level is None else f"sound at {level:.1f} dBFS"
        console.print(f"conditions    {', '.join(conditions['conditions']) or 'none'}; {loud}")


def _bar(head: str, spans: Sequence[Row], duration_ms: int, width: int, shade: str) -> Text:
    cells = ["·"] * width
    for span in spans:
        first = span["start_ms"] * width // duration_ms
        last = max(first + 1, -(-span["end_ms"] * width // duration_ms))
        cells[first:last] = ["█"] * (min(last, width) - first)
    share = sum(span["end_ms"] - span["start_ms"] for span in spans) / duration_ms
    bar = Text(head)
    bar.append("".join(cells[: width - 6]), style=shade)
    bar.append(f" {share:4.0%}")
    return bar
