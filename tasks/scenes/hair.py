"""Hair and beard of a head, in face units (see `portrait`)."""

from __future__ import annotations

import numpy as np

from tasks.scenes.drawing import Plane, curve, fill, paint_over
from tasks.scenes.persona import Persona


def hair_colour(x: np.ndarray, y: np.ndarray, persona: Persona) -> np.ndarray:
    """Strands fan out from the crown; a band of sheen lies across them."""
    rng = np.random.default_rng(17)
    angle = np.arctan2(y + 0.9, x - 0.12) / np.pi
    radius = np.hypot(x - 0.12, y + 0.9)
    strands = np.interp(
        (angle + 1) * 0.5 * 420 + 1.2 * np.sin(radius * 3), np.arange(421), rng.normal(0, 1, 421)
    )
    sheen = 0.34 * np.exp(-np.square((radius - 0.62) / 0.17)) * (y < 0) + 0.10 * np.exp(
        -np.square((x + 0.9) / 0.2)
    )
    base = np.array(persona.hair, dtype=np.float32)
    shine = 0.78 + 0.13 * strands[:, :, None] + sheen[:, :, None]
    return (base * shine + 40 * sheen[:, :, None]).clip(0, 255).astype(np.float32)


def front_hair(plane: Plane, persona: Persona) -> np.ndarray:
    if persona.style == "cropped":
        outer = [
            (-1.0, -0.42),
            (-1.02, -0.9),
            (-0.72, -1.34),
            (0, -1.52),
            (0.72, -1.34),
            (1.02, -0.9),
            (1.0, -0.42),
        ]
        inner = [
            (0.93, -0.62),
            (0.80, -0.98),
            (0.42, -1.12),
            (0, -1.13),
            (-0.42, -1.12),
            (-0.80, -0.98),
            (-0.93, -0.62),
        ]
        return fill(plane, curve([*outer, *inner]), 0.035)
    if persona.style == "short":
        outer = [
            (-1.0, -0.12),
            (-1.07, -0.7),
            (-0.86, -1.36),
            (-0.2, -1.64),
            (0.5, -1.58),
            (0.98, -1.16),
            (1.06, -0.6),
            (1.0, -0.12),
        ]
        inner = [
            (0.93, -0.36),
            (0.92, -0.66),
            (0.78, -0.92),
            (0.30, -0.98),
            (-0.25, -1.10),
            (-0.62, -0.92),
            (-0.90, -0.62),
            (-0.93, -0.36),
        ]
        return fill(plane, curve([*outer, *inner]), 0.02)
    fall = 1.55 if persona.style == "long" else 0.75
    outer = [
        (-1.14, fall),
        (-1.24, 0.3),
        (-1.17, -0.7),
        (-0.84, -1.40),
        (0.05, -1.66),
        (0.84, -1.40),
        (1.17, -0.7),
        (1.24, 0.3),
        (1.14, fall),
    ]
    inner = [
        (0.93, fall - 0.25),
        (0.98, 0.35),
        (0.93, -0.35),
        (0.74, -0.80),
        (0.32, -1.18),
        (-0.1, -1.05),
        (-0.6, -0.80),
        (-0.90, -0.40),
        (-0.98, 0.35),
        (-0.93, fall - 0.25),
    ]
    return fill(plane, curve([*outer, *inner]), 0.02)


def back_hair(plane: Plane, persona: Persona) -> np.ndarray:
    fall = 1.75 if persona.style == "long" else 0.95
    side = [(0, -1.60), (0.80, -1.36), (1.14, -0.6), (1.22, 0.4), (1.16, fall - 0.15), (0.8, fall), (0, fall)]
    return fill(plane, curve([*side, *((-px, py) for px, py in side[-2:0:-1])]), 0.03)


def grow_beard(picture: np.ndarray, plane: Plane, face: np.ndarray, hair: np.ndarray) -> None:
    outer = [
        (-0.98, 0.15),
        (-0.80, 0.55),
        (-0.45, 0.68),
        (0, 0.66),
        (0.45, 0.68),
        (0.80, 0.55),
        (0.98, 0.15),
        (0.95, 0.9),
        (0.4, 1.45),
        (-0.4, 1.45),
        (-0.95, 0.9),
    ]
    paint_over(picture, fill(plane, curve(outer), 0.07) * face * 0.62, hair * 0.85)
