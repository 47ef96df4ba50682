"""The whole broadcast, rendered once: durations, faces, speech, and what rendering costs."""

from __future__ import annotations

import json
import resource
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.scenes import broadcast, render, truth
from tests.scenes.reading import pictures, sound
from tests.scenes.silero import inside, speech_probability

pytestmark = pytest.mark.slow

SOURCES = broadcast()
BUDGET_CPU_S = 60.0
CROWDED = 2.0
"""How much slower a core shared with other work may be."""


def spent_s() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> tuple[dict[str, Path], float]:
    folder, before = tmp_path_factory.mktemp("broadcast"), spent_s()
    paths = {source.name: render(source, folder) for source in SOURCES}
    return paths, spent_s() - before


def test_rendering_all_six_stays_within_its_budget(rendered):
    assert rendered[1] < BUDGET_CPU_S * CROWDED


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_the_file_is_what_the_source_promises(rendered, source):
    path = rendered[0][source.name]
    fields = "stream=codec_type,r_frame_rate,sample_rate,width,height:format=duration"
    command = ["ffprobe", "-v", "error", "-show_entries", fields, "-of", "json", str(path)]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    picture, heard = (
        next(s for s in told["streams"] if s["codec_type"] == kind) for kind in ("video", "audio")
    )
    assert picture["r_frame_rate"] == f"{source.frame_rate.numerator}/{source.frame_rate.denominator}"
    assert (picture["width"], picture["height"]) == (source.width, source.height)
    assert int(heard["sample_rate"]) == source.sample_rate
    assert abs(float(told["format"]["duration"]) - source.duration_ms / 1000) <= 1 / source.frame_rate


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_speech_detector_agrees_with_the_truth(rendered, source):
    waveform, _ = sound(rendered[0][source.name], 16_000)
    heard = speech_probability(waveform) > 0.5
    told = truth(source)
    phrases = inside(len(heard), [(span.start_ms, span.end_ms) for span in told.speech])
    talk = [(span.start_ms, span.end_ms) for span in told.sounds if "Speech" in span.names]
    assert heard[phrases].mean() >= 0.85
    assert heard[~inside(len(heard), talk)].mean() < 0.05


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_the_haar_cascade_finds_the_people_and_hardly_anyone_else(rendered, source):
    cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"))
    with_people, without = [], []
    kinds = truth(source).scenes
    for number, (time_s, picture) in enumerate(pictures(rendered[0][source.name], 0, 90, "gray")):
        if number % 24:
            continue
        scale = 256 / picture.shape[0]
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        faces = len(cascade.detectMultiScale(small, 1.1, 5, minSize=(24, 24)))
        kind = next(s.names[0] for s in reversed(kinds) if s.start_ms <= time_s * 1000 + 4)
        people = {"talking_head": 1, "listening": 1, "dubbed": 1, "interview": 2}.get(kind, 0)
        (with_people if people else without).append(faces >= people if people else faces > 0)
    assert np.mean(with_people) >= 0.9
    assert np.mean(without) < 0.05


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_impacts_sound_at_their_times(rendered, source):
    waveform, rate = sound(rendered[0][source.name])
    for event in truth(source).events:
        near = np.abs(waveform[(event.time_ms - 60) * rate // 1000 : (event.time_ms + 60) * rate // 1000])
        onset_ms = event.time_ms - 60 + 1000 * np.flatnonzero(near > 0.3)[0] / rate
        assert onset_ms == pytest.approx(event.time_ms, abs=2)


def test_silent_scenes_are_digitally_silent(rendered):
    for source in SOURCES:
        waveform, rate = sound(rendered[0][source.name])
        for scene in truth(source).scenes:
            if scene.names == ("silence",):
                # AAC spreads the last sound before the cut over two of its packets.
                quiet = waveform[(scene.start_ms + 60) * rate // 1000 : (scene.end_ms - 60) * rate // 1000]
                assert np.abs(quiet).max() < 1e-4
