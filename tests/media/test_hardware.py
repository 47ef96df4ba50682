"""The graphics card is believed only after a trial, and every way in which a trial can fail has its reason."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import MediaError, ToolMissing
from tasks.media import hardware, trials
from tasks.media.hardware import Capability

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow")
X264 = {
    "crf": "18",
    "preset": "veryfast",
    "profile": "high",
    "x264-params": "keyint=50:min-keyint=50:scenecut=0:open-gop=0",
}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Every test looks anew, and leaves nothing behind for others."""
    cached = (
        hardware.graphics_cards, hardware.signs_of_a_device, hardware.decoders, hardware.video_encoding
    )  # fmt: skip
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


@pytest.fixture
def fake_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An nvidia-smi that lists an H100, where CUDA cannot be loaded or is told to see no device."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H100 80GB HBM3, 570.86.15'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")


@pytest.fixture
def no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "signs_of_a_device", lambda: ())


def pretend(monkeypatch: pytest.MonkeyPatch, usable: bool, detail: str = "seen") -> None:
    """As if the trials had ended so."""
    found = {codec: Capability(f"NVDEC {codec}", usable, detail) for codec in ("h264", "hevc", "vp9")}
    monkeypatch.setattr(hardware, "decoders", lambda: found)
    monkeypatch.setattr(hardware, "video_encoding", lambda: Capability("NVENC", usable, detail))


def test_without_a_device_nothing_is_started_and_the_reason_says_what_was_looked_for(
    no_card: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*arguments: object, **options: object) -> None:
        raise RuntimeError("a child was started")

    monkeypatch.setattr(hardware.subprocess, "Popen", start)
    for found in (hardware.video_decoding(), hardware.video_encoding()):
        assert not found.usable
        assert found.detail.startswith("no NVIDIA device: no /dev/nvidia*")
    assert hardware.decoding_device("auto") is None
    assert hardware.encoder_name("auto") == "libx264"


def test_what_this_machine_says_agrees_with_what_is_chosen() -> None:
    decoding, encoding = hardware.video_decoding(), hardware.video_encoding()
    assert decoding.detail and encoding.detail
    if not hardware.signs_of_a_device():
        assert not decoding.usable and not encoding.usable
    assert (hardware.decoding_device("auto") is not None) == decoding.usable
    assert hardware.encoder_name("auto") == ("h264_nvenc" if encoding.usable else "libx264")


def test_a_listed_card_whose_driver_does_not_load_is_not_used_and_its_words_are_told(fake_card: None) -> None:
    assert hardware.graphics_cards() == (hardware.GraphicsCard("NVIDIA H100 80GB HBM3", "570.86.15"),)
    decoding, encoding = hardware.video_decoding(), hardware.video_encoding()
    for found in (decoding, encoding):
        assert not found.usable and "cuda" in found.detail.lower() and "its trial" not in found.detail
    assert hardware.decoding_device("auto") is None
    with pytest.raises(ToolMissing, match=re.escape(decoding.detail)):
        hardware.decoding_device("nvdec")


@pytest.mark.parametrize(
    ("script", "cards"),
    [
        ("echo 'A, B, 1.2'; echo 'C, 3'", [("A, B", "1.2"), ("C", "3")]),
        ("echo 'NVIDIA-SMI has failed: driver, not loaded'; exit 9", []),
        ("echo 'No devices were found'", []),
        ("exec sleep 60", []),
    ],
)
def test_cards_are_what_nvidia_smi_lists(
    script: str, cards: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_LIST_SECONDS", 0.5)
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert [(card.name, card.driver) for card in hardware.graphics_cards()] == cards
    assert str(program) in hardware.signs_of_a_device()


@pytest.mark.parametrize("wanted", ["nvdec", "nvenc"])
def test_insisting_on_what_is_not_usable_is_an_error_with_a_way_out(
    wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, usable=False, detail="the driver is too old")
    with pytest.raises(ToolMissing, match="the driver is too old") as caught:
        hardware.decoding_device("nvdec") if wanted == "nvdec" else hardware.encoder_name("nvenc")
    assert "auto" in caught.value.action or "x264" in caught.value.action


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [("mpeg2video", "yuv420p"), ("av1", "yuv420p"), ("hevc", "yuv420p10le"), ("h264", "yuvj420p")],
)
def test_a_usable_card_is_not_given_what_was_not_tried(
    codec: str, pixel_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, usable=True)
    assert hardware.decoding_device("auto", codec, pixel_format) is None
    with pytest.raises(ToolMissing, match="tried"):
        hardware.decoding_device("nvdec", codec, pixel_format)


def test_a_usable_card_decodes_by_default_and_encodes_only_when_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pretend(monkeypatch, usable=True)
    assert hardware.decoding_device("auto", "hevc").allow_software_fallback
    assert not hardware.decoding_device("nvdec").allow_software_fallback
    assert hardware.decoding_device("cpu") is None
    assert [hardware.encoder_name(name) for name in ("x264", "auto", "nvenc")] == [
        "libx264", "h264_nvenc", "h264_nvenc",
    ]  # fmt: skip


def test_one_line_for_decoding_names_the_codecs_that_are_left_to_the_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {
        "h264": Capability("NVDEC h264", True, "seen"),
        "hevc": Capability("NVDEC hevc", True, "seen"),
        "vp9": Capability("NVDEC vp9", False, "no such unit"),
    }
    monkeypatch.setattr(hardware, "decoders", lambda: found)
    line = hardware.video_decoding()
    assert line.usable
    assert "decodes h264, hevc to the same bytes" in line.detail and "vp9: no such unit" in line.detail


ANSWER = json.dumps([{"name": "NVENC", "usable": True, "detail": "seen"}])


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os; os.kill(os.getpid(), 11)", "crashed (Segmentation fault)"),
        (f"import os; print('''{ANSWER}''', flush=True); os.abort()", "crashed (Aborted)"),
        ("raise SystemExit('out of memory')", "ended with status 1: out of memory"),
        ("pass", "gave no readable answer"),
        ("print('driver says hello')", "gave no readable answer"),
        ("print('[1]')", "gave no readable answer"),
        ("print('[]')", "gave no readable answer"),
    ],
)
def test_a_child_that_fails_makes_the_card_unusable(program: str, reason: str) -> None:
    [found] = hardware.run_trial("encoding", ["NVENC"], [sys.executable, "-c", program])
    assert not found.usable and reason in found.detail


def test_noise_before_the_answer_does_no_harm() -> None:
    program = f"print('driver says hello'); print('''{ANSWER}''')"
    assert hardware.run_trial("encoding", ["NVENC"], [sys.executable, "-c", program]) == [
        Capability("NVENC", True, "seen")
    ]


def test_a_child_that_hangs_is_stopped() -> None:
    began = time.monotonic()
    command = [sys.executable, "-c", f"print('''{ANSWER}''', flush=True); import time; time.sleep(60)"]
    [found] = hardware.run_trial("encoding", ["NVENC"], command, limit_s=0.5)
    assert found == Capability("NVENC", False, "its trial did not end within 0.5 s")
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("codec", ["h264", "hevc", "vp9"])
def test_the_decoding_trial_passes_where_two_decoders_agree(codec: str) -> None:
    found = trials.outcome(codec, lambda: trials.try_decoding(codec, None))
    assert found.usable and found.detail.startswith("50 pictures")


def test_the_decoding_trial_notices_one_wrong_sample_and_a_missing_picture() -> None:
    right = [np.full((270, 320), level, np.uint8) for level in (10, 20, 30)]
    wrong = [picture.copy() for picture in right]
    wrong[1][269, 319] += 2
    with pytest.raises(MediaError, match="differently from the processor: picture 1 by up to 2 of 255"):
        trials.same_pictures(right, wrong)
    with pytest.raises(MediaError, match="3 pictures went in and 2 came out"):
        trials.same_pictures(right, right[:2])
    trials.same_pictures(right, [picture.copy() for picture in right])


def test_the_planes_of_nv12_are_those_of_yuv420p() -> None:
    planes = np.random.default_rng(2).integers(0, 256, (270, 320), dtype=np.uint8)
    both = planes.copy()
    both[180:] = np.stack([planes[180:225].reshape(-1), planes[225:].reshape(-1)], axis=1).reshape(90, 320)
    for form, data in (("yuv420p", planes), ("nv12", both)):
        frame = av.VideoFrame.from_ndarray(data, format=form)
        assert np.array_equal(trials._planes(frame), planes)


def test_the_encoding_trial_passes_what_clips_are_encoded_with() -> None:
    found = trials.outcome("x264", lambda: trials.try_encoding("libx264", X264))
    assert found.usable, found.detail
    assert found.detail.startswith("111 pictures came back in time")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"profile": "main"}, "the profile is Main, not High"),
        ({"x264-params": "keyint=20:min-keyint=20:scenecut=0"}, "key frames are at [0, 20, 40"),
        ({"crf": "51"}, "came back with a PSNR of"),
    ],
)
def test_the_encoding_trial_finds_broken_promises(change: dict[str, str], reason: str) -> None:
    found = trials.outcome("x264", lambda: trials.try_encoding("libx264", {**X264, **change}))
    assert not found.usable and reason in found.detail


@given(st.integers(0, 51), st.integers(0, 51), st.sampled_from(PRESETS))
def test_a_higher_crf_never_asks_for_more_quality(one: int, other: int, preset: str) -> None:
    low, high = (int(trials.nvenc_options(crf, preset)["cq"]) for crf in sorted((one, other)))
    assert 1 <= low <= high <= 51


@given(st.integers(0, 51), st.sampled_from(PRESETS))
def test_nvenc_keeps_what_the_contract_asks_for(crf: int, preset: str) -> None:
    options = trials.nvenc_options(crf, preset)
    assert (options["profile"], options["g"], options["b"]) == ("high", "50", "0")
    assert options["preset"] == f"p{PRESETS.index(preset) + 1}"
    assert all(isinstance(value, str) for value in options.values())


@pytest.mark.parametrize(("crf", "preset"), [(-1, "fast"), (52, "fast"), (18, "placebo")])
def test_impossible_settings_are_refused(crf: int, preset: str) -> None:
    with pytest.raises(ValueError, match="CRF must be 0 to 51"):
        trials.nvenc_options(crf, preset)
