"""Things that strike: a ball on a floor, a hammer on a nail, two hands; each contact has its exact time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from tasks.scenes.drawing import Plane, blend, blob, curve

Paint = Callable[[float], np.ndarray]
"""From a time in s within the scene to a new uint8 (H, W, 3) BGR picture."""

BALL_BGR = (38, 112, 232)
_SHIFT = 4


def contacts(kind: str, length_ms: int, seed: int) -> tuple[int, ...]:
    """When things touch, in ms from the scene's start."""
    shortest, longest = {"bounce": (430, 760), "hammer": (600, 950), "claps": (320, 620)}[kind]
    rng = np.random.default_rng([seed, 29])
    times, at = [], int(rng.integers(450, 600))
    while at < length_ms - 150:
        times.append(at)
        at += int(rng.integers(shortest, longest))
    return tuple(times)


def _between(times_ms: Sequence[int], length_ms: int, time_s: float) -> tuple[float, float, int]:
    """Where a moment lies between two contacts: share of the way (0–1), the way in s, contacts so far.

    Before the first and after the last contact there is another one, just outside the scene.
    """
    bounds = [min(-80, times_ms[0] - 600), *times_ms, max(length_ms + 80, times_ms[-1] + 500)]
    now = time_s * 1000
    index = min(max(bisect_right(bounds, now) - 1, 0), len(bounds) - 2)
    way = bounds[index + 1] - bounds[index]
    return (now - bounds[index]) / way, way / 1000, index


def ball(ground: np.ndarray, times_ms: Sequence[int], length_ms: int) -> Paint:
    """A ball that bounces on the floor of `ground`, lowest exactly at each contact."""
    height, width = ground.shape[:2]
    radius = round(height * 0.085)
    floor = height * 0.80
    colour, hole = _ball_sprite(radius)
    side = colour.shape[0]

    def paint(time_s: float) -> np.ndarray:
        share, way_s, _ = _between(times_ms, length_ms, time_s)
        up = min(height * 1.05 * way_s**2, height * 0.52) * 4 * share * (1 - share)
        x = width * (0.5 + 0.22 * np.sin(0.9 * time_s))
        picture = ground.copy()
        lift = up / height
        foot = (round(x), round(floor + radius * 0.05))
        axes = (round(radius * (1.0 - 0.6 * lift)), max(2, round(radius * 0.2)))
        cv2.ellipse(picture, foot, axes, 0, 0, 360, (58, 92, 128), -1, cv2.LINE_AA)
        left, top = x - side / 2, floor - radius - up - side / 2
        turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), -40 * time_s % 360, 1.0)
        turn[:, 2] += (left - np.floor(left), top - np.floor(top))
        size = (side + 1, side + 1)
        moved = cv2.warpAffine(colour, turn, size, flags=cv2.INTER_LINEAR)
        opening = cv2.warpAffine(hole, turn, size, flags=cv2.INTER_LINEAR, borderValue=(255, 255, 255))
        blend(picture, int(np.floor(left)), int(np.floor(top)), moved, opening)
        return picture

    return paint


def _ball_sprite(radius: int) -> tuple[np.ndarray, np.ndarray]:
    plane = Plane(-1.08, -1.08, 1.08, 1.08, radius)
    x, y = plane.grid()
    distance = np.hypot(x, y)
    cover = np.clip((1 - distance) * radius + 0.5, 0, 1)
    light = 0.52 + 0.5 * blob(x, y, -0.3, -0.35, 0.9, 0.9)
    seams = np.minimum.reduce(
        [np.abs(x), np.abs(y), np.abs(np.hypot(x - 1.25, y) - 0.95), np.abs(np.hypot(x + 1.25, y) - 0.95)]
    )
    light *= np.where(seams < 0.035, 0.35, 1.0)
    colour = np.array(BALL_BGR, dtype=np.float32) * light[:, :, None] * cover[:, :, None]
    return colour.clip(0, 255).astype(np.uint8), np.repeat(
        (255 - 255 * cover).astype(np.uint8)[:, :, None], 3, axis=2
    )


def court(width: int, height: int) -> np.ndarray:
    """A sports hall: wall, and a wooden floor with a line; uint8 (height, width, 3)."""
    picture = np.empty((height, width, 3), dtype=np.float32)
    rise = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    picture[:] = np.array([150, 128, 104], dtype=np.float32) * (0.7 + 0.4 * rise)
    floor = round(height * 0.66)
    boards = np.random.default_rng(31).uniform(0.90, 1.06, width // 14 + 1).repeat(14)[:width]
    picture[floor:] = np.array([98, 150, 196]) * boards[None, :, None] * (1.08 - 0.25 * rise[floor:])
    picture[floor - round(height * 0.02) : floor] = (70, 62, 58)
    picture[round(height * 0.88) : round(height * 0.90)] = (235, 235, 235)
    for x in range(0, width, max(8, width // 9)):
        picture[: floor - round(height * 0.02), x : x + 2] *= 0.9
    return picture.clip(0, 255).astype(np.uint8)


def hammer(times_ms: Sequence[int], length_ms: int, width: int, height: int) -> Paint:
    """A hammer that drives a nail into a beam; its face meets the nail's head exactly at each contact."""
    ground = _workshop(width, height)
    unit = height / 100
    nail_x, beam_y = width * 0.42, 74 * unit

    def paint(time_s: float) -> np.ndarray:
        share, _, count = _between(times_ms, length_ms, time_s)
        raised = np.sin(np.pi * share / 1.2) if share < 0.6 else 1 - ((share - 0.6) / 0.4) ** 2
        nail_y = beam_y - unit * 16 * (1 - 0.7 * max(0, count - 1 + share**8) / max(1, len(times_ms)))
        picture = ground.copy()
        _polygon(
            picture,
            [
                (nail_x - unit, nail_y),
                (nail_x + unit, nail_y),
                (nail_x + unit, beam_y),
                (nail_x - unit, beam_y),
            ],
            (168, 166, 164),
        )
        _polygon(
            picture,
            [
                (nail_x - 3 * unit, nail_y),
                (nail_x + 3 * unit, nail_y),
                (nail_x + 3 * unit, nail_y + 1.6 * unit),
                (nail_x - 3 * unit, nail_y + 1.6 * unit),
            ],
            (190, 188, 186),
        )
        _draw_hammer(picture, nail_x, nail_y, unit, np.deg2rad(36 * raised))
        return picture

    return paint


def _draw_hammer(picture: np.ndarray, x: float, y: float, unit: float, angle: float) -> None:
    grip = np.array([x + 72 * unit, y - 9 * unit])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def at(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        placed = (np.array(points) * unit + (x, y) - grip) @ turn.T + grip
        return [(float(px), float(py)) for px, py in placed]

    _polygon(picture, at([(0, -11.5), (74, -11), (76, -8), (74, -5.5), (0, -7.5)]), (64, 116, 176))
    _polygon(picture, at([(0, -11.5), (74, -11), (74, -9.5), (0, -10)]), (92, 150, 208))
    _polygon(
        picture,
        at([(-5, 0), (5, 0), (5, -4), (4, -18), (1.5, -25), (-3, -24), (-4, -4), (-5, -4)]),
        (96, 92, 90),
    )
    _polygon(picture, at([(-5, 0), (-2, 0), (-1.5, -22), (-3, -24), (-4, -4), (-5, -4)]), (150, 146, 142))
    _polygon(picture, at(_FIST), (128, 160, 212))
    for finger in _FINGERS:
        _polygon(picture, at(finger), (142, 174, 224))


_FIST = curve([(56, -14), (66, -16), (76, -13), (92, -10), (92, 3), (72, -3), (60, -3.5)])
_FINGERS = tuple(
    curve([(left, -13), (left + 4, -13), (left + 4.2, -5), (left + 2, -3), (left, -5)])
    for left in (57, 61.4, 65.8, 70.2)
)


def _workshop(width: int, height: int) -> np.ndarray:
    rise = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    picture = np.repeat(np.array([88, 96, 104], dtype=np.float32) * (1.15 - 0.4 * rise), width, axis=1)
    beam = round(height * 0.74)
    grain = cv2.GaussianBlur(
        np.random.default_rng(37).normal(0, 42, (height - beam, width)).astype(np.float32),
        (0, 0),
        14,
        None,
        0.8,
    )
    picture[beam:] = np.array([86, 138, 186]) + grain[:, :, None] * 4
    picture[beam : beam + 3] = (110, 166, 212)
    return picture.clip(0, 255).astype(np.uint8)


def claps(
    times_ms: Sequence[int], length_ms: int, width: int, height: int, main: tuple[int, int, int]
) -> Paint:
    """Two hands that meet in the middle exactly at each contact."""
    rise = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    ground = (
        np.repeat(np.array(main, dtype=np.float32) * (1.25 - 0.6 * rise) + 18, width, axis=1)
        .clip(0, 255)
        .astype(np.uint8)
    )
    unit = height / 100
    palm = curve(
        [
            (0, -26),
            (3.5, -34),
            (6, -34.5),
            (7, -22),
            (8, -10),
            (12, -14),
            (14.5, -12),
            (10.5, 0),
            (10, 12),
            (2, 14),
            (0, 4),
        ]
    )
    sleeve = [(1, 12), (11, 11), (30, 52), (10, 58)]
    crease = [(4, -30), (4.6, -10), (6, 6)]

    def paint(time_s: float) -> np.ndarray:
        share, way_s, _ = _between(times_ms, length_ms, time_s)
        gap = 34 * min(1.0, way_s / 0.6) * np.sin(np.pi * share) ** 0.9
        picture = ground.copy()
        for side in (-1, 1):

            def at(points: Sequence[tuple[float, float]], side: int = side) -> list[tuple[float, float]]:
                return [
                    (width / 2 + side * unit * (px + gap / 2), height * 0.5 + unit * py) for px, py in points
                ]

            _polygon(picture, at(sleeve), (72, 52, 44))
            _polygon(picture, at(palm), (136, 172, 224) if side < 0 else (126, 160, 212))
            line = (np.array(at(crease)) * (1 << _SHIFT)).round().astype(np.int32)
            cv2.polylines(picture, [line], False, (104, 136, 190), max(1, round(unit)), cv2.LINE_AA, _SHIFT)
        return picture

    return paint


def _polygon(
    picture: np.ndarray, points: Sequence[tuple[float, float]], colour: tuple[int, int, int]
) -> None:
    cv2.fillPoly(
        picture, [(np.array(points) * (1 << _SHIFT)).round().astype(np.int32)], colour, cv2.LINE_AA, _SHIFT
    )
