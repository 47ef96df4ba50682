"""Ten-second clips from certified ones of any length, as the loaders of VGGSound's layout want them.

    for window in windows_of(duration_ms=300_000): ...      # (0, 10_000), (10_000, 20_000) …
    cut_windows(clip, windows, folder, names)

An event at time t of the clip is at t − window start: the picture exactly, the sound to the sample. Clips that are
made by Clapper have a key frame every two seconds and no frame that looks across it, so a window's pictures are the
clip's own packets; its sound is encoded anew, because no packet of sound ends where a window does. Where the
picture is not of the layout's size, the clip goes through the normalising pass once more instead.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from schemas.errors import Dropped, MediaError
from schemas.sections import Media
from schemas.units import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME, Milliseconds, frame_to_ms
from tasks.media import Segment, normalize, read_waveform
from tasks.media.check import check_file
from tasks.media.encode import encoded_sound
from tasks.media.onepass import SILENCE_PEAK

WINDOW_MS = 10_000
LEAST_MS = 9_000
"""A crop of 5 s and an offset of 2 s to either side; the public lists leave shorter clips out too."""

SHORT_SIDE = 256
AGAIN = Media(
    min_clip_length="9 s", short_side=f"{SHORT_SIDE} px", crf=10, audio_bit_rate="96 kbit/s", decoder="cpu"
)
"""For what is encoded a second time: the quality that the public code of this layout encodes with."""


@dataclass(frozen=True)
class Window:
    """A part of a clip, ms from the clip's start; `end_ms` exclusive."""

    start_ms: Milliseconds
    end_ms: Milliseconds

    @property
    def frames(self) -> int:
        return (self.end_ms - self.start_ms) * FRAME_RATE // 1000


def windows_of(duration_ms: int) -> tuple[Window, ...]:
    """A clip's windows, of 10 s each; the last may have 9 s. What is left after it is less than 9 s long."""
    starts = range(0, duration_ms - LEAST_MS + 1, WINDOW_MS)
    return tuple(
        Window(Milliseconds(start), Milliseconds(min(start + WINDOW_MS, duration_ms))) for start in starts
    )


def cut_windows(
    clip: Path, size: tuple[int, int], windows: Sequence[Window], targets: Sequence[Path]
) -> list[Dropped | None]:
    """Write each window to its target, checked against the sync contract.

    Args:
        size: width and height of the clip, px.
        windows: of `windows_of`.

    Returns:
        For each window None, or why there is no file: `silent`.

    Raises:
        Dropped, MediaError: the clip cannot be read or cut; no target is left behind.
    """
    try:
        if min(size) != SHORT_SIDE:
            return _cut_again(clip, windows, targets)
        sound = np.rint(read_waveform(clip) * 32768).clip(-32768, 32767).astype(np.int16)
        return [
            _copied_or_silent(clip, sound, window, target, whole=len(windows) == 1)
            for window, target in zip(windows, targets, strict=True)
        ]
    except (Dropped, MediaError):
        for target in targets:
            target.unlink(missing_ok=True)
        raise


def at_layout_size(clip: Path, duration_ms: int, target: Path) -> None:
    """Write a whole clip anew with its short side at 256 px.

    Raises:
        Dropped, MediaError: it cannot be done.
    """
    _cut_again(clip, [Window(Milliseconds(0), Milliseconds(duration_ms))], [target])


def _copied_or_silent(
    clip: Path, sound: np.ndarray, window: Window, target: Path, whole: bool
) -> Dropped | None:
    first, count = window.start_ms * SAMPLE_RATE // 1000, window.frames * SAMPLES_PER_FRAME
    heard = sound[first : first + count]
    if len(heard) != count:
        problem = f"{len(heard)} samples from {window.start_ms} ms on: {count} are wanted"
        raise MediaError(clip.name, problem, "see `clapper release verify`")
    if np.abs(heard.astype(np.int32)).max() <= SILENCE_PEAK:
        return Dropped("silent", f"no sample above {SILENCE_PEAK} of 32768 (−80 dBFS)")
    if whole and count == len(sound):
        shutil.copyfile(clip, target)
    else:
        _mux(clip, heard, window, target)
    _require_contract(target, window.frames)
    return None


def _mux(clip: Path, heard: np.ndarray, window: Window, target: Path) -> None:
    """The window's own pictures, as they are, with its sound encoded."""
    with (
        av.open(str(clip)) as source,
        av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as sink,
    ):
        stream = source.streams.video[0]
        pictures = sink.add_stream_from_template(stream)
        sound = sink.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        sound.bit_rate, sound.time_base = AGAIN.audio_bit_rate, Fraction(1, SAMPLE_RATE)
        packets = _pictures(source, stream, window)
        for packet in packets:
            packet.stream = pictures
        heard_packets = list(encoded_sound(sound, heard))
        for packet in sorted([*packets, *heard_packets], key=lambda packet: packet.dts * packet.time_base):
            sink.mux(packet)


def _pictures(
    source: av.container.InputContainer, stream: av.video.stream.VideoStream, window: Window
) -> list[av.Packet]:
    """The packets that show a window, by decoding order, on the window's clock.

    Raises:
        MediaError: they begin with no key frame, or are not one for each frame.
    """
    start, end = (Fraction(ms, 1000) / stream.time_base for ms in (window.start_ms, window.end_ms))
    # To the key frame at the window's start; a little later, so that rounding cannot lead to the one before.
    source.seek(int(start) + 1, stream=stream)
    chosen = []
    for packet in source.demux(stream):
        if packet.pts is None or (packet.is_keyframe and packet.pts >= end):
            break
        if start <= packet.pts < end:
            chosen.append(packet)
    if len(chosen) != window.frames or not chosen[0].is_keyframe:
        problem = f"{len(chosen)} pictures from {window.start_ms} ms on: {window.frames} from a key frame are wanted"
        raise MediaError(Path(source.name).name, problem, "normalise its video again")
    for packet in chosen:
        packet.pts, packet.dts = packet.pts - int(start), packet.dts - int(start)
    return chosen


def _cut_again(clip: Path, windows: Sequence[Window], targets: Sequence[Path]) -> list[Dropped | None]:
    """The windows by the normalising pass, which scales, and certifies what it writes."""
    segments = [Segment(window.start_ms, window.end_ms) for window in windows]
    named = {
        (window.start_ms, window.end_ms): target for window, target in zip(windows, targets, strict=True)
    }
    # A folder of its own: the pass tidies the one that it writes to, and others may be at work beside it.
    with tempfile.TemporaryDirectory(prefix=".again-", dir=targets[0].parent) as folder:
        made = normalize(clip, segments, AGAIN, Path(folder), name=lambda start, end: f"{start}_{end}.mp4")
        done = {(each.source_start_ms, each.source_end_ms): each.path for each in made.clips}
        lost = {(each.start_ms, each.end_ms): Dropped(each.reason, each.detail) for each in made.left_out}
        for span, target in named.items():
            if span in done:
                done[span].replace(target)
            elif span not in lost:
                problem = f"{span[0]}–{span[1]} ms became no clip"
                raise MediaError(clip.name, problem, "see `clapper release verify`")
    return [lost.get(span) for span in named]


def _require_contract(file: Path, frames: int) -> None:
    """Refuse a file that does not keep the sync contract, or is not as long as it should be."""
    check = check_file(file)
    problems = list(check.problems)
    if check.facts and check.facts.frames != frames:
        problems.append(f"{check.facts.frames} frames: {frames} are wanted")
    if problems:
        raise MediaError(file.name, "; ".join(problems), "report this as a fault of Clapper")


def duration_of(windows: Sequence[Window]) -> int:
    """Milliseconds of all windows together."""
    return sum(frame_to_ms(window.frames) for window in windows)
