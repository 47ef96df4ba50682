"""A head that lives: it sways a little, blinks, and opens its mouth as a speech envelope says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import cv2
import numpy as np

from tasks.scenes.drawing import blend
from tasks.scenes.features import EYE_STATES
from tasks.scenes.persona import PERSONAS, Persona
from tasks.scenes.portrait import MOUTH_LEVELS, head
from tasks.scenes.studio import dress

BLINK_MS = (70, 60, 80)
"""How long a blink closes, stays shut and opens."""


@dataclass(frozen=True)
class Figure:
    """One person in a picture.

    Attributes:
        envelope: float32 (milliseconds,), 0–1; opens the mouth; None keeps it shut.
        x, y: where the head's origin rests, px.
        unit_px: half the width of the face, px.
    """

    persona: Persona
    envelope: np.ndarray | None
    x: float
    y: float
    unit_px: int
    seed: int


def draw_figure(picture: np.ndarray, figure: Figure, time_s: float) -> None:
    """Draw the head as it is at `time_s` over `picture` uint8 (H, W, 3) BGR, in place."""
    loud = 0.0 if figure.envelope is None else envelope_at(figure.envelope, time_s)
    mouth = round(min(1.0, loud**0.8) * (MOUTH_LEVELS - 1))
    sprite = head(figure.persona, figure.unit_px, mouth, _eyes_at(figure.seed, time_s))
    dx, dy, degrees, scale = _sway(figure.seed, time_s)
    unit = figure.unit_px
    pivot = (-sprite.left, 1.3 * unit - sprite.top)
    x, y = figure.x + sprite.left + dx * unit, figure.y + sprite.top + dy * unit
    turn = cv2.getRotationMatrix2D(pivot, degrees, scale)
    turn[:, 2] += (x - np.floor(x), y - np.floor(y))
    size = (sprite.colour.shape[1] + 1, sprite.colour.shape[0] + 1)
    colour = cv2.warpAffine(sprite.colour, turn, size, flags=cv2.INTER_LINEAR)
    hole = cv2.warpAffine(sprite.hole, turn, size, flags=cv2.INTER_LINEAR, borderValue=(255, 255, 255))
    blend(picture, int(np.floor(x)), int(np.floor(y)), colour, hole)


def envelope_at(envelope: np.ndarray, time_s: float) -> float:
    """The envelope's value at a time in seconds; silence outside it."""
    slot = round(time_s * 1000)
    return float(envelope[slot]) if 0 <= slot < len(envelope) else 0.0


def talking_face(
    envelope: np.ndarray | None,
    frames: int,
    frame_rate: Fraction,
    size: tuple[int, int] = (640, 360),
    persona: Persona = PERSONAS[0],
    seed: int = 0,
) -> Iterator[np.ndarray]:
    """Frames of one head on a plain ground, its mouth driven by `envelope` (one value per millisecond).

    Yields:
        uint8 (height, width, 3) BGR; frame n shows the time n / frame_rate.
    """
    width, height = size
    ground = np.full((height, width, 3), (110, 86, 62), dtype=np.uint8)
    figure = seated(persona, envelope, size, seed)
    dress(ground, persona, figure.x, figure.y, figure.unit_px)
    for number in range(frames):
        picture = ground.copy()
        draw_figure(picture, figure, float(number / frame_rate))
        yield picture


def seated(
    persona: Persona, envelope: np.ndarray | None, size: tuple[int, int], seed: int, place: float = 0.5
) -> Figure:
    """A person as a newsreader sits: head in the upper middle; `place` is its share of the width."""
    width, height = size
    unit_px = round(height * 0.135)
    return Figure(persona, envelope, width * place, height * 0.43, unit_px, seed)


def _sway(seed: int, time_s: float) -> tuple[float, float, float, float]:
    """Shift in face units, turn in degrees and scale of the head."""
    slow = np.sin(2 * np.pi * np.array([0.21, 0.33, 0.13, 0.47, 0.29, 0.11]) * time_s + _phases(seed))
    return (
        0.040 * slow[0] + 0.018 * slow[3],
        0.022 * slow[1] + 0.012 * slow[4],
        1.6 * slow[2] + 0.6 * slow[4],
        1 + 0.012 * slow[5],
    )


@lru_cache(maxsize=64)
def _phases(seed: int) -> np.ndarray:
    return np.random.default_rng([seed, 5]).uniform(0, 2 * np.pi, 6)


@lru_cache(maxsize=256)
def _blink_start(seed: int, turn: int) -> float:
    return turn * 3.5 + np.random.default_rng([seed, 7, turn]).uniform(0.2, 3.2)


def _eyes_at(seed: int, time_s: float) -> int:
    """State of the eyes: a blink every two to five seconds, placed by the seed."""
    closing, shut, opening = (length / 1000 for length in BLINK_MS)
    since = time_s - _blink_start(seed, int(time_s // 3.5))
    if not 0 <= since < closing + shut + opening:
        return 0
    return EYE_STATES - 1 if closing / 2 <= since < closing + shut + opening / 2 else 1
