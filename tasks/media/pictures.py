"""The pictures of a source on its presentation clock, decoded once.

Every picture keeps the time stamp that the container gives it; no frame is repeated or left out here. How the
stream of pictures becomes 25 frames a second is decided per clip (`tasks.media.framing`), and only what a clip
shows is scaled (`tasks.media.scale`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

import av
from av.codec.hwaccel import HWAccel

from schemas.errors import Dropped
from schemas.units import Milliseconds, to_ms
from tasks.media.probe import MediaInfo
from tasks.media.scale import deinterlaced
from tasks.media.source import decoded_frames, seconds, stamp

LONGEST_STEP_BACK = Fraction(1)
"""Seconds by which a picture's stamp may lie before that of the picture shown before it. Such a picture is left
out; beyond, the clock was set back, and nothing that follows has a place on it."""

_SHOWN_WITHOUT_RATE = Fraction(1, 25)
_TELL_EVERY_MS = 1000


@dataclass(frozen=True)
class Shown:
    """One source picture and the time for which it is seen.

    Attributes:
        time: its stamp, seconds on the source's clock.
        ticks: the same in ticks of the stream.
        until: the stamp of the next picture; for the last one its own plus its duration, or one average frame.
        frame: as decoded.
        last: no picture follows.
        turned_back: after this last one the source's clock jumped backwards.
    """

    time: Fraction
    ticks: int
    until: Fraction
    frame: av.VideoFrame
    last: bool = False
    turned_back: bool = False


class PictureTrack:
    """A source's pictures on their way to the clips, from the first that is still seen after the sound begins.

    Attributes:
        leading: that picture; if the sound begins after all pictures, the last one.
        first: the stamp of the very first picture, seconds.
        until: up to when, in seconds, pictures have been handed out.
        ended: whether the last one has been.
        turned_back: whether they ended because the source's clock jumped backwards.

    Raises:
        Dropped: `corrupt`, when there is no picture at all.
    """

    def __init__(
        self,
        pictures: Iterator[Shown],
        sound_start_ms: int,
        beat: Callable[[Milliseconds | None], None] = lambda milliseconds: None,
    ) -> None:
        self._pictures, self._beat = pictures, beat
        shown = next(pictures, None)
        if shown is None:
            raise Dropped("corrupt", "the video stream decodes to nothing")
        self.first = shown.time
        while shown.until * 1000 <= sound_start_ms and not shown.last:
            shown = next(pictures)
            beat(None)
        self.leading, self.until = shown, shown.time
        self.ended = self.turned_back = False

    def __iter__(self) -> Iterator[Shown]:
        told_ms = to_ms(self.leading.time)
        for shown in chain([self.leading], self._pictures):
            self.until, self.ended, self.turned_back = shown.until, shown.last, shown.turned_back
            yield shown
            tell = to_ms(shown.until) - told_ms >= _TELL_EVERY_MS
            told_ms = to_ms(shown.until) if tell else told_ms
            self._beat(told_ms if tell else None)


def decode_pictures(info: MediaInfo, device: HWAccel | None = None) -> Iterator[Shown]:
    """The main video stream's pictures in order of time, each with a stamp later than the one before.

    Pictures without a stamp or with one that does not advance are left out; interlaced pictures are
    deinterlaced where they are flagged so. Closing the generator stops the decoder. Memory: two pictures
    beside the decoder's own.

    Args:
        device: where to decode, if not on the processor.

    Raises:
        Dropped: `corrupt`.
        MediaError: the file cannot be opened or its codec is unknown.
    """
    with closing(decoded_frames(info, info.video.index, device)) as frames:
        pictures = deinterlaced(frames) if info.video.interlaced else frames
        held: tuple[Fraction, av.VideoFrame] | None = None
        for frame in pictures:
            time = seconds(frame)
            if time is None:
                continue
            if held:
                if time < held[0] - LONGEST_STEP_BACK:
                    yield Shown(
                        held[0], stamp(held[1]), _end(held[1], held[0], info), held[1], True, turned_back=True
                    )
                    return
                if time <= held[0]:
                    continue
                yield Shown(held[0], stamp(held[1]), time, held[1])
            held = time, frame
        if held:
            yield Shown(held[0], stamp(held[1]), _end(held[1], held[0], info), held[1], last=True)


def _end(frame: av.VideoFrame, time: Fraction, info: MediaInfo) -> Fraction:
    """Until when the last picture is seen."""
    if frame.duration:
        return time + frame.duration * frame.time_base
    return time + (1 / info.video.frame_rate if info.video.frame_rate > 0 else _SHOWN_WITHOUT_RATE)
