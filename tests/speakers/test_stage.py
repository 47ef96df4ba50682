"""The stage `speakers`: a rendered head that talks, and real people whose sound is shifted by known amounts."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RecipeError
from schemas.recipe import Recipe
from tasks.faces.detectors import open_detector
from tasks.faces.tracks import TrackRules, detect_in, link
from tasks.media import read_frames, read_waveform
from tasks.media.frames import View, decoded_batches
from tasks.scenes import speech, talking_face
from tasks.scenes.encode import encode
from tasks.speakers.calibration import calibration
from tasks.speakers.crops import FaceTrack
from tasks.speakers.scorers import open_scorer
from tasks.speakers.stage import STAGE
from tasks.speakers.windows import evidence_of_clip, scored, spoken_frames
from tasks.workspace.stage import Context, Item

EMBEDDED = Recipe(name="test", title="Test", profile="embedded")
FRAMES = 150


def item(path, tracks, spoken=((0, 6000),), frames: int = FRAMES) -> Item:
    records = {
        "speech": [{"start_ms": start, "end_ms": end, "score": 0.9} for start, end in spoken],
        "faces": [
            {"track": n, "start_frame": start, "boxes": boxes} for n, (start, boxes) in enumerate(tracks)
        ],
    }
    return Item("v_0_6000", "v", {"path": str(path), "frames": frames, "duration_ms": 40 * frames}, records)


def no_weights(name):
    raise AssertionError(f"the embedded scorer asked for weights of {name}")


@pytest.fixture(scope="module")
def talker(tmp_path_factory):
    """A clip of a rendered head that says what is heard, and its boxes."""
    path = tmp_path_factory.mktemp("talker") / "clip.mp4"
    waveform, envelope = speech(6.0, seed=1, sample_rate=16_000)
    size = (456, 256)
    encode(path, talking_face(envelope, FRAMES, Fraction(25), size), waveform, size, Fraction(25), 16_000)
    first = next(read_frames(path, batch=1, colour="bgr"))
    boxes = detect_in([first], open_detector("haar", no_weights, 0.5))[0]
    return path, boxes[0, :4].astype(float).tolist()


def test_a_rendered_head_that_speaks_is_found_out_and_in_sync(talker, tmp_path):
    path, box = talker
    worker = STAGE.open(Context(EMBEDDED, tmp_path, no_weights))
    rows = worker(item(path, [(0, [box] * FRAMES)])).rows
    table = pa.Table.from_pylist(rows, schema=STAGE.schema)
    assert table["start_ms"].to_pylist() == [0, 1000, 2000, 3000]
    assert np.mean(table["probability"]) > 0.5
    assert abs(np.median(table["offset_ms"])) <= 80
    assert table["score"].null_count == table["unjudged"].null_count == 4
    assert table["frame_scores"].to_pylist() == [[]] * 4


@pytest.mark.parametrize("early_frames", [-12, 9])
def test_a_rendered_heads_offset_is_measured_with_its_sign(talker, early_frames):
    path, box = talker
    waveform = np.roll(read_waveform(path), -early_frames * 640)
    (window,) = windows_of_one_track("mouth-motion", no_weights, path, [box] * FRAMES, waveform)
    # A real mouth opens before it is heard, and the scorer allows for it; this one moves with the sound.
    measured_ms = window.offset_ms + 40 * calibration("mouth-motion").lag_frames
    assert abs(measured_ms - 40 * early_frames) <= 80
    assert window.probability < 0.5


def windows_of_one_track(name, weights, path, boxes, waveform):
    """One window over the whole track."""
    frames = [(batch.start_frame, batch.frames) for batch in read_frames(path, colour="gray")]
    track = FaceTrack(0, 0, np.array(boxes, float))
    spoken = np.ones(len(boxes), bool)
    scorer = open_scorer(name, weights, 25)
    found = evidence_of_clip(frames, waveform, [track], spoken, scorer, 40 * len(boxes), 1000)
    return [scored(*one, calibration(name)) for one in found]


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000))
def test_boxes_that_jitter_by_a_pixel_change_no_verdict(talker, seed):
    """Of the same sound, in time and late, whatever the boxes do."""
    path, box = talker
    random = np.random.default_rng(seed)
    jittery = (np.array(box) + random.integers(-1, 2, (FRAMES, 2))[:, [0, 1, 0, 1]]).tolist()
    waveform = read_waveform(path)
    for moved, right in ((waveform, True), (np.roll(waveform, 15 * 640), False)):
        (steady,), (shaken,) = (
            windows_of_one_track("mouth-motion", no_weights, path, boxes, moved)
            for boxes in ([box] * FRAMES, jittery)
        )
        assert (steady.probability > 0.5) == (shaken.probability > 0.5) == right
        assert abs(steady.offset_ms - shaken.offset_ms) <= 80


def test_windows_without_speech_are_not_scored(talker, tmp_path):
    path, box = talker
    worker = STAGE.open(Context(EMBEDDED, tmp_path, no_weights))
    rows = worker(item(path, [(0, [box] * FRAMES)], spoken=[(0, 500)])).rows
    assert rows == []
    rows = worker(item(path, [(0, [box] * FRAMES)], spoken=[(0, 700)])).rows
    assert [(row["start_ms"], row["end_ms"]) for row in rows] == [(0, 3000)]


def test_the_same_clip_gives_the_same_rows(talker, tmp_path):
    path, box = talker
    worker = STAGE.open(Context(EMBEDDED, tmp_path, no_weights))
    one = item(path, [(0, [box] * 60), (50, [box] * 100)])
    assert worker(one).rows == worker(one).rows


def test_without_faces_or_speech_nothing_is_decoded(tmp_path):
    worker = STAGE.open(Context(EMBEDDED, tmp_path, no_weights))
    missing = tmp_path / "missing.mp4"
    assert worker(item(missing, [])).rows == []
    assert worker(item(missing, [(0, [[0, 0, 50, 50]] * 50)], spoken=())).rows == []


def test_an_unknown_scorer_names_those_that_exist(tmp_path):
    recipe = Recipe(name="test", title="Test", speakers={"model": "oracle"})
    with pytest.raises(RecipeError, match="lr-asd, light-asd"):
        STAGE.open(Context(recipe, tmp_path, no_weights))


def test_frames_count_as_spoken_by_their_middle():
    np.testing.assert_array_equal(spoken_frames([(20, 60), (100, 120)], 4), [True, False, True, False])


@pytest.mark.slow
def test_real_sound_shifted_by_known_amounts_is_measured_with_its_sign(shared_data):
    """A positive shift makes the sound come earlier, and the offset must say so."""
    pytest.importorskip("torch", reason="LR-ASD needs the extra 'light' (torch)")
    path = shared_data / "asd_minis/hdtf_katiehill__orig.mp4"
    yunet = open_detector("yunet", lambda name: shared_data / "weights/face_detection_yunet_2026may.onnx")
    every_fourth = (batch for _, batch in decoded_batches(path, [View(every=4)]))
    (track,) = link(detect_in(every_fourth, yunet), [(0, 200)], TrackRules(every=4))
    waveform, weights = read_waveform(path), shared_data / "weights/lrasd_pretrain_AVA.model"
    found = {}
    for early_frames in (-10, 0, 10):
        moved = earlier(waveform, early_frames)
        (found[early_frames],) = windows_of_one_track("lr-asd", lambda _: weights, path, track.boxes, moved)
    for early_frames, window in found.items():
        assert abs(window.offset_ms - 40 * early_frames) <= 80
        assert window.confidence > 0.2
        assert window.judged and len(window.frame_scores) == 200
    assert found[0].probability > max(found[-10].probability, found[10].probability)


def earlier(waveform: np.ndarray, frames: int) -> np.ndarray:
    """The same sound, so many frames earlier (later if negative), with silence where there is none."""
    moved = np.roll(waveform, -640 * frames)
    gone = slice(len(moved) - 640 * frames, None) if frames > 0 else slice(0, -640 * frames)
    moved[gone] = 0
    return moved
