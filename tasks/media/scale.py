"""From a decoded picture to one of a clip: upright, square pixels, 8 bit, standard dynamic range, progressive."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby

import av
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)

from schemas.errors import MediaError
from tasks.media.probe import MediaInfo, VideoStream
from tasks.media.source import MOST_PIXELS

_FINE = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
_MEAN = Interpolation.AREA | Interpolation.ACCURATE_RND
_MEAN_FROM = 2
"""From this factor on pictures shrink to the mean of the pixels that each one replaces, at half the cost of bicubic.
With exact rounding the vector units give the pixels that plain integer arithmetic gives."""

_LONGEST_SIDE_PX = 16_384
_SMALLEST_FIELDS_PX = 8
"""Below, the deinterlacer refuses, and there is nothing to see."""

_TURNS = {90: ("clock",), 180: ("clock", "clock"), 270: ("cclock",)}
_HDR = {"smpte2084", "arib-std-b67"}
_SDR_COLOURS = ("bt709", "bt709", "bt709")


def clip_size(info: MediaInfo, short_side: int) -> tuple[int, int]:
    """Width and height in px of a clip: upright, square pixels, shorter side `short_side`, both even.

    Raises:
        MediaError: the picture is too large to decode, or so long and thin that its longer side would exceed
            16,384 px.
    """
    video = info.video
    if video.width * video.height > MOST_PIXELS:
        problem = f"{video.width}x{video.height} px are more than the {MOST_PIXELS} px that are decoded"
        raise MediaError(str(info.path), problem, "leave this source out, or scale it down first")
    width, height = video.width * video.pixel_aspect, Fraction(video.height)
    if video.rotation % 180 == 90:
        width, height = height, width
    long_side = 2 * round(max(width, height) * short_side / min(width, height) / 2)
    if long_side > _LONGEST_SIDE_PX:
        problem = f"{video.width}x{video.height} px at pixel aspect {video.pixel_aspect} is too long and thin"
        raise MediaError(str(info.path), problem, "leave this source out")
    return (long_side, short_side) if width >= height else (short_side, long_side)


def clip_colours(video: VideoStream) -> tuple[str, str, str]:
    """Names of matrix, primaries and transfer of the clips; those of the source unless it is HDR."""
    return _SDR_COLOURS if video.colours[2] in _HDR else video.colours


class Scaler:
    """Makes clip pictures, yuv420p in limited range, of `size` (width, height in px)."""

    def __init__(self, video: VideoStream, size: tuple[int, int]) -> None:
        self._turn = _Turn(_TURNS[turns]) if (turns := _quarter(video.rotation)) else None
        self._size = size[::-1] if turns in (90, 270) else size
        self._reformat = VideoReformatter()
        self._tone = {}
        if video.colours[2] in _HDR:
            self._tone = {
                "dst_color_trc": ColorTrc.BT709,
                "dst_color_primaries": ColorPrimaries.BT709,
                "dst_colorspace": Colorspace.ITU709,
            }

    def scaled(self, frame: av.VideoFrame) -> av.VideoFrame:
        """A new frame without a stamp; the one given is left as it is."""
        shrinks = min(frame.width / self._size[0], frame.height / self._size[1])
        made = self._reformat.reformat(
            frame,
            *self._size,
            format="yuv420p",
            interpolation=_MEAN if shrinks >= _MEAN_FROM else _FINE,
            dst_color_range=ColorRange.MPEG,
            threads=1,
            **self._tone,
        )
        if made is frame:
            made = av.VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv420p")
        if self._turn:
            made = self._turn.turned(made)
        # What the source says of its own coding would be obeyed by the encoder.
        made.pict_type = av.video.frame.PictureType.NONE
        return made


class _Turn:
    """Quarter turns of yuv420p frames."""

    def __init__(self, directions: tuple[str, ...]) -> None:
        self._directions, self._graph = directions, None

    def turned(self, frame: av.VideoFrame) -> av.VideoFrame:
        if self._graph is None:
            self._graph = _chain(frame, [("transpose", {"dir": way}) for way in self._directions])
        frame.pts = None
        self._graph.push(frame)
        return self._graph.pull()


def deinterlaced(frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """The same pictures with their stamps, both fields made one where a picture is flagged as interlaced."""
    for _, alike in groupby(frames, lambda frame: (frame.width, frame.height, frame.format.name)):
        graph = None
        for frame in alike:
            if min(frame.width, frame.height) < _SMALLEST_FIELDS_PX:
                yield frame
                continue
            graph = graph or _chain(frame, [("bwdif", {"mode": "send_frame", "deint": "interlaced"})])
            graph.push(frame)
            yield from _ready(graph)
        if graph:
            graph.push(None)
            yield from _ready(graph)


def _ready(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            yield graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return


def _chain(frame: av.VideoFrame, filters: list[tuple[str, dict[str, str]]]) -> av.filter.Graph:
    """A graph that takes frames like this one through some filters."""
    graph = av.filter.Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format.name,
        time_base=frame.time_base or Fraction(1, 25),
    )
    graph.link_nodes(
        source, *(graph.add(name, **options) for name, options in filters), graph.add("buffersink")
    )
    graph.configure()
    return graph


def _quarter(rotation: int) -> int:
    """The multiple of 90 degrees nearest to a rotation, 0–270."""
    return round(rotation / 90) % 4 * 90
