"""How well speech is found, against what people annotated, and how fast.

    python -m tests.benchmarks.bench_speech [--data FOLDER]

Printed for silero, and for pyannote (speech and turns) where its weights and its package are:

    meeting, phone   30 s with annotated turns: of AMI (voices far from the microphone, three of them), and the
                     sample inside pyannote.audio's package (two voices); precision and recall of milliseconds,
                     and how many voices are found of how many
    clips            the web clips of labels/panda_talk_voiceover.csv, of which `speech_present` says whether anybody
                     speaks; a clip counts as found with a second or more of speech. The labels were made with
                     silero's help and not listened to, so they flatter it
    noises           share of 100 environmental sounds of ESC-50 that is taken for speech, human voices left out
    speed            seconds of sound per CPU second, decoded beforehand
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from schemas.errors import ModelMissing
from schemas.sections import Speech
from tasks.media import read_waveform
from tasks.models import open_store
from tasks.speech import Detector, open_detector
from tasks.speech.detectors import DETECTORS
from tasks.speech.pyannote import Span, open_diarizer
from tasks.speech.turns import turns_of
from tests.speech.annotated import MEETING, MEETING_TURNS_S

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PRESENT_MS = 1000
HUMAN = {"crying_baby", "sneezing", "coughing", "laughing", "breathing", "snoring"}

Annotated = tuple[str, np.ndarray, list[Span]]
"""Name, waveform at 16 kHz, and who speaks when."""


@dataclass
class Clock:
    """Counts the CPU time of what passes through it, and the sound."""

    work: Callable[[np.ndarray], list]
    sound_s: float = 0
    spent_s: float = 0

    def __call__(self, waveform: np.ndarray) -> list:
        started = time.process_time()
        result = self.work(waveform)
        self.spent_s += time.process_time() - started
        self.sound_s += len(waveform) / 16_000
        return result

    @property
    def speed(self) -> str:
        return f"{self.sound_s / self.spent_s:.0f}" if self.spent_s else ""


def annotated(data: Path) -> list[Annotated]:
    """The recordings with annotated turns that are on this machine."""
    found: list[Annotated] = [("meeting", read_waveform(data / MEETING), list(MEETING_TURNS_S))]
    package = importlib.util.find_spec("pyannote.audio") if importlib.util.find_spec("pyannote") else None
    if package and package.submodule_search_locations:
        sample = Path(package.submodule_search_locations[0]) / "sample" / "sample.wav"
        lines = [line.split() for line in sample.with_suffix(".rttm").read_text().splitlines()]
        turns = [(float(line[3]), float(line[3]) + float(line[4]), line[7]) for line in lines]
        found.append(("phone", read_waveform(sample), turns))
    return found


def covered(spans_ms: Iterable[tuple[int, int]], duration_ms: int) -> np.ndarray:
    """bool (duration_ms,): which milliseconds the spans cover."""
    mask = np.zeros(duration_ms, bool)
    for start_ms, end_ms in spans_ms:
        mask[max(0, start_ms) : end_ms] = True
    return mask


def precision_recall(found: np.ndarray, truth: np.ndarray) -> str:
    both = (found & truth).sum()
    return f"{both / max(1, found.sum()):.3f} / {both / max(1, truth.sum()):.3f}"


def on_recordings(detect: Detector, recordings: list[Annotated]) -> list[str]:
    cells = []
    for _, waveform, turns in recordings:
        duration_ms = len(waveform) // 16
        truth = covered(((round(start * 1000), round(end * 1000)) for start, end, _ in turns), duration_ms)
        found = covered(((one.start_ms, one.end_ms) for one in detect(waveform)), duration_ms)
        cells.append(precision_recall(found, truth))
    return cells


def on_clips(detect: Detector, data: Path) -> str:
    rows = list(csv.DictReader((data / "labels" / "panda_talk_voiceover.csv").open()))
    truth = np.array([row["speech_present"] == "1" for row in rows])
    spoken_ms = [
        sum(one.end_ms - one.start_ms for one in detect(read_waveform(data / r["file"]))) for r in rows
    ]
    return precision_recall(np.array(spoken_ms) >= PRESENT_MS, truth)


def on_noises(detect: Detector, data: Path) -> str:
    spoken_ms = total_ms = 0
    for row in csv.DictReader((data / "labels" / "esc.csv").open()):
        if row["category"] not in HUMAN:
            waveform = read_waveform(data / row["file"])
            spoken_ms += sum(one.end_ms - one.start_ms for one in detect(waveform))
            total_ms += len(waveform) // 16
    return f"{spoken_ms / total_ms:.4f}"


def voices(diarize: Callable[[np.ndarray], list[Span]], recordings: list[Annotated]) -> list[str]:
    cells = []
    for _, waveform, truth in recordings:
        turns = turns_of(diarize(waveform), len(waveform) // 16, 250)
        found, there = len({turn.voice for turn in turns}), len({label for *_, label in truth})
        cells.append(f"{found} of {there} voices")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real media")
    data, weights = parser.parse_args().data, open_store().path
    recordings = annotated(data)
    columns = ["", *(name for name, *_ in recordings), "clips", "noises", "speed"]
    table = Table(*columns, title="speech: precision / recall; noises: share taken for speech")
    console = Console(width=140)
    for name in DETECTORS:
        try:
            detect = Clock(open_detector(name, Speech(), weights))
        except ModelMissing as error:
            console.print(f"{name} is not measured: {error}", soft_wrap=True)
            continue
        row = [name, *on_recordings(detect, recordings), on_clips(detect, data), on_noises(detect, data)]
        table.add_row(*row, detect.speed)
    try:
        diarize = Clock(open_diarizer(weights))
        table.add_row("turns: pyannote", *voices(diarize, recordings), "", "", diarize.speed)
    except ModelMissing as error:
        console.print(f"turns by pyannote are not measured: {error}", soft_wrap=True)
    console.print(table)


if __name__ == "__main__":
    main()
