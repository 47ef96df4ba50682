"""The sync certificate: what proves that a clip is as well synchronised as its source.

Two records. `FileFacts` is what the clip's file alone tells, and anyone can recompute (`clapper check-sync`);
`Certificate` adds how the clip came from its source. Fractions are written as text, `1401/1000`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class FileFacts:
    """What a clip's file alone tells, from its packets and from decoding it.

    Attributes:
        sha256: of the file, hex.
        frames, samples: what a decoder that honours the container hands out.
        picture_first_pts_ms, picture_last_pts_ms: stamps of the first and last frame shown.
        sound_first_pts_ms, sound_last_pts_ms: stamps of the first and last sample heard.
        start_skew_ms: the sound's start against the picture's; positive: the audio is early.
        end_skew_ms: the sound's end against the picture's, of which the last frame lasts 40 ms; same sign.
        drift_ms_per_hour: how the audio gains on the picture while the clip plays: the slope of the stamps of
            both streams over the number of frames and samples at 25 and 16,000 a second; same sign.
        frames_xxh3: XXH3-128 (hex) of all decoded frames, yuv420p without padding, one after the other.
        samples_xxh3: XXH3-128 (hex) of all samples, s32le from the fixed-point AAC decoder, which gives the same
            bits on every machine with the same generation of FFmpeg (8 and 9 agree; 5 does not).
        encoder: what the file says of the libraries that encoded it.
    """

    sha256: str
    frames: int
    samples: int
    picture_first_pts_ms: float
    picture_last_pts_ms: float
    sound_first_pts_ms: float
    sound_last_pts_ms: float
    start_skew_ms: float
    end_skew_ms: float
    drift_ms_per_hour: float
    frames_xxh3: str
    samples_xxh3: str
    encoder: str


@dataclass(frozen=True)
class Certificate:
    """How a clip came from its source, and what its file tells; all of `FileFacts`, and:

    An event at source time t is in the clip at `t - picture_offset` (seen) and `t - sound_offset` (heard).

    Attributes:
        picture_offset, sound_offset: seconds, exact; source time of the clip's first frame and first sample.
        source_picture_time_base, source_sound_time_base: seconds of one tick of the source's streams.
        source_first_picture_pts, source_last_picture_pts: ticks; of the first and last picture that is shown.
        source_first_sound_pts, source_last_sound_pts: ticks; of the first and last piece of sound that is heard.
        picture_skew_ms: largest distance of a picture's stamp from the frame that first shows it; at most 20.
        sound_skew_ms: largest distance of a sound packet's stamp from its place in the clip; at most 1.
        source_start_skew_ms, source_end_skew_ms: how much earlier than in the source the audio is against the
            picture, at the clip's start and end, by straight lines through all stamps; positive: audio early.
        source_drift_ms_per_hour: the slope of the same lines; None for clips of less than a minute, where the
            rounding of pictures to frames hides it.
        repeated_frames: frames shown again because the source has no picture in their 40 ms.
        dropped_pictures: source pictures that no frame shows, because a later one falls into the same 40 ms.
        inserted_silence_ms: silence put where the source has no sound.
        removed_sound_ms: sound left away where stamps make it overlap the sound before it.
        clipped_samples: samples at full scale after mixing to one channel, before encoding.
        decoder: libraries that decoded the source, and the device if it was not the processor.
    """

    facts: FileFacts
    picture_offset: str
    sound_offset: str
    source_picture_time_base: str
    source_sound_time_base: str
    source_first_picture_pts: int
    source_last_picture_pts: int
    source_first_sound_pts: int
    source_last_sound_pts: int
    picture_skew_ms: float
    sound_skew_ms: float
    source_start_skew_ms: float
    source_end_skew_ms: float
    source_drift_ms_per_hour: float | None
    repeated_frames: int
    dropped_pictures: int
    inserted_silence_ms: float
    removed_sound_ms: float
    clipped_samples: int
    decoder: str


def columns(certificate: Certificate) -> dict[str, Any]:
    """A certificate as one flat row: the facts first."""
    row = asdict(certificate)
    return {**row.pop("facts"), **row}
