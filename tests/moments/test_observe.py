"""A decoder that hangs, crashes, lies or devours ends as the reasons that normalising has, and leaves nothing."""

from __future__ import annotations

import json
import os
import re
import sys
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import Dropped, MediaError
from tasks.media.process import WatchedProcess
from tasks.moments import observe as observing
from tasks.moments.observe import observe
from tests.media.hostile import made_by_ffmpeg
from tests.media.making import Recording, record, steady
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
    does: case
    for does, case in CHILDREN.items()
    if does not in ("devours memory", "says that time is a word")
}
UNREADABLE = "the decoder's answer cannot be read"
TRUE = {"start_ms": 0, "end_ms": 2000, "first_sample": 0, "cuts": [[0.96, 1.0]]}
PICTURES = np.stack([np.arange(50) / 25, np.full(50, 0.1)])
LYING_WORDS = {
    "a start that is no number": {"start_ms": "noon"},
    "a start between milliseconds": {"start_ms": 0.5},
    "an end beyond all numbers": {"end_ms": float("inf")},
    "an end of many digits": {"end_ms": 10**400},
    "an hour where there are two seconds": {"end_ms": 3_600_000},
    "an end before the start": {"end_ms": -100},
    "sound that begins elsewhere": {"first_sample": 10**9},
    "no cuts at all": {"cuts": None},
    "a cut of many digits": {"cuts": [[0, 10**400]]},
    "cuts that run backwards": {"cuts": [[1.0, 0.96]]},
    "cuts out of order": {"cuts": [[1.5, 1.5], [0.5, 0.5]]},
    "a cut never": {"cuts": [[0, float("nan")]]},
    "half a cut": {"cuts": [[1.0]]},
}


def instead(path: Path, make) -> None:
    path.unlink()
    make(path)


LYING_FILES = {
    "no sound": lambda sound, seen: sound.unlink(),
    "sound without a sample": lambda sound, seen: sound.write_bytes(b""),
    "half a sample": lambda sound, seen: sound.write_bytes(b"odd"),
    "sound through a pipe": lambda sound, seen: instead(sound, os.mkfifo),
    "pictures through a pipe": lambda sound, seen: instead(seen, os.mkfifo),
    "the sound of another": lambda sound, seen: instead(sound, lambda path: path.symlink_to(sys.executable)),
    "no pictures": lambda sound, seen: seen.unlink(),
    "pictures that are code": lambda sound, seen: np.save(seen, np.array([[print], [print]])),
    "pictures that are none": lambda sound, seen: seen.write_bytes(b"nothing"),
    "pictures in three rows": lambda sound, seen: np.save(seen, np.zeros((3, 50))),
    "pictures in words": lambda sound, seen: np.save(seen, np.array([["a", "b"], ["c", "d"]])),
    "pictures that run backwards": lambda sound, seen: np.save(seen, PICTURES[:, ::-1]),
    "pictures never": lambda sound, seen: np.save(seen, PICTURES * np.nan),
    "movement of more than all": lambda sound, seen: np.save(seen, PICTURES * 11),
    "more pictures than bytes": lambda sound, seen: seen.write_bytes(
        seen.read_bytes().replace(b"(2, 50), }" + b" " * 9, b"(2, 50000000000), }")
    ),
    "too many pictures": lambda sound, seen: os.truncate(seen, 2**29),
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


def refusal(source: Path, folder: Path) -> str:
    """Why a source is refused."""
    with nothing_left_running(), pytest.raises(MediaError) as caught:
        observe(source, folder, 27.0)
    assert caught.value.item == str(source)
    return caught.value.problem


@pytest.mark.parametrize("does", SHARED)
def test_a_decoder_that_misbehaves(does: str, source: Path, child, tmp_path: Path) -> None:
    """In the words in which normalising says it."""
    script, said = SHARED[does]
    child(script)
    problem = refusal(source, folder_in(tmp_path))
    assert problem.strip()
    assert re.search(said, problem), problem


def test_a_decoder_that_devours_memory(source: Path, child, tmp_path: Path) -> None:
    child(DEVOURING)
    assert "more than 700 MiB of memory" in refusal(source, folder_in(tmp_path))


def test_a_decoder_without_end_is_stopped(
    source: Path, child, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heartbeats alone do not keep it alive."""
    monkeypatch.setattr(observing, "longest_s", lambda path: STALL_S)
    child(PRINTING.format(text="\n"))
    assert "longer than 3 s" in refusal(source, folder_in(tmp_path))


def answered(place: Path) -> Path:
    """A folder with the files of a decoder that has done its work."""
    folder = folder_in(place)
    np.zeros(32_000, np.int16).tofile(folder / "sound.s16")
    np.save(folder / "seen.npy", PICTURES)
    return folder


def saying(answer: dict) -> str:
    return f"print({json.dumps(answer)!r})"


def test_an_answer_that_is_true_is_taken(source: Path, child, tmp_path: Path) -> None:
    """So that what is refused below is refused for its lie."""
    child(saying(TRUE))
    observed = observe(source, answered(tmp_path), 27.0)
    assert (observed.start_ms, observed.end_ms, len(observed.samples)) == (0, 2_000, 32_000)
    assert observed.seen.cuts == ((0.96, 1.0),) and np.allclose(observed.seen.moved, 0.1)


@pytest.mark.parametrize("lie", LYING_WORDS)
def test_a_decoder_that_lies(lie: str, source: Path, child, tmp_path: Path) -> None:
    child(saying(TRUE | LYING_WORDS[lie]))
    assert refusal(source, answered(tmp_path)) == UNREADABLE


@pytest.mark.parametrize("lie", LYING_FILES)
def test_a_decoder_whose_files_lie(lie: str, source: Path, child, tmp_path: Path) -> None:
    child(saying(TRUE))
    folder = answered(tmp_path)
    LYING_FILES[lie](folder / "sound.s16", folder / "seen.npy")
    assert refusal(source, folder) == UNREADABLE


def test_what_is_raised_there_is_raised_here(source: Path, child, tmp_path: Path) -> None:
    answer = {"raised": "Dropped", "arguments": ["silent", "no sample is louder than −60 dBFS"]}
    child(saying(answer))
    with nothing_left_running(), pytest.raises(Dropped) as caught:
        observe(source, folder_in(tmp_path), 27.0)
    assert (caught.value.reason, caught.value.detail) == tuple(answer["arguments"])


def test_what_a_plain_source_says(source: Path, tmp_path: Path) -> None:
    with nothing_left_running():
        observed = observe(source, folder_in(tmp_path), 27.0)
    assert observed.start_ms == 0 and observed.end_ms == 3_000
    assert observed.samples.dtype == np.int16 and len(observed.samples) >= 16 * observed.end_ms
    assert np.allclose(np.diff(observed.seen.times), 0.04) and not observed.seen.cuts


def test_pictures_that_begin_when_the_sound_is_over(tmp_path: Path) -> None:
    """No lie of the decoder's, though nothing is left between the two."""
    recording = Recording("apart.mkv", steady(25, 5, 9), [(0, 2)], [Fraction(1), Fraction(6)])
    observed = observe(record(recording, tmp_path), folder_in(tmp_path), 27.0)
    assert observed.start_ms == observed.end_ms
