"""A decoder that hangs, crashes, lies or devours ends as the reasons that normalising has, and leaves nothing."""

from __future__ import annotations

import json
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import Dropped, MediaError
from tasks.media.process import WatchedProcess
from tasks.moments import observe as observing
from tasks.moments.observe import observe
from tests.media.hostile import made_by_ffmpeg
from tests.media.test_fuzz import nothing_left_running
from tests.media.test_isolation import CHILDREN, PRINTING, STALL_S

DEVOURING = """
import os, sys
from pathlib import Path
sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
from tasks.moments import observe
held = []
observe.MEMORY_BYTES = 700 * 2**20
observe.look_and_listen = lambda *_: [held.append(bytearray(2**24)) for _ in range(2**20)]
observe.main(Path(sys.argv[-1]))
"""
SHARED = {
    does: case for does, case in CHILDREN.items() if does not in ("devours memory", "says that time is a word")
}
LYING = """
import json, os, sys
from pathlib import Path
import numpy as np
folder = Path(sys.argv[-1]).parent
answer = {{"start_ms": 0, "end_ms": 2000, "first_sample": 0, "cuts": [[0.96, 1.0]]}}
sound, seen = folder / "sound.s16", folder / "seen.npy"
np.zeros(32_000, np.int16).tofile(sound)
np.save(seen, np.stack([np.arange(50) / 25, np.full(50, 0.1)]))
{lie}
print(json.dumps(answer))
"""
LIES = {
    "a start that is no number": "answer['start_ms'] = 'noon'",
    "an end beyond all numbers": "answer['end_ms'] = float('inf')",
    "an end of many digits": "answer['end_ms'] = 10 ** 400",
    "a cut of many digits": "answer['cuts'] = [[0, 10 ** 400]]",
    "an hour where there are two seconds": "answer['end_ms'] = 3_600_000",
    "an end before the start": "answer['end_ms'] = -100",
    "sound that begins elsewhere": "answer['first_sample'] = 10 ** 9",
    "no cuts at all": "del answer['cuts']",
    "cuts that run backwards": "answer['cuts'] = [[1.0, 0.96]]",
    "cuts out of order": "answer['cuts'] = [[1.5, 1.5], [0.5, 0.5]]",
    "a cut never": "answer['cuts'] = [[0, float('nan')]]",
    "half a cut": "answer['cuts'] = [[1.0]]",
    "no sound": "sound.unlink()",
    "sound without a sample": "sound.write_bytes(b'')",
    "half a sample": "sound.write_bytes(b'odd')",
    "sound through a pipe": "sound.unlink(); os.mkfifo(sound)",
    "pictures through a pipe": "seen.unlink(); os.mkfifo(seen)",
    "the sound of another": "sound.unlink(); sound.symlink_to('/usr/bin/env')",
    "no pictures": "seen.unlink()",
    "pictures that are code": "np.save(seen, np.array([print, print]), allow_pickle=True)",
    "pictures that are none": "seen.write_bytes(b'nothing')",
    "pictures in three rows": "np.save(seen, np.zeros((3, 50)))",
    "pictures in words": "np.save(seen, np.array([['a', 'b'], ['c', 'd']]))",
    "pictures that run backwards": "np.save(seen, np.stack([np.arange(50)[::-1], np.zeros(50)]))",
    "pictures never": "np.save(seen, np.full((2, 50), np.nan))",
    "movement of more than all": "np.save(seen, np.stack([np.arange(50), np.full(50, 7.0)]))",
    "more pictures than bytes": (
        "text = seen.read_bytes(); seen.write_bytes(text.replace(b'(2, 50), }' + b' ' * 9, b'(2, 50000000000), }'))"
    ),
    "too many pictures": "os.truncate(seen, 2 ** 29)",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("source") / "plain.mp4"
    return made_by_ffmpeg(target, "96x64", 25, "-c:v libx264 -preset ultrafast -c:a aac")


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a script of ours in the decoder's place, and wait for no more than some seconds."""
    real = sys.executable

    def put(script: str) -> None:
        program = tmp_path / "child"
        program.write_text(f"#!{real}\n{script}\n")
        program.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(program))
        monkeypatch.setattr(observing, "WatchedProcess", partial(WatchedProcess, stall_s=STALL_S))
        monkeypatch.setattr("tasks.media.process._EXIT_SECONDS", STALL_S)

    return put


def folder_in(place: Path) -> Path:
    folder = place / "work"
    folder.mkdir()
    return folder


def refusal(source: Path, place: Path) -> str:
    """Why a source is refused."""
    with nothing_left_running(), pytest.raises(MediaError) as caught:
        observe(source, folder_in(place), 27.0)
    assert caught.value.item == str(source)
    return caught.value.problem


@pytest.mark.parametrize("does", SHARED)
def test_a_decoder_that_misbehaves(does: str, source: Path, child, tmp_path: Path) -> None:
    """In the words in which normalising says it."""
    script, said = SHARED[does]
    child(script)
    problem = refusal(source, tmp_path)
    assert problem.strip()
    assert re.search(said, problem), problem


def test_a_decoder_that_devours_memory(source: Path, child, tmp_path: Path) -> None:
    child(DEVOURING)
    assert "more than 700 MiB of memory" in refusal(source, tmp_path)


def test_a_decoder_without_end_is_stopped(
    source: Path, child, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heartbeats alone do not keep it alive."""
    monkeypatch.setattr(observing, "longest_s", lambda path: STALL_S)
    child(PRINTING.format(text="\n"))
    assert "longer than 3 s" in refusal(source, tmp_path)


def test_an_answer_that_is_true_is_taken(source: Path, child, tmp_path: Path) -> None:
    """So that what is refused below is refused for its lie."""
    child(LYING.format(lie=""))
    observed = observe(source, folder_in(tmp_path), 27.0)
    assert (observed.start_ms, observed.end_ms, len(observed.samples)) == (0, 2_000, 32_000)
    assert observed.seen.cuts == ((0.96, 1.0),) and len(observed.seen.times) == 50


@pytest.mark.parametrize("lie", LIES)
def test_a_decoder_that_lies(lie: str, source: Path, child, tmp_path: Path) -> None:
    child(LYING.format(lie=LIES[lie]))
    assert refusal(source, tmp_path) == "the decoder's answer cannot be read"


def test_what_is_raised_there_is_raised_here(source: Path, child, tmp_path: Path) -> None:
    answer = {"raised": "Dropped", "arguments": ["silent", "no sample is louder than −60 dBFS"]}
    child(f"print({json.dumps(answer)!r})")
    with nothing_left_running(), pytest.raises(Dropped) as caught:
        observe(source, folder_in(tmp_path), 27.0)
    assert (caught.value.reason, caught.value.detail) == tuple(answer["arguments"])


def test_what_a_plain_source_says(source: Path, tmp_path: Path) -> None:
    with nothing_left_running():
        observed = observe(source, folder_in(tmp_path), 27.0)
    assert observed.start_ms == 0 and 1_900 <= observed.end_ms <= 2_100
    assert observed.samples.dtype == np.int16 and len(observed.samples) >= 16 * observed.end_ms
    assert np.allclose(np.diff(observed.seen.times), 0.04) and not observed.seen.cuts
