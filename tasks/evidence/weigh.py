"""A first audio-visual evidence class of a clip: could a person tell from it whether picture and sound are in time?

The three classes are those of Chen et al., "Audio-Visual Synchronisation in the wild" (BMVC 2021), §4.2.2:

    evident   what sounds is to be seen: a mouth that speaks, or a sound that comes and goes as events do. One bark
              may be all that a clip has, so a fifth of it is enough
    uniform   sound that flows without events (wind, waves, engines) and a bed of music: by the classes heard, and
              by how evenly they sound
    missing   no sound, or nobody and nothing in sight that makes it: silence, a black, standing or text-filled
              picture, speech with no speaking face

Whether the thing that a class names is in the picture is not looked at: a dog that barks behind the camera is evident
here. That motion and onsets of sound rise together was tried and left out: the best correlation within ±0.2 s told 51
real clips from themselves with shifted sound hardly better than chance (ROC AUC 0.59).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.evidence.courses import Course, courses, strongest
from tasks.evidence.swing import steadiness

EVIDENT, UNIFORM, MISSING = EVIDENCE = ("evident", "uniform", "missing")

MISSING_PICTURE_OR_SOUND = ("near_silent", "black", "frozen", "still", "text_card")
"""Conditions of a clip under which its sound, or what makes it, is missing."""

_CLASS_WEIGHT = 0.6
_LEAST_SCORE = 0.1
_INSTRUMENT = 0.25
"""Music with an instrument, a singer or another event of at least this share of its score is taken as performed."""

_OVER_SPEECH = 0.4
_MOSTLY = 0.5
_ENOUGH = 0.2
_MOST_IDS = 5


@dataclass(frozen=True)
class Chunk:
    """What is known of a short part of a clip.

    Attributes:
        ids, scores: AudioSet classes heard, best first.
        swing_db: how much its level swings; see `swing`.
        silent: whether it is below the level of silence.
        standing: whether the picture is one throughout.
        spoken: share of it with speech, 0–1.
        seen: share of its speech whose speaker is seen, times how sure that is, 0–1.
        unjudged: share of its speech of which nobody can tell, 0–1.
    """

    ids: tuple[str, ...]
    scores: tuple[float, ...]
    swing_db: float
    silent: bool = False
    standing: bool = False
    spoken: float = 0.0
    seen: float = 0.0
    unjudged: float = 0.0


@dataclass(frozen=True)
class Evidence:
    """The class of a clip; `reason` a stable word, `score` how sure, 0–1, `sound_ids` the sounds that decided it."""

    evidence: str
    reason: str
    score: float
    sound_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Weighed:
    """Chances of the three classes, which add up to 1, with the reason and the courses for each."""

    chances: tuple[float, float, float]
    reasons: tuple[str, str, str]
    courses: tuple[tuple[Course, ...], ...] = ((), (), ())


def weigh(chunks: Sequence[Chunk], conditions: Sequence[str]) -> Evidence:
    """The evidence class of a clip.

    Of the chunks' chances of being evident the highest fifth count, of the others all.

    Args:
        conditions: what holds of the clip as a whole, by name; those that do not make a sound unseen are ignored.
    """
    for name in MISSING_PICTURE_OR_SOUND:
        if name in conditions:
            return Evidence(MISSING, name, 1.0)
    if not chunks:
        return Evidence(MISSING, "silent", 1.0)
    weighed = [_weighed(chunk) for chunk in chunks]
    best = sorted((one.chances[0] for one in weighed), reverse=True)[: max(1, round(len(weighed) * _ENOUGH))]
    evident = sum(best) / len(best)
    others = [sum(one.chances[place] for one in weighed) for place in (1, 2)]
    rest = (1 - evident) / sum(others) if sum(others) else 0.0
    chances = (evident, *(rest * other for other in others))
    place = max(range(3), key=lambda index: chances[index])
    return Evidence(
        EVIDENCE[place],
        _weightiest(Counter(), ((one.reasons[place], one.chances[place]) for one in weighed))[0],
        round(chances[place], 3),
        tuple(_deciding(chunks, weighed, place)),
    )


def _weighed(chunk: Chunk) -> _Weighed:
    if chunk.silent:
        return _Weighed((0.0, 0.0, 1.0), ("sound_event", "uniform_sound", "silent"))
    if chunk.standing:
        return _Weighed((0.0, 0.0, 1.0), ("sound_event", "uniform_sound", "picture_stands"))
    heard = strongest(chunk.ids, chunk.scores)
    if chunk.spoken >= _MOSTLY:
        return _speech(chunk, heard["event"])
    return _other_sound(chunk, heard)


def _speech(chunk: Chunk, event: float) -> _Weighed:
    """Speech is evident with its speaker; what is loud enough to be heard over an unseen one may be so, too."""
    seen = min(1.0, chunk.seen + chunk.unjudged / 2)
    reason = "speaker_seen" if chunk.seen >= chunk.unjudged / 2 else "speaker_unjudged"
    deciding: Course = "voice"
    if event >= _OVER_SPEECH and event > seen:
        seen, reason, deciding = event, "sound_event", "event"
    return _Weighed(
        (seen, 0.0, 1 - seen),
        (reason, "uniform_sound", "speaker_unseen"),
        ((deciding,), (), ("voice",)),
    )


def _other_sound(chunk: Chunk, heard: dict[Course, float]) -> _Weighed:
    event, music = heard["event"], heard["music"]
    bed = music if event < _INSTRUMENT * music else 0.0
    named = heard["uniform"] + bed + event
    steady = steadiness(chunk.swing_db)
    uniform = steady
    if named >= _LEAST_SCORE:
        uniform = _CLASS_WEIGHT * (heard["uniform"] + bed) / named + (1 - _CLASS_WEIGHT) * steady
    return _Weighed(
        (1 - uniform, uniform, 0.0),
        (
            "music_played" if music > event > 0 else "sound_event",
            "music_bed" if bed > heard["uniform"] else "uniform_sound",
            "silent",
        ),
        (("event",), ("music",) if bed > heard["uniform"] else ("uniform",), ()),
    )


def _weightiest(weights: Counter[str], votes) -> list[str]:
    """Names by falling sum of their votes; of equals the first in the alphabet first."""
    for name, weight in votes:
        weights[name] += weight
    return sorted(weights, key=lambda name: (-weights[name], name))


def _deciding(chunks: Sequence[Chunk], weighed: Sequence[_Weighed], place: int) -> list[str]:
    """The classes behind a decision, weightiest first."""
    votes = (
        (name, score * one.chances[place])
        for chunk, one in zip(chunks, weighed, strict=True)
        for name, score in zip(chunk.ids, chunk.scores, strict=True)
        if score >= _LEAST_SCORE and courses().get(name, "event") in one.courses[place]
    )
    return _weightiest(Counter(), votes)[:_MOST_IDS]
