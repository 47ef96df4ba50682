"""From what was measured of a clip's picture and sound to the conditions that hold of it.

    near_silent   nearly all of its sound is below the level of silence
    black         nearly all of its frames are black
    frozen        nearly all of its frames are the one before again: a stuck picture, or a slide show
    still         one picture from beginning to end: a photograph, though noise or an encoder makes it flicker, and
                  though a slow zoom or pan runs over it
    text_card     it mostly shows cards: titles, credits, slides full of text, without a moving face beside them
    letterboxed   black bars above and below the picture, beside it, or all around
    too_quiet     its loudness is below what can be heard well, and …
    too_loud      … above what is recorded without harm
    clipped       its sound was cut off at full scale
    noisy         its sound hardly rises from a hiss; steady rain sounds the same
    muffled       the high frequencies are missing, as over a telephone
    dropouts      there are holes in its sound
    blurred       no edge in its picture is sharp
    dark          next to nothing shines in it, though it is not black

A clip may be in several: a black one is frozen and still as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from schemas.sections import Conditions
from schemas.units import FRAME_MS
from tasks.conditions.sound import Sound
from tasks.workspace.stage import Row

CONDITIONS = (
    "near_silent", "black", "frozen", "still", "text_card", "letterboxed", "too_quiet", "too_loud", "clipped",
    "noisy", "muffled", "dropouts", "blurred", "dark",
)  # fmt: skip
"""In the order in which they are given as the reason for leaving a clip out."""


_ANOTHER = 0.2
"""From this share on another picture was cut to."""

_STILL = 0.002
"""A still clip's picture changes by no more than this share of it in any second, pan and zoom aside."""


@dataclass(frozen=True)
class Verdict:
    """What was found of a clip's picture, and what holds; see the table CONDITIONS.

    Attributes:
        sharpness: None for a picture without edges.
        holds: those of `CONDITIONS` that hold, in their order, each with the numbers behind it, for people.
    """

    silent_ms: int
    black_ms: int
    frozen_ms: int
    card_ms: int
    still: bool
    letterboxed: bool
    sharpness: float | None
    bright: float
    holds: Mapping[str, str]


def judge(row: Row, motion: Row, sound: Sound, rules: Conditions) -> Verdict:
    """Judge a clip.

    Args:
        row: the clip's record from `normalize`; read are `duration_ms`, `width` and `height`.
        motion: its record from `motion`.
    """
    duration_ms = row["duration_ms"]
    black_ms, card_ms = (FRAME_MS * sum(motion[name]) for name in ("black_frames", "card_frames"))
    frozen_ms = FRAME_MS * _frozen_frames(motion)
    # The first frame is none before again, and would keep a short clip from ever being frozen as a whole.
    comparable_ms = max(duration_ms - FRAME_MS, 1)
    still = _is_still(motion)
    across, along = _bar_shares(motion["active_box"], row["width"], row["height"])
    sharpness, bright = _sharpness(motion), median(motion["bright"] or [0.0])
    black = black_ms >= rules.black_share * duration_ms
    found = {
        "near_silent": (
            sound.silent_ms >= rules.silent_share * duration_ms,
            f"{sound.silent_ms} of {duration_ms} ms below {rules.silence_level:g} dBFS",
        ),
        "black": (black, f"{black_ms} of {duration_ms} ms black"),
        "frozen": (
            frozen_ms >= rules.frozen_share * comparable_ms,
            f"{frozen_ms} of {duration_ms} ms the frame before again",
        ),
        "still": (still, f"one picture for {duration_ms} ms"),
        "text_card": (
            card_ms >= max(rules.card_share * duration_ms, 1),
            f"{card_ms} of {duration_ms} ms text",
        ),
        "letterboxed": (
            max(across, along) > rules.bar_share,
            f"bars take {along:.1%} of the height and {across:.1%} of the width",
        ),
        **_heard(sound, rules),
        "blurred": (
            sharpness is not None and sharpness < rules.min_sharpness,
            f"edges {sharpness or 0:.2f} steep, below {rules.min_sharpness:g}",
        ),
        "dark": (
            bright < rules.dark_level and not black,
            f"2 % of the picture above a luma of {bright:.0f}, not {rules.dark_level:g}",
        ),
    }
    holds = {name: found[name][1] for name in CONDITIONS if found[name][0]}
    return Verdict(
        sound.silent_ms, black_ms, frozen_ms, card_ms, still, "letterboxed" in holds, sharpness, bright, holds
    )


def _heard(sound: Sound, rules: Conditions) -> dict[str, tuple[bool, str]]:
    """What holds of the sound, silence aside, each with its numbers."""
    # What is too quiet or too short for a loudness still has a level.
    level = sound.level_dbfs if sound.loudness.lufs is None else sound.loudness.lufs
    loudness = -math.inf if level is None else level
    background, bandwidth_hz = sound.background, sound.bandwidth_hz
    above_db = math.inf if background is None else background.above_db
    flatness = 0.0 if background is None else background.flatness
    return {
        "too_quiet": (
            loudness < rules.min_loudness,
            f"{loudness:.1f} LUFS, below {rules.min_loudness:g}",
        ),
        "too_loud": (loudness > rules.max_loudness, f"{loudness:.1f} LUFS, above {rules.max_loudness:g}"),
        "clipped": (
            sound.clipped_share >= rules.clip_share,
            f"{sound.clipped_share:.2%} of the samples at full scale",
        ),
        "noisy": (
            above_db < rules.min_above_background and flatness >= rules.noise_flatness,
            f"{above_db:.1f} dB above a background of flatness {flatness:.2f}",
        ),
        "muffled": (
            bandwidth_hz is not None and bandwidth_hz < rules.min_bandwidth,
            f"nothing above {bandwidth_hz} Hz",
        ),
        "dropouts": (sound.dropout_ms >= rules.dropout, f"{sound.dropout_ms} ms of holes in the sound"),
    }


def _sharpness(motion: Row) -> float | None:
    """Of the median second; None where no second has edges."""
    known = [one for one in motion["sharpness"] if one is not None]
    return round(median(known), 3) if known else None


def _frozen_frames(motion: Row) -> int:
    """Frozen frames but for those of seconds in which a part of the picture creeps on.

    There, as where paper comes out of a printer, no frame is far from the one before, and yet all move. Where the
    whole picture changes at once, as between slides, the frames that stand do so.
    """
    after = [*motion["unlike"][1:], 0.0]
    return sum(
        frames
        for frames, change in zip(motion["frozen_frames"], after, strict=True)
        if not _STILL < change < _ANOTHER
    )


def _is_still(motion: Row) -> bool:
    """Needs two seconds: what is shown for one only may be about to move."""
    return len(motion["unlike"]) > 1 and max(motion["unlike"]) <= _STILL


def _bar_shares(box: list[int], width: int, height: int) -> tuple[float, float]:
    """How much of the width and of the height is bars, 0–1."""
    if not box:
        return 0.0, 0.0
    x0, y0, x1, y1 = box
    return 1 - (x1 - x0) / width, 1 - (y1 - y0) / height
