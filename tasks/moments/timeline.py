"""What is known of a source when its clips are planned: how much happens when, where it may be cut, and its shots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schemas.sections import Moments
from tasks.media.cut import Segment
from tasks.moments.observe import Observed
from tasks.moments.pictures import Seen
from tasks.moments.sound import TICK_MS, TICK_SAMPLES, Heard
from tasks.speech import SpeechInterval

MARGIN_MS = 40
"""Between a clip and the cuts on both sides of it: a picture's frame may be 20 ms early, and fields may mix."""

_NEAR_MS = 200
"""What is heard and what is seen belong together within half of this on either side."""

_QUIET_DBFS, _LOUD_DBFS = -55.0, -30.0
_STEADY_DB, _BLOW_DB = 5.0, 22.0
_LONGEST_MOVE_S = 0.12
_STILL, _LIVELY = 0.001, 0.2
_GOES_ON, _SPEAKS = 0.45, 0.6
"""What sound that goes on and speech are worth, against a blow's 1: music and engines have few onsets, and count."""

_LOCAL_MS = 2000
_PAUSE_DB = 15.0
"""A dip as deep under the loudest sound a second away on either side is a pause, though speech goes on behind it."""

_UNDECIDED_DB = 40.0


@dataclass(frozen=True)
class Timeline:
    """A source on a grid of 10 ms from `start_ms`, where picture and sound both exist.

    Attributes:
        happening: float32 (ticks,), how much happens in sound and picture at once, 0–1.
        speaking: bool (ticks + 1,), whether a cut at the start of the tick would be inside speech without a pause.
        unrest: float32 (ticks + 1,), how much a cut there would disturb, 0–1.
        cuts: where a new shot begins; (the last tick that surely is the old one's, exclusive; the first of the new).
    """

    start_ms: int
    happening: np.ndarray
    speaking: np.ndarray
    unrest: np.ndarray
    cuts: tuple[tuple[int, int], ...]

    @property
    def ticks(self) -> int:
        return len(self.happening)

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.ticks * TICK_MS

    def tick_after(self, time_ms: float) -> int:
        """The first tick at or after a time, within the timeline."""
        return min(self.ticks, max(0, int(-((self.start_ms - time_ms) // TICK_MS))))

    def tick_before(self, time_ms: float) -> int:
        """The last tick at or before a time, within the timeline."""
        return min(self.ticks, max(0, int((time_ms - self.start_ms) // TICK_MS)))

    def within(self, segments: Sequence[Segment] | None) -> list[tuple[int, int]]:
        """The ticks of each listed span, as far as they exist; without a list, of the whole."""
        if segments is None:
            return [(0, self.ticks)]
        return [(self.tick_after(each.start_ms), self.tick_before(each.end_ms)) for each in segments]


def timeline_of(
    observed: Observed, heard: Heard, speech: Sequence[SpeechInterval], rules: Moments
) -> Timeline:
    """Put what was seen and heard on one grid.

    Args:
        heard: from `observed.start_ms` on.
        speech: ms on the source's clock, in order.
    """
    ticks = len(heard.level_dbfs)
    inside = _inside_speech(speech, observed.start_ms, ticks, rules.min_pause)
    happening = _happening(heard, _moved_by_tick(observed, ticks), inside[:-1])
    level = np.append(heard.level_dbfs, heard.level_dbfs[-1:])
    # The loudest within a pause's length around each edge: only a dip that is quiet throughout is deep.
    around = _largest_near(level, max(1, rules.min_pause // TICK_MS))
    depth_db = _largest_near(level, _LOCAL_MS // TICK_MS) - around
    unrest = np.where(
        inside,
        1 - np.clip(depth_db / _UNDECIDED_DB, 0, 1),
        np.append(happening, happening[-1:]),
    )
    cuts = tuple(_ticks_of(cut, observed.start_ms, ticks) for cut in observed.seen.cuts)
    return Timeline(
        observed.start_ms,
        happening,
        inside & (depth_db < _PAUSE_DB),
        unrest.astype(np.float32),
        tuple(cut for cut in cuts if 0 < cut[1] < ticks),
    )


def first_tick(observed: Observed) -> int:
    """Where the timeline begins in the sound, in ticks from its first sample, to the nearest."""
    return round((observed.start_ms * TICK_SAMPLES / TICK_MS - observed.first_sample) / TICK_SAMPLES)


def _happening(heard: Heard, moved: np.ndarray, speaking: np.ndarray) -> np.ndarray:
    """float32 (ticks,), 0–1: nothing where nothing is heard or nothing moves."""
    near = _NEAR_MS // TICK_MS
    begins = _largest_near(_share(heard.rise_db, _STEADY_DB, _BLOW_DB), near)
    audible = _share(heard.level_dbfs, _QUIET_DBFS, _LOUD_DBFS)
    sounds = np.maximum.reduce([begins, _SPEAKS * speaking, _GOES_ON * audible])
    lively = np.log(np.maximum(moved, _STILL) / _STILL) / np.log(_LIVELY / _STILL)
    return np.sqrt(sounds * _largest_near(np.minimum(lively, 1), near)).astype(np.float32)


def _largest_near(values: np.ndarray, width: int) -> np.ndarray:
    """Of each value and those around it, `width` of them, the largest; beyond the ends stand the nearest."""
    from scipy.ndimage import maximum_filter1d  # not needed by most commands, and slow to come

    return maximum_filter1d(values, width, mode="nearest")


def _share(values: np.ndarray, none: float, full: float) -> np.ndarray:
    return np.clip((values - none) / (full - none), 0, 1)


def _moved_by_tick(observed: Observed, ticks: int) -> np.ndarray:
    """What had moved by the picture that is seen at each tick; one that stands has moved no longer."""
    seen: Seen = observed.seen
    if not len(seen.times):
        return np.zeros(ticks, np.float32)
    times = (observed.start_ms + np.arange(ticks) * TICK_MS) / 1000
    latest = np.clip(np.searchsorted(seen.times, times, side="right") - 1, 0, None)
    return np.where(times - seen.times[latest] < _LONGEST_MOVE_S, seen.moved[latest], 0)


def _inside_speech(
    speech: Sequence[SpeechInterval], start_ms: int, ticks: int, min_pause_ms: int
) -> np.ndarray:
    """bool (ticks + 1,): whether a cut at a tick's start is inside speech, of which short silences are part."""
    inside = np.zeros(ticks + 1, bool)
    spans: list[tuple[int, int]] = []
    for each in speech:
        if spans and each.start_ms - spans[-1][1] < min_pause_ms:
            spans[-1] = spans[-1][0], each.end_ms
        else:
            spans.append((each.start_ms, each.end_ms))
    for begin_ms, end_ms in spans:
        first, last = (begin_ms - start_ms) // TICK_MS + 1, -(-(end_ms - start_ms) // TICK_MS)
        inside[max(0, first) : max(0, last)] = True
    return inside


def _ticks_of(cut: tuple[float, float], start_ms: int, ticks: int) -> tuple[int, int]:
    old, new = (time * 1000 - start_ms for time in cut)
    return int(np.clip(old // TICK_MS, 0, ticks)), int(np.clip(-(-new // TICK_MS), 0, ticks))
