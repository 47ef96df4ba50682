"""How well talking heads are told from voice-over and the rest, how far off sound is measured to be, and how fast.

    python -m tests.benchmarks.bench_speakers --data ../shared/data [--failures DIR]

Every labelled file is normalised as a source would be (25 fps, short side 256 px, 16 kHz), then goes through
the stages shots, detections, faces, speech, speakers and labels, in two line-ups:

    light     YuNet, Silero, LR-ASD
    embedded  Haar, Silero, mouth motion

The calibration and the metric were fitted on `asd_minis`: here each of its clips, and the three of `panda` that
share a video with it, is judged by a fit without its person. A clip is what the longest of its labels is that speech
got, and `cannot tell` where that is the longest. ROC AUC uses the clip's sync probability p for talking head, 1 − p
for voice-over (0 where no face meets speech), and the share of the label for other.

Offsets: the sound of original clips is moved by known amounts, silence taking the place of what is missing. The
sources are not in time themselves (clips of one source lie together, up to 100 ms off): `change` compares with what
the clip measures unmoved. A clip's peak counts where it is at least 1.5 deviations high, unmoved.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from schemas.tables import LABEL_NAMES
from schemas.units import SAMPLE_RATE
from tasks.labels.fuse import LabelInterval
from tasks.labels.stage import STAGE as LABELS
from tasks.labels.stage import speaker_window, speech_span
from tasks.labels.summary import summarize, sync_summary
from tasks.media import read_frames, read_waveform
from tasks.speakers.calibration import calibration, metric
from tasks.speakers.scorers import Network, hear, judge_again, open_network, weigh
from tasks.speakers.windows import scored
from tasks.workspace.stage import Context, Item
from tests.benchmarks.speaker_clips import (
    KEPT,
    LabelledClip,
    RecordedClip,
    asd_minis,
    context_of,
    eyes_and_ears,
    max_shift_of,
    normalised,
    observed,
    panda,
    record,
    windows_of_clip,
)
from tests.benchmarks.speaker_folds import Fold, folds

CLASSES = {
    "orig": "talking_head",
    "natural_speaking": "talking_head",
    "talking_head": "talking_head",
    "shift": "voice_over",
    "swap": "voice_over",
    "natural_silence": "voice_over",
    "voice_over_face_visible": "voice_over",
    "voice_over_no_face": "other",
    "no_speech": "other",
}
_HIGH_PEAK = 1.5
SHIFTS_MS = (-600, -400, -200, 0, 200, 400, 600)
CLOSE_MS = 80
_SHEET_COLUMNS, _THUMBNAIL = 4, (320, 180)


@dataclass(frozen=True)
class Result:
    """Of one clip: its sync probability and offset (None without face or speech), share of each label, and label."""

    recorded: RecordedClip
    probability: float | None
    offset_ms: int | None
    shares: dict[str, float]
    label: str

    @property
    def wanted(self) -> str:
        """What the clip is."""
        return CLASSES[self.recorded.clip.kind]


def watched_clips(
    context: Context,
    network: Network | None,
    clips: list[LabelledClip],
    data: Path,
    seconds: dict[str, float],
) -> list[RecordedClip]:
    """Run the stages up to speakers; adds CPU seconds by stage, and the clips' own under `clip`, to `seconds`."""
    workers, found = eyes_and_ears(context), []
    for clip in clips:
        item = observed(normalised(data, context.root, clip), workers, seconds)
        started = time.process_time()
        found.append(record(clip, item, network, context))
        seconds["speakers"] = seconds.get("speakers", 0.0) + time.process_time() - started
        seconds["clip"] = seconds.get("clip", 0.0) + item.row["duration_ms"] / 1000
    return found


def judged(context: Context, recorded: RecordedClip, fold: Fold) -> Result:
    """What the stages speakers and labels say by the numbers of this fold."""
    item = recorded.item
    windows = windows_of_clip(recorded, fold.calibrated, fold.metric, max_shift_of(context))
    rows = [asdict(window) for window in windows]
    records = item.records | {"speakers": rows, "turns": []}
    intervals = LABELS.open(context)(Item(item.id, item.video_id, item.row, records)).rows
    names = ("start_ms", "end_ms", "label", "probability", "track")
    shares = summarize([LabelInterval(**{name: row[name] for name in names}) for row in intervals])
    spoken = {label: share for label, share in shares.items() if label != "other" and share > 0}
    speech = [speech_span(row) for row in item.records["speech"]]
    probability, offset_ms = sync_summary([speaker_window(row) for row in rows], speech)
    label = max(spoken, key=spoken.get) if spoken else "other"
    return Result(recorded, probability, offset_ms, shares, label)


def folds_of(name: str, minis: list[RecordedClip], max_shift: int) -> Callable[[LabelledClip], Fold]:
    """For each clip the fit without its person, and the published one for people that it has not seen."""
    published = calibration(name)
    fitted, _, _ = folds(minis, max_shift)
    usual = Fold(published, metric(name) if next(iter(fitted.values())).metric else None)

    def fold(clip: LabelledClip) -> Fold:
        # A clip of `panda` is named after its video, which is the identity that `asd_minis` gives it.
        found = next((fitted[who] for who in fitted if who == clip.identity or f"/{who}." in clip.file), None)
        if found is None:
            return usual
        kept = replace(found.calibrated, lag_frames=published.lag_frames, limits=published.limits)
        return replace(found, calibrated=kept)

    return fold


def table_of_classes(title: str, results: list[Result]) -> Table:
    """Precision, recall, F1 and ROC AUC of each class, and how many clips cannot be told."""
    table = Table("class", "clips", "said", "precision", "recall", "F1", "ROC AUC", title=title)
    wanted, said = (np.array([getattr(r, name) for r in results]) for name in ("wanted", "label"))
    chances = {
        "talking_head": [r.probability or 0.0 for r in results],
        "voice_over": [0.0 if r.probability is None else 1 - r.probability for r in results],
        "other": [r.shares["other"] for r in results],
    }
    for label in LABEL_NAMES:
        is_it, says_it = wanted == label, said == label
        if label == "cannot_tell" or not is_it.any():
            table.add_row(label, str(is_it.sum()), str(says_it.sum()), "", "", "", "")
            continue
        precision = (is_it & says_it).sum() / max(says_it.sum(), 1)
        recall = (is_it & says_it).sum() / is_it.sum()
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        area = f"{roc_auc_score(is_it, chances[label]):.3f}" if not is_it.all() else "–"
        table.add_row(
            label,
            str(is_it.sum()),
            str(says_it.sum()),
            f"{precision:.3f}",
            f"{recall:.3f}",
            f"{f1:.3f}",
            area,
        )
    return table


def sync_figures(results: list[Result]) -> list[tuple[str, str]]:
    """ROC AUC of each kind of wrong sound, and how much of the clips is judged how well."""
    rows = []
    for right, wrong in (("orig", "shift"), ("orig", "swap"), ("natural_speaking", "natural_silence")):
        of = [r for r in results if r.recorded.clip.kind in (right, wrong)]
        area = roc_auc_score([r.recorded.clip.kind == right for r in of], [r.probability or 0.0 for r in of])
        rows.append((f"AUC {right} against {wrong}", f"{area:.3f}"))
    chances = np.array([r.probability or 0.0 for r in results])
    right = np.array([r.wanted == "talking_head" for r in results])
    told = np.array([r.label != "cannot_tell" for r in results])
    rows.append(("Brier score", f"{np.square(chances - right).mean():.3f}"))
    for margin in (0.0, 0.1, 0.2, 0.3, 0.4):
        sure = told & (np.abs(chances - 0.5) >= margin)
        hit = ((chances > 0.5) == right)[sure].mean()
        rows.append((f"coverage, accuracy at |p − ½| ≥ {margin:.1f}", f"{sure.mean():.2f}  {hit:.3f}"))
    return rows


def table_of_offsets(
    title: str, results: list[Result], network: Network | None, fold_of: Callable, max_shift: int
) -> Table:
    """Known shifts of original clips against the offsets that are measured."""
    table = Table(
        "sound early by, ms", "clips", "median offset", "median |error|", "90 %", "≤ 80 ms", title=title
    )
    of = [r.recorded for r in results if r.recorded.clip.kind == "orig" and r.recorded.windows]
    measured = np.array(
        [
            [_offset_of_moved(one, early_ms, network, fold_of(one.clip), max_shift) for one in of]
            for early_ms in SHIFTS_MS
        ]
    )
    offsets, high = measured[..., 0], measured[SHIFTS_MS.index(0), :, 1] >= _HIGH_PEAK
    errors = offsets - np.array(SHIFTS_MS)[:, None]
    for early_ms, row, error in zip(SHIFTS_MS, offsets, errors, strict=True):
        table.add_row(f"{early_ms:+d}", str(len(of)), f"{np.median(row):+.0f} ms", *_sizes(error))
    table.add_section()
    moved = np.array(SHIFTS_MS) != 0
    change = (errors - errors[SHIFTS_MS.index(0)])[moved]
    for name, some in (("all", errors), ("change, all", change)):
        table.add_row(name, str(len(of)), "", *_sizes(some))
        table.add_row(f"{name}: peaks that count", str(high.sum()), "", *_sizes(some[:, high]))
    return table


def _sizes(errors: np.ndarray) -> list[str]:
    size = np.abs(errors)
    if not size.size:
        return ["–", "–", "–"]
    middle, most, close = np.median(size), np.quantile(size, 0.9), np.mean(size <= CLOSE_MS)
    return [f"{middle:.0f} ms", f"{most:.0f} ms", f"{close:.2f}"]


def _offset_of_moved(
    recorded: RecordedClip, early_ms: int, network: Network | None, fold: Fold, max_shift: int
) -> tuple[float, float]:
    """The clip's offset once its sound comes `early_ms` earlier, and the median height of its windows' peaks."""
    item = recorded.item
    waveform = earlier(read_waveform(Path(item.row["path"])), early_ms * SAMPLE_RATE // 1000)
    hearing = hear(network, waveform, item.row["frames"])
    found = []
    for track, one in recorded.windows:
        again = judge_again(network, hearing, one.watched, max_shift)
        evidence = weigh(again, hearing, one.span, max_shift, fold.metric)
        found.append(scored(track, *one.span, evidence, fold.calibrated))
    # What is moved out of the clip is gone: all of the clip counts as speech, and each window by its own peak.
    whole = speech_span({"start_ms": 0, "end_ms": item.row["duration_ms"], "score": 1.0})
    offset_ms = sync_summary([speaker_window(asdict(window)) for window in found], [whole])[1]
    return offset_ms, float(np.median([window.confidence for window in found]))


def earlier(waveform: np.ndarray, samples: int) -> np.ndarray:
    """The same sound so many samples earlier (later if negative), with silence where there is none."""
    moved = np.roll(waveform, -samples)
    if samples > 0:
        moved[-samples:] = 0
    elif samples < 0:
        moved[:-samples] = 0
    return moved


def failures_sheet(results: list[Result]) -> np.ndarray | None:
    """A frame of every clip whose label is wrong, with its name and numbers: uint8 (h, w, 3) BGR; None if none is."""
    failed = [r for r in results if r.label not in (r.wanted, "cannot_tell")]
    tiles = [_tile(result) for result in failed]
    if not tiles:
        return None
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % _SHEET_COLUMNS)
    rows = [np.hstack(tiles[at : at + _SHEET_COLUMNS]) for at in range(0, len(tiles), _SHEET_COLUMNS)]
    return np.vstack(rows)


def _tile(result: Result) -> np.ndarray:
    clip, item = result.recorded.clip, result.recorded.item
    middle = item.row["frames"] // 2
    batches = read_frames(Path(item.row["path"]), colour="bgr")
    frame = next(b.frames[middle - b.start_frame] for b in batches if middle < b.start_frame + len(b.frames))
    width, height = _THUMBNAIL
    scale = min(width / frame.shape[1], height / frame.shape[0])
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tile = np.full((height + 52, width + 8, 3), 255, np.uint8)
    tile[4 : 4 + small.shape[0], 4 : 4 + small.shape[1]] = small
    chance = "–" if result.probability is None else f"{result.probability:.2f}"
    lines = (
        Path(clip.file).stem,
        f"is {result.wanted}, said {result.label}, p {chance.replace('–', 'none')}",
    )
    for number, line in enumerate(lines):
        at = (6, height + 22 + 20 * number)
        cv2.putText(tile, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return tile


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=KEPT, help="where normalised clips are kept")
    parser.add_argument("--profiles", nargs="+", default=["light", "embedded"])
    parser.add_argument(
        "--failures", type=Path, metavar="DIR", help="write a contact sheet of the failures there"
    )
    wanted = parser.parse_args()
    console = Console(width=120)
    for profile in wanted.profiles:
        measure(profile, wanted, console)


def measure(profile: str, wanted: argparse.Namespace, console: Console) -> None:
    """Print the tables of one profile, and write its sheet of failures."""
    context, seconds = context_of(profile, wanted.data, wanted.folder), {}
    name, max_shift = context.recipe.model_for("speakers"), max_shift_of(context)
    network = open_network(name, context.weights)
    sets = {
        title: watched_clips(context, network, clips, wanted.data, seconds)
        for title, clips in (("asd_minis", asd_minis(wanted.data)), ("panda", panda(wanted.data)))
    }
    fold_of = folds_of(name, sets["asd_minis"], max_shift)
    results = {title: [judged(context, one, fold_of(one.clip)) for one in of] for title, of in sets.items()}
    for title, of in results.items():
        console.print(table_of_classes(f"{profile}: {title}", of))
    console.print(table_of_offsets(f"{profile}: offsets", results["asd_minis"], network, fold_of, max_shift))
    figures = Table("figure", "value", title=profile)
    for row in sync_figures(results["asd_minis"]):
        figures.add_row(*row)
    for stage in (key for key in seconds if key != "clip"):
        figures.add_row(
            f"speed of {stage}, s of clip per s of one core", f"{seconds['clip'] / seconds[stage]:.1f}"
        )
    console.print(figures)
    sheet = failures_sheet([one for of in results.values() for one in of])
    if wanted.failures and sheet is not None:
        wanted.failures.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(wanted.failures / f"{profile}.png"), sheet)


if __name__ == "__main__":
    main()
