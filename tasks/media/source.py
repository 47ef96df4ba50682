"""Decoding a source: one stream of a file, frame by frame, with the time stamps that the container gives.

A source is hostile until shown otherwise: only this file is read, by demuxers without links, and whoever calls
this for a file from outside does it in a process of its own (`tasks.media.isolation`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction

import av
from av.codec.hwaccel import HWAccel
from av.stream import Discard

from schemas.errors import Dropped, MediaError
from tasks.media.probe import FORMATS, MediaInfo, safe_input

MOST_PIXELS = 8192 * 4608
"""The largest picture that is decoded; a decoder keeps some twenty of them, 1.1 GB in 8 bit 4:2:0."""

_WITHOUT_PRESENTATION_STAMPS = frozenset({"avi"})
"""Containers that number pictures as they are decoded. A decoder hands them out in order of presentation, each with
the number of a packet as late as its reordering: ffprobe's best-effort stamp."""

_MOST_THREADS = 8
"""Each keeps pictures of its own."""

_MOST_BROKEN = 0.1
_LEAST_JUDGED = 20


def decoded_frames(
    info: MediaInfo, index: int, device: HWAccel | None = None
) -> Iterator[av.VideoFrame | av.AudioFrame]:
    """All frames of one stream, in order of presentation.

    Packets that cannot be decoded are passed over. Closing the generator closes the file.

    Args:
        index: the stream's number in the file.
        device: decodes pictures there instead of on the processor; of a damaged stream it makes an error,
            because each decoder hides damage in its own way.

    Raises:
        Dropped: `corrupt`, when more than a tenth of the packets cannot be decoded.
        MediaError: the file cannot be opened, or there is no decoder for the stream.
    """
    item = str(info.path)
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
    try:
        container = av.open(
            safe_input(info.path), container_options=options, metadata_errors="replace", hwaccel=device
        )
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(item, f"cannot be opened: {error}", "download or export it again") from error
    with container:
        kind = "audio" if info.audio and index == info.audio.index else "video"
        if index >= len(container.streams) or container.streams[index].type != kind:
            raise Dropped("corrupt", f"stream {index} is found in one reading and not in the next")
        stream = container.streams[index]
        if stream.codec_context is None:
            raise MediaError(item, f"stream {index} has a codec that is not known here", "convert it first")
        _prepare(container, stream)
        with closing(_frames(container, stream)) as frames:
            for frame in frames:
                if device and frame.is_corrupt:
                    raise _damaged(item)
                yield frame


def _damaged(item: str) -> MediaError:
    return MediaError(item, "is damaged, and decoders differ about it", "decode it on the processor")


def stamp(frame: av.VideoFrame | av.AudioFrame) -> int | None:
    """A frame's presentation stamp in ticks of its time base; containers without any give the decoding order."""
    return frame.pts if frame.pts is not None else frame.dts


def seconds(frame: av.VideoFrame | av.AudioFrame) -> Fraction | None:
    """A frame's presentation stamp in seconds on the container's clock, exact."""
    ticks = stamp(frame)
    return None if ticks is None else ticks * frame.time_base


def decoder_name(card_decodes: bool) -> str:
    """The libraries that decode, with their versions, and NVDEC if it decodes the pictures."""
    libraries = (
        f"{name} {'.'.join(map(str, av.library_versions[name]))}" for name in ("libavformat", "libavcodec")
    )
    return ", ".join([f"PyAV {av.__version__}", *libraries, *(["NVDEC"] if card_decodes else [])])


def _prepare(container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream) -> None:
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    if stream.type == "video":
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = min(_MOST_THREADS, os.cpu_count() or 1)
    if "mov" in container.format.name:
        # The samples of the other streams need not even be read: an index says where they lie. Elsewhere they
        # pass by anyway, and a transport stream's wrapped clock is judged by all of them.
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all


def _frames(
    container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream
) -> Iterator[av.VideoFrame | av.AudioFrame]:
    packets = broken = 0
    frame, shown_again = None, None
    in_decoding_order = stream.type == "video" and container.format.name in _WITHOUT_PRESENTATION_STAMPS
    for packet in _packets(container, stream):
        if not packet.size and packet.dts is not None:
            # "The picture before is shown again." To the decoder it would mean the end of the stream.
            shown_again = packet
            continue
        packets += 1
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            if stream.codec_context.is_hwaccel:
                raise _damaged(container.name) from error
            broken += 1
            continue
        for frame in frames:
            if in_decoding_order:
                frame.pts = frame.dts
            yield frame
    if broken > max(packets, _LEAST_JUDGED) * _MOST_BROKEN:
        raise Dropped("corrupt", f"{broken} of {packets} {stream.type} packets cannot be decoded")
    if frame and shown_again and stamp(frame) is not None and shown_again.dts > stamp(frame):
        # The last frame is with its receiver, who asks how long it lasts when there is no other.
        frame.duration = shown_again.dts + (shown_again.duration or 0) - stamp(frame)


def _packets(
    container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream
) -> Iterator[av.Packet]:
    """Packets up to the end, or to where the file cannot be read on; how far that is, the caller sees in time."""
    with closing(container.demux(stream)) as packets:
        while True:
            try:
                yield next(packets)
            except (StopIteration, IndexError, av.FFmpegError):
                # PyAV 18 looks past its list of streams at the end of a file in which new ones appear.
                return
