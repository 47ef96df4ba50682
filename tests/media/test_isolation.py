"""A decoder that hangs, crashes, lies or devours: whatever it does, it ends as a reason and leaves nothing behind."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest

from schemas.errors import MediaError
from tasks.media import isolation, normalize
from tasks.media.process import WatchedProcess
from tests.media.hostile import made_by_ffmpeg
from tests.media.test_fuzz import MEDIA, nothing_left_running

STALL_S = 3
PRINTING = "import sys\nwhile True: sys.stdout.write({text!r}); sys.stdout.flush()"
DEVOURING = """
import os, sys
from pathlib import Path
sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
from tasks.media import isolation
held = []
isolation.MEMORY_BYTES = 700 * 2**20
isolation.cut_source = lambda *_: [held.append(bytearray(2**24)) for _ in range(2**20)]
isolation.main(Path(sys.argv[-1]))
"""
DYING = "import os, signal; os.kill(os.getpid(), signal.{signal})"
NAMING = """
import json, sys
from pathlib import Path
clip = Path(sys.argv[-1]).with_name("0.mp4")
clip.touch()
answer = json.loads({answer!r})
answer["clips"][0]["path"] = str(clip)
print(json.dumps(answer))
"""
CHILDREN = {
    "sleeps": ("import time; time.sleep(1000)", f"gave nothing for {STALL_S} s and was stopped"),
    "leaves another running": (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(1000)'])",
        f"gave nothing for {STALL_S} s and was stopped",
    ),
    "closes its output and sleeps": (
        "import os, time; os.close(1); time.sleep(1000)",
        "was stopped",
    ),
    "says nothing": ("pass", "without an answer"),
    "has a fault of segmentation": (DYING.format(signal="SIGSEGV"), r"crashed \(Segmentation fault\)"),
    "aborts": (DYING.format(signal="SIGABRT"), r"crashed \(Aborted\)"),
    "is killed for memory": (DYING.format(signal="SIGKILL"), r"crashed \(Killed\)"),
    "complains and fails": (
        "import sys; sys.stderr.write('out of luck\\n'); sys.exit(3)",
        "ended with status 3: out of luck",
    ),
    "devours memory": (DEVOURING, "more than 700 MiB of memory"),
    "says half a line and dies": (
        "import sys; sys.stdout.write('{\"clips\": [')",
        "",
    ),
    "says what is no JSON": ("print('Segmentation of the world'); print('{]')", ""),
    "says what is no text": ("import sys; sys.stdout.buffer.write(bytes(range(256)) + b'\\n')", ""),
    "says a number": ("print(17)", ""),
    "says a list": ("print([1, 2])", ""),
    "says that time is a word": ('print(\'{"done_ms": "noon"}\')', ""),
    "raises what there is not": ('print(\'{"raised": "SystemExit", "arguments": [1]}\')', ""),
    "raises with too much": ('print(\'{"raised": "Dropped", "arguments": [1, 2, 3, 4]}\')', ""),
    "certifies half": ('print(\'{"clips": [{"certificate": {}}], "left_out": []}\')', ""),
    "never ends its line": (PRINTING.format(text="x" * 65536), ""),
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
        monkeypatch.setattr(isolation, "WatchedProcess", partial(WatchedProcess, stall_s=STALL_S))
        monkeypatch.setattr("tasks.media.process._EXIT_SECONDS", STALL_S)

    return put


def refusal(source: Path, folder: Path) -> str:
    """Why a source is refused; nothing may be left of the attempt."""
    with nothing_left_running(), pytest.raises(MediaError) as caught:
        normalize(source, None, MEDIA, folder, name=lambda start, end: f"{start}_{end}.mp4")
    assert not folder.exists()
    assert caught.value.item == str(source)
    return caught.value.problem


@pytest.mark.parametrize("does", CHILDREN)
def test_a_decoder_that_misbehaves(does: str, source: Path, child, tmp_path: Path) -> None:
    script, said = CHILDREN[does]
    child(script)
    problem = refusal(source, tmp_path / "clips")
    assert problem.strip()
    assert re.search(said, problem), problem


def test_a_decoder_without_end_is_stopped(
    source: Path, child, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heartbeats alone do not keep it alive."""
    monkeypatch.setattr(isolation, "longest_s", lambda path: STALL_S)
    child(PRINTING.format(text='{"done_ms": 40}\n'))
    assert "longer than 3 s" in refusal(source, tmp_path / "clips")


def test_a_decoder_cannot_have_other_files_moved(source: Path, child, tmp_path: Path) -> None:
    """A path in its answer that is not one of its clips is refused, and the file stays where it is."""
    target = tmp_path / "precious.mp4"
    target.write_bytes(b"precious")
    answer = _answer(source, tmp_path)
    for path in (str(target), "../../precious.mp4", "/dev/null", "request.pickle", "", 7):
        child(_saying({**answer, "clips": [{**clip, "path": path} for clip in answer["clips"]]}))
        refusal(source, tmp_path / "clips")
        assert target.read_bytes() == b"precious"


def test_a_decoder_cannot_choose_the_names(source: Path, child, tmp_path: Path) -> None:
    """Times that are no whole numbers would become part of a path."""
    answer, folder = _answer(source, tmp_path), tmp_path / "clips"
    before = {path.name for path in tmp_path.iterdir()}
    for start in ("../escaped", str(tmp_path / "escaped"), 0.5, None, True):
        child(NAMING.format(answer=json.dumps(_beginning(answer, start), default=str)))
        refusal(source, folder)
        assert {path.name for path in tmp_path.iterdir()} == before | {"child"}
    child(NAMING.format(answer=json.dumps(_beginning(answer, 17), default=str)))
    made = normalize(source, None, MEDIA, folder, name=lambda start, end: f"{start}_{end}.mp4")
    assert [clip.path for clip in made.clips] == [folder / "17_2000.mp4"]


def _beginning(answer: dict, start: object) -> dict:
    return {**answer, "clips": [{**answer["clips"][0], "source_start_ms": start}]}


def _answer(source: Path, folder: Path) -> dict:
    """What a child says that has done its work."""
    made = normalize(source, None, MEDIA, folder / "first", name=lambda start, end: f"{start}_{end}.mp4")
    return {"clips": [asdict(clip) for clip in made.clips], "left_out": []}


def _saying(answer: dict) -> str:
    return f"print({json.dumps(answer, default=str)!r})"
