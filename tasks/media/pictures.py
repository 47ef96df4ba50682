"""The pictures of a source on its presentation clock, decoded once and scaled to the clips' size.

Every picture keeps the time stamp that the container gives it; no frame is repeated or left out here. How the
stream of pictures becomes 25 frames a second is decided per clip (`tasks.media.cut`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

import av

from schemas.errors import Dropped, MediaError
from schemas.units import Milliseconds, to_ms
from tasks.media.packets import source_stream, stamped_packets
from tasks.media.probe import MediaInfo

_FLAGS = "bicubic+accurate_rnd+bitexact"
"""Scaling by integers alone, so that every machine makes the same pixels."""

_LONGEST_SIDE_PX = 16_384
_SHOWN_WITHOUT_RATE = Fraction(1, 25)
_TELL_EVERY_MS = 5000


@dataclass(frozen=True)
class Shown:
    """One source picture and the time for which it is seen.

    Attributes:
        time: its stamp, seconds on the source's clock.
        until: the stamp of the next picture; for the last one its own plus one average frame.
        frame: yuv420p.
        pixels: the same as bytes, Y then U then V without padding.
        last: no picture follows.
    """

    time: Fraction
    until: Fraction
    frame: av.VideoFrame
    pixels: bytes
    last: bool = False


class PictureTrack:
    """A source's pictures on their way to the clips, from the first that is still seen after the sound begins.

    Attributes:
        leading: that picture; if the sound begins after all pictures, the last one.
        first: the stamp of the very first picture, seconds.
        until: up to when, in seconds, pictures have been handed out.
        ended: whether the last one has been.

    Raises:
        Dropped: `corrupt`, when there is no picture at all.
    """

    def __init__(
        self,
        pictures: Iterator[Shown],
        sound_start_ms: int,
        progress: Callable[[Milliseconds], None] | None = None,
    ) -> None:
        self._pictures, self._progress = pictures, progress
        shown = next(pictures, None)
        if shown is None:
            raise Dropped("corrupt", "the video stream decodes to nothing")
        self.first = shown.time
        while shown.until * 1000 <= sound_start_ms and not shown.last:
            shown = next(pictures)
        self.leading, self.until, self.ended = shown, shown.time, False

    def __iter__(self) -> Iterator[Shown]:
        told_ms = to_ms(self.leading.time)
        for shown in chain([self.leading], self._pictures):
            self.until, self.ended = shown.until, shown.last
            yield shown
            if self._progress and to_ms(shown.until) - told_ms >= _TELL_EVERY_MS:
                told_ms = to_ms(shown.until)
                self._progress(told_ms)


def clip_size(info: MediaInfo, short_side: int) -> tuple[int, int]:
    """Width and height in px of a clip: upright, square pixels, shorter side `short_side`, both even.

    Raises:
        MediaError: the picture is so long and thin that its longer side would exceed 16,384 px.
    """
    video = info.video
    width, height = video.width * video.pixel_aspect, Fraction(video.height)
    if video.rotation % 180 == 90:
        width, height = height, width
    long_side = 2 * round(max(width, height) * short_side / min(width, height) / 2)
    if long_side > _LONGEST_SIDE_PX:
        problem = f"{video.width}x{video.height} px at pixel aspect {video.pixel_aspect} is too long and thin"
        raise MediaError(str(info.path), problem, "leave this source out")
    return (long_side, short_side) if width >= height else (short_side, long_side)


def decode_pictures(info: MediaInfo, size: tuple[int, int]) -> Iterator[Shown]:
    """The main video stream's pictures in order of time, each with a stamp later than the one before.

    Pictures without a stamp or with one that does not advance are left out; interlaced pictures are
    deinterlaced where they are flagged so. Colours are not converted, only brought to limited range.
    Closing the generator stops the decoder. Memory: two pictures.

    Raises:
        MediaError: ffmpeg failed or stalled.
    """
    lasting = 1 / info.video.frame_rate if info.video.frame_rate > 0 else _SHOWN_WITHOUT_RATE
    packets = stamped_packets(
        _graph(info, size),
        str(info.path),
        vcodec="rawvideo",
        fps_mode="passthrough",
        enc_time_base=f"{info.video.time_base.numerator}:{info.video.time_base.denominator}",
    )
    with closing(packets):
        held: tuple[Fraction, av.VideoFrame, bytes] | None = None
        for time, packet in packets:
            if held:
                yield Shown(held[0], time, held[1], held[2])
            [frame] = packet.decode()
            # A raw picture says that it is a key frame, and the encoder would obey.
            frame.pict_type = av.video.frame.PictureType.NONE
            held = time, frame, bytes(packet)
        if held:
            yield Shown(held[0], held[0] + lasting, held[1], held[2], last=True)


def _graph(info: MediaInfo, size: tuple[int, int]):
    pictures = source_stream(info.path, str(info.video.index)).filter(
        "select", "isnan(prev_selected_pts)+gt(pts,prev_selected_pts)"
    )
    if info.video.interlaced:
        pictures = pictures.filter("bwdif", mode="send_frame", deint="interlaced")
    return (
        pictures.filter("scale", *size, flags=_FLAGS, out_range="tv")
        .filter("setsar", 1)
        .filter("format", "yuv420p")
    )
