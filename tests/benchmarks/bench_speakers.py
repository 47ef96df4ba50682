"""How well talking heads are told from voice-over and the rest, and how fast.

    python -m tests.benchmarks.bench_speakers --data ../shared/data

Every labelled file is normalised as a source would be (25 fps, short side 256 px, 16 kHz), then goes through
the stages shots, faces, speech, speakers and labels, in two line-ups:

    light     YuNet, Silero, LR-ASD
    embedded  Haar, Silero, mouth motion

A clip counts as a talking head where that is the longest of its labels that speech got. ROC AUC uses the clip's
sync probability, with 0 where no face meets speech. The calibration was fitted on `asd_minis`, so its figures
here are on seen data; `fit_speakers` prints those on unseen people. `panda` shares three videos with it.
Offsets, on original clips: as measured, and the error of a known change: the sound is moved by ±8 frames,
and the change of the measured offset is compared with ±320 ms.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from tasks.labels.fuse import LabelInterval
from tasks.labels.stage import STAGE as LABELS
from tasks.labels.stage import speaker_window, speech_span
from tasks.labels.summary import summarize, sync_summary
from tasks.media import read_frames, read_waveform
from tasks.speakers import FaceTrack, calibration, evidence_of_clip, open_scorer, scored, spoken_frames
from tasks.speakers.stage import STAGE as SPEAKERS
from tasks.workspace.stage import Context, Item
from tests.benchmarks.speaker_clips import (
    KEPT,
    LabelledClip,
    asd_minis,
    context_of,
    eyes_and_ears,
    normalised,
    observed,
    panda,
)

TALKING = ("orig", "natural_speaking", "talking_head")
SHIFT_FRAMES = 8


@dataclass(frozen=True)
class Result:
    """Of one clip: its kind, sync probability and offset (None without face or speech), and label."""

    kind: str
    probability: float | None
    offset_ms: int | None
    label: str
    item: Item


def measure(
    context: Context, clips: list[LabelledClip], data: Path, seconds: dict[str, float]
) -> list[Result]:
    """Run the stages over the clips; adds wall seconds by stage, and the clips' own under `clip`, to `seconds`."""
    workers = eyes_and_ears(context) | {stage.name: stage.open(context) for stage in (SPEAKERS, LABELS)}
    results = []
    for clip in clips:
        item = observed(normalised(data, context.root, clip), workers, seconds)
        seconds["clip"] = seconds.get("clip", 0) + item.row["duration_ms"] / 1000
        speech = [speech_span(row) for row in item.records["speech"]]
        probability, offset_ms = sync_summary(
            [speaker_window(row) for row in item.records["speakers"]], speech
        )
        results.append(Result(clip.kind, probability, offset_ms, _label(item), item))
    return results


def _label(item: Item) -> str:
    names = ("start_ms", "end_ms", "label", "probability", "track")
    intervals = [LabelInterval(**{name: row[name] for name in names}) for row in item.records["labels"]]
    shares = summarize(intervals)
    spoken = {label: share for label, share in shares.items() if label != "other" and share > 0}
    return max(spoken, key=spoken.get) if spoken else "other"


def auc(results: list[Result], right: str, wrong: str) -> float:
    """ROC AUC of the sync probability for one kind against another."""
    of = [result for result in results if result.kind in (right, wrong)]
    return roc_auc_score([r.kind == right for r in of], [r.probability or 0.0 for r in of])


def precision_recall(results: list[Result]) -> tuple[float, float, float]:
    """Precision, recall and F1 of the label talking head."""
    right = np.array([result.kind in TALKING for result in results])
    said = np.array([result.label == "talking_head" for result in results])
    precision = (right & said).sum() / max(said.sum(), 1)
    recall = (right & said).sum() / max(right.sum(), 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def shift_errors(context: Context, results: list[Result]) -> list[float]:
    """|measured − known change of the offset| in ms, for original clips moved both ways."""
    name, settings = context.recipe.model_for("speakers"), context.recipe.speakers
    scorer = open_scorer(name, context.weights, settings.max_offset // 40)
    errors = []
    for result in results:
        if result.kind != "orig" or result.offset_ms is None:
            continue
        for frames in (-SHIFT_FRAMES, SHIFT_FRAMES):
            moved = _offset_of_moved(result.item, frames, scorer, name, settings)
            if moved is not None:
                errors.append(abs(moved - result.offset_ms - 40 * frames))
    return errors


def _offset_of_moved(item: Item, early_frames: int, scorer: Callable, name: str, settings) -> int | None:
    """The clip's offset once its sound comes `early_frames` earlier (what falls off one end is put at the other)."""
    path, records = Path(item.row["path"]), item.records
    waveform = np.roll(read_waveform(path), -early_frames * 640)
    speech = [(r["start_ms"] - 40 * early_frames, r["end_ms"] - 40 * early_frames) for r in records["speech"]]
    found = evidence_of_clip(
        ((batch.start_frame, batch.frames) for batch in read_frames(path, colour="gray")),
        waveform,
        [FaceTrack(r["track"], r["start_frame"], np.asarray(r["boxes"])) for r in records["faces"]],
        spoken_frames(speech, item.row["frames"]),
        scorer,
        settings.window,
        settings.hop,
    )
    windows = [scored(*one, calibration(name)) for one in found]
    rows = [{key: getattr(window, key) for key in window.__dataclass_fields__} for window in windows]
    spans = [speech_span({"start_ms": max(start, 0), "end_ms": end, "score": 1.0}) for start, end in speech]
    return sync_summary([speaker_window(row) for row in rows], spans)[1]


def table_of_kinds(title: str, results: list[Result]) -> Table:
    """For each kind of clip, how many there are and what they are taken for."""
    table = Table(
        "kind", "clips", "talking head", "voice-over", "other", "mean p", "median offset, ms", title=title
    )
    for kind in dict.fromkeys(result.kind for result in results):
        of = [result for result in results if result.kind == kind]
        counts = [sum(r.label == label for r in of) for label in ("talking_head", "voice_over", "other")]
        chances = [r.probability for r in of if r.probability is not None]
        offsets = [r.offset_ms for r in of if r.offset_ms is not None]
        table.add_row(
            kind,
            str(len(of)),
            *map(str, counts),
            f"{np.mean(chances):.2f}" if chances else "–",
            f"{np.median(offsets):.0f}" if offsets else "–",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=KEPT, help="where normalised clips are kept")
    parser.add_argument("--profiles", nargs="+", default=["light", "embedded"])
    wanted = parser.parse_args()
    console = Console(width=120)
    for profile in wanted.profiles:
        context, seconds = context_of(profile, wanted.data, wanted.folder), {}
        minis = measure(context, asd_minis(wanted.data), wanted.data, seconds)
        web = measure(context, panda(wanted.data), wanted.data, seconds)
        console.print(
            table_of_kinds(f"{profile}: asd_minis", minis), table_of_kinds(f"{profile}: panda", web)
        )
        figures = Table("figure", "value", title=profile)
        for name, results in (("asd_minis", minis), ("panda", web)):
            precision, recall, f1 = precision_recall(results)
            figures.add_row(
                f"{name}: precision, recall, F1 of talking head", f"{precision:.3f}  {recall:.3f}  {f1:.3f}"
            )
            right = [r.kind in TALKING for r in results]
            figures.add_row(
                f"{name}: AUC, talking head against all others",
                f"{roc_auc_score(right, [r.probability or 0 for r in results]):.3f}",
            )
        for right, wrong in (("orig", "shift"), ("orig", "swap"), ("natural_speaking", "natural_silence")):
            figures.add_row(f"AUC {right} against {wrong}", f"{auc(minis, right, wrong):.3f}")
        own = np.abs([r.offset_ms for r in minis if r.kind == "orig" and r.offset_ms is not None])
        figures.add_row(
            "offset of originals: median, share within 120 ms",
            f"{np.median(own):.0f} ms  {np.mean(own <= 120):.2f}",
        )
        errors = np.array(shift_errors(context, minis))
        figures.add_row(
            f"known shift of ±{40 * SHIFT_FRAMES} ms: median error, share within 80 ms, n",
            f"{np.median(errors):.0f} ms  {np.mean(errors <= 80):.2f}  {len(errors)}",
        )
        for stage in (name for name in seconds if name != "clip"):
            figures.add_row(f"speed of {stage}, s of clip per s", f"{seconds['clip'] / seconds[stage]:.1f}")
        console.print(figures)


if __name__ == "__main__":
    main()
