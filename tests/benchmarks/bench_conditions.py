"""What `conditions` and `evidence` say of labelled real clips, against what people said of them.

    python -m tests.benchmarks.bench_conditions [--data DIR] [--profile light]

The clips (../shared/data/videos) are few: 13 of VGGSound's test set with the labels of VGGSounder (which sounds
are heard only, A, or seen as well, AV; still picture, background music, voice-over), and 21 web clips labelled by
kind. All go through the pipeline's own stages first. Printed are one line for each clip, the confusions, and every
clip on which machine and people differ; so few clips are no measure of a rate.

    still picture   flagged by people; found: still, frozen or text_card
    seen            people: some sound is AV (VGGSounder), or the kind is talking_head; found: evident
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from schemas.recipe import Recipe
from tasks.conditions.stage import STAGE as CONDITIONS
from tasks.evidence.stage import STAGE as EVIDENCE
from tasks.faces.detections import STAGE as DETECTIONS
from tasks.faces.stage import STAGE as FACES
from tasks.labels.stage import STAGE as LABELS
from tasks.motion.stage import STAGE as MOTION
from tasks.shots.stage import STAGE as SHOTS
from tasks.sounds.stage import STAGE as SOUNDS
from tasks.speakers.stage import STAGE as SPEAKERS
from tasks.speech.stage import STAGE as SPEECH
from tasks.speech.turns import STAGE as TURNS
from tasks.workspace.stage import Context, Item, Row
from tests.benchmarks.speaker_clips import FILES, KEPT, MEDIA, LabelledClip, normalised, panda

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
STAGES = (MOTION, CONDITIONS, SHOTS, DETECTIONS, FACES, SPEECH, TURNS, SPEAKERS, SOUNDS, LABELS, EVIDENCE)
WEIGHTS = FILES | {"mn04": "mn04_as_mAP_432.pt"}
ACTIONS = dict.fromkeys(("near_silent", "black", "frozen", "still", "text_card", "letterboxed"), "label")
"""Nothing is dropped here: what would be is to be seen."""

STANDING = {"still", "frozen", "text_card"}


@dataclass(frozen=True)
class Judged:
    """A clip: what people said, and what the stages say."""

    clip: LabelledClip
    still: bool | None
    seen: bool | None
    conditions: tuple[str, ...]
    evidence: str
    reason: str
    score: float


def vggsounder(data: Path) -> list[tuple[LabelledClip, bool, bool]]:
    """Clips with whether people saw a still picture, and whether they saw the source of any of its sounds."""
    with (data / "labels/vggsound_gt.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["file"], []).append(row)
    return [(_vggsounder_clip(name, some), *_seen_by_people(some)) for name, some in found.items()]


def _vggsounder_clip(name: str, rows: Sequence[Row]) -> LabelledClip:
    flags = [flag for flag in ("static_image", "voice_over", "background_music") if rows[0][flag] == "True"]
    return LabelledClip(name, "vggsounder" + "".join(f", {flag}" for flag in flags), name)


def _seen_by_people(rows: Sequence[Row]) -> tuple[bool, bool]:
    return rows[0]["static_image"] == "True", any(row["modality"] == "AV" for row in rows)


def web_clips(data: Path) -> list[tuple[LabelledClip, None, bool | None]]:
    """Clips by kind; of those without speech nobody has said whether their sound is seen."""
    return [
        (clip, None, None if clip.kind == "no_speech" else clip.kind == "talking_head")
        for clip in panda(data)
    ]


def observer(context: Context) -> Callable[[Item], dict[str, list[Row]]]:
    """What all the stages make of a clip, by stage."""
    workers = {stage.name: stage.open(context) for stage in STAGES}

    def observe(item: Item) -> dict[str, list[Row]]:
        records: dict[str, list[Row]] = {}
        for name, worker in workers.items():
            records[name] = worker(replace(item, records=records)).rows
        return records

    return observe


def sized(item: Item) -> Item:
    """The item with the width and height that `normalize` would have written."""
    import av

    with av.open(item.row["path"]) as container:
        stream = container.streams.video[0]
        return replace(item, row=item.row | {"width": stream.width, "height": stream.height})


def confusion(title: str, pairs: Iterable[tuple[str, str]]) -> Table:
    """Counts of what people said, by row, against what was found, by column."""
    counts = Counter(pairs)
    columns = sorted({found for _, found in counts})
    table = Table("", *columns, title=f"{title} ({counts.total()} clips)")
    for truth in sorted({truth for truth, _ in counts}):
        table.add_row(truth, *(str(counts[truth, found]) for found in columns))
    return table


def report(console: Console, judged: Sequence[Judged]) -> None:
    """Print the lines, the confusions and the differences."""
    lines = Table("clip", "people", "conditions", "evidence", "reason", "score")
    for one in judged:
        holds = ", ".join(one.conditions)
        lines.add_row(
            Path(one.clip.file).stem, one.clip.kind, holds, one.evidence, one.reason, f"{one.score:.2f}"
        )
    console.print(lines)
    still = [one for one in judged if one.still is not None]
    pairs = (("still" if one.still else "moving", _picture(one)) for one in still)
    console.print(confusion("picture: people against conditions", pairs))
    seen = [one for one in judged if one.seen is not None]
    pairs = (("seen" if one.seen else "not seen", one.evidence) for one in seen)
    console.print(confusion("source: people against evidence", pairs))
    console.print(confusion("kind against evidence", ((one.clip.kind, one.evidence) for one in judged)))
    for one in still:
        if one.still != (_picture(one) == "standing"):
            console.print(
                f"differs: {one.clip.file}: people {one.clip.kind}; conditions {list(one.conditions)}"
            )
    for one in seen:
        if one.seen != (one.evidence == "evident"):
            people = "seen" if one.seen else "not seen"
            console.print(
                f"differs: {one.clip.file}: {people}; {one.evidence} ({one.reason}, {one.score:.2f})"
            )


def _picture(one: Judged) -> str:
    return "standing" if STANDING & set(one.conditions) else "moving"


def main() -> None:
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--profile", default="light")
    given = parser.parse_args()
    recipe = Recipe(name="measure", title="Measure", profile=given.profile, media=MEDIA, conditions=ACTIONS)
    observe = observer(Context(recipe, KEPT, lambda name: given.data / "weights" / WEIGHTS[name]))
    judged = []
    for clip, still, seen in [*vggsounder(given.data), *web_clips(given.data)]:
        records = observe(sized(normalised(given.data, KEPT, clip)))
        (conditions,), (found,) = records["conditions"], records["evidence"]
        said = (tuple(conditions["conditions"]), found["evidence"], found["reason"], found["score"])
        judged.append(Judged(clip, still, seen, *said))
    report(Console(width=160), judged)


if __name__ == "__main__":
    main()
