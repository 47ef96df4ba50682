"""The label check: is what the machines say of an interval so, asked without telling it?

Shown are excerpts of at most `MOST_MS` from within one labelled interval, at most one of a clip and label. They are
drawn from the strata of label and channel in turn, from the one that has fewest so far, so that rare labels are
measured as well as frequent ones. Beside each stands the name of a sound: half the time one that the tagger heard
there, half the time one that it heard only elsewhere, so that nobody can answer without listening.

Intervals of less than a second are not asked about: nobody could tell.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from annotation.trials.draw import draw, drawn
from annotation.trials.render import LEAST_EXCERPT_MS
from annotation.trials.trial import Known, Trial, Unmade, trial_of
from schemas.tables import LABEL_NAMES
from schemas.units import FRAME_MS
from tasks.workspace.stage import Row

KIND = "excerpt"
MOST_MS = 10_000

ASKED = tuple(label for label in LABEL_NAMES if label != "cannot_tell")

_HEARD_MS = 1_000
"""An event is asked for as heard where it sounds for so long in an excerpt, or for half of a shorter one."""


@dataclass(frozen=True)
class _Excerpt:
    """A part of a clip that may be shown; times in ms, whole frames; `stratum` is its label and channel."""

    clip: Row
    start_ms: int
    end_ms: int
    stratum: tuple[str, str]
    place: float

    @property
    def label(self) -> str:
        return self.stratum[0]


def label_check(known: Known, sample: int) -> tuple[list[Trial], list[Unmade]]:
    """Further excerpts.

    Args:
        sample: at most so many items, with those that are known.
    """
    asked = {(item["clip_id"], item["machine"].get("label")) for item in known.current(KIND)}
    drawable: defaultdict[tuple[str, str], list[_Excerpt]] = defaultdict(list)
    for one in sorted(_excerpts(known), key=lambda one: one.place, reverse=True):
        if (one.clip["clip_id"], one.label) not in asked:
            drawable[one.stratum].append(one)
    there = Counter((label, _channel(known.clips[clip_id])) for clip_id, label in asked)
    made, unmade = [], []
    relatives = _relatives(known)
    while drawable and there.total() < sample:
        stratum = min(drawable, key=lambda one: (there[one], one))
        one = drawable[stratum].pop()
        if not drawable[stratum]:
            del drawable[stratum]
        trial = _asked(known, one, relatives)
        if trial:
            made.append(trial)
            there[stratum] += 1
        else:
            detail = f"{one.start_ms} to {one.end_ms} ms: no sound is named there or elsewhere"
            unmade.append(Unmade(KIND, one.clip["clip_id"], "no_event", detail))
    if not made and not unmade and not asked:
        detail = f"none of {len(known.clips)} clips has a label that lasts {LEAST_EXCERPT_MS} ms"
        unmade.append(Unmade(KIND, None, "nothing_suits", detail))
    return made, unmade


def _excerpts(known: Known) -> Iterator[_Excerpt]:
    """One for each clip and label, from an interval that is drawn among all that are long enough."""
    for clip in known.clips.values():
        drawn_of: dict[str, _Excerpt] = {}
        for start_ms, end_ms, label in _intervals(clip):
            place = draw(known.secret, KIND, clip["clip_id"], start_ms, end_ms)
            if label not in drawn_of or place < drawn_of[label].place:
                begin_ms = _begin_ms(known, clip, start_ms, end_ms)
                stratum = (label, _channel(clip))
                drawn_of[label] = _Excerpt(clip, begin_ms, min(end_ms, begin_ms + MOST_MS), stratum, place)
        yield from drawn_of.values()


def _intervals(clip: Row) -> Iterator[tuple[int, int, str]]:
    """Start, end and label of what may be shown, in whole frames."""
    for row in clip["labels"]:
        start_ms = -(-row["start_ms"] // FRAME_MS) * FRAME_MS
        end_ms = min(row["end_ms"], clip["duration_ms"]) // FRAME_MS * FRAME_MS
        if row["label"] in ASKED and end_ms - start_ms >= LEAST_EXCERPT_MS:
            yield start_ms, end_ms, row["label"]


def _begin_ms(known: Known, clip: Row, start_ms: int, end_ms: int) -> int:
    """Where in an interval its excerpt begins, each frame as likely as any other."""
    frames = max(0, end_ms - start_ms - MOST_MS) // FRAME_MS
    return start_ms + FRAME_MS * int(
        (frames + 1) * draw(known.secret, "begin", clip["clip_id"], start_ms, end_ms)
    )


def _channel(clip: Row) -> str:
    return clip.get("channel") or ""


def _asked(known: Known, one: _Excerpt, relatives: Mapping[str, set[str]]) -> Trial | None:
    """An excerpt with the sound that is asked for; None where there is none to ask for."""
    what = (one.clip["clip_id"], one.start_ms, one.end_ms)
    sounding = _sounding_ms(one)
    least_ms = min(_HEARD_MS, (one.end_ms - one.start_ms) // 2)
    related = {other for name in sounding for other in relatives[name]}
    heard = drawn(
        known.secret, (name for name, long_ms in sounding.items() if long_ms >= least_ms), "heard", *what
    )
    elsewhere = drawn(known.secret, relatives.keys() - related, "elsewhere", *what)
    if heard and (elsewhere is None or draw(known.secret, "event", *what) < 0.5):
        event, answer = heard, "heard"
    elif elsewhere:
        event, answer = elsewhere, "not_heard"
    else:
        return None
    return trial_of(
        known,
        KIND,
        one.clip,
        one.start_ms,
        one.end_ms,
        duration_ms=one.end_ms - one.start_ms,
        start_ms=one.start_ms,
        machine={"label": one.label, "event": answer},
        shown={"event": event},
    )


def _sounding_ms(one: _Excerpt) -> dict[str, int]:
    """For how long each sound is heard in an excerpt, as far as its events say."""
    sounding: Counter[str] = Counter()
    for event in one.clip["events"]:
        shared = min(event["end_ms"], one.end_ms) - max(event["start_ms"], one.start_ms)
        if shared > 0:
            sounding[event["name"]] += shared
    return sounding


def _relatives(known: Known) -> dict[str, set[str]]:
    """The sounds that are heard anywhere, each with itself, those that it is a kind of, and its own kinds."""
    parents: defaultdict[str, set[str]] = defaultdict(set)
    for clip in known.clips.values():
        for event in clip["events"]:
            parents[event["name"]] |= set(event["parents"])
    relatives = {name: {name} | (above & parents.keys()) for name, above in parents.items()}
    for name, above in list(parents.items()):
        for one in above & parents.keys():
            relatives[one].add(name)
    return relatives
