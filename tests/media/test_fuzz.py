"""Hostile sources: each ends as clips that are whole or as a reason, in time, and leaves nothing else behind."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from schemas.errors import Dropped, MediaError
from schemas.sections import Media
from schemas.units import SAMPLES_PER_FRAME
from tasks.media import normalize
from tasks.media.facts import file_facts
from tests.media import hostile
from tests.media.hostile import BASE_NAMES, base_files, damaged_case, made_by_ffmpeg

MEDIA = Media(clip_length="2 s", min_clip_length="1 s", short_side="64 px")
CASES = 500
LONGEST_S = 60
"""For a damaged source of some seconds, with the other workers beside it."""
MOST_BYTES = 2**30
"""Resident memory of any process that works on such a source."""

_OUR_FAULT = re.compile(
    r"ended with status|without an answer|"
    r"\b(Index|Key|Type|Attribute|ZeroDivision|Overflow|Assertion|Name|UnboundLocal|Runtime|Recursion)Error\b"
)


@dataclass(frozen=True)
class Ending:
    """How a source ended: in a word or two, with the details, after how many seconds, and what was wrong."""

    outcome: str
    detail: str
    seconds: float
    wrong: tuple[str, ...]


def ending(source: Path, folder: Path) -> Ending:
    """Normalise a source, and look at all that is left of it."""
    began, clips = time.monotonic(), ()
    try:
        made = normalize(source, None, MEDIA, folder, name=lambda start, end: f"{start}_{end}.mp4")
        clips = made.clips
        outcome, detail = "done" if clips else "left out", ", ".join(span.reason for span in made.left_out)
    except Dropped as drop:
        outcome, detail = f"dropped: {drop.reason}", drop.detail
    except MediaError as error:
        outcome, detail = "refused", error.problem
    seconds = time.monotonic() - began
    return Ending(outcome, detail, seconds, tuple(_wrong(outcome, detail, seconds, clips, folder)))


def _wrong(outcome: str, detail: str, seconds: float, clips: Iterable, folder: Path) -> Iterator[str]:
    if seconds > LONGEST_S:
        yield f"took {seconds:.0f} s"
    if outcome != "done" and not detail.strip():
        yield "no reason"
    if _OUR_FAULT.search(detail):
        yield f"a reason that is a fault of ours: {detail}"
    left = sorted(path.name for path in folder.iterdir()) if folder.exists() else None
    if left != (sorted(clip.path.name for clip in clips) or None):
        yield f"left behind: {left}"
    for clip in clips:
        facts = file_facts(clip.path)
        if facts != clip.certificate.facts or facts.samples != SAMPLES_PER_FRAME * facts.frames:
            yield f"{clip.path.name}: {facts} is not what is certified"
        command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(clip.path), "-f", "null", "-"]
        done = subprocess.run(command, capture_output=True)
        if done.returncode or done.stderr:
            yield f"{clip.path.name}: {done.stderr.decode(errors='replace')[:200]}"


@contextmanager
def nothing_left_running() -> Iterator[None]:
    """No process of ours outlives the block, and none took more memory than is stated."""
    ours = psutil.Process()
    before = {child.pid for child in ours.children(recursive=True)}
    peak = _peak_bytes(resource.RUSAGE_CHILDREN)
    yield
    assert {child.pid for child in ours.children(recursive=True)} <= before
    # A new process counts the memory of the one that starts it, until it becomes another program.
    allowed = max(peak, _peak_bytes(resource.RUSAGE_SELF), MOST_BYTES)
    assert _peak_bytes(resource.RUSAGE_CHILDREN) <= allowed


def _peak_bytes(who: int) -> int:
    return resource.getrusage(who).ru_maxrss * 1024


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {path.name: path for path in base_files(tmp_path_factory.mktemp("bases"))}


def ended(source: Path, folder: Path) -> str:
    """The outcome of a source with which nothing is wrong."""
    with nothing_left_running():
        end = ending(source, folder)
    assert not end.wrong, f"{source.name} ({end.outcome}, {end.detail}): {end.wrong}"
    return end.outcome


def fuzzed(numbers: Iterable[int], bases: dict[str, Path], folder: Path) -> None:
    contents = [bases[name].read_bytes() for name in BASE_NAMES]

    def one(number: int) -> tuple[str, Ending]:
        case = damaged_case(number, contents)
        source = folder / f"{number}-{case.base}"
        source.write_bytes(case.content)
        end = ending(source, folder / f"clips-{number}")
        assert source.read_bytes() == case.content
        return f"case {number}, {case.base}, {case.kind} ({case.what})", end

    with nothing_left_running(), ThreadPoolExecutor(os.cpu_count()) as workers:
        ends = list(workers.map(one, numbers))
    for outcome, count in Counter(end.outcome for _, end in ends).most_common():
        print(f"{count:4} {outcome}")
    peak = _peak_bytes(resource.RUSAGE_CHILDREN) / 2**20
    print(f"longest {max(end.seconds for _, end in ends):.1f} s; largest process {peak:.0f} MiB")
    wrong = [
        f"{what}: {end.outcome}, {end.detail}: {'; '.join(end.wrong)}" for what, end in ends if end.wrong
    ]
    assert not wrong, "\n".join(wrong)
    assert any(end.outcome == "done" for _, end in ends)
    assert any(end.outcome != "done" for _, end in ends)


def test_undamaged_sources_become_clips(bases: dict[str, Path], tmp_path: Path) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        ends = list(workers.map(lambda path: ending(path, tmp_path / path.name), bases.values()))
    assert {(end.outcome, end.wrong) for end in ends} == {("done", ())}


def test_damage_ends_as_clips_or_as_a_reason(bases: dict[str, Path], tmp_path: Path) -> None:
    fuzzed([37, 271, 323, *range(0, CASES, 23)], bases, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(5))
def test_five_hundred_damaged_files(part: int, bases: dict[str, Path], tmp_path: Path) -> None:
    fuzzed(range(part, CASES, 5), bases, tmp_path)


def test_the_same_number_is_the_same_damage(bases: dict[str, Path]) -> None:
    contents = [bases[name].read_bytes() for name in BASE_NAMES]
    cases = [damaged_case(number, contents) for number in range(200)]
    assert cases == [damaged_case(number, contents) for number in range(200)]
    assert len({(case.base, case.kind) for case in cases}) > 100
    assert sum(case.content == contents[BASE_NAMES.index(case.base)] for case in cases) < 10


MPEG2_FIELDS = "-c:v mpeg2video -flags +ildct+ilme -top 1 -c:a mp2"
JPEG = "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le"
MANY_CHANNELS = "aevalsrc=" + "|".join(["sin(6283*t)"] * 64) + ":d=3"


@pytest.mark.parametrize(
    ("file", "size", "rate", "options", "sound", "outcome"),
    [
        ("one.mov", "1x1", 25, "-c:v mjpeg -pix_fmt yuvj444p -c:a pcm_s16le", "", "done"),
        ("two.mp4", "2x2", 25, "-c:v libx264 -c:a aac", "", "done"),
        ("fields.ts", "2x2", 25, MPEG2_FIELDS, "", "done"),
        ("long.mkv", "16384x2", 1, "-c:v ffv1 -c:a flac", "", "refused"),
        ("fast.mkv", "32x32", 1000, "-c:v mjpeg -c:a flac", "", "done"),
        ("ticks.mp4", "16x16", 30_000, "-c:v libx264 -preset ultrafast -t 1.1 -c:a aac", "", "done"),
        (
            "fine.mkv",
            "32x32",
            25,
            "-c:v ffv1 -c:a pcm_s32le",
            "sine=1000:duration=3:sample_rate=768000",
            "done",
        ),
        ("slow.mkv", "32x32", 25, "-c:v ffv1 -af asetrate=1 -c:a pcm_s16le -t 3", "", "dropped: corrupt"),
        ("wide.mkv", "32x32", 25, "-c:v ffv1 -c:a pcm_s16le", MANY_CHANNELS, None),
        ("thin-pixels.mkv", "96x64", 25, "-vf setsar=1/60000 -c:v ffv1 -c:a flac", "", "refused"),
    ],
)
def test_extreme_sizes_and_rates(
    file: str, size: str, rate: int, options: str, sound: str, outcome: str | None, tmp_path: Path
) -> None:
    source = made_by_ffmpeg(tmp_path / file, size, rate, options, sound=sound)
    assert ended(source, tmp_path / "clips") in ([outcome] if outcome else ["done", "refused"])


def _jpeg(content: bytes) -> bytes:
    both = hostile.with_field(content, b"jpeg", 24, ">HH", 16384, 16384)
    return hostile.with_jpeg_size(both, 16384, 16384)


Change = Callable[[bytes], bytes]
LIES: dict[str, tuple[str, Change, str]] = {
    "container's size": (
        "plain.mp4",
        lambda content: hostile.with_field(content, b"avc1", 24, ">HH", 16384, 16384),
        "done",
    ),
    "all sizes": ("camera.mov", _jpeg, "dropped: no_video"),
    "pictures' size": (
        "camera.mov",
        lambda content: hostile.with_jpeg_size(content, 16384, 16384),
        "dropped: corrupt",
    ),
    "VP8's size": (
        "web.webm",
        lambda content: hostile.with_vp8_size(content, 16383, 16383),
        "dropped: corrupt",
    ),
    **{
        f"{box.decode()} of {length}": (
            "plain.mp4",
            lambda content, box=box, at=at, length=length: hostile.with_field(content, box, at, ">I", length),
            "done",
        )
        for box, at in ((b"mvhd", 16), (b"tkhd", 20), (b"mdhd", 16))
        for length in (2**31, 2**32 - 1)
    },
    **{
        f"matroska of {length} ms": (
            "lossless.mkv",
            lambda content, length=length: hostile.with_matroska_duration(content, length),
            "done",
        )
        for length in (2.0**31, 2.0**63, float("nan"), -5.0)
    },
    "a tick of no length": (
        "plain.mp4",
        lambda content: hostile.with_field(content, b"mdhd", 12, ">I", 0),
        "dropped: corrupt",
    ),
    "packets of 2^31 bytes": (
        "plain.mp4",
        lambda content: hostile.with_field(content, b"stsz", 4, ">I", 2**31 - 1),
        "dropped: no_audio",
    ),
    "400 edits": ("plain.mp4", lambda content: hostile.with_edit_list(content, 400), "dropped: silent"),
}


@pytest.mark.parametrize("lie", LIES)
def test_headers_that_lie(lie: str, bases: dict[str, Path], tmp_path: Path) -> None:
    base, change, outcome = LIES[lie]
    source = tmp_path / base
    source.write_bytes(change(bases[base].read_bytes()))
    assert ended(source, tmp_path / "clips") == outcome


@pytest.mark.slow
def test_ten_thousand_edits(bases: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a million packets from a file of 250 kB: the bound of the whole holds, not that of small damage."""
    monkeypatch.setattr(sys.modules[__name__], "LONGEST_S", 600)
    source = tmp_path / "edits.mp4"
    source.write_bytes(hostile.with_edit_list(bases["plain.mp4"].read_bytes(), 10_000))
    assert ended(source, tmp_path / "clips")


@pytest.mark.parametrize(
    ("ticks", "kinds", "from_s", "file", "outcomes"),
    [
        (2**40, "video audio", 0, "late.mkv", "done"),
        (2**40, "video audio", 1.5, "both.mkv", "dropped: corrupt"),
        (2**40, "audio", 1.5, "sound.mkv", "dropped: corrupt"),
        (2**40, "video", 1.5, "pictures.mkv", "done"),
        (2**50, "video audio", 0, "later.nut", "dropped: corrupt"),
        (2**62, "video audio", 0, "latest.mkv", "dropped: corrupt"),
        (40 * 3_600_000, "audio", 1.5, "40-hours-of-sound.mkv", "done"),
        (40 * 3_600_000, "video audio", 1.5, "40-hours.mkv", "done"),
    ],
)
def test_stamps_far_away(
    ticks: int, kinds: str, from_s: float, file: str, outcomes: str, bases: dict[str, Path], tmp_path: Path
) -> None:
    source = hostile.shifted(bases["lossless.mkv"], tmp_path / file, ticks, kinds, from_s)
    assert ended(source, tmp_path / "clips") == outcomes


def test_two_hundred_streams(bases: dict[str, Path], tmp_path: Path) -> None:
    source = tmp_path / "many.mkv"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(bases["old.avi"])]
    subprocess.run([*command, *["-map", "0"] * 100, "-c", "copy", str(source)], check=True)
    assert ended(source, tmp_path / "clips") == "done"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "device.mp4").symlink_to("/dev/zero")
    (tmp_path / "circle.mp4").symlink_to(tmp_path / "circle.mp4")
    (tmp_path / "zeros.mp4").touch()
    os.truncate(tmp_path / "zeros.mp4", 100 * 2**20)
    files = [*sorted(tmp_path.iterdir()), Path("/dev/stdin"), tmp_path / "null\0.mp4"]
    assert [ended(file, tmp_path / "clips") for file in files] == ["refused"] * 7
