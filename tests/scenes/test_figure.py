"""People in the picture: a face detector finds them, and their mouths do what the scene says."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.scenes import speech, talking_face
from tasks.scenes.figure import seated
from tasks.scenes.perform import perform
from tasks.scenes.persona import PERSONAS
from tasks.scenes.programme import NEWS
from tasks.scenes.scene import Scene

SIZE = (640, 360)


@pytest.fixture(scope="module")
def cascade():
    path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
    return cv2.CascadeClassifier(str(path))


def found(cascade, picture: np.ndarray, x: float, y: float) -> bool:
    """Whether the cascade sees a face around (x, y), in px of `picture`, at a short side of 256 px."""
    scale = 256 / picture.shape[0]
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    boxes = cascade.detectMultiScale(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), 1.1, 5, minSize=(24, 24))
    return any(left < x * scale < left + w and top < y * scale < top + h for left, top, w, h in boxes)


@pytest.mark.parametrize(
    ("person", "place"),
    [(0, "studio"), (1, "stadium"), (2, "street"), (3, "studio"), (4, "stadium"), (1, "street")],
)
def test_the_haar_cascade_finds_every_person_on_every_kind_of_set(cascade, person, place):
    _, paint = perform(
        Scene("talking_head", 8000, person + 7, (person,), (person,), place), NEWS, SIZE, 16_000
    )
    rest = seated(PERSONAS[person], None, SIZE, 0)
    hits = [found(cascade, paint(time_s), rest.x, rest.y) for time_s in np.arange(0, 8, 0.4)]
    assert np.mean(hits) >= 0.9


def opening(picture: np.ndarray, unit_px: int, x: float, y: float) -> float:
    """How much of the mouth's place is dark."""
    top, left = round(y + 0.72 * unit_px), round(x - 0.4 * unit_px)
    mouth = picture[top : round(y + 1.3 * unit_px), left : round(x + 0.4 * unit_px)]
    return float((mouth.max(axis=2) < 100).mean())


def agreement(kind: str, seed: int) -> float:
    """Correlation of a scene's mouth opening with its loudness, over 25 frames a second."""
    sound, paint = perform(Scene(kind, 12_000, seed, (1,), (0,)), NEWS, SIZE, 16_000)
    figure = seated(PERSONAS[1], None, SIZE, 0)
    mouth = [opening(paint(n / 25), figure.unit_px, figure.x, figure.y) for n in range(300)]
    level = np.sqrt(np.square(sound.reshape(300, 640)).mean(axis=1))
    return 0.0 if np.std(mouth) == 0 else float(np.corrcoef(mouth, level)[0, 1])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_mouth_follows_the_voice_of_a_talking_head_only(seed):
    assert agreement("talking_head", seed) > 0.75
    assert abs(agreement("dubbed", seed)) < 0.35
    assert abs(agreement("listening", seed)) < 0.35


def test_a_listening_mouth_stays_shut():
    _, paint = perform(Scene("listening", 4000, 5, (3,), (0,)), NEWS, SIZE, 16_000)
    figure = seated(PERSONAS[3], None, SIZE, 0)
    shut = [opening(paint(n / 10), figure.unit_px, figure.x, figure.y) for n in range(40)]
    _, paint = perform(Scene("talking_head", 4000, 5, (3,), (0,)), NEWS, SIZE, 16_000)
    speaking = [opening(paint(n / 10), figure.unit_px, figure.x, figure.y) for n in range(40)]
    assert np.ptp(shut) < 0.05
    assert np.ptp(speaking) > 0.15


def test_talking_face_gives_frames_that_move_and_repeat_for_a_seed():
    _, envelope = speech(1.0, 4, 16_000)
    one, two = (list(talking_face(envelope, 12, Fraction(12), (320, 240), seed=9)) for _ in range(2))
    assert [frame.shape for frame in one] == [(240, 320, 3)] * 12
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert any(not np.array_equal(a, b) for a, b in itertools.pairwise(one))


def test_people_blink():
    _, paint = perform(Scene("listening", 8000, 2, (0,), (1,)), NEWS, SIZE, 16_000)
    figure = seated(PERSONAS[0], None, SIZE, 0)
    rows = slice(round(figure.y - 0.25 * figure.unit_px), round(figure.y + 0.15 * figure.unit_px))
    left = round(figure.x - 0.65 * figure.unit_px)
    white = [
        (paint(n / 50)[rows, left : left + round(0.5 * figure.unit_px)].min(axis=2) > 200).mean()
        for n in range(400)
    ]
    assert min(white) < 0.3 * np.median(white)
