"""A human-like head, painted once per expression: skin lit as a relief, hair, eyes, brows, lips.

Everything is placed in face units: 1 is half the width of the face, the origin lies between the eyes' line
and the nose, y points down. The relief is a height field, lit from the upper left, after Horn, "Hill shading
and the reflectance map", Proc. IEEE 69 (1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from tasks.scenes.drawing import Plane, blob, curve, fill, paint_over
from tasks.scenes.features import EYE_X, EYE_Y, draw_eyes, draw_fixed_features, draw_glasses, draw_mouth
from tasks.scenes.hair import back_hair, front_hair, grow_beard, hair_colour
from tasks.scenes.persona import Persona

LEFT, RIGHT, TOP, BOTTOM = -1.55, 1.55, -1.75, 2.05
"""What a head sprite covers, in face units."""

MOUTH_LEVELS = 16
FACE_OUTLINE = (
    (0, -1.40), (0.55, -1.27), (0.90, -0.80), (0.985, -0.2), (0.97, 0.2), (0.90, 0.62), (0.70, 1.02),
    (0.42, 1.28), (0.16, 1.38), (0, 1.39),
)  # fmt: skip


@dataclass(frozen=True)
class Sprite:
    """A head to lay over a picture.

    Attributes:
        colour: uint8 (H, W, 3) BGR, times its coverage.
        hole: uint8 (H, W, 3), 255 minus the coverage.
        left, top: where the sprite's corner lies from the head's origin, px.
    """

    colour: np.ndarray
    hole: np.ndarray
    left: int
    top: int


@lru_cache(maxsize=512)
def head(persona: Persona, unit_px: int, mouth: int, eyes: int) -> Sprite:
    """The head with the mouth open by `mouth` of MOUTH_LEVELS − 1 and `eyes` in one of EYE_STATES."""
    plane = Plane(LEFT, TOP, RIGHT, BOTTOM, unit_px)
    picture, cover = _head_with_mouth(persona, unit_px, mouth)
    picture = picture.copy()
    draw_eyes(picture, plane, persona, eyes)
    if persona.glasses:
        draw_glasses(picture, plane)
    inside = tuple(_extent(cover.max(axis=axis), round(0.08 * unit_px)) for axis in (1, 0))
    picture, cover = picture[inside], cover[inside]
    colour = np.clip(picture * cover[:, :, None], 0, 255).astype(np.uint8)
    hole = np.repeat((255 - cover * 255).astype(np.uint8)[:, :, None], 3, axis=2)
    return Sprite(
        colour, hole, round(LEFT * unit_px) + inside[1].start, round(TOP * unit_px) + inside[0].start
    )


def _extent(cover: np.ndarray, margin_px: int) -> slice:
    """Where anything is covered, with room for the sway to turn the sprite in."""
    covered = np.flatnonzero(cover > 0.002)
    return slice(max(0, int(covered[0]) - margin_px), int(covered[-1]) + 1 + margin_px)


@lru_cache(maxsize=MOUTH_LEVELS)
def _head_with_mouth(persona: Persona, unit_px: int, mouth: int) -> tuple[np.ndarray, np.ndarray]:
    openness = mouth / (MOUTH_LEVELS - 1)
    plane = Plane(LEFT, TOP, RIGHT, BOTTOM, unit_px)
    picture, cover = (_drop_jaw(layer, plane, openness) for layer in _head_at_rest(persona, unit_px))
    draw_mouth(picture, plane, persona, openness)
    return picture, cover


def relief(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height of a face towards the viewer, in face units."""
    height = 0.95 * np.sqrt(np.maximum(1 - np.square(x / 1.06) - np.square(y / 1.55), 0.01))
    height += 0.20 * np.exp(-np.square(x / 0.15)) * np.clip((y + 0.25) / 0.75, 0, 1) * (y < 0.62)
    height += 0.13 * blob(x, y, 0, 0.47, 0.15, 0.13)
    height += 0.04 * blob(x, y, 0, 1.20, 0.25, 0.14) + 0.05 * blob(x, y, 0, 0.92, 0.42, 0.22)
    for side in (-1, 1):
        height += 0.07 * blob(x, y, side * 0.165, 0.52, 0.09, 0.08)
        height += -0.13 * blob(x, y, side * EYE_X, EYE_Y - 0.02, 0.27, 0.17)
        height += 0.05 * blob(x, y, side * 0.42, -0.40, 0.32, 0.10)
        height += 0.07 * blob(x, y, side * 0.56, 0.30, 0.25, 0.22)
    return height


@lru_cache(maxsize=16)
def _head_at_rest(persona: Persona, unit_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Picture float32 (H, W, 3) without eyes and mouth, and its coverage float32 (H, W), 0–1."""
    plane = Plane(LEFT, TOP, RIGHT, BOTTOM, unit_px)
    x, y = plane.grid()
    picture = np.zeros((*x.shape, 3), dtype=np.float32)
    cover = np.zeros(x.shape, dtype=np.float32)
    hair = hair_colour(x, y, persona)
    if persona.style in ("long", "bob"):
        _lay(picture, cover, back_hair(plane, persona), hair * 0.62)
    skin = _skin(x, y, persona, unit_px)
    for side in (-1, 1):
        ear = curve(
            [
                (side * 0.96, -0.22),
                (side * 1.10, -0.20),
                (side * 1.11, 0.05),
                (side * 1.00, 0.34),
                (side * 0.9, 0.3),
            ]
        )
        _lay(picture, cover, fill(plane, ear, 0.02), skin * (0.86 if side < 0 else 0.74))
    outline = [*FACE_OUTLINE, *((-px, py) for px, py in FACE_OUTLINE[-2:0:-1])]
    face = fill(plane, curve(outline), 0.012)
    _lay(picture, cover, face, skin)
    if persona.beard:
        grow_beard(picture, plane, face, hair)
    draw_fixed_features(picture, plane, persona)
    _lay(picture, cover, front_hair(plane, persona), hair)
    return picture, cover


def _lay(picture: np.ndarray, cover: np.ndarray, mask: np.ndarray, colour: np.ndarray) -> None:
    paint_over(picture, mask, colour)
    np.maximum(cover, mask, out=cover)


def _skin(x: np.ndarray, y: np.ndarray, persona: Persona, unit_px: int) -> np.ndarray:
    """Lit skin, float32 (H, W, 3): red falls off more slowly than blue, as light scatters under skin."""
    slope_y, slope_x = np.gradient(cv2.GaussianBlur(relief(x, y).astype(np.float32), (0, 0), 0.02 * unit_px))
    normal = np.stack([-slope_x * unit_px, -slope_y * unit_px, np.ones_like(slope_x)])
    normal /= np.linalg.norm(normal, axis=0)
    light = np.array([-0.33, -0.42, 0.845], dtype=np.float32)
    lambert = np.clip(np.tensordot(light, normal, axes=1), 0, 1)
    shade = 0.50 + 0.56 * lambert
    shine = 22 * np.power(np.clip(lambert, 0, 1), 22)
    flush = 0.05 * sum(blob(x, y, side * 0.55, 0.36, 0.28, 0.2) for side in (-1, 1)) + 0.03 * blob(
        x, y, 0, 0.48, 0.2, 0.15
    )
    tint = np.stack([shade**1.18 * (1 - flush), shade**1.06 * (1 - flush), shade**0.86], axis=2)
    return np.minimum(np.array(persona.skin, dtype=np.float32) * tint + shine[:, :, None], 255).astype(
        np.float32
    )


def _drop_jaw(layer: np.ndarray, plane: Plane, openness: float) -> np.ndarray:
    """The chin moves down with the mouth: everything below the lips is stretched."""
    x, y = plane.grid()
    jaw = (
        np.clip((y - 0.70) / 0.55, 0, 1)
        * np.clip((1.75 - y) / 0.3, 0, 1)
        * np.clip((1.05 - np.abs(x)) / 0.2, 0, 1)
    )
    rows = np.arange(x.shape[0], dtype=np.float32)[:, None] - (0.15 * openness * plane.unit_px) * jaw
    columns = np.broadcast_to(np.arange(x.shape[1], dtype=np.float32), x.shape)
    return cv2.remap(layer, np.ascontiguousarray(columns), rows.astype(np.float32), cv2.INTER_LINEAR)
