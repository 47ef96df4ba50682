"""One pass over a source: each stream decoded once, every clip fed from it, every clip certified.

This runs in a process of its own, because the source may crash the decoder; `tasks.media.normalize` starts it.
Sound and pictures are decoded side by side. The pictures wait, a few at most, until the sound is known to its
end: where it begins, ends and breaks off decides which clips there are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from math import ceil, floor
from pathlib import Path

from av.codec.hwaccel import HWAccel

from schemas.certificate import Certificate
from schemas.errors import Dropped
from schemas.sections import Media
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME, Milliseconds, frame_to_ms, to_ms
from tasks.media.ahead import ahead
from tasks.media.certify import certificate_of
from tasks.media.cut import Cut, Segment, common_start, fixed_cuts, listed_cuts
from tasks.media.encode import ClipEncoder
from tasks.media.framing import FramedClip, framed_clips
from tasks.media.omissions import Bounds, Omission, edges, joined, missing_parts, remainder, too_short
from tasks.media.pictures import PictureTrack, decode_pictures
from tasks.media.probe import MediaInfo
from tasks.media.scale import Scaler, clip_colours, clip_size
from tasks.media.sound import SAMPLES_PER_MS, Sound, decode_sound, sound_bounds_ms

SILENCE_PEAK = 3
"""Largest absolute int16 value of digital silence: below −80 dBFS."""

_LEAST_DECODED = Fraction(9, 10)
_WAITING_BYTES = 64 * 2**20
_MOST_WAITING, _LEAST_WAITING = 32, 2
_BYTES_PER_PIXEL = 3


@dataclass(frozen=True)
class NormalizedClip:
    """A finished clip; what its file holds and how it came from its source is in the certificate.

    Attributes:
        source_start_ms, source_end_ms: on the source's presentation clock; `end` exclusive.
        label, list_split: what a list says of the span; None without one.
    """

    path: Path
    bytes: int
    source_start_ms: Milliseconds
    source_end_ms: Milliseconds
    width: int
    height: int
    label: str | None
    list_split: str | None
    certificate: Certificate

    @property
    def frames(self) -> int:
        return self.certificate.facts.frames

    @property
    def samples(self) -> int:
        return self.certificate.facts.samples

    @property
    def duration_ms(self) -> Milliseconds:
        return frame_to_ms(self.frames)


@dataclass(frozen=True)
class Normalized:
    """The clips of one source by start time, and the spans that became none."""

    clips: tuple[NormalizedClip, ...]
    left_out: tuple[Omission, ...]


@dataclass(frozen=True)
class Tools:
    """What decodes pictures, the graphics card or the processor, and FFmpeg's name of what encodes them."""

    card_decodes: bool = False
    encoder: str = "libx264"

    def device(self) -> HWAccel | None:
        """What to open a source with."""
        return HWAccel("cuda", allow_software_fallback=False) if self.card_decodes else None


Beat = Callable[[Milliseconds | None], None]
"""Called often while there is progress; with the time up to which pictures are done, once they are reached."""

_Outcomes = dict[Cut, NormalizedClip | Omission]


@dataclass(frozen=True)
class _Pass:
    """What every step of one pass needs."""

    info: MediaInfo
    media: Media
    folder: Path
    tools: Tools
    size: tuple[int, int]
    sound: Sound


def cut_source(
    info: MediaInfo,
    segments: Sequence[Segment] | None,
    media: Media,
    folder: Path,
    tools: Tools,
    beat: Beat = lambda milliseconds: None,
) -> Normalized:
    """Decode a source once and write its clips into `folder`, as numbered files.

    Memory does not grow with the source: sound is spooled to disk, pictures wait for the encoder in a queue of
    at most 64 MiB (or two pictures), and of each open clip only the compressed packets are held.

    Raises:
        Dropped: `no_audio`, `silent`, `too_short`, `corrupt`.
        MediaError: the file cannot be decoded here.
    """
    size = clip_size(info, media.short_side)
    with tempfile.TemporaryFile(dir=folder) as spool, ThreadPoolExecutor(1, "sound") as listener:
        heard = listener.submit(decode_sound, info, spool, lambda: beat(None))
        decoded = decode_pictures(info, tools.device())
        with ahead(decoded, _queue_depth(info), "pictures") as pictures:
            sound = audible(info, heard.result())
            track = PictureTrack(pictures, sound_bounds_ms(sound)[0], beat)
            return _cut(_Pass(info, media, folder, tools, size, sound), track, segments)


def _queue_depth(info: MediaInfo) -> int:
    picture_bytes = info.video.width * info.video.height * _BYTES_PER_PIXEL
    return max(_LEAST_WAITING, min(_MOST_WAITING, _WAITING_BYTES // picture_bytes))


def audible(info: MediaInfo, sound: Sound) -> Sound:
    first, end = Fraction(sound.first, SAMPLE_RATE), Fraction(sound.end, SAMPLE_RATE)
    if not sound.turned_back:
        _require_whole("sound", first, end, info.audio.end_time)
    if sound.peak <= SILENCE_PEAK:
        raise Dropped("silent", f"no sample above {sound.peak} of 32768 (−80 dBFS)")
    return sound


def _cut(work: _Pass, track: PictureTrack, segments: Sequence[Segment] | None) -> Normalized:
    """Plan the clips, feed every picture to those that show it, then tell what became of each."""
    sound, min_length_ms = work.sound, work.media.min_clip_length
    sound_start_ms, sound_end_ms = sound_bounds_ms(sound)
    start_ms = common_start(track.leading.time, track.leading.until, sound_start_ms)
    if segments is None:
        cuts = fixed_cuts(start_ms, sound_end_ms, work.media.clip_length)
    else:
        cuts = listed_cuts(segments, start_ms, sound_end_ms)
    wanted = [cut for cut in cuts if frame_to_ms(cut.frames) >= min_length_ms]
    silent = [cut for cut in wanted if not sound.covered(*_samples_of(cut, cut.frames))]
    outcomes: _Outcomes = {cut: _soundless(cut, cut.wanted.end_ms) for cut in silent}
    outcomes |= _encoded(work, track, [cut for cut in wanted if cut not in outcomes])
    bounds = bounds_of(work.info, track, sound)
    if segments is None and bounds.end_ms - start_ms < min_length_ms:
        length = f"{bounds.end_ms - start_ms} ms have picture and sound"
        raise Dropped("too_short", f"{length}; least is {min_length_ms} ms")
    told = _told(cuts, outcomes, bounds, min_length_ms, listed=segments is not None)
    return replace(told, left_out=_with_turns(told.left_out, bounds, track, sound))


def _encoded(work: _Pass, track: PictureTrack, cuts: Sequence[Cut]) -> _Outcomes:
    """What became of each clip that pictures reach. Files are completed and certified beside the encoding."""
    files = (work.folder / f"{number}.mp4" for number in count())
    colours, scaler = clip_colours(work.info.video), Scaler(work.info.video, work.size)

    def new_encoder() -> ClipEncoder:
        return ClipEncoder(next(files), work.size, work.media, colours, work.tools.encoder)

    finished: dict[Cut, Future[NormalizedClip | Omission]] = {}
    with (
        ThreadPoolExecutor(1, "certificates") as notary,
        closing(framed_clips(track, cuts, new_encoder, scaler.scaled)) as framed,
    ):
        for clip in framed:
            if frame_to_ms(clip.frames) < work.media.min_clip_length:
                clip.encoder.discard()
            else:
                # One clip is certified while the next is encoded; a third would only wait, in memory.
                wait([made for made in finished.values() if not made.done()])
                finished[clip.cut] = notary.submit(_finished, clip, work)
        return {cut: made.result() for cut, made in finished.items()}


def _samples_of(cut: Cut, frames: int) -> tuple[int, int]:
    """Position and number of the samples of a clip."""
    return cut.start_ms * SAMPLES_PER_MS, frames * SAMPLES_PER_FRAME


def _soundless(cut: Cut, end_ms: int) -> Omission:
    return Omission(cut.start_ms, Milliseconds(end_ms), "no_sound", "the sound has a gap here")


def _finished(clip: FramedClip, work: _Pass) -> NormalizedClip | Omission:
    """Complete a clip's file with its sound and certify it; a clip without any sound is given up."""
    span = _samples_of(clip.cut, clip.frames)
    start_ms, end_ms = clip.cut.start_ms, Milliseconds(clip.cut.start_ms + frame_to_ms(clip.frames))
    if not work.sound.covered(*span):
        clip.encoder.discard()
        return _soundless(clip.cut, end_ms)
    size_bytes = clip.encoder.finish(work.sound.samples(*span))
    return NormalizedClip(
        path=clip.encoder.path,
        bytes=size_bytes,
        source_start_ms=start_ms,
        source_end_ms=end_ms,
        width=work.size[0],
        height=work.size[1],
        label=clip.cut.wanted.label,
        list_split=clip.cut.wanted.split,
        certificate=certificate_of(clip, work.sound, span, work.info, work.tools.card_decodes),
    )


def bounds_of(info: MediaInfo, track: PictureTrack, sound: Sound) -> Bounds:
    """Where the streams begin and end, after a check that decoding did not stop short."""
    until = track.until
    if track.ended:
        if not track.turned_back:
            _require_whole("pictures", track.first, until, info.video.end_time)
        if info.video.end_time is None and info.audio.end_time is None and not sound.turned_back:
            last = max(until, Fraction(sound.end, SAMPLE_RATE))
            _require_whole("file", min(track.first, Fraction(sound.first, SAMPLE_RATE)), last, info.end_time)
    else:
        until = max(until, info.video.end_time or info.end_time or until)
    return Bounds(
        Milliseconds(ceil(track.first * 1000)), Milliseconds(floor(until * 1000)), *sound_bounds_ms(sound)
    )


def _require_whole(what: str, first: Fraction, end: Fraction, expected: Fraction | None) -> None:
    """Refuse what ends long before the container says; both counted in seconds from the first decoded one."""
    if expected and end - first < (expected - first) * _LEAST_DECODED:
        lengths = f"{float(end - first):.1f} s of {float(expected - first):.1f} s"
        raise Dropped("corrupt", f"{what}: {lengths} can be decoded")


def _told(
    cuts: Sequence[Cut], outcomes: _Outcomes, bounds: Bounds, min_length_ms: int, listed: bool
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
            left_out.append(replace(outcome, end_ms=min(outcome.end_ms, bounds.end_ms)))
        elif (span := (outcome.source_start_ms, outcome.source_end_ms)) in clips:
            left_out.append(Omission(*span, "listed_twice"))
        else:
            clips[span] = outcome
            left_out += missing_parts(each, outcome.frames, bounds) if listed else []
    return Normalized(tuple(clips[span] for span in sorted(clips)), joined(left_out))


def _with_turns(
    left_out: Sequence[Omission], bounds: Bounds, track: PictureTrack, sound: Sound
) -> tuple[Omission, ...]:
    """The omissions, with what follows after the source's clock jumped backwards."""
    if not (sound.turned_back or track.turned_back):
        return tuple(left_out)
    reason = "clock_turns_back"
    detail = "time stamps jump backwards here: what follows has no place on the source's clock"
    kept = [span for span in left_out if span.start_ms < bounds.end_ms]
    end_ms = max(bounds.picture_end_ms, bounds.sound_end_ms, bounds.end_ms + to_ms(sound.turned_back))
    return (*kept, Omission(bounds.end_ms, Milliseconds(end_ms), reason, detail))
