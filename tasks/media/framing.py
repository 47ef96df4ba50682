"""From pictures at any rate to the frames of every clip, in one pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

from schemas.units import FRAME_RATE
from tasks.media.cut import Cut, slot, whole_frames
from tasks.media.encode import ClipEncoder
from tasks.media.pictures import Shown


class FramedClip:
    """A clip whose pictures are being encoded.

    Attributes:
        repeated: frames so far that show a picture again, because the source has none in their 40 ms.
        skew: largest distance so far, in seconds, between a picture's stamp and the frame that first shows it.
    """

    def __init__(self, cut: Cut, encoder: ClipEncoder) -> None:
        self.cut, self.encoder = cut, encoder
        self.repeated, self.skew = 0, Fraction(0)

    @property
    def frames(self) -> int:
        return self.encoder.frames

    @property
    def complete(self) -> bool:
        return self.frames >= self.cut.frames

    def show(self, shown: Shown) -> None:
        """Encode the frames during which a picture is seen: none, one or many."""
        start_ms = self.cut.start_ms
        own = slot(shown.time, start_ms)
        stop = (whole_frames if shown.last else slot)(shown.until, start_ms)
        for frame in range(self.frames, min(stop, self.cut.frames)):
            if frame == own:
                distance = shown.time - Fraction(start_ms, 1000) - Fraction(frame, FRAME_RATE)
                self.skew = max(self.skew, abs(distance))
            else:
                self.repeated += 1
            self.encoder.add(shown.frame, shown.pixels)


def framed_clips(
    pictures: Iterable[Shown], cuts: Sequence[Cut], new_encoder: Callable[[], ClipEncoder]
) -> Iterator[FramedClip]:
    """Each clip as soon as its last frame is encoded; at the end of the pictures also those that are shorter.

    Takes no more pictures than the cuts need. The consumer finishes or discards the encoder of each clip that it
    is given; the encoders of those that it is not given (it stopped early, or an error came) are discarded here.
    Open at a time are as many encoders as spans overlap; a cut that no picture reaches is never opened.
    """
    waiting = deque(sorted(cuts, key=lambda cut: cut.start_ms))
    opened: list[FramedClip] = []
    try:
        for shown in pictures:
            while waiting and slot(shown.until, waiting[0].start_ms) > 0:
                cut = waiting.popleft()
                opened.append(FramedClip(cut, new_encoder()))
            for clip in opened:
                clip.show(shown)
            for clip in [each for each in opened if each.complete]:
                opened.remove(clip)
                yield clip
            if not waiting and not opened:
                return
        while opened:
            yield opened.pop(0)
    finally:
        for clip in opened:
            clip.encoder.discard()
