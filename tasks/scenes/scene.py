"""What is broadcast and what is true of it, before anything is drawn: scenes, sources, channels, truth.

Truth is derived from the same plan that the picture and the sound are made from, so it costs no rendering.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from tasks.scenes.action import contacts
from tasks.scenes.phones import VOICES, talk
from tasks.scenes.studio import Caption, Channel

Kind = Literal[
    "talking_head", "interview", "listening", "dubbed", "narration",
    "bounce", "hammer", "claps", "music", "wind", "rain", "tone", "silence",
]  # fmt: skip

MARGIN_MS = 100
"""Quiet at both ends of a scene with speech, and between two speakers."""

BRIDGED_MS = 400
"""Pauses shorter than this do not interrupt a label."""

SPEAKS: dict[str, str] = {
    "talking_head": "talking_head",
    "interview": "talking_head",
    "listening": "voice_over",
    "dubbed": "voice_over",
    # Speech over a picture without people: "other" in the sense of RealSync, which asks for a visible person.
    "narration": "other",
}
"""The label of speech in each kind of scene that has speech."""

STRIKES = ("bounce", "hammer", "claps")

AUDIOSET: dict[str, tuple[str, ...]] = {
    "bounce": ("Basketball bounce", "Bouncing", "Thump, thud"),
    "hammer": ("Hammer",),
    "claps": ("Clapping",),
    "music": ("Music",),
    "wind": ("Wind", "Environmental noise"),
    "rain": ("Rain", "Environmental noise"),
    "tone": ("Sine wave",),
    "silence": ("Silence",),
}
"""AudioSet display names that are right for each kind of scene without speech."""


@dataclass(frozen=True)
class Scene:
    """One scene of a source.

    Attributes:
        people: numbers in PERSONAS of who is seen, left to right.
        voices: numbers in VOICES of who is heard; an interview has one for each person.
        place: the set behind the people.
    """

    kind: Kind
    length_ms: int
    seed: int
    people: tuple[int, ...] = ()
    voices: tuple[int, ...] = ()
    place: Literal["studio", "stadium", "street"] = "studio"
    caption: Caption | None = None


@dataclass(frozen=True)
class Source:
    """One video of the broadcast. `name` is its stable id; its file is `name`.`container`."""

    name: str
    title: str
    channel: Channel
    container: Literal["mp4", "mkv", "webm", "mov"]
    width: int
    height: int
    frame_rate: Fraction
    sample_rate: int
    scenes: tuple[Scene, ...]

    @property
    def duration_ms(self) -> int:
        return sum(scene.length_ms for scene in self.scenes)

    @property
    def frames(self) -> int:
        """Frames that begin before the end."""
        return -(-self.duration_ms * self.frame_rate // 1000)

    @property
    def file_name(self) -> str:
        return f"{self.name}.{self.container}"


@dataclass(frozen=True)
class Interval:
    """A span of a source: [start_ms, end_ms), and the names that hold in it."""

    start_ms: int
    end_ms: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Event:
    """An instant at which picture and sound meet."""

    time_ms: int
    kind: str


@dataclass(frozen=True)
class Truth:
    """What is true of a source, in ms on its presentation clock.

    Attributes:
        labels: talking_head, voice_over or other; a partition of the whole duration.
        speech: the phrases, without pauses; the name is that of the voice's kind in AudioSet.
        events: impacts, at the instant of contact.
        sounds: AudioSet names, any of which is right there.
        scenes: the scenes in order, each named by its kind; they meet at cuts.
    """

    name: str
    channel: str
    duration_ms: int
    frame_rate: str
    sample_rate: int
    width: int
    height: int
    labels: tuple[Interval, ...]
    speech: tuple[Interval, ...]
    events: tuple[Event, ...]
    sounds: tuple[Interval, ...]
    scenes: tuple[Interval, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain dicts, lists, numbers and text."""
        return asdict(self)


@dataclass(frozen=True)
class Turn:
    """One voice talking within a scene, from `start_ms` on; `seed` is what `say` gets."""

    voice: int
    seed: int
    start_ms: int
    length_ms: int


def turns(scene: Scene) -> tuple[Turn, ...]:
    """Who talks when within a scene; empty for a scene without speech."""
    count = len(scene.voices)
    if scene.kind not in SPEAKS:
        return ()
    share = (scene.length_ms - MARGIN_MS * (count + 1)) // count
    starts = (MARGIN_MS + number * (share + MARGIN_MS) for number in range(count))
    return tuple(
        Turn(voice, scene.seed * 10 + number, start_ms, share)
        for number, (voice, start_ms) in enumerate(zip(scene.voices, starts, strict=True))
    )


def phrases(turn: Turn) -> tuple[tuple[int, int], ...]:
    """(start_ms, end_ms) of a turn's phrases within its scene."""
    tracks = talk(turn.length_ms, VOICES[turn.voice], np.random.default_rng([turn.seed, 1]))
    return tuple((turn.start_ms + start, turn.start_ms + end) for start, end in tracks.phrases)


def truth(source: Source) -> Truth:
    """What is true of a source; no rendering needed."""
    labels, speech, events, sounds, scenes, at = [], [], [], [], [], 0
    for scene in source.scenes:
        said = [(turn.voice, at + start, at + end) for turn in turns(scene) for start, end in phrases(turn)]
        spans = _bridged([(start, end) for _, start, end in said])
        speech += [Interval(start, end, ("Speech", _kind_of(voice))) for voice, start, end in said]
        labels += [Interval(start, end, (SPEAKS[scene.kind],)) for start, end in spans]
        sounds += [Interval(start, end, ("Speech",)) for start, end in spans]
        if scene.kind in AUDIOSET:
            sounds.append(Interval(at, at + scene.length_ms, AUDIOSET[scene.kind]))
        if scene.kind in STRIKES:
            times = contacts(scene.kind, scene.length_ms, scene.seed)
            events += [Event(at + time_ms, scene.kind) for time_ms in times]
        scenes.append(Interval(at, at + scene.length_ms, (scene.kind,)))
        at += scene.length_ms
    return Truth(
        name=source.name,
        channel=source.channel.name,
        duration_ms=at,
        frame_rate=str(source.frame_rate),
        sample_rate=source.sample_rate,
        width=source.width,
        height=source.height,
        labels=tuple(_partition(labels, at)),
        speech=tuple(speech),
        events=tuple(events),
        sounds=tuple(sounds),
        scenes=tuple(scenes),
    )


def _kind_of(voice: int) -> str:
    return "Male speech, man speaking" if VOICES[voice].pitch_hz < 165 else "Female speech, woman speaking"


def _bridged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start - merged[-1][1] < BRIDGED_MS:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def _partition(labels: list[Interval], duration_ms: int) -> list[Interval]:
    """The labels with "other" in all gaps; neighbours of one name joined."""
    full, at = [], 0
    for label in [*labels, Interval(duration_ms, duration_ms, ())]:
        if label.start_ms > at:
            full.append(Interval(at, label.start_ms, ("other",)))
        full.append(label)
        at = label.end_ms
    joined: list[Interval] = []
    for label in full[:-1]:
        if joined and joined[-1].names == label.names:
            joined[-1] = Interval(joined[-1].start_ms, label.end_ms, label.names)
        else:
            joined.append(label)
    return joined
