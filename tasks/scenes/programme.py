"""The schedule: six sources on two channels, in the formats that real broadcasters and sites use."""

from __future__ import annotations

from fractions import Fraction

from tasks.scenes.scene import Kind, Scene, Source
from tasks.scenes.studio import Caption, Channel

NEWS = Channel("evening-news", "Evening News", "news", "EN 24", (122, 52, 18), (40, 170, 245))
SPORTS = Channel("saturday-sports", "Saturday Sports", "sports", "SPORT 1", (46, 110, 22), (30, 220, 250))

_SPEAKERS = (
    "Jonas Feld, studio",
    "Mira Holm, correspondent",
    "Daniel Osei, economy",
    "Clara Winter, reporter",
    "Erik Lund, expert",
)

_Row = tuple[Kind, int, int | tuple[int, ...] | None, int | tuple[int, ...] | None, str, str]

_RUNDOWNS: tuple[tuple[_Row, ...], ...] = (
    (
        ("music", 5, None, None, "studio", ""),
        ("talking_head", 12, 1, 1, "studio", "Harbour bridge reopens"),
        ("hammer", 7, None, None, "studio", ""),
        ("listening", 9, 4, 3, "street", "We waited two years"),
        ("talking_head", 9, 0, 0, "street", "Traffic flows again"),
        ("silence", 4, None, None, "studio", ""),
    ),
    (
        ("music", 4, None, None, "studio", ""),
        ("interview", 18, (0, 3), (0, 3), "studio", "What the new rates mean"),
        ("dubbed", 10, 2, 4, "street", "From our partner station"),
        ("rain", 7, None, None, "studio", ""),
        ("talking_head", 9, 3, 3, "studio", "Library opens on Monday"),
    ),
    (
        ("tone", 3, None, None, "studio", ""),
        ("talking_head", 12, 2, 2, "studio", "Wind parks grow"),
        ("narration", 8, None, 1, "studio", ""),
        ("wind", 8, None, None, "studio", ""),
        ("listening", 10, 1, 2, "street", "Neighbours are divided"),
    ),
    (
        ("music", 4, None, None, "studio", ""),
        ("talking_head", 10, 3, 3, "stadium", "The final, tonight at eight"),
        ("bounce", 11, None, None, "studio", ""),
        ("listening", 10, 2, 0, "stadium", "Captain of the hosts"),
        ("claps", 7, None, None, "studio", ""),
    ),
    (
        ("bounce", 9, None, None, "studio", ""),
        ("talking_head", 11, 4, 4, "stadium", "Coach: we are ready"),
        ("dubbed", 10, 0, 2, "stadium", "Voice of the interpreter"),
        ("silence", 4, None, None, "studio", ""),
        ("wind", 7, None, None, "studio", ""),
    ),
    (
        ("claps", 8, None, None, "studio", ""),
        ("talking_head", 12, 0, 0, "stadium", "Late win for the visitors"),
        ("listening", 10, 3, 4, "studio", "Our guest tonight"),
        ("bounce", 9, None, None, "studio", ""),
        ("music", 5, None, None, "studio", ""),
    ),
)
"""What is shown in each source, in order: kind, seconds, who is seen, who is heard, the set, the headline."""

_FORMATS = (
    ("evening-news-0412", "Bridge reopens after two years", NEWS, "mp4", 1280, 720, Fraction(25), 48_000),
    (
        "evening-news-0413",
        "Rain, rates and a new library",
        NEWS,
        "mkv",
        854,
        480,
        Fraction(30000, 1001),
        44_100,
    ),
    ("evening-news-0414", "Wind parks and what they cost", NEWS, "webm", 640, 360, Fraction(24), 48_000),
    ("saturday-sports-31", "Final preview", SPORTS, "mp4", 768, 432, Fraction(50), 44_100),
    ("saturday-sports-32", "Training camp report", SPORTS, "mov", 640, 360, Fraction(60000, 1001), 22_050),
    ("saturday-sports-33", "Fans, noise and a late win", SPORTS, "mkv", 640, 360, Fraction(30), 48_000),
)
"""Name, title, channel, container, width and height in px, frames per second, samples per second."""


def broadcast(seed: int = 0) -> list[Source]:
    """Six sources of 41 to 48 s, three on each of two channels; the same for the same seed.

    Every source has speech that matches a visible mouth, speech that does not, and scenes without people.
    """
    return [
        Source(*form, _scenes(seed, number, rows))
        for number, (form, rows) in enumerate(zip(_FORMATS, _RUNDOWNS, strict=True), start=1)
    ]


def _scenes(seed: int, number: int, rows: tuple[_Row, ...]) -> tuple[Scene, ...]:
    """Scenes from rows of kind, seconds, who is seen, who is heard, the set and the headline."""
    scenes = []
    for index, (kind, seconds, seen, heard, place, headline) in enumerate(rows):
        people, voices = _several(seen), _several(heard)
        detail = " / ".join(_SPEAKERS[person] for person in people)
        caption = Caption(headline, detail) if headline else None
        scene_seed = seed * 10_000 + number * 100 + index
        scenes.append(Scene(kind, seconds * 1000, scene_seed, people, voices, place, caption))  # type: ignore[arg-type]
    return tuple(scenes)


def _several(who: int | tuple[int, ...] | None) -> tuple[int, ...]:
    if who is None:
        return ()
    return who if isinstance(who, tuple) else (who,)
