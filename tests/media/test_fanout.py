"""One decode for several readers: what each sees, who waits for whom, and how it stops."""

from __future__ import annotations

import _thread
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.errors import AnalysisError, Dropped, MediaError, ModelMissing
from tasks.media.fanout import Reader, fan_out
from tasks.media.frames import ARRAYS_BYTES, ARRAYS_IN_FLIGHT, FrameBatch, View
from tasks.media.read import read_frames, read_waveform

FRAMES, WIDTH, HEIGHT = 103, 160, 90


def make_clip(path: Path, seconds: float, size: str = f"{WIDTH}x{HEIGHT}", *options: str) -> Path:
    """A clip in normal form: colours that move, and a tone that beeps."""
    command = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        f"testsrc2=s={size}:r=25:d={seconds}",
    ]
    if "-an" not in options:
        command += ["-f", "lavfi", "-i", f"sine=440:beep_factor=3:r=16000:d={seconds}"]
    command += [
        "-pix_fmt",
        "yuv420p",
        "-preset",
        "ultrafast",
        "-g",
        "50",
        "-movflags",
        "+faststart",
        *options,
    ]
    subprocess.run([*command, str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("fanout") / "clip.mp4", FRAMES / 25)


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """After each test, as many threads and open files as before, of this test's clips."""
    threads = threading.active_count()
    yield
    assert threading.active_count() == threads
    assert not [file for file in psutil.Process().open_files() if file.path.endswith(".mp4")]


def everything(batches: Iterator[FrameBatch]) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Frames, times, and the sizes of the batches."""
    kept = [(batch.frames.copy(), batch.times_ms, len(batch.frames)) for batch in batches]
    frames, times_ms, sizes = zip(*kept, strict=True)
    return np.concatenate(frames), np.concatenate(times_ms), list(sizes)


VIEWS = (
    View(),
    View(colour="rgb", batch=7),
    View(colour="gray", every=3),
    View(size=(64, 36), colour="gray"),
    View(size=(48, 48), colour="bgr", batch=10, every=4),
    View(colour="gray", every=2, batch=5),
    View(size=(240, 120), colour="rgb", every=5),
)


def test_every_view_is_what_a_reader_alone_sees(clip: Path) -> None:
    found = fan_out(clip, {str(n): Reader(view, everything) for n, view in enumerate(VIEWS)})
    for n, view in enumerate(VIEWS):
        alone = np.concatenate([batch.frames for batch in read_frames(clip, view.size, colour=view.colour)])
        frames, times_ms, sizes = found[str(n)]
        np.testing.assert_array_equal(frames, alone[:: view.every])
        assert times_ms.tolist() == list(range(0, FRAMES * 40, 40 * view.every))
        assert max(sizes) <= view.batch
        assert frames.dtype == np.uint8 and times_ms.dtype == np.int64


def as_ffmpeg_sees(path: Path, view: View) -> np.ndarray:
    """The view by the ffmpeg program; chroma lies to the left of its pixels in H.264, which it must be told."""
    shape = (*(view.size or (WIDTH, HEIGHT))[::-1], *(() if view.colour == "gray" else (3,)))
    scale = "null"
    if view.size:
        filtering = "area" if view.size < (WIDTH, HEIGHT) else "bicubic"
        siting = "in_h_chr_pos=0:in_v_chr_pos=128"
        scale = f"scale={view.size[0]}:{view.size[1]}:flags={filtering}+accurate_rnd:{siting}"
    pixels = {"rgb": "rgb24", "bgr": "bgr24", "gray": "gray"}[view.colour]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-vf", scale, "-pix_fmt", pixels]
    raw = subprocess.run([*command, "-f", "rawvideo", "pipe:1"], capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, *shape)[:: view.every]


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_every_view_is_what_ffmpeg_sees(clip: Path, view: View) -> None:
    frames, _, _ = fan_out(clip, {"one": Reader(view, everything)})["one"]
    distance = np.abs(frames.astype(int) - as_ffmpeg_sees(clip, view))
    assert distance.max() <= 2


@pytest.mark.parametrize("full_range", [False, True])
def test_luma_is_of_full_range_whatever_the_clips(tmp_path: Path, full_range: bool) -> None:
    options = ("-vf", "scale=out_range=full", "-pix_fmt", "yuvj420p") if full_range else ()
    path = make_clip(tmp_path / "clip.mp4", 0.4, f"{WIDTH}x{HEIGHT}", *options)
    view = View(colour="gray")
    frames, _, _ = fan_out(path, {"one": Reader(view, everything)})["one"]
    assert frames.min() <= 3
    assert 228 <= frames.max() <= 236  # the brightest yellow of the pattern; 214 if the range were left alone
    assert np.abs(frames.astype(int) - as_ffmpeg_sees(path, view)).max() <= 2


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            View,
            size=st.sampled_from([None, (32, 18)]),
            colour=st.sampled_from(["gray", "bgr"]),
            batch=st.integers(1, 120),
            every=st.integers(1, 30),
            sound=st.booleans(),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_the_views_each_has_its_frames_once_and_all_the_sound(clip: Path, views: list[View]) -> None:
    def look(batches: Iterator[FrameBatch]) -> tuple[list[int], list[int], list[int], int]:
        numbers, times_ms, sizes, samples = [], [], [], 0
        for batch in batches:
            assert len(batch.frames) == len(batch.times_ms)
            numbers += batch.numbers.tolist()
            times_ms += batch.times_ms.tolist()
            sizes.append(len(batch.frames))
            samples += 0 if batch.samples is None else len(batch.samples)
        return numbers, times_ms, sizes, samples

    found = fan_out(clip, {str(n): Reader(view, look) for n, view in enumerate(views)})
    heard = len(read_waveform(clip))
    for n, view in enumerate(views):
        numbers, times_ms, sizes, samples = found[str(n)]
        assert numbers == list(range(0, FRAMES, view.every))
        assert times_ms == [40 * number for number in numbers]
        assert max(sizes) <= view.batch
        assert samples == (heard if view.sound else 0)


def test_the_sound_of_the_batches_joined_is_the_waveform(clip: Path) -> None:
    def listen(batches: Iterator[FrameBatch]) -> list[tuple[int, np.ndarray]]:
        return [(len(batch.frames), batch.samples) for batch in batches]

    readers = {
        "one": Reader(View(colour="gray", batch=10, sound=True), listen),
        "two": Reader(View(size=(32, 18), batch=64, sound=True), listen),
    }
    found = fan_out(clip, readers)
    waveform = read_waveform(clip)
    for pieces in found.values():
        joined = np.concatenate([samples for _, samples in pieces])
        assert joined.dtype == np.float32
        np.testing.assert_allclose(joined, waveform, atol=1e-4)
        assert all(len(samples) == 640 * frames for frames, samples in pieces[:-1])


def test_readers_of_one_size_and_colour_share_read_only_arrays(clip: Path) -> None:
    def first(batches: Iterator[FrameBatch]) -> np.ndarray:
        return next(batches).frames

    readers = {
        "all": Reader(View(), first),
        "again": Reader(View(), first),
        "few": Reader(View(every=5), first),
    }
    found = fan_out(clip, readers)
    assert np.shares_memory(found["all"], found["again"])
    assert np.shares_memory(found["all"], found["few"])
    assert not any(frames.flags.writeable for frames in found.values())
    with pytest.raises(ValueError, match="read-only"):
        found["all"][0, 0] = 0


def test_a_reader_alone_owns_its_arrays(clip: Path) -> None:
    for batch in read_frames(clip, batch=40):
        batch.frames[:] = 0


def test_who_returns_early_keeps_nobody_waiting(clip: Path) -> None:
    readers = {
        "none": Reader(View(batch=1), lambda batches: "done"),
        "one": Reader(View(batch=1), lambda batches: next(batches).start_frame),
        "all": Reader(View(batch=1), lambda batches: sum(len(batch.frames) for batch in batches)),
    }
    assert fan_out(clip, readers) == {"none": "done", "one": 0, "all": FRAMES}


def test_without_readers_nothing_is_read(tmp_path: Path) -> None:
    assert fan_out(tmp_path / "missing.mp4", {}) == {}


def test_nobody_is_further_ahead_of_the_slowest_than_the_arrays_in_flight(clip: Path) -> None:
    place = {"slow": 0, "fast": 0}
    lead = []

    def slow(batches: Iterator[FrameBatch]) -> None:
        for place["slow"] in count():
            time.sleep(0.01)
            if next(batches, None) is None:
                return

    def fast(batches: Iterator[FrameBatch]) -> None:
        for place["fast"], _ in enumerate(batches):
            lead.append(place["fast"] - place["slow"])

    fan_out(clip, {"slow": Reader(View(batch=4), slow), "fast": Reader(View(batch=4), fast)})
    assert len(lead) == -(-FRAMES // 4)
    assert max(lead) <= ARRAYS_IN_FLIGHT


def wait_for_ever(batches: Iterator[FrameBatch]) -> int:
    return sum(len(batch.frames) for batch in batches)


@pytest.mark.parametrize(
    ("error", "raised", "text"),
    [
        (ValueError("boom"), AnalysisError, r"clip\.mp4: 'bad' failed: ValueError: boom"),
        (MediaError("x", "is odd"), MediaError, r"in 'bad' of .*clip\.mp4"),
        (ModelMissing("m", "is not here"), ModelMissing, r"in 'bad' of .*clip\.mp4"),
        (Dropped("too_dark", "luma 3"), Dropped, "too_dark"),
        (OSError(28, "No space left on device"), OSError, "No space left"),
        (MemoryError(), MemoryError, "bad"),
        (KeyboardInterrupt(), KeyboardInterrupt, "bad"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, BaseException) else "",
)
def test_an_error_in_one_reader_stops_all_and_names_the_clip(
    clip: Path, error: BaseException, raised: type[BaseException], text: str
) -> None:
    reached = []

    def bad(batches: Iterator[FrameBatch]) -> None:
        next(batches)
        raise error

    def good(batches: Iterator[FrameBatch]) -> None:
        try:
            for batch in batches:
                reached.append(batch.start_frame)
                time.sleep(0.005)
        except Exception:
            reached.append("taken for an error of its own")

    readers = {"good": Reader(View(batch=1), good), "bad": Reader(View(batch=1), bad)}
    with pytest.raises(raised, match=text):
        fan_out(clip, readers)
    assert len(reached) < FRAMES // 2
    assert "taken for an error of its own" not in reached


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process that runs tests for another one may have been told to ignore interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_a_reader_is_slow_stops_all(clip: Path) -> None:
    def interrupting(batches: Iterator[FrameBatch]) -> int:
        for batch in batches:
            if batch.start_frame == 20:
                _thread.interrupt_main()
            time.sleep(0.005)
        return 0

    with pytest.raises(KeyboardInterrupt):
        fan_out(clip, {"a": Reader(View(batch=1), interrupting), "b": Reader(View(batch=1), wait_for_ever)})


def damaged(folder: Path, clip: Path, kind: str) -> Path:
    path = folder / f"{kind}.mp4"
    if kind == "text":
        path.write_text("no media")
    elif kind == "empty":
        path.touch()
    elif kind == "truncated":
        path.write_bytes(clip.read_bytes()[: clip.stat().st_size * 2 // 3])
    elif kind == "silent":
        make_clip(path, 1, "64x36", "-an")
    elif kind == "blind":
        subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-vn", "-c", "copy", path], check=True)
    return path


@pytest.mark.parametrize("kind", ["text", "empty", "truncated", "blind", "silent", "missing"])
def test_what_cannot_be_read_is_an_error_that_names_the_file(tmp_path: Path, clip: Path, kind: str) -> None:
    path = damaged(tmp_path, clip, kind)
    readers = {"a": Reader(View(sound=True), wait_for_ever), "b": Reader(View(every=2), wait_for_ever)}
    with pytest.raises(MediaError, match=rf"{kind}\.mp4"):
        fan_out(path, readers)


def test_bytes_flipped_anywhere_end_in_all_frames_or_an_error(tmp_path: Path, clip: Path) -> None:
    random = np.random.default_rng(5)
    for trial in range(20):
        data = np.frombuffer(clip.read_bytes(), np.uint8).copy()
        data[random.integers(len(data) // 4, len(data), 40)] ^= random.integers(1, 256, 40, dtype=np.uint8)
        path = tmp_path / f"{trial}.mp4"
        path.write_bytes(data.tobytes())
        try:
            assert fan_out(path, {"a": Reader(View(), wait_for_ever)})["a"] == FRAMES
        except MediaError as error:
            assert path.name in str(error)


def test_a_view_that_cannot_be_is_refused() -> None:
    for wrong in ({"batch": 0}, {"every": 0}, {"size": (0, 4)}, {"colour": "cmyk"}):
        with pytest.raises(ValueError, match="at least 1"):
            View(**wrong)


def test_batches_of_large_frames_are_cut_to_the_memory_bound(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "large.mp4", 0.8, "1920x1080")
    views = {"a": View(), "b": View(colour="gray"), "c": View(size=(1280, 720))}

    def largest(batches: Iterator[FrameBatch]) -> int:
        return max(batch.frames.nbytes for batch in batches)

    found = fan_out(path, {name: Reader(view, largest) for name, view in views.items()})
    assert ARRAYS_IN_FLIGHT * sum(found.values()) <= ARRAYS_BYTES


PEAK = """
import sys, time
from pathlib import Path
from tasks.media.fanout import Reader, View, fan_out
def slow(batches):
    for batch in batches:
        time.sleep(0.002)
def high_water():  # getrusage would count what the parent held before the fork
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
before = high_water()
views = [View(), View(colour="gray"), View(size=(640, 360), colour="rgb", sound=True)]
fan_out(Path(sys.argv[1]), {str(n): Reader(view, slow) for n, view in enumerate(views)})
print(before // 1024, high_water() // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    peaks_mib = []
    for seconds in (4, 16):
        path = make_clip(tmp_path / f"{seconds}.mp4", seconds, "1920x1080")
        done = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True)
        before, peak = map(int, done.stdout.split())
        print(f"{seconds} s of 1080p in three views: {before} MiB at rest, {peak} MiB at most")
        peaks_mib.append(peak)
    assert max(peaks_mib) <= 300 * 1000 * 1000 / 2**20
    assert peaks_mib[1] <= peaks_mib[0] + 24


def test_this_process_opens_no_other_file_through_a_clip(tmp_path: Path, clip: Path) -> None:
    listing = tmp_path / "list.mp4"
    listing.write_text(f"ffconcat version 1.0\nfile '{clip}'\n")
    with pytest.raises(MediaError):
        fan_out(listing, {"a": Reader(View(), wait_for_ever)})
