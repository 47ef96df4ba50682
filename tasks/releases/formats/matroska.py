"""A clip's packets in Matroska, bit for bit, each at its time.

A clip's sound begins with samples that no reader hands out: the encoder's delay and the zeros that fill its packets.
MP4 says so in an edit list. Matroska has none, so a plain copy moves picture and sound together, by 64 to 128 ms:
here the track's `CodecDelay` says the same instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import av

from schemas.errors import MediaError
from schemas.units import SAMPLE_RATE

_ENCODER_DELAY = 1024
"""Samples of delay that FFmpeg's AAC encoder declares, and so its Matroska writer."""

_NS_PER_SAMPLE = 1_000_000_000 // SAMPLE_RATE
_ELEMENT = b"\x56\xaa\x84"
"""`CodecDelay`, with four bytes of nanoseconds."""

_HEADER_BYTES = 1 << 16
_OPTIONS = {"fflags": "+bitexact", "write_crc32": "0"}
"""No random numbers in the file, and no checksum over the header, which is completed afterwards."""


def copy_to_matroska(clip: Path, target: Path) -> int:
    """Write a clip as .mkv without decoding anything; the same clip gives the same bytes.

    Returns:
        When the sound's packets begin, in samples from the clip's start, modulo 1024.

    Raises:
        MediaError: the clip has no picture or no sound, was not made by Clapper, or its copy is not the same.
    """
    try:
        delay = _copied(clip, target)
        _declare(target, delay)
        _compare(clip, target)
    except (av.FFmpegError, IndexError) as error:
        raise MediaError(
            clip.name, f"its packets cannot be copied: {error}", "normalise its video again"
        ) from error
    return -delay % 1024


def _copied(clip: Path, target: Path) -> int:
    """Copy the packets, the sound's as if its delay were the encoder's; the true one in samples."""
    delay = None
    with av.open(str(clip)) as source, av.open(str(target), "w", format="matroska", options=_OPTIONS) as sink:
        seen, heard = source.streams.video[0], source.streams.audio[0]
        pictures = sink.add_stream_from_template(seen)
        # An encoder of our own is opened for what it declares; nothing is encoded.
        sound = sink.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        sound.codec_context.open()
        if sound.codec_context.extradata != heard.codec_context.extradata:
            raise MediaError(
                clip.name, "its sound is not 16 kHz AAC-LC as Clapper writes it", "normalise it first"
            )
        for packet in source.demux(seen, heard):
            if packet.dts is None:  # the last ones are empty
                continue
            if packet.stream is heard:
                if delay is None:
                    delay = -packet.pts
                packet.pts, packet.dts = (
                    packet.pts + delay - _ENCODER_DELAY,
                    packet.dts + delay - _ENCODER_DELAY,
                )
            packet.stream = sound if packet.stream is heard else pictures
            sink.mux(packet)
    if delay is None or delay < _ENCODER_DELAY:
        problem = f"its sound begins {delay or 0} samples early: {_ENCODER_DELAY} or more are wanted"
        raise MediaError(clip.name, problem, "normalise it first")
    return delay


def _declare(file: Path, delay: int) -> None:
    """Put the true delay where the writer has put the encoder's."""
    with file.open("r+b") as stored:
        header = stored.read(_HEADER_BYTES)
        written = _ELEMENT + (_ENCODER_DELAY * _NS_PER_SAMPLE).to_bytes(4, "big")
        if header.count(written) != 1:
            problem = f"the header names the sound's delay {header.count(written)} times: once is wanted"
            raise MediaError(file.name, problem, "report this as a fault of Clapper")
        stored.seek(header.index(written) + len(_ELEMENT))
        stored.write((delay * _NS_PER_SAMPLE).to_bytes(4, "big"))


def _compare(clip: Path, copy: Path) -> None:
    for kind in ("video", "audio"):
        ours, theirs = (_packets(file, kind) for file in (clip, copy))
        if ours != theirs:
            problem = (
                f"the copy's {kind} is not the clip's: {theirs[:2]} for {ours[:2]} (packets, digest of all)"
            )
            raise MediaError(clip.name, problem, "report this as a fault of Clapper")


def _packets(file: Path, kind: str) -> tuple[int, str]:
    """How many packets a stream has, and a digest of their times in ms and their bytes."""
    digest, number = hashlib.sha256(), 0
    with av.open(str(file)) as container:
        for stamp_ms, content in _stamped(container, kind):
            digest.update(f"{stamp_ms} {len(content)} ".encode())
            digest.update(content)
            number += 1
    return number, digest.hexdigest()


def _stamped(container: av.container.InputContainer, kind: str) -> Iterator[tuple[int, bytes]]:
    for packet in container.demux(**{kind: 0}):
        if packet.size:
            yield round(packet.pts * packet.time_base * 1000), bytes(packet)
