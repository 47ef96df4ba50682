"""Loudness and quality of real clips: how the measures are spread, what is flagged, and which faults are found.

    python -m tests.benchmarks.bench_quality [--data DIR]

The clips (../shared/data: videos and the original asd_minis) were chosen by people to show something, so next to none
should be flagged. Printed are the spread of each measure, every clip that is flagged with its numbers, the cost, and
then, for faults put into the same clips after decoding, how many of them are found. A fault is counted only where the
clip was without it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from schemas.errors import Dropped
from schemas.recipe import Recipe
from schemas.sections import Conditions
from schemas.units import SAMPLE_RATE
from tasks.conditions import CONDITIONS as NAMES
from tasks.conditions import judge, sound_of
from tasks.conditions.stage import STAGE as CONDITIONS
from tasks.media import read_frames, read_waveform
from tasks.motion.sharpness import sharpness
from tasks.motion.stage import STAGE as MOTION
from tasks.workspace.stage import Context, Item, Row
from tests.benchmarks.bench_conditions import DATA, sized
from tests.benchmarks.speaker_clips import KEPT, LabelledClip, normalised

MEASURES = (
    "loudness_lufs", "true_peak_dbtp", "clipped_share", "above_background_db", "background_flatness",
    "bandwidth_hz", "dropout_ms", "sharpness", "bright",
)  # fmt: skip
PERCENTILES = (0, 5, 25, 50, 75, 95, 100)
RULES = Conditions()


def clips(data: Path) -> Iterator[Item]:
    """The clips in normal form, but for those that the pipeline does not take and the lecture of two minutes."""
    files = [*data.glob("videos/*/*"), *data.glob("asd_minis/*__orig.mp4")]
    for file in sorted(file for file in files if not file.name.startswith("slides_lecture")):
        name = str(file.relative_to(data))
        try:
            yield sized(normalised(data, KEPT, LabelledClip(name, "", name)))
        except Dropped as dropped:
            print(f"{name}: {dropped}")


def low_passed(waveform: np.ndarray, hertz: float) -> np.ndarray:
    spectrum = np.fft.rfft(waveform)
    spectrum[np.fft.rfftfreq(len(waveform), 1 / SAMPLE_RATE) > hertz] = 0
    return np.fft.irfft(spectrum, len(waveform)).astype(np.float32)


def with_hiss(waveform: np.ndarray, ratio_db: float) -> np.ndarray:
    noise = np.random.default_rng(1).normal(size=len(waveform))
    return (waveform + noise * np.sqrt((waveform**2).mean() / 10 ** (ratio_db / 10))).astype(np.float32)


def cut_off(waveform: np.ndarray, share: float) -> np.ndarray:
    top = max(np.quantile(np.abs(waveform), 1 - share), 1e-6)
    return np.clip(waveform / top, -1, 1).astype(np.float32)


def with_hole(waveform: np.ndarray, length_ms: int) -> np.ndarray:
    """A hole where the sound is loudest."""
    length = length_ms * SAMPLE_RATE // 1000
    start = int(np.convolve(waveform**2, np.ones(length), "valid").argmax())
    holed = waveform.copy()
    holed[start : start + length] = 0
    return holed


FAULTS: Mapping[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "30 dB quieter": ("too_quiet", lambda waveform: waveform * np.float32(10**-1.5)),
    "hiss, 0 dB": ("noisy", lambda waveform: with_hiss(waveform, 0)),
    "hiss, 5 dB": ("noisy", lambda waveform: with_hiss(waveform, 5)),
    "hiss, 20 dB": ("noisy", lambda waveform: with_hiss(waveform, 20)),
    "nothing above 3.4 kHz": ("muffled", lambda waveform: low_passed(waveform, 3400)),
    "nothing above 5 kHz": ("muffled", lambda waveform: low_passed(waveform, 5000)),
    "1 % cut off": ("clipped", lambda waveform: cut_off(waveform, 0.01)),
    "5 % cut off": ("clipped", lambda waveform: cut_off(waveform, 0.05)),
    "a hole of 60 ms": ("dropouts", lambda waveform: with_hole(waveform, 60)),
}


def heard(item: Item, motion: Row, waveform: np.ndarray) -> set[str]:
    return set(judge(item.row, motion, sound_of(waveform, RULES.silence_level), RULES).holds)


def faults_found(item: Item, motion: Row) -> dict[str, bool]:
    """Which faults are found in a clip, by fault; those that it has already are left out."""
    waveform = read_waveform(Path(item.row["path"]))
    before = heard(item, motion, waveform)
    found = {
        fault: name in heard(item, motion, damage(waveform))
        for fault, (name, damage) in FAULTS.items()
        if name not in before
    }
    picture = next(iter(read_frames(Path(item.row["path"]), colour="gray"))).frames[0]
    for width in (1, 2, 3):
        value = sharpness(cv2.GaussianBlur(picture, (0, 0), width))
        if value is not None and "blurred" not in before:
            found[f"blurred by {width} px"] = value < RULES.min_sharpness
    return found


def report(console: Console, rows: Mapping[str, Row], found: Mapping[str, list[bool]]) -> None:
    """Print the spread, the flags and the faults."""
    spread = Table("measure", *(f"{one} %" for one in PERCENTILES), "null", title=f"{len(rows)} clips")
    for name in MEASURES:
        known = [row[name] for row in rows.values() if row[name] is not None]
        values = (f"{value:.4g}" for value in np.percentile(known, PERCENTILES))
        spread.add_row(name, *values, str(len(rows) - len(known)))
    console.print(spread)
    for name in NAMES:
        flagged = [clip for clip, row in rows.items() if name in row["conditions"]]
        console.print(f"{name}: {len(flagged)} {', '.join(flagged)}", soft_wrap=True)
    table = Table("fault", "found", "of clips")
    for fault, hits in found.items():
        table.add_row(fault, f"{np.mean(hits):.2f}", str(len(hits)))
    console.print(table)


def main() -> None:
    cv2.setNumThreads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    given = parser.parse_args()
    recipe = Recipe(name="measure", title="Measure", conditions=dict.fromkeys(NAMES, "label"))
    context = Context(recipe, KEPT, lambda name: Path(name))
    see, condition = MOTION.open(context), CONDITIONS.open(context)
    rows: dict[str, Row] = {}
    found: dict[str, list[bool]] = {}
    cpu_s = sound_s = 0.0
    for item in clips(given.data):
        motion = see(item).rows
        waveform = read_waveform(Path(item.row["path"]))
        started = time.process_time()
        sound_of(waveform, RULES.silence_level)
        cpu_s, sound_s = cpu_s + time.process_time() - started, sound_s + len(waveform) / SAMPLE_RATE
        (rows[item.id],) = condition(Item(item.id, item.video_id, item.row, {"motion": motion})).rows
        for fault, hit in faults_found(item, motion[0]).items():
            found.setdefault(fault, []).append(hit)
    report(Console(width=140), rows, found)
    print(f"sound: {1000 * cpu_s / sound_s:.1f} ms of processor for a second")


if __name__ == "__main__":
    main()
