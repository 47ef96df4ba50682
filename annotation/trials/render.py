"""Media made from clips for the review: a shifted sound, another clip's sound, an excerpt.

    shift(clip, target, 200, media)                    # positive: the audio is early
    swap(clip, other, target, media)
    excerpt(clip, target, 12_000, 22_000, media)

Files appear whole or not at all, the same input gives the same bytes, and nothing in them tells what they are:
they are written as clips are, without titles, comments or times. In `shift` and `swap` the picture is the clip's
own, packet by packet; the sound is decoded, changed and encoded once more, also where an offset is 0.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from annotation.trials.remux import copy_part, copy_with_sound
from schemas.errors import MediaError
from schemas.sections import Media
from schemas.units import FRAME_RATE, SAMPLE_RATE, Milliseconds, OffsetMs, frame_to_ms
from tasks.conditions.loudness import loudness_of
from tasks.media import Segment, probe, read_waveform
from tasks.media.onepass import Tools, cut_source
from tasks.workspace.layout import TEMPORARY, appearing

_FADE = SAMPLE_RATE // 100
"""10 ms, in which sound that breaks off within an item fades, so that no click is taken for an event."""

_HIGHEST_PEAK = 0.89
"""Of full scale, −1 dB: as loud as a sound may become when its level is raised."""

LEAST_EXCERPT_MS = 1000


def shift(
    clip: Path, target: Path, offset_ms: OffsetMs, media: Media, silent_edges_ms: int | None = None
) -> None:
    """Write a clip with its sound moved against its picture; see `shifted`.

    Raises:
        MediaError: the clip cannot be read.
        WorkspaceError: the file cannot be written.
    """
    waveform = shifted(read_waveform(clip), offset_ms, silent_edges_ms)
    with appearing(target) as unfinished:
        copy_with_sound(clip, waveform, unfinished, media.audio_bit_rate)


def swap(clip: Path, other: Path, target: Path, media: Media) -> None:
    """Write a clip with the sound of another one, as loud as its own; see `replacing`.

    Raises:
        MediaError: one of them cannot be read, or the other is silent.
        WorkspaceError: the file cannot be written.
    """
    sound = read_waveform(other)
    if loudness_of(sound).lufs is None:
        raise MediaError(str(other), "is silent: below −70 LUFS", "take the sound of another clip")
    waveform = replacing(sound, read_waveform(clip))
    with appearing(target) as unfinished:
        copy_with_sound(clip, waveform, unfinished, media.audio_bit_rate)


def excerpt(clip: Path, target: Path, start_ms: int, end_ms: int, media: Media) -> None:
    """Write a part of a clip, normalised as clips are, in sync by the contract of `tasks.media`.

    Only the groups of pictures around it are decoded, so that it costs the same in a short clip and in a long one.

    Args:
        start_ms, end_ms: whole frames of 40 ms, at least a second; `end_ms` exclusive.

    Raises:
        MediaError: the clip cannot be read or does not have this part.
        Dropped: its sound is digital silence.
        WorkspaceError: the file cannot be written.
    """
    frames = start_ms * FRAME_RATE // 1000, end_ms * FRAME_RATE // 1000
    if (frame_to_ms(frames[0]), frame_to_ms(frames[1])) != (start_ms, end_ms) or (
        end_ms - start_ms < LEAST_EXCERPT_MS
    ):
        problem = (
            f"excerpt from {start_ms} to {end_ms} ms: frames of 40 ms and at least {LEAST_EXCERPT_MS} ms"
        )
        raise MediaError(str(clip), problem, "name other times")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=target.parent) as work:
        source = Path(work) / "part.mov"
        part = copy_part(clip, read_waveform(clip), frames, source)
        begin_ms = frame_to_ms(part.first_frame)
        wanted = Segment(Milliseconds(start_ms - begin_ms), Milliseconds(end_ms - begin_ms))
        like_clip = {"short_side": part.short_side, "min_clip_length": LEAST_EXCERPT_MS}
        # The file was written here, so it is no stranger's, for which a process of its own would be due.
        made = cut_source(probe(source), [wanted], media.model_copy(update=like_clip), Path(work), Tools())
        if not made.clips or made.clips[0].duration_ms != end_ms - start_ms:
            left = "; ".join(f"{part.reason} {part.length_ms} ms" for part in made.left_out)
            problem = f"excerpt from {start_ms} to {end_ms} ms came out shorter: {left}"
            raise MediaError(str(clip), problem, "run clapper check-sync on the clip")
        with appearing(target) as unfinished:
            made.clips[0].path.replace(unfinished)


def shifted(waveform: np.ndarray, offset_ms: OffsetMs, silent_edges_ms: int | None = None) -> np.ndarray:
    """A sound that comes `offset_ms` earlier (negative: later), as long as before.

    Args:
        waveform: float32 (n,), 16 kHz.
        silent_edges_ms: how long the result is silent at its beginning and at its end. With at least the largest
            offset of a set of items, silence tells nothing of each one's own. None: what leaves at one end comes in
            at the other, so that there is no silence that could tell.
    """
    count, move = len(waveform), offset_ms * SAMPLE_RATE // 1000
    if silent_edges_ms is None:
        return _turned(waveform, move)
    edge = silent_edges_ms * SAMPLE_RATE // 1000
    first, end = max(0, -move, edge), min(count, count - move, count - edge)
    moved = np.zeros(count, np.float32)
    if first < end:
        moved[first:end] = waveform[first + move : end + move]
        _fade(moved, first, end)
    return moved


def replacing(sound: np.ndarray, own: np.ndarray) -> np.ndarray:
    """A sound in place of a clip's own: cut, or filled with zeros, to its length, and brought to its loudness.

    Integrated loudness is meant (EBU R 128). A sound is raised no further than until a sample reaches −1 dB of full
    scale; where either is below −70 LUFS its level is left alone.

    Args:
        sound, own: float32 (n,) and (m,), −1…1, 16 kHz.

    Returns:
        float32 (m,)
    """
    taken = np.zeros(len(own), np.float32)
    end = min(len(own), len(sound))
    taken[:end] = sound[:end]
    _fade(taken, 0, end)
    wanted, found = loudness_of(own).lufs, loudness_of(taken).lufs
    if wanted is None or found is None:
        return taken
    gain = min(10 ** ((wanted - found) / 20), max(1.0, _HIGHEST_PEAK / float(np.abs(taken).max())))
    return taken * np.float32(gain)


def _turned(waveform: np.ndarray, move: int) -> np.ndarray:
    """A waveform of which the first `move` samples (negative: the last) stand at the other end."""
    turned = np.roll(waveform, -move)
    joint = -move % len(waveform) if len(waveform) else 0
    _fade(turned, joint, len(turned))
    _fade(turned, 0, joint or len(turned))
    return turned


def _fade(waveform: np.ndarray, first: int, end: int) -> None:
    """Let what is heard from `first` to `end` fade in and out where it does not reach to the ends."""
    ramp = np.linspace(0, 1, _FADE, endpoint=False, dtype=np.float32)[: end - first]
    if first > 0:
        waveform[first : first + len(ramp)] *= ramp
    if end < len(waveform):
        waveform[end - len(ramp) : end] *= ramp[::-1]
