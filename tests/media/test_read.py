"""Readers of clips, and the process behind them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from schemas.errors import MediaError
from tasks.media import NormalizedClip, read_frames, read_waveform
from tasks.media.process import WatchedProcess
from tests.media.making import Recording, beep_times, events_between, record, steady
from tests.media.test_contract import normalized


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> NormalizedClip:
    folder = tmp_path_factory.mktemp("read")
    recording = Recording(
        "source.mkv", steady(25, 0, 4), [(0, 4)], events_between(0, 4), audio_codec="pcm_s16le"
    )
    return normalized(record(recording, folder), folder / "clips").clips[0]


def test_waveform_at_its_own_rate(clip: NormalizedClip) -> None:
    samples = read_waveform(clip.path)
    assert (samples.dtype, samples.shape) == (np.float32, (clip.samples,))
    found = beep_times(samples, 16_000)
    assert [float(beep) for beep in found] == pytest.approx(list(map(float, events_between(0, 4))), abs=0.002)


def test_waveform_at_another_rate(clip: NormalizedClip) -> None:
    samples = read_waveform(clip.path, 32_000)
    assert len(samples) == 2 * clip.samples
    found = beep_times(samples, 32_000)
    assert [float(beep) for beep in found] == pytest.approx(list(map(float, events_between(0, 4))), abs=0.002)


@pytest.mark.parametrize(
    ("colour", "shape"), [("rgb", (64, 96, 3)), ("bgr", (64, 96, 3)), ("gray", (64, 96))]
)
def test_frames_in_batches(clip: NormalizedClip, colour: str, shape: tuple) -> None:
    batches = list(read_frames(clip.path, batch=32, colour=colour))
    assert [len(batch.frames) for batch in batches] == [32, 32, 32, 4]
    assert [batch.start_frame for batch in batches] == [0, 32, 64, 96]
    assert batches[0].frames.shape[1:] == shape
    times_ms = np.concatenate([batch.times_ms for batch in batches])
    assert times_ms.dtype == np.int64
    assert times_ms.tolist() == list(range(0, 4000, 40))
    levels = np.concatenate([batch.frames.reshape(len(batch.frames), -1).mean(axis=1) for batch in batches])
    lit = [
        n
        for n in range(100)
        if any(event <= n / 25 < event + 0.2 for event in map(float, events_between(0, 4)))
    ]
    assert np.flatnonzero(levels > 240).tolist() == lit
    assert levels[0] < 8


def test_frames_scaled(clip: NormalizedClip) -> None:
    [batch] = read_frames(clip.path, size=(48, 30), batch=200)
    assert batch.frames.shape == (100, 30, 48, 3)


def test_stopping_early_leaves_no_process(clip: NormalizedClip) -> None:
    before = set(psutil.Process().children(recursive=True))
    for batch in read_frames(clip.path, size=(640, 640), batch=2):
        assert batch.start_frame == 0
        break
    assert set(psutil.Process().children(recursive=True)) <= before
    frames = read_frames(clip.path, size=(640, 640), batch=2)
    next(frames)
    frames.close()
    assert set(psutil.Process().children(recursive=True)) <= before


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no media")
    with pytest.raises(MediaError, match=r"text\.mp4"):
        read_waveform(tmp_path / "text.mp4")
    with pytest.raises(MediaError, match=r"text\.mp4"):
        list(read_frames(tmp_path / "text.mp4"))
    with pytest.raises(MediaError, match=r"gone\.mp4"):
        read_waveform(tmp_path / "gone.mp4")


def test_a_decoder_that_hangs_is_stopped_with_its_children() -> None:
    started = time.monotonic()
    with WatchedProcess(["sh", "-c", "sleep 60 & wait"], "hanging", stall_s=0.5) as hanging:
        group = [psutil.Process(hanging.pid), *psutil.Process(hanging.pid).children(recursive=True)]
        assert hanging.read(1) == b""
        with pytest.raises(MediaError, match=r"nothing for 0\.5 s"):
            hanging.finish()
    assert time.monotonic() - started < 30
    _, alive = psutil.wait_procs(group, timeout=5)
    assert not alive


def test_a_failing_decoder_says_why() -> None:
    with WatchedProcess(["sh", "-c", "echo the disk is on fire >&2; exit 3"], "failing") as failing:
        assert failing.read(1) == b""
        with pytest.raises(MediaError, match="status 3: the disk is on fire"):
            failing.finish()
