"""From what was measured of a clip's picture and sound to the conditions that hold of it.

    near_silent   nearly all of its sound is below the level of silence
    black         nearly all of its frames are black
    frozen        nearly all of its frames are the one before again: a stuck picture, or a slide show
    still         one picture from beginning to end: a photograph, though noise or an encoder makes it flicker, and
                  though a slow zoom or pan runs over it
    text_card     it mostly shows cards: titles, credits, slides full of text, without a moving face beside them
    letterboxed   black bars above and below the picture, beside it, or all around

A clip may be in several: a black one is frozen and still as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.sections import Conditions
from schemas.units import FRAME_RATE
from tasks.conditions.sound import Loudness
from tasks.workspace.stage import Row

CONDITIONS = ("near_silent", "black", "frozen", "still", "text_card", "letterboxed")
"""In the order in which they are given as the reason for leaving a clip out."""

_FRAME_MS = 1000 // FRAME_RATE

_ANOTHER = 0.2
"""From this share on another picture was cut to."""

_STILL = 0.002
"""A still clip's picture changes by no more than this share of it in any second, pan and zoom aside."""


@dataclass(frozen=True)
class Verdict:
    """What was found of a clip; see the table CONDITIONS.

    Attributes:
        holds: those of `CONDITIONS` that hold, in their order, each with the numbers behind it, for people.
    """

    silent_ms: int
    black_ms: int
    frozen_ms: int
    card_ms: int
    still: bool
    letterboxed: bool
    holds: Mapping[str, str]


def judge(row: Row, motion: Row, sound: Loudness, rules: Conditions) -> Verdict:
    """Judge a clip.

    Args:
        row: the clip's record from `normalize`; read are `duration_ms`, `width` and `height`.
        motion: its record from `motion`.
    """
    duration_ms = row["duration_ms"]
    black_ms, card_ms = (_FRAME_MS * sum(motion[name]) for name in ("black_frames", "card_frames"))
    frozen_ms = _FRAME_MS * _frozen_frames(motion)
    # The first frame is none before again, and would keep a short clip from ever being frozen as a whole.
    comparable_ms = max(duration_ms - _FRAME_MS, 1)
    still = _is_still(motion)
    across, along = _bar_shares(motion["active_box"], row["width"], row["height"])
    found = {
        "near_silent": (
            sound.silent_ms >= rules.silent_share * duration_ms,
            f"{sound.silent_ms} of {duration_ms} ms below {rules.silence_level:g} dBFS",
        ),
        "black": (black_ms >= rules.black_share * duration_ms, f"{black_ms} of {duration_ms} ms black"),
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
    }
    holds = {name: detail for name, (does, detail) in found.items() if does}
    return Verdict(sound.silent_ms, black_ms, frozen_ms, card_ms, still, "letterboxed" in holds, holds)


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
