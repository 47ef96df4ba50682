"""What of a source became no clip, and why: no span is left out without a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from schemas.units import FRAME_MS, Milliseconds, frame_to_ms
from tasks.media.cut import Cut


@dataclass(frozen=True)
class Omission:
    """A span of the source's presentation clock: why it was left out, in a stable word, and with numbers."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    reason: str
    detail: str = ""

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


@dataclass(frozen=True)
class Bounds:
    """Where a source's pictures and sound begin and end, ms on its clock; ends exclusive."""

    picture_start_ms: Milliseconds
    picture_end_ms: Milliseconds
    sound_start_ms: Milliseconds
    sound_end_ms: Milliseconds

    @property
    def start_ms(self) -> Milliseconds:
        return max(self.picture_start_ms, self.sound_start_ms)

    @property
    def end_ms(self) -> Milliseconds:
        return min(self.picture_end_ms, self.sound_end_ms)


def edges(bounds: Bounds) -> list[Omission]:
    """What precedes and follows the span in which both streams exist, if it is a frame or more."""
    first = min(bounds.picture_start_ms, bounds.sound_start_ms)
    last = max(bounds.picture_end_ms, bounds.sound_end_ms)
    return _sizeable(_absent(bounds, first, bounds.start_ms), _absent(bounds, bounds.end_ms, last))


def remainder(cut: Cut, bounds: Bounds, min_length_ms: int) -> list[Omission]:
    """What is left after a source's last clip of full length, if it is a frame or more."""
    end_ms = min(cut.wanted.end_ms, bounds.end_ms)
    detail = f"{end_ms - cut.start_ms} ms; least is {min_length_ms} ms"
    return _sizeable(Omission(cut.start_ms, end_ms, "shorter_than_minimum", detail))


def missing_parts(cut: Cut, frames: int, bounds: Bounds) -> list[Omission]:
    """The parts of a listed span that its clip of `frames` frames lacks, if they are a frame or more."""
    head = _absent(bounds, cut.wanted.start_ms, cut.start_ms)
    tail = _absent(bounds, cut.start_ms + frame_to_ms(frames), cut.wanted.end_ms)
    return _sizeable(head, tail)


def too_short(cut: Cut, bounds: Bounds, min_length_ms: int) -> Omission:
    """Why a listed span became no clip: too short as it was asked for, or as far as the source has it."""
    wanted = cut.wanted
    frames = max(0, min(frame_to_ms(cut.frames), bounds.end_ms - cut.start_ms)) // FRAME_MS
    reason = "shorter_than_minimum"
    if wanted.end_ms - wanted.start_ms >= min_length_ms:
        lacking = missing_parts(cut, frames, bounds)
        reason = max(lacking, key=lambda part: part.length_ms).reason if lacking else reason
    length = f"{frame_to_ms(frames)} of {wanted.end_ms - wanted.start_ms} ms can be had; least is {min_length_ms} ms"
    return Omission(wanted.start_ms, wanted.end_ms, reason, length)


def joined(omissions: Iterable[Omission]) -> tuple[Omission, ...]:
    """By start and end, without empty ones; neighbours that are left out for the same reason are one."""
    spans: list[Omission] = []
    for span in sorted(omissions, key=lambda span: (span.start_ms, span.end_ms)):
        last = spans[-1] if spans else None
        if last and (last.end_ms, last.reason, last.detail) == (span.start_ms, span.reason, span.detail):
            spans[-1] = replace(last, end_ms=span.end_ms)
        elif span.length_ms > 0:
            spans.append(span)
    return tuple(spans)


def _sizeable(*parts: Omission) -> list[Omission]:
    return [part for part in parts if part.length_ms >= FRAME_MS]


def _absent(bounds: Bounds, start_ms: int, end_ms: int) -> Omission:
    middle = (start_ms + end_ms) / 2
    seen = bounds.picture_start_ms <= middle < bounds.picture_end_ms
    heard = bounds.sound_start_ms <= middle < bounds.sound_end_ms
    reason = {(True, False): "no_sound", (False, True): "no_picture"}.get((seen, heard), "outside_source")
    pictures = f"pictures {bounds.picture_start_ms}–{bounds.picture_end_ms} ms"
    sound = f"sound {bounds.sound_start_ms}–{bounds.sound_end_ms} ms"
    return Omission(Milliseconds(start_ms), Milliseconds(end_ms), reason, f"{pictures}, {sound}")
