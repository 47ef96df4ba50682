"""Names, metadata, subtitles and references from outside reach no shell and no path, and open no other file."""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from tasks.media import normalize
from tests.media.hostile import made_by_ffmpeg, with_reference
from tests.media.test_fuzz import MEDIA, ended

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    "with spaces and a 'quote\".mp4",
    "$(touch canary).mp4",
    "`touch canary`; touch canary; & touch canary | touch canary.mp4",
    "line\nbreak.mp4",
    "%03d%s%n.mp4",
    "-i",
    "-dash.mp4",
    "...mp4",
    "concat:canary|canary.mp4",
    "http:--127.0.0.1:9-x.mp4",
    "pipe:0",
    "[bold]red[-bold].mp4",
    "\x1b[31mred\x07.mp4",
    "\u202egpj.4pm",
    "two\u2028lines\u0085.mp4",
    os.fsdecode(b"\xff\xfe\x80.mp4"),
    "n" * 246 + ".mp4",
    "é" * 120 + ".mp4",
]
TRICKS = ("$(touch canary)", "`touch canary`", "../../canary", "/tmp/canary; touch canary", "%n%n%s\r\n")
IN_OPEN = 0x20


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("plain") / "plain.mp4"
    return made_by_ffmpeg(target, "96x64", 25, "-c:v libx264 -preset ultrafast -t 1.2 -c:a aac")


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that are started from here on; none of them through a shell."""
    started: list[str] = []

    class Watched(subprocess.Popen):
        def __init__(self, argv, *arguments, **options) -> None:
            assert not isinstance(argv, str)
            assert not options.get("shell")
            started.append(argv[0])
            super().__init__(argv, *arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    return started


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_can_be_normalised(
    name: str, plain: Path, tmp_path: Path, programs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(plain.read_bytes())
    before = tree(tmp_path)
    made = normalize(Path(name), None, MEDIA, Path("clips"), name=lambda start, end: f"{start}_{end}.mp4")
    assert [clip.path for clip in made.clips] == [Path("clips/0_1200.mp4")]
    assert tree(tmp_path) - before == {"clips", "clips/0_1200.mp4"}
    assert set(programs) == {"ffprobe", sys.executable}


@pytest.mark.slow
def test_the_command_takes_any_name(plain: Path, tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_bytes(plain.read_bytes())
    os.mkfifo(tmp_path / "pipe")
    before = tree(tmp_path)
    command = [sys.executable, "-m", "flows.cli", "normalize", "--out", "clips", "--json", "--"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for attempt in range(2):  # the second finds the certificates of the first
        done = subprocess.run(
            [*command, *NAMES, "gone.mp4", "pipe"],
            cwd=tmp_path, env=environment, capture_output=True, timeout=500, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr.decode(errors="replace")[-2000:]
        assert b"Traceback" not in done.stderr
        assert b"\x1b[31m" not in done.stderr
        results = [json.loads(line) for line in done.stdout.split(b"\n") if line]
        assert [result["source"] for result in results] == [*NAMES, "gone.mp4", "pipe"]
        assert [len(result["clips"]) for result in results] == [1] * len(NAMES) + [0, 0]
        assert {drop["reason"] for result in results[-2:] for drop in result["dropped"]} == {"unreadable"}
        new = tree(tmp_path) - before
        folders = {name for name in new if (tmp_path / name).is_dir()} - {"clips"}
        assert all(re.fullmatch(r"clips/[A-Za-z0-9_-]+", name) for name in folders)
        assert {Path(name).name for name in new - folders} == {"clips", "certificates.jsonl", "0_1200.mp4"}
        certified = (tmp_path / "clips/certificates.jsonl").read_bytes().split(b"\n")[:-1]
        assert len(certified) == len(folders), attempt


def test_metadata_subtitles_and_attachments_make_no_path(
    plain: Path, tmp_path: Path, programs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "".join(f"{n + 1}\n00:00:00,{n}00 --> 00:00:01,000\n{trick}\n\n" for n, trick in enumerate(TRICKS))
    (tmp_path / "tricks.srt").write_text(told)
    source = tmp_path / "tricky.mkv"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(plain), "-i", str(tmp_path / "tricks.srt")]
    command += [
        "-map",
        "0",
        "-map",
        "1",
        "-c",
        "copy",
        "-c:s",
        "srt",
        "-attach",
        str(tmp_path / "tricks.srt"),
    ]
    for number, trick in enumerate(TRICKS):
        command += ["-metadata", f"trick{number}={trick}", "-metadata:s", f"title{number}={trick}"]
    command += ["-metadata:s:t", "mimetype=text/plain", "-metadata:s:t", "filename=../../canary"]
    subprocess.run([*command, "-metadata", "title=$(touch canary)", str(source)], check=True)
    programs.clear()
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path.parent)
    made = normalize(source, None, MEDIA, tmp_path / "clips", name=lambda start, end: f"{start}_{end}.mp4")
    clips = {str(clip.path.relative_to(tmp_path.parent)) for clip in made.clips}
    assert len(clips) == 1
    assert tree(tmp_path.parent) - before == {f"{tmp_path.name}/clips", *clips}
    assert set(programs) == {"ffprobe", sys.executable}
    assert all(b"canary" not in clip.path.read_bytes() for clip in made.clips)


@pytest.mark.parametrize("file", ["latin.avi", "latin.mkv"])
def test_a_title_that_is_no_utf_8_is_no_reason_to_refuse(file: str, tmp_path: Path) -> None:
    options = "-metadata title=TITLETITLE -c:v mpeg4 -c:a libmp3lame"
    source = made_by_ffmpeg(tmp_path / file, "96x64", 25, options)
    content = source.read_bytes()
    assert b"TITLETITLE" in content
    source.write_bytes(content.replace(b"TITLETITLE", b"Caf\xe9\xff\xfe\x80\x81 1"))
    assert ended(source, tmp_path / "clips") == "done"


class Opened:
    """Counts how often a file is opened, by whichever process: the kernel tells."""

    def __init__(self, path: Path) -> None:
        kernel = ctypes.CDLL(None, use_errno=True)
        self._events = kernel.inotify_init1(os.O_NONBLOCK)
        if self._events < 0 or kernel.inotify_add_watch(self._events, os.fsencode(path), IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), f"{path} cannot be watched")

    def times(self) -> int:
        """Since the last call."""
        try:
            return len(os.read(self._events, 65536)) // 16
        except BlockingIOError:
            return 0

    def close(self) -> None:
        os.close(self._events)


def _alias(canary: Path) -> bytes:
    return with_reference(canary.read_bytes(), canary)


def _playlist(canary: Path) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{canary}\n#EXT-X-ENDLIST\n".encode()


def _concatenation(canary: Path) -> bytes:
    return f"ffconcat version 1.0\nfile '{canary}'\n".encode()


def _streams(canary: Path) -> bytes:
    url = f"file:{canary}"
    return (
        f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>{url}</BaseURL></Period></MPD>'.encode()
    )


@pytest.mark.parametrize("refers", [_alias, _playlist, _concatenation, _streams])
@pytest.mark.parametrize("name", ["innocent.mov", "innocent.m3u8"])
def test_no_other_file_is_opened(refers: Callable[[Path], bytes], name: str, tmp_path: Path) -> None:
    options = "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le"
    canary = made_by_ffmpeg(tmp_path / "canary.mov", "96x64", 25, options)
    source = tmp_path / name
    source.write_bytes(refers(canary))
    if refers is _alias:
        # Without samples of its own: what it shows is in the other file.
        canary_bytes = source.read_bytes()
        at = canary_bytes.index(b"mdat")
        stop = canary_bytes.index(b"moov") - 4
        source.write_bytes(canary_bytes[: at + 4] + bytes(stop - at - 4) + canary_bytes[stop:])
    opened = Opened(canary)
    try:
        outcome = ended(source, tmp_path / "clips")
        assert opened.times() == 0
        assert outcome != "done"
        if refers is _alias:
            options = {"enable_drefs": "1", "use_absolute_path": "1"}
            with av.open(str(source), container_options=options) as container:
                assert sum(packet.size > 0 for packet in container.demux(video=0)) == 75
            assert opened.times() > 0  # so the watch can see it
    finally:
        opened.close()
