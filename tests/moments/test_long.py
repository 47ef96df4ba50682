"""A source of an hour takes the memory of one of ten minutes, and some bytes for each picture and tick."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from schemas.units import SAMPLE_RATE
from tasks.media.process import own_module
from tasks.moments.observe import Observed
from tasks.moments.pictures import Seen
from tasks.moments.stage import SPEECH_BLOCK_S, speech_of
from tasks.speech import SpeechInterval

PICTURES_A_SECOND = 5
MEASURING = """
import json, resource, sys
from pathlib import Path
from tasks.moments.observe import observe
from tasks.moments.sound import listen
from tasks.moments.timeline import first_tick, timeline_of
from schemas.sections import Moments

def own_bytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))

before = own_bytes()
observed = observe(Path(sys.argv[1]), Path(sys.argv[2]), 27.0)
heard = listen(observed.samples, first_tick(observed), (observed.end_ms - observed.start_ms) // 10)
timeline = timeline_of(observed, heard, [], Moments())
child = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({
    "parent": own_bytes() - before, "child": child.ru_maxrss * 1024, "cpu_s": child.ru_utime + child.ru_stime,
    "seconds": timeline.ticks / 100, "pictures": len(observed.seen.times), "cuts": len(timeline.cuts),
}))
"""


def minute(folder: Path) -> Path:
    """Pictures in which much moves, and a beep a second."""
    target = folder / "minute.mkv"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=64x48:r={PICTURES_A_SECOND}:d=60"]
    command += ["-f", "lavfi", "-i", "sine=f=300:b=4:r=16000:d=60", "-c:v", "libx264", "-preset", "ultrafast"]
    subprocess.run([*command, "-g", "50", "-c:a", "pcm_s16le", str(target)], check=True)
    return target


def looked_through(once: Path, times: int, folder: Path) -> dict[str, float]:
    """What a source of so many repetitions takes, in a process of its own."""
    source, work = folder / f"{times}.mkv", folder / f"work{times}"
    work.mkdir()
    command = ["ffmpeg", "-v", "error", "-stream_loop", str(times - 1), "-i", str(once), "-c", "copy"]
    subprocess.run([*command, str(source)], check=True)
    environment = own_module("tasks.moments.observe")[1]
    measuring = [sys.executable, "-c", MEASURING, str(source), str(work)]
    return json.loads(subprocess.run(measuring, env=environment, capture_output=True, check=True).stdout)


@pytest.mark.slow
def test_an_hour_takes_the_memory_of_ten_minutes(tmp_path: Path) -> None:
    once = minute(tmp_path)
    short, long = (looked_through(once, times, tmp_path) for times in (10, 60))
    assert short["seconds"] == pytest.approx(600, abs=2) and long["seconds"] == pytest.approx(3_600, abs=6)
    pictures = long["pictures"] - short["pictures"]
    assert pictures == pytest.approx(3_000 * PICTURES_A_SECOND, rel=0.01)
    # In the child, stamps and numbers as Python has them; here, a timeline of some numbers per tick of 10 ms.
    assert long["child"] - short["child"] < 32 * 2**20 + 200 * pictures
    assert long["parent"] - short["parent"] < 32 * 2**20 + 40 * 300_000


def talk(length_s: int, speech_s: list[tuple[float, float]]) -> Observed:
    samples = np.zeros(length_s * SAMPLE_RATE, np.int16)
    for start, end in speech_s:
        samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = 9_000
    nothing = Seen(np.empty(0), np.empty(0, np.float32), ())
    return Observed(2_000, 2_000 + length_s * 1000, samples, 2 * SAMPLE_RATE, nothing)


def loud(piece: np.ndarray) -> list[SpeechInterval]:
    """A detector that takes for speech what is not silent."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], piece > 0.1, [0]]).astype(int)))
    return [SpeechInterval(int(a) // 16, int(b) // 16, 0.9) for a, b in edges.reshape(-1, 2)]


def test_speech_is_found_once_across_what_is_heard_at_once() -> None:
    """On the borders too: pieces touch there, and nothing is told twice."""
    said = [(1, 4), (296, 299), (299.5, 304), (598, 600), (601, 603), (700, 710)]
    found = speech_of(talk(720, said), loud)
    assert [(each.start_ms, each.end_ms) for each in found] == [
        (3_000, 6_000),
        (298_000, 301_000),
        (301_500, 302_000),
        (302_000, 306_000),
        (600_000, 602_000),
        (603_000, 605_000),
        (702_000, 712_000),
    ]


def test_no_more_than_some_minutes_of_sound_are_heard_at_once() -> None:
    longest = 0

    def detect(piece: np.ndarray) -> list[SpeechInterval]:
        nonlocal longest
        longest = max(longest, len(piece))
        return []

    source = talk(1_800, [])
    tracemalloc.start()
    try:
        assert not speech_of(source, detect)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert SPEECH_BLOCK_S * SAMPLE_RATE <= longest <= (SPEECH_BLOCK_S + 10) * SAMPLE_RATE
    assert peak < 4 * 4 * longest
