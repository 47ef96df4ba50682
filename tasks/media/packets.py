"""Decoded packets with their time stamps, from a watched ffmpeg.

ffmpeg hands over raw data in the NUT container, which keeps the exact stamp of each packet; its clock is the
source's presentation clock (`-copyts`), untouched by any rate conversion:

    heard = source_stream(path, "1").filter("aformat", sample_rates=16_000, sample_fmts="s16")
    for time, packet in stamped_packets(heard, "interview.mkv", acodec="pcm_s16le"):
        ...
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import ffmpeg
from ffmpeg.nodes import FilterableStream

from schemas.errors import MediaError
from tasks.media.probe import FORMATS, safe_input
from tasks.media.process import Ffmpeg

_SHIFT_SECONDS = 86_400
"""NUT stores no negative stamps, and a source's clock may begin below zero: stamps travel a day late."""

_READ_BYTES = 1 << 18
_MOST_PIXELS = 8192 * 8192
_MOST_ERRORS = 0.1


def source_stream(path: Path, selector: str) -> FilterableStream:
    """One stream of a file (`0`, `a:0`) for an ffmpeg-python graph: only this file, by demuxers without links."""
    source = ffmpeg.input(
        safe_input(path), protocol_whitelist="file", format_whitelist=FORMATS, max_pixels=_MOST_PIXELS
    )
    return source[selector]


def stamped_packets(
    stream: FilterableStream, item: str, **codec: str | int
) -> Iterator[tuple[Fraction, av.Packet]]:
    """Run the graph that ends in `stream`; yield each raw packet with its time in seconds.

    Ffmpeg is stopped and reaped when the generator ends or is closed. It runs no further ahead than a pipe holds.

    Args:
        stream: the end of a graph with one video or audio output.
        item: what is decoded, for errors.
        codec: output options, such as `vcodec="rawvideo"`.

    Raises:
        MediaError: ffmpeg failed or stalled, more than a tenth of the frames could not be decoded, or what
            ffmpeg wrote cannot be read.
    """
    output = ffmpeg.output(
        stream, "pipe:1", format="nut", output_ts_offset=_SHIFT_SECONDS, avoid_negative_ts="disabled", **codec
    ).global_args("-nostdin", "-v", "error", "-copyts", "-max_error_rate", str(_MOST_ERRORS))
    with Ffmpeg(output.compile(), item) as decoder:
        broken: av.FFmpegError | None = None
        packets = _demux(decoder)
        with closing(packets):
            while True:
                try:
                    packet = next(packets)
                except StopIteration:
                    break
                except av.FFmpegError as error:
                    # Nothing decoded leaves no header to read; ffmpeg's own word on it is the better one.
                    broken = error
                    break
                yield packet.pts * packet.time_base - _SHIFT_SECONDS, packet
        if broken and decoder.read(1):
            raise MediaError(item, f"the decoder's output cannot be read: {broken}", "report this file")
        decoder.finish()


def _demux(decoder: Ffmpeg) -> Iterator[av.Packet]:
    with av.open(decoder, format="nut", buffer_size=_READ_BYTES) as container:
        yield from (packet for packet in container.demux(container.streams[0]) if packet.size)
