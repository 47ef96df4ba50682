"""What stands still around a speaker: the set, the dressed shoulders, the lower third, the channel's bug."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from tasks.scenes.drawing import Colour, Plane, curve, fill, paint_over, stroke
from tasks.scenes.lettering import width_of, write
from tasks.scenes.persona import Persona

WHITE: Colour = (245, 245, 245)


@dataclass(frozen=True)
class Channel:
    """A broadcaster's look; colours are BGR."""

    name: str
    title: str
    domain: str
    bug: str
    main: Colour
    accent: Colour


@dataclass(frozen=True)
class Caption:
    """A lower third: a headline and the line below it."""

    headline: str
    detail: str


def backdrop(
    kind: Literal["studio", "stadium", "street"], width: int, height: int, channel: Channel, seed: int
) -> np.ndarray:
    """A set, out of focus as behind a speaker; uint8 (height, width, 3) BGR."""
    rng = np.random.default_rng([seed, 3])
    y, x = np.mgrid[0:90, 0:160].astype(np.float32)
    picture = {"studio": _studio, "stadium": _stadium, "street": _street}[kind](x / 160, y / 90, channel, rng)
    soft = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 1.1)
    return np.clip(cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def _studio(x: np.ndarray, y: np.ndarray, channel: Channel, rng: np.random.Generator) -> np.ndarray:
    main = np.array(channel.main, dtype=np.float32)
    glow = np.exp(-np.square((x - 0.5) / 0.5) - np.square((y - 0.35) / 0.5))
    picture = main * (0.35 + 0.75 * glow[:, :, None])
    for left in (0.03, 0.71):
        screen = (x > left) & (x < left + 0.26) & (y > 0.12) & (y < 0.62)
        bars = 0.55 + 0.45 * np.sin(18 * x + rng.uniform(0, 6)) * np.cos(9 * y + rng.uniform(0, 6))
        light = np.array(channel.accent, dtype=np.float32) * 0.35 + main * 0.9
        picture = np.where(screen[:, :, None], light * (0.7 + 0.5 * bars[:, :, None]), picture)
        edge = screen & ~((x > left + 0.008) & (x < left + 0.252) & (y > 0.135) & (y < 0.605))
        picture[edge] = 210
    picture[(y > 0.70) & (y < 0.715)] = np.array(channel.accent) * 0.9
    return picture


def _stadium(x: np.ndarray, y: np.ndarray, channel: Channel, rng: np.random.Generator) -> np.ndarray:
    picture = np.repeat((90 + 70 * (1 - y))[:, :, None], 3, axis=2) * np.array([1.0, 0.85, 0.72])
    crowd = rng.uniform(40, 190, (*x.shape, 3)) * np.array([0.9, 0.85, 0.95])
    stand = (y > 0.22) & (y < 0.66)
    picture[stand] = (0.6 * crowd + 0.4 * np.array(channel.main) * 0.8)[stand]
    picture[(y > 0.64) & (y < 0.70)] = channel.accent
    grass = y >= 0.70
    stripes = 1 + 0.12 * np.sign(np.sin(26 * (x - 0.5) / (0.35 + y)))
    picture[grass] = (np.array([52, 132, 62]) * stripes[:, :, None])[grass]
    for lamp in (0.1, 0.36, 0.64, 0.9):
        picture += 190 * np.exp(-np.square((x - lamp) / 0.035) - np.square((y - 0.09) / 0.04))[:, :, None]
    return picture


def _street(x: np.ndarray, y: np.ndarray, channel: Channel, rng: np.random.Generator) -> np.ndarray:
    picture = np.array([226, 196, 160]) * (0.75 + 0.25 * (1 - y))[:, :, None]
    left = 0.0
    while left < 1:
        broad, top = rng.uniform(0.10, 0.2), rng.uniform(0.10, 0.40)
        house = (x >= left) & (x < left + broad) & (y > top)
        colour = np.array([120, 130, 145]) * rng.uniform(0.6, 1.05) + rng.uniform(-12, 12, 3)
        panes = house & (np.sin(x * 130) > 0.1) & (np.sin(y * 75) > 0.0) & (y < 0.75)
        picture[house] = colour
        picture[panes] = colour * 0.62 + np.array([60, 50, 30]) * rng.uniform(0.2, 1.0)
        left += broad
    picture[y > 0.82] = (96, 94, 92)
    return picture


def dress(picture: np.ndarray, persona: Persona, centre_x: float, centre_y: float, unit_px: int) -> None:
    """Paint neck and shoulders below a head whose origin is at (centre_x, centre_y), in place."""
    height, width = picture.shape[:2]
    plane = Plane(
        -centre_x / unit_px,
        -centre_y / unit_px,
        (width - centre_x) / unit_px,
        (height - centre_y) / unit_px,
        unit_px,
    )
    rows = slice(max(0, int(centre_y + 0.6 * unit_px)), height)
    columns = slice(max(0, int(centre_x - 3.2 * unit_px)), min(width, int(centre_x + 3.2 * unit_px)))
    part = Plane(plane.left + columns.start / unit_px, plane.top + rows.start / unit_px,
                 plane.left + columns.stop / unit_px, plane.top + rows.stop / unit_px, unit_px)  # fmt: skip
    bust = picture[rows, columns].astype(np.float32)
    if bust.size == 0 or bust.shape[:2] != part.shape:
        return
    x, y = part.grid()
    _torso(bust, part, persona, x, y)
    picture[rows, columns] = np.clip(bust, 0, 255).astype(np.uint8)


def _torso(bust: np.ndarray, part: Plane, persona: Persona, x: np.ndarray, y: np.ndarray) -> None:
    light = np.clip(1.06 - 0.16 * (x + 0.4), 0.7, 1.15)[:, :, None]
    cloth = np.array(persona.jacket, dtype=np.float32)
    shirt, skin = np.array(persona.shirt, dtype=np.float32), np.array(persona.skin, dtype=np.float32)
    shoulders = [(0, 1.7), (0.55, 1.80), (1.2, 2.02), (1.95, 2.30), (2.4, 2.85), (2.6, 4.2), (0, 4.4)]
    shoulders = [*shoulders, *((-px, py) for px, py in shoulders[-2:0:-1])]
    paint_over(bust, fill(part, curve(shoulders), 0.02), cloth * light)
    paint_over(
        bust,
        fill(part, [(-0.62, 1.72), (0.62, 1.72), (0.40, 2.4), (0.0, 3.5), (-0.40, 2.4)], 0.02),
        shirt * light,
    )
    neck = [(-0.52, 0.7), (0.52, 0.7), (0.50, 1.55), (0.66, 1.80), (0.0, 2.34), (-0.66, 1.80), (-0.50, 1.55)]
    shade = 0.62 + 0.30 * np.clip((y - 1.25) / 0.6, 0, 1)[:, :, None]
    paint_over(
        bust, fill(part, neck, 0.025), skin * shade * light * np.array([0.92, 0.96, 1.04], dtype=np.float32)
    )
    for side in (-1, 1):
        collar = [(side * 0.60, 1.62), (side * 0.72, 1.80), (side * 0.34, 2.50), (side * 0.02, 2.30)]
        paint_over(bust, fill(part, collar, 0.015), np.minimum(shirt * 1.04, 255))
        lapel = [
            (side * 0.70, 1.76),
            (side * 0.98, 1.95),
            (side * 0.86, 2.45),
            (side * 0.06, 3.6),
            (side * 0.34, 2.45),
        ]
        paint_over(bust, fill(part, lapel, 0.015), cloth * light * (0.80 if side > 0 else 1.16))
        paint_over(bust, 0.4 * stroke(part, [lapel[1], lapel[2], lapel[3]], 0.03, 0.015), cloth * 0.4)
    if persona.tie is not None:
        knot = [(-0.13, 2.22), (0.13, 2.22), (0.09, 2.44), (0.20, 3.5), (-0.20, 3.5), (-0.09, 2.44)]
        stripes = 1 + 0.14 * np.sign(np.sin(14 * (x + y)))[:, :, None]
        paint_over(bust, fill(part, knot, 0.012), np.array(persona.tie, dtype=np.float32) * stripes)


def caption(picture: np.ndarray, channel: Channel, text: Caption) -> None:
    """Lay a lower third over `picture`, in place: an accent block, the headline, the detail below."""
    height, width = picture.shape[:2]
    size = max(9, round(height * 0.034))
    left, top = round(width * 0.06), round(height * 0.80)
    bold = width_of(text.headline, size, bold=True)
    right = left + max(bold, width_of(text.detail, round(size * 0.74))) + 3 * size
    middle, bottom = top + round(size * 2.1), top + round(size * 3.7)
    picture[top:middle, left:right] = channel.main
    picture[middle:bottom, left:right] = (238, 238, 238)
    picture[top:bottom, left : left + size // 2] = channel.accent
    write(picture, text.headline, left + size, top + round(size * 0.45), size, WHITE, bold=True)
    write(picture, text.detail, left + size, middle + round(size * 0.35), round(size * 0.74), (40, 36, 34))


def bug(picture: np.ndarray, channel: Channel) -> None:
    """The channel's mark in the upper right corner, in place."""
    height, width = picture.shape[:2]
    size = max(8, round(height * 0.030))
    wide = width_of(channel.bug, size, bold=True)
    x, y = width - wide - 3 * size, round(height * 0.06)
    picture[y : y + 2 * size, x : x + wide + size] = channel.main
    picture[y + 2 * size : y + 2 * size + max(2, size // 4), x : x + wide + size] = channel.accent
    write(picture, channel.bug, x + size // 2, y + round(size * 0.45), size, WHITE, bold=True)
