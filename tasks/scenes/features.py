"""What a face shows: eyes, brows, nostrils, glasses, a mouth that opens; in face units (see `portrait`)."""

from __future__ import annotations

import numpy as np

from tasks.scenes.drawing import Plane, Point, curve, fill, paint_over, stroke
from tasks.scenes.persona import Persona

EYE_X, EYE_Y, MOUTH_Y = 0.42, -0.08, 0.86

EYE_STATES = 3
"""0 open, 1 half shut, 2 shut."""


def draw_fixed_features(picture: np.ndarray, plane: Plane, persona: Persona) -> None:
    """Sockets, lids, brows, nostrils and the folds beside the mouth: all that does not move."""
    shadow = np.array(persona.skin, dtype=np.float32) * np.array([0.42, 0.46, 0.60], dtype=np.float32)
    brow = np.minimum(np.array(persona.hair, dtype=np.float32) * 0.8, 120)
    for side in (-1, 1):
        socket = fill(
            plane,
            curve(
                [
                    (side * (EYE_X + dx), EYE_Y + dy)
                    for dx, dy in ((-0.30, 0.02), (0, -0.20), (0.30, 0.0), (0, 0.15))
                ]
            ),
            0.09,
        )
        paint_over(picture, 0.42 * socket, shadow)
        arch = [(side * px, py) for px, py in ((0.15, -0.33), (0.34, -0.41), (0.55, -0.42), (0.74, -0.31))]
        paint_over(picture, 0.88 * stroke(plane, curve(arch, closed=False), 0.085, 0.018), brow)
        nostril = stroke(plane, [(side * 0.075, 0.575), (side * 0.145, 0.565)], 0.05, 0.018)
        paint_over(picture, 0.75 * nostril, shadow * 0.6)
        fold = curve([(side * 0.25, 0.52), (side * 0.40, 0.68), (side * 0.47, 0.84)], closed=False)
        paint_over(picture, 0.20 * stroke(plane, fold, 0.05, 0.03), shadow)
    paint_over(
        picture,
        0.32 * stroke(plane, curve([(-0.16, 0.63), (0, 0.66), (0.16, 0.63)], closed=False), 0.06, 0.03),
        shadow,
    )
    paint_over(
        picture,
        0.25 * stroke(plane, curve([(-0.2, 1.12), (0, 1.10), (0.2, 1.12)], closed=False), 0.06, 0.04),
        shadow,
    )


def draw_eyes(picture: np.ndarray, plane: Plane, persona: Persona, state: int) -> None:
    lift = (0.115, 0.05, 0.0)[state]
    for side in (-1, 1):
        window = plane.window(side * EYE_X - 0.36, EYE_Y - 0.3, side * EYE_X + 0.36, EYE_Y + 0.25)
        part, lids = picture[window.rows, window.columns], np.array(persona.skin, dtype=np.float32)
        upper = [
            (side * EYE_X + side * dx, EYE_Y - lift * k + 0.02)
            for dx, k in ((-0.22, -0.2), (-0.1, 0.85), (0.05, 1.0), (0.16, 0.62), (0.23, -0.05))
        ]
        lower = [
            (side * EYE_X + side * dx, EYE_Y + 0.02 + dy)
            for dx, dy in ((0.12, 0.065), (-0.02, 0.085), (-0.14, 0.065))
        ]
        opening = fill(window.plane, curve([*upper, *lower]), 0.012)
        paint_over(
            part,
            fill(
                window.plane,
                curve(
                    [
                        (side * EYE_X + dx, EYE_Y + dy)
                        for dx, dy in ((-0.24, 0.03), (0, -0.13), (0.24, 0.03), (0, 0.12))
                    ]
                ),
                0.03,
            )
            * 0.8,
            lids * 0.80,
        )
        if state < EYE_STATES - 1:
            paint_over(part, opening, np.array([226, 228, 232], dtype=np.float32))
            for radius, colour, dx, dy in (
                (0.118, persona.iris, 0, 0),
                (0.06, (14, 12, 12), 0, 0),
                (0.024, (250, 250, 250), -0.035, -0.04),
            ):
                centre = [
                    (side * EYE_X + dx + radius * np.cos(a), EYE_Y + dy + radius * np.sin(a))
                    for a in np.linspace(0, 2 * np.pi, 24)
                ]
                paint_over(
                    part, fill(window.plane, centre, 0.008) * opening, np.array(colour, dtype=np.float32)
                )
        lash = (
            upper
            if state < EYE_STATES - 1
            else [
                (side * EYE_X + side * dx, EYE_Y + dy) for dx, dy in ((-0.22, 0.04), (0, 0.10), (0.22, 0.04))
            ]
        )
        paint_over(
            part,
            0.9 * stroke(window.plane, curve(lash, closed=False), 0.042, 0.012),
            np.array([24, 22, 26], dtype=np.float32),
        )


def draw_glasses(picture: np.ndarray, plane: Plane) -> None:
    frame = np.array([30, 26, 24], dtype=np.float32)
    for side in (-1, 1):
        rim = curve(
            [
                (side * EYE_X + dx, EYE_Y + 0.03 + dy)
                for dx, dy in (
                    (-0.31, -0.02),
                    (-0.2, -0.2),
                    (0.2, -0.2),
                    (0.31, -0.02),
                    (0.22, 0.2),
                    (-0.22, 0.2),
                )
            ]
        )
        paint_over(picture, 0.85 * stroke(plane, [*rim, rim[0]], 0.028, 0.008), frame)
        paint_over(
            picture, 0.85 * stroke(plane, [(side * 0.73, -0.07), (side * 0.98, -0.12)], 0.03, 0.008), frame
        )
    paint_over(
        picture,
        0.85 * stroke(plane, curve([(-0.11, -0.08), (0, -0.12), (0.11, -0.08)], closed=False), 0.03, 0.008),
        frame,
    )


def draw_mouth(picture: np.ndarray, plane: Plane, persona: Persona, openness: float) -> None:
    """Lips around an opening that grows downwards; teeth above and tongue below once there is room."""
    window = plane.window(-0.62, 0.60, 0.62, 1.46)
    part, at = picture[window.rows, window.columns], window.plane
    width, rise, drop = 0.38 - 0.05 * openness, 0.03 * openness, 0.30 * openness
    middle, corner = MOUTH_Y, MOUTH_Y - 0.03
    lips = np.array(persona.lips, dtype=np.float32)
    inner_top = _mirrored([(0, middle - rise), (0.16, middle - 0.008 - rise), (0.93 * width, corner)])
    inner_low = _mirrored([(0, middle + 0.015 + drop), (0.21, middle + 0.005 + 0.85 * drop)])
    upper = _mirrored(
        [
            (0, middle - 0.085 - rise),
            (0.07, middle - 0.105 - rise),
            (0.19, middle - 0.08 - rise),
            (width, corner),
        ]
    )
    lower = _mirrored([(0, middle + 0.125 + drop), (0.24, middle + 0.085 + 0.9 * drop)])
    paint_over(part, 0.85 * fill(at, curve([*upper, *lower[::-1]]), 0.022), lips)
    paint_over(part, 0.35 * fill(at, curve([*upper, *inner_top[::-1]]), 0.02), lips * 0.72)
    gleam = _mirrored([(0, middle + 0.078 + drop), (0.13, middle + 0.068 + drop)])
    paint_over(
        part,
        0.22 * stroke(at, curve(gleam, closed=False), 0.035, 0.02),
        np.array([215, 215, 245], dtype=np.float32),
    )
    opening = fill(at, curve([*inner_top, *inner_low[::-1]]), 0.012)
    paint_over(part, opening, np.array([38, 22, 52], dtype=np.float32))
    teeth = fill(
        at,
        curve(
            [
                (-0.24, middle - 0.10),
                (0.24, middle - 0.10),
                (0.19, middle + 0.035),
                (0, middle + 0.055),
                (-0.19, middle + 0.035),
            ]
        ),
        0.02,
    )
    paint_over(
        part,
        teeth * opening * np.clip(openness * 3 - 0.3, 0, 0.92),
        np.array([200, 210, 216], dtype=np.float32),
    )
    tongue = fill(
        at,
        curve(
            [
                (-0.2, middle + drop),
                (0, middle + drop - 0.09),
                (0.2, middle + drop),
                (0, middle + drop + 0.08),
            ]
        ),
        0.03,
    )
    paint_over(
        part, tongue * opening * np.clip(openness * 2 - 0.5, 0, 1), np.array([92, 84, 172], dtype=np.float32)
    )


def _mirrored(right: list[Point]) -> list[Point]:
    """A line from the left corner to the right one; its middle, at x = 0, comes first in `right`."""
    return [*((-x, y) for x, y in right[:0:-1]), *right]
