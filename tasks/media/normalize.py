"""From a source to its normalised clips: one decode, exact clocks, a reason for all that is left out.

    made = normalize(Path("match.mkv"), None, recipe.media, folder, name=lambda start, end: f"{start}_{end}.mp4")
    made.clips[0].path, made.clips[0].source_start_ms

An event at source time t is in a clip at t − clip start: sound within 2 ms, picture within 20 ms. The sound is
decoded first, so that where it begins, ends and breaks off is known before a picture is encoded; then one pass
over the pictures feeds every clip.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from math import ceil, floor
from pathlib import Path

from schemas.errors import Dropped
from schemas.recipe import Media
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME, Milliseconds, frame_to_ms, to_ms
from tasks.media.cut import Cut, Segment, common_start, fixed_cuts, listed_cuts
from tasks.media.encode import ClipEncoder
from tasks.media.framing import FramedClip, framed_clips
from tasks.media.omissions import Bounds, Omission, edges, missing_parts, remainder, too_short
from tasks.media.pictures import PictureTrack, clip_size, decode_pictures
from tasks.media.probe import MediaInfo, ffmpeg_version, probe
from tasks.media.sound import SAMPLES_PER_MS, Sound, decode_sound, sound_bounds_ms

SILENCE_PEAK = 3
"""Largest absolute int16 value of digital silence: below −80 dBFS."""

_LEAST_DECODED = Fraction(9, 10)


@dataclass(frozen=True)
class NormalizedClip:
    """A finished clip; the fields are those of `schemas.tables.CLIPS`, where they are described."""

    path: Path
    sha256: str
    bytes: int
    source_start_ms: Milliseconds
    source_end_ms: Milliseconds
    duration_ms: Milliseconds
    frames: int
    samples: int
    width: int
    height: int
    label: str | None
    list_split: str | None
    frames_sha256: str
    samples_sha256: str
    inserted_silence_ms: int
    removed_sound_ms: int
    repeated_frames: int
    picture_skew_ms: float
    sound_skew_ms: float
    decoder: str
    encoder: str


@dataclass(frozen=True)
class Normalized:
    """The clips of one source by start time, and the spans that became none."""

    clips: tuple[NormalizedClip, ...]
    left_out: tuple[Omission, ...]


def normalize(
    source: Path,
    segments: Sequence[Segment] | None,
    media: Media,
    out_dir: Path,
    name: Callable[[int, int], str],
    progress: Callable[[Milliseconds], None] | None = None,
) -> Normalized:
    """Decode a source once and write its clips into `out_dir`.

    No clip appears under its final name before all of them are made and the decoded length has been checked.
    Memory does not grow with the source: sound is spooled to disk beside the clips, and of each open clip only
    the compressed packets are held. Disk: 32 kB per second of source, beside the clips, while it runs.

    Args:
        source: a media file.
        segments: spans on the source's presentation clock, in any order, overlapping or not; None cuts the whole
            source into clips of `media.clip_length`.
        name: start and end of a clip in source ms to its file name.
        progress: called every few seconds of source with the time in ms up to which pictures are done.

    Raises:
        Dropped: `empty_file`, `no_audio`, `no_video`, `silent`, `too_short`, `corrupt`.
        MediaError: no media file, or the decoder failed or stalled.
        ToolMissing: ffmpeg is not installed.
    """
    info = _admitted(Path(source))
    with _unfinished(out_dir) as folder, tempfile.TemporaryFile(dir=folder) as spool:
        sound = _audible(info, decode_sound(info, spool))
        made = _cut_source(info, sound, segments, media, folder, progress)
        return replace(made, clips=_published(made.clips, out_dir, name))


def _published(
    clips: Sequence[NormalizedClip], out_dir: Path, name: Callable[[int, int], str]
) -> tuple[NormalizedClip, ...]:
    """Give finished files their names, and make the names reach the disk."""
    final = [out_dir / name(clip.source_start_ms, clip.source_end_ms) for clip in clips]
    published = tuple(
        replace(clip, path=clip.path.replace(path)) for clip, path in zip(clips, final, strict=True)
    )
    folder = os.open(out_dir, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return published


def _admitted(source: Path) -> MediaInfo:
    if source.is_file() and source.stat().st_size == 0:
        raise Dropped("empty_file", "0 bytes")
    info = probe(source)
    if info.video is None:
        raise Dropped("no_video", f"{info.container} without a video stream")
    if info.audio is None:
        raise Dropped("no_audio", f"{info.container} without an audio stream")
    return info


@contextmanager
def _unfinished(out_dir: Path) -> Iterator[Path]:
    """A folder beside the final files, empty at first and gone afterwards; so is `out_dir` if nothing is in it."""
    folder = out_dir / ".unfinished"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        if not any(out_dir.iterdir()):
            out_dir.rmdir()


def _audible(info: MediaInfo, sound: Sound) -> Sound:
    first, end = Fraction(sound.first, SAMPLE_RATE), Fraction(sound.end, SAMPLE_RATE)
    _require_whole("sound", first, end, info.audio.end_time)
    if sound.peak <= SILENCE_PEAK:
        raise Dropped("silent", f"no sample above {sound.peak} of 32768 (−80 dBFS)")
    return sound


def _cut_source(
    info: MediaInfo,
    sound: Sound,
    segments: Sequence[Segment] | None,
    media: Media,
    folder: Path,
    progress: Callable[[Milliseconds], None] | None,
) -> Normalized:
    """Feed every picture to the clips that show it, then tell what became of each planned clip."""
    size = clip_size(info, media.short_side)
    sound_start_ms, sound_end_ms = sound_bounds_ms(sound)
    outcomes: dict[Cut, NormalizedClip | Omission] = {}
    with closing(decode_pictures(info, size)) as decoded:
        track = PictureTrack(decoded, sound_start_ms, progress)
        start_ms = common_start(track.leading.time, track.leading.until, sound_start_ms)
        if segments is None:
            cuts = fixed_cuts(start_ms, sound_end_ms, media.clip_length)
        else:
            cuts = listed_cuts(segments, start_ms, sound_end_ms)
        files = (folder / f"{number}.mp4" for number in count())
        wanted = [each for each in cuts if frame_to_ms(each.frames) >= media.min_clip_length]
        with closing(
            framed_clips(track, wanted, lambda: ClipEncoder(next(files), size, media, info.video.colours))
        ) as framed:
            for clip in framed:
                if frame_to_ms(clip.frames) < media.min_clip_length:
                    clip.encoder.discard()
                else:
                    outcomes[clip.cut] = _finished(clip, sound)
    bounds = _bounds(info, track, sound)
    if segments is None and bounds.end_ms - start_ms < media.min_clip_length:
        length = f"{bounds.end_ms - start_ms} ms have picture and sound"
        raise Dropped("too_short", f"{length}; least is {media.min_clip_length} ms")
    return _told(cuts, outcomes, bounds, media.min_clip_length, listed=segments is not None)


def _finished(clip: FramedClip, sound: Sound) -> NormalizedClip | Omission:
    """Complete a clip's file with its sound; a clip without any is given up."""
    start_ms, end_ms = clip.cut.start_ms, Milliseconds(clip.cut.start_ms + frame_to_ms(clip.frames))
    span = start_ms * SAMPLES_PER_MS, clip.frames * SAMPLES_PER_FRAME
    covered = sound.covered(*span)
    if not covered:
        clip.encoder.discard()
        return Omission(start_ms, end_ms, "no_sound", "the sound has a gap here")
    encoded = clip.encoder.finish(sound.samples(*span))
    return NormalizedClip(
        **vars(encoded),
        source_start_ms=start_ms,
        source_end_ms=end_ms,
        duration_ms=frame_to_ms(encoded.frames),
        label=clip.cut.wanted.label,
        list_split=clip.cut.wanted.split,
        inserted_silence_ms=to_ms(Fraction(encoded.samples - covered, SAMPLE_RATE)),
        removed_sound_ms=to_ms(Fraction(sound.removed_within(*span), SAMPLE_RATE)),
        repeated_frames=clip.repeated,
        picture_skew_ms=float(clip.skew * 1000),
        sound_skew_ms=sound.skew_within(*span),
        decoder=ffmpeg_version(),
    )


def _bounds(info: MediaInfo, track: PictureTrack, sound: Sound) -> Bounds:
    """Where the streams begin and end, after a check that decoding did not stop short."""
    until = track.until
    if track.ended:
        _require_whole("pictures", track.first, until, info.video.end_time)
        if info.video.end_time is None and info.audio.end_time is None:
            last = max(until, Fraction(sound.end, SAMPLE_RATE))
            _require_whole("file", min(track.first, Fraction(sound.first, SAMPLE_RATE)), last, info.end_time)
    else:
        until = max(until, info.video.end_time or info.end_time or until)
    return Bounds(ceil(track.first * 1000), floor(until * 1000), *sound_bounds_ms(sound))


def _require_whole(what: str, first: Fraction, end: Fraction, expected: Fraction | None) -> None:
    """Refuse what ends long before the container says; both counted in seconds from the first decoded one."""
    if expected and end - first < (expected - first) * _LEAST_DECODED:
        lengths = f"{float(end - first):.1f} s of {float(expected - first):.1f} s"
        raise Dropped("corrupt", f"{what}: {lengths} can be decoded")


def _told(
    cuts: Sequence[Cut],
    outcomes: dict[Cut, NormalizedClip | Omission],
    bounds: Bounds,
    min_length_ms: int,
    listed: bool,
) -> Normalized:
    """Clips and omissions in order; spans that end up the same count once."""
    clips: dict[tuple[int, int], NormalizedClip] = {}
    left_out = [] if listed else edges(bounds)
    for each in cuts:
        outcome = outcomes.get(each)
        if outcome is None:
            lost = (
                [too_short(each, bounds, min_length_ms)] if listed else remainder(each, bounds, min_length_ms)
            )
            left_out += lost
        elif isinstance(outcome, Omission):
            left_out.append(outcome)
        elif (span := (outcome.source_start_ms, outcome.source_end_ms)) in clips:
            left_out.append(Omission(*span, "listed_twice"))
        else:
            clips[span] = outcome
            left_out += missing_parts(each, outcome.frames, bounds) if listed else []
    left_out.sort(key=lambda span: (span.start_ms, span.end_ms))
    return Normalized(tuple(clips[span] for span in sorted(clips)), tuple(left_out))
