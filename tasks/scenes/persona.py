"""Who appears: the looks of five invented people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tasks.scenes.drawing import Colour


@dataclass(frozen=True)
class Persona:
    """How a person looks; colours are BGR. `jacket`, `shirt` and `tie` dress the bust in `studio`."""

    skin: Colour
    hair: Colour
    style: Literal["short", "long", "bob", "cropped"]
    iris: Colour
    lips: Colour
    jacket: Colour
    shirt: Colour = (235, 235, 238)
    tie: Colour | None = None
    glasses: bool = False
    beard: bool = False


PERSONAS = (
    Persona(
        skin=(148, 178, 226),
        hair=(28, 38, 58),
        style="short",
        iris=(70, 96, 120),
        lips=(112, 118, 190),
        jacket=(84, 58, 40),
        tie=(52, 40, 150),
    ),
    Persona(
        skin=(172, 198, 238),
        hair=(34, 52, 88),
        style="long",
        iris=(110, 120, 60),
        lips=(98, 92, 205),
        jacket=(120, 62, 30),
        shirt=(238, 236, 240),
    ),
    Persona(
        skin=(96, 132, 186),
        hair=(18, 18, 22),
        style="cropped",
        iris=(30, 46, 70),
        lips=(84, 88, 150),
        jacket=(92, 88, 84),
        tie=(140, 90, 30),
        glasses=True,
    ),
    Persona(
        skin=(165, 192, 236),
        hair=(62, 118, 178),
        style="bob",
        iris=(140, 120, 70),
        lips=(92, 88, 210),
        jacket=(52, 40, 172),
        shirt=(226, 226, 232),
    ),
    Persona(
        skin=(150, 182, 230),
        hair=(150, 152, 158),
        style="short",
        iris=(150, 120, 80),
        lips=(120, 124, 186),
        jacket=(62, 70, 60),
        shirt=(214, 200, 190),
        beard=True,
    ),
)
