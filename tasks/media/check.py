"""The sync contract, judged from a clip's file alone.

    check = check_file(path)
    check.passed, check.problems, check.events
    differences(check, certificate["facts"])    # what is not as it was when the clip was made

The judgement is for clips that Clapper has written; any other file is measured too, and fails in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from schemas.certificate import FileFacts
from schemas.errors import MediaError
from schemas.units import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME
from tasks.media.events import EventOffsets, EventRecord
from tasks.media.facts import Measured, PictureStream, SoundStream, file_facts, measure

__all__ = ["SyncCheck", "check_file", "differences", "file_facts", "judge"]

SOUND_BOUND_MS = 2.0
PICTURE_BOUND_MS = 20.0
DRIFT_BOUND_MS_PER_HOUR = 2.0
"""So that even an hour of the clip's clocks would keep the sound within its bound."""


@dataclass(frozen=True)
class SyncCheck:
    """What `clapper check-sync` says of one file.

    Attributes:
        facts: None when there is not one frame or not one sample.
        problems: one sentence each; none when the file keeps the contract.
        events: of flash-and-beep material, else None.
    """

    path: Path
    facts: FileFacts | None
    problems: tuple[str, ...]
    events: EventOffsets | None

    @property
    def passed(self) -> bool:
        return not self.problems


def check_file(path: Path) -> SyncCheck:
    """Measure and judge a file, whatever it is.

    Decodes in this process, which hostile bytes may crash: see `tasks.media.check_apart`.
    """
    if not path.is_file():
        return SyncCheck(path, None, ("there is no such file",), None)
    if not path.stat().st_size:
        return SyncCheck(path, None, ("the file is empty: 0 bytes",), None)
    record = EventRecord()
    try:
        measured = measure(path, record.see, record.hear)
    except MediaError as error:
        return SyncCheck(path, None, (error.problem,), None)
    return SyncCheck(path, measured.facts, judge(measured), record.offsets())


def judge(measured: Measured) -> tuple[str, ...]:
    """Where a file breaks the contract, one sentence each."""
    found = [*_streams(measured), *_errors(measured)]
    if measured.facts is None:
        if measured.pictures and measured.sounds:
            found.append("no frame can be decoded, or no sample: both are wanted")
        return tuple(found)
    found += [*_stamps(measured), *_counts(measured.facts), *_skews(measured)]
    return tuple(found)


def differences(check: SyncCheck, certified: Mapping[str, Any]) -> tuple[str, ...]:
    """Facts that are not those of the clip's certificate (`FileFacts` as a mapping), both values in each sentence."""
    if check.facts is None:
        return ("nothing of the file can be held against its certificate",)
    found = asdict(check.facts)
    same_file = found["sha256"] == certified.get("sha256")
    return tuple(
        f"{name} is {value}, and {certified.get(name)} in the certificate{_why(name, same_file)}"
        for name, value in found.items()
        if value != certified.get(name)
    )


def _why(name: str, same_file: bool) -> str:
    changed = same_file and name.endswith("_xxh3")
    return ": the file is the same, the decoders are not (another version of FFmpeg)" if changed else ""


def _streams(measured: Measured) -> Iterator[str]:
    if measured.pictures != 1:
        yield f"{measured.pictures} picture streams: 1 is wanted"
    if measured.sounds != 1:
        yield f"{measured.sounds} sound streams: 1 is wanted"
    if measured.picture:
        yield from _picture_form(measured.picture, measured.picture_packets)
    if measured.sound:
        yield from _sound_form(measured.sound, measured.sound_packets)


def _picture_form(picture: PictureStream, packets: int) -> Iterator[str]:
    if picture.codec != "h264":
        yield f"the picture is {picture.codec}: H.264 is wanted"
    if picture.pixel_format != "yuv420p":
        yield f"the picture is in {picture.pixel_format}: yuv420p is wanted"
    if picture.count and picture.count != packets:
        yield f"the header tells of {picture.count} frames, and the file holds {packets}"


def _sound_form(sound: SoundStream, packets: int) -> Iterator[str]:
    if sound.codec not in ("aac", "aac_fixed"):
        yield f"the sound is {sound.codec}: AAC is wanted"
    if sound.channels != 1:
        yield f"the sound has {sound.channels} channels: 1 is wanted"
    if sound.rate != SAMPLE_RATE:
        yield f"the sound has {sound.rate} samples a second: {SAMPLE_RATE} are wanted"
    if sound.count and sound.count != packets:
        yield f"the header tells of {sound.count} sound packets, and the file holds {packets}"


def _errors(measured: Measured) -> Iterator[str]:
    yield from measured.errors
    if measured.faults > len(measured.errors):
        yield f"{measured.faults} packets or pictures in all are damaged: 0 at most"


def _stamps(measured: Measured) -> Iterator[str]:
    frames = measured.facts.frames
    if measured.misplaced:
        number, stamp = measured.first_misplaced
        yield (
            f"{measured.misplaced} of {frames} frames are not at their time ({FRAME_RATE} a second from 0), by "
            f"{measured.misplaced_ms:.1f} ms at most: frame {number} is at {stamp:.3f} s, not at "
            f"{number / FRAME_RATE:.3f} s"
        )
    if measured.gaps:
        kind = "gap" if measured.gap_ms > 0 else "overlap"
        yield (
            f"the stamps of the sound break off {measured.gaps} times, first at "
            f"{measured.first_gap_s:.3f} s; the largest {kind} is {abs(measured.gap_ms):.1f} ms: 0 ms is wanted"
        )


def _counts(facts: FileFacts) -> Iterator[str]:
    wanted = facts.frames * SAMPLES_PER_FRAME
    if facts.samples != wanted:
        yield (
            f"{facts.samples} samples for {facts.frames} frames: {wanted} are wanted, {SAMPLES_PER_FRAME} a frame"
        )


def _skews(measured: Measured) -> Iterator[str]:
    facts = measured.facts
    if abs(facts.picture_first_pts_ms) > PICTURE_BOUND_MS:
        yield f"the picture begins at {facts.picture_first_pts_ms:.1f} ms: {PICTURE_BOUND_MS:g} ms at most"
    for what, skew, first in (
        ("begins", facts.start_skew_ms, facts.sound_first_pts_ms),
        ("ends", facts.end_skew_ms, 0.0),
    ):
        if abs(skew) > SOUND_BOUND_MS:
            side = "before" if skew > 0 else "after"
            yield f"sound {what} {abs(skew):.1f} ms {side} the picture: {SOUND_BOUND_MS:g} ms at most"
        elif abs(first) > SOUND_BOUND_MS:
            yield f"the sound {what} at {first:.1f} ms: {SOUND_BOUND_MS:g} ms at most"
    # At another rate than 16 kHz the count of samples says nothing of time, and the rate is the problem.
    if measured.sound.rate == SAMPLE_RATE and abs(facts.drift_ms_per_hour) > DRIFT_BOUND_MS_PER_HOUR:
        yield (
            f"the audio drifts by {facts.drift_ms_per_hour:+.1f} ms an hour against the picture: "
            f"{DRIFT_BOUND_MS_PER_HOUR:g} ms at most"
        )
