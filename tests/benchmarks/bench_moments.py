"""How often clips cut into speech, planned around moments and cut to one length, and what the planning costs.

    python -m tests.benchmarks.bench_moments [--data FOLDER] [--no-speed]

Printed:

    talk       twenty minutes of invented speech whose phrases are known; of the ends of clips, the share that lies
               inside a phrase: by moments, by clips of ten seconds one after the other, and by the spans of the
               moments before their ends move
    meeting    the same by the annotated turns of half a minute of a meeting, where voices overlap
    speed      seconds of source per CPU second of the whole pass (decoding, looking, listening, speech), by file
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from schemas.recipe import Recipe
from schemas.sections import Moments
from tasks.media import read_waveform
from tasks.moments.observe import Observed
from tasks.moments.pictures import Seen
from tasks.moments.plan import plan
from tasks.moments.sound import listen
from tasks.moments.stage import look_through
from tasks.moments.timeline import timeline_of
from tasks.scenes.phones import VOICES
from tasks.scenes.speech import say
from tasks.speech import open_detector
from tests.speech.annotated import MEETING, MEETING_TURNS_S

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SPEED = (
    "videos/talk/cnn_4up_demo.mp4",
    "videos/sports/squash_-yoaSondvkw.mp4",
    "videos/voiceover/slides_lecture_122s.mp4",
)
FIXED_MS, EDGE_MS = 10_000, 60
RECIPE = Recipe(name="bench", title="Bench", profile="embedded", moments={"max_per_source": 1000})

Span = tuple[int, int]


def ends_planned(waveform: np.ndarray, rules: Moments) -> list[int]:
    """Starts and ends, ms, of the moments of a sound before a picture in which all is alive."""
    samples = (waveform * 32767).astype(np.int16)
    duration_ms = len(samples) // 16
    times = np.arange(0, duration_ms, 40) / 1000
    seen = Seen(times, np.full(len(times), 0.05, np.float32), ())
    observed = Observed(0, duration_ms, samples, 0, seen)
    detect = open_detector("silero", RECIPE.speech, None)
    timeline = timeline_of(observed, listen(samples, 0, duration_ms // 10), detect(waveform), rules)
    found = plan(timeline, None, rules, (), "bench")
    return [end for moment in found for end in (moment.start_ms, moment.end_ms)]


def ends_fixed(duration_ms: int) -> list[int]:
    return list(range(FIXED_MS, duration_ms - FIXED_MS // 2, FIXED_MS))


def share_inside(ends: Sequence[int], spoken: Iterable[Span]) -> str:
    spans = list(spoken)
    hurt = sum(any(start + EDGE_MS < end < stop - EDGE_MS for start, stop in spans) for end in ends)
    return f"{hurt} of {len(ends)} ({hurt / max(1, len(ends)):.1%})"


def row(name: str, waveform: np.ndarray, spoken: list[Span]) -> list[str]:
    rules = RECIPE.moments
    unmoved = rules.model_copy(update={"max_shift": 0})
    ends = (ends_planned(waveform, rules), ends_fixed(len(waveform) // 16), ends_planned(waveform, unmoved))
    return [name, *(share_inside(each, spoken) for each in ends)]


def talk() -> tuple[np.ndarray, list[Span]]:
    """Twenty times a minute of one of the voices."""
    parts, spoken = [], []
    for number in range(20):
        said = say(60_000, VOICES[number % len(VOICES)], number, 16_000)
        parts.append(said.waveform)
        spoken += [(number * 60_000 + start, number * 60_000 + end) for start, end in said.phrases]
    return np.concatenate(parts), spoken


def speed_of(source: Path) -> float:
    """Seconds of source per CPU second, of this process and the decoder's."""
    detect = open_detector("silero", RECIPE.speech, None)
    with tempfile.TemporaryDirectory() as folder:
        before = cpu_s()
        timeline = look_through(source, Path(folder), RECIPE, detect)
        plan(timeline, None, RECIPE.moments, (), source.name)
        return float(Fraction(timeline.end_ms - timeline.start_ms, 1000)) / (cpu_s() - before)


def cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real media")
    parser.add_argument("--no-speed", action="store_true", help="leave out the measuring of speed")
    options = parser.parse_args()
    console = Console(width=120)
    table = Table("", "moments", "fixed 10 s", "moments, ends unmoved", title="ends of clips inside speech")
    table.add_row(*row("talk", *talk()))
    turns = [(round(start * 1000), round(end * 1000)) for start, end, _ in MEETING_TURNS_S]
    table.add_row(*row("meeting", read_waveform(options.data / MEETING)[: 30 * 16_000], turns))
    console.print(table)
    if not options.no_speed:
        for name in SPEED:
            console.print(f"{name}: {speed_of(options.data / name):.1f} times real time on one core")


if __name__ == "__main__":
    main()
