"""From pictures at any rate to the frames of every clip, in one pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

import av

from schemas.units import FRAME_RATE
from tasks.media.cut import Cut, slot, whole_frames
from tasks.media.encode import ClipEncoder
from tasks.media.line import Points
from tasks.media.pictures import Shown

Scale = Callable[[av.VideoFrame], av.VideoFrame]


class FramedClip:
    """A clip whose pictures are being encoded.

    Attributes:
        repeated: frames so far that show a picture again, because the source has none in their 40 ms.
        dropped: pictures so far that no frame shows, because a later one falls into the same 40 ms.
        skew: largest distance so far, in seconds, between a picture's stamp and the frame that first shows it.
        early: by how many seconds the frame of each picture is before its stamp, over the clip's time in seconds;
            of those that are not shown too, so that rounding cancels out.
        first_ticks, last_ticks: stamps of the first and last picture shown, in ticks of the source.
    """

    def __init__(self, cut: Cut, encoder: ClipEncoder) -> None:
        self.cut, self.encoder = cut, encoder
        self.repeated = self.dropped = 0
        self.skew = Fraction(0)
        self.early = Points()
        self.first_ticks: int | None = None
        self.last_ticks: int | None = None

    @property
    def frames(self) -> int:
        return self.encoder.frames

    @property
    def complete(self) -> bool:
        return self.frames >= self.cut.frames

    def due(self, shown: Shown) -> range:
        """The frames, not encoded yet, during which a picture is seen: none, one or many."""
        stop = (whole_frames if shown.last else slot)(shown.until, self.cut.start_ms)
        return range(self.frames, min(stop, self.cut.frames))

    def show(self, shown: Shown, picture: av.VideoFrame, due: range) -> None:
        """Encode a picture, scaled, for the frames that are due."""
        own = slot(shown.time, self.cut.start_ms)
        if own in due:
            self.skew = max(self.skew, abs(self._measure(shown, own)))
        self.repeated += len(due) - (own in due)
        self.first_ticks = shown.ticks if self.first_ticks is None else self.first_ticks
        self.last_ticks = shown.ticks
        for _ in due:
            self.encoder.add(picture)

    def pass_over(self, shown: Shown) -> None:
        """Count a picture that lies within the clip and is not shown."""
        own = slot(shown.time, self.cut.start_ms)
        if 0 <= own < self.cut.frames and not shown.last:
            self.dropped += 1
            self._measure(shown, own)

    def _measure(self, shown: Shown, own: int) -> Fraction:
        late = shown.time - Fraction(self.cut.start_ms, 1000) - Fraction(own, FRAME_RATE)
        self.early.add(own / FRAME_RATE, float(late))
        return late


def framed_clips(
    pictures: Iterable[Shown], cuts: Sequence[Cut], new_encoder: Callable[[], ClipEncoder], scale: Scale
) -> Iterator[FramedClip]:
    """Each clip as soon as its last frame is encoded; at the end of the pictures also those that are shorter.

    Takes no more pictures than the cuts need, and scales each at most once. The consumer finishes or discards
    the encoder of each clip that it is given; the encoders of those that it is not given (it stopped early, or
    an error came) are discarded here. Open at a time are as many encoders as spans overlap; a cut that no
    picture reaches is never opened.
    """
    waiting = deque(sorted(cuts, key=lambda cut: cut.start_ms))
    opened: list[FramedClip] = []
    try:
        for shown in pictures:
            while waiting and _reaches(shown, waiting[0]):
                cut = waiting.popleft()
                opened.append(FramedClip(cut, new_encoder()))
            _show(shown, opened, scale)
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


def _reaches(shown: Shown, cut: Cut) -> bool:
    """Whether a picture belongs to a clip's first frame or a later one, or is still seen then."""
    return slot(shown.time, cut.start_ms) >= 0 or slot(shown.until, cut.start_ms) > 0


def _show(shown: Shown, clips: Sequence[FramedClip], scale: Scale) -> None:
    picture = None
    for clip in clips:
        due = clip.due(shown)
        if not due:
            clip.pass_over(shown)
            continue
        picture = scale(shown.frame) if picture is None else picture
        clip.show(shown, picture, due)
