"""The certificate of a finished clip: what its file holds, and how far each stamp of its source was moved."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from schemas.certificate import Certificate
from schemas.units import FRAME_RATE, SAMPLE_RATE
from tasks.media.check import file_facts
from tasks.media.framing import FramedClip
from tasks.media.line import Points
from tasks.media.probe import MediaInfo
from tasks.media.sound import SAMPLES_PER_MS, Sound
from tasks.media.source import decoder_name

_DRIFT_SHOWS_AFTER_S = 60
_FULL_SCALE = (-32768, 32767)


def certificate_of(
    clip: FramedClip, sound: Sound, span: tuple[int, int], info: MediaInfo, card_decoded: bool
) -> Certificate:
    """Certify a clip whose file is complete.

    Args:
        span: position and number of its samples within `sound`.
        card_decoded: whether the graphics card decoded the pictures.
    """
    samples, stamps = sound.samples(*span), sound.stamps_within(*span)
    offset, duration_s = str(Fraction(clip.cut.start_ms, 1000)), clip.frames / FRAME_RATE
    heard, seen = _heard_early(stamps, span[0]).line(duration_s), clip.early.line(duration_s)
    start_ms, end_ms = ((heard.at(time) - seen.at(time)) * 1000 for time in (0, duration_s))
    drift = round((heard.slope - seen.slope) * 1000 * 3600, 3)
    return Certificate(
        facts=file_facts(clip.encoder.path),
        picture_offset=offset,
        sound_offset=offset,
        source_picture_time_base=str(info.video.time_base),
        source_sound_time_base=str(sound.time_base),
        source_first_picture_pts=clip.first_ticks,
        source_last_picture_pts=clip.last_ticks,
        source_first_sound_pts=int(stamps[0, 2]),
        source_last_sound_pts=int(stamps[-1, 2]),
        picture_skew_ms=round(float(clip.skew * 1000), 3),
        sound_skew_ms=round(float(np.abs(stamps[:, 1]).max() / 1000), 3),
        source_start_skew_ms=round(start_ms, 3),
        source_end_skew_ms=round(end_ms, 3),
        source_drift_ms_per_hour=drift if duration_s >= _DRIFT_SHOWS_AFTER_S else None,
        repeated_frames=clip.repeated,
        dropped_pictures=clip.dropped,
        inserted_silence_ms=(len(samples) - sound.covered(*span)) / SAMPLES_PER_MS,
        removed_sound_ms=sound.removed_within(*span) / SAMPLES_PER_MS,
        clipped_samples=int(np.isin(samples, _FULL_SCALE).sum()),
        decoder=decoder_name(card_decoded),
    )


def _heard_early(stamps: np.ndarray, start: int) -> Points:
    """By how many seconds each packet of sound is before its stamp, over the clip's time in seconds."""
    points = Points()
    for position, skew_us, _ in stamps.tolist():
        points.add(max(0.0, (position - start) / SAMPLE_RATE), skew_us / 1_000_000)
    return points
