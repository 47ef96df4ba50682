"""The stage `conditions`: what `motion` saw and what is heard of a clip, to what is wrong with it as a whole.

It opens no picture: a changed share or action in the recipe costs a reading of the sound and no decoding.
"""

from __future__ import annotations

from schemas.errors import Dropped
from schemas.tables import CONDITIONS as TABLE
from tasks.conditions.judge import CONDITIONS, judge
from tasks.conditions.sound import Sound, sound_of
from tasks.media import read_waveform
from tasks.workspace.stage import Context, Item, Produced, Row, Stage, Worker


def _open(context: Context) -> Worker:
    """The worker of a shard; it raises Dropped, the reason being the condition, where the recipe says `drop`."""
    rules = context.recipe.conditions
    actions = {name: getattr(rules, name) for name in CONDITIONS}

    def work(item: Item) -> Produced:
        (motion,) = item.records["motion"]
        sound = sound_of(read_waveform(context.media(item.row["path"])), rules.silence_level)
        verdict = judge(item.row, motion, sound, rules)
        for name, detail in verdict.holds.items():
            if actions[name] == "drop":
                raise Dropped(name, detail)
        row = {
            "clip_id": item.id,
            "video_id": item.video_id,
            **_heard(sound),
            **{name: getattr(verdict, name) for name in _SEEN},
            "active_box": motion["active_box"],
            "conditions": [name for name in verdict.holds if actions[name] == "label"],
        }
        return Produced([row])

    return work


_SEEN = ("silent_ms", "black_ms", "frozen_ms", "card_ms", "still", "letterboxed", "sharpness", "bright")


def _heard(sound: Sound) -> Row:
    background = sound.background
    return {
        "level_dbfs": sound.level_dbfs,
        "loudness_lufs": sound.loudness.lufs,
        "true_peak_dbtp": sound.loudness.true_peak_dbtp,
        "clipped_share": sound.clipped_share,
        "above_background_db": background.above_db if background else None,
        "background_flatness": background.flatness if background else None,
        "bandwidth_hz": sound.bandwidth_hz,
        "dropout_ms": sound.dropout_ms,
    }


STAGE = Stage(
    name="conditions",
    version=2,
    works_on="clip",
    inputs=("motion",),
    schema=TABLE,
    settings=lambda recipe: recipe.conditions.model_dump(mode="json"),
    models=lambda recipe: (),
    open=_open,
)
