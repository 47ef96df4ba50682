"""The stage `conditions`: what `motion` saw and what is heard of a clip, to what is wrong with it as a whole.

It opens no picture: a changed share or action in the recipe costs a reading of the sound and no decoding.
"""

from __future__ import annotations

from schemas.errors import Dropped
from schemas.tables import CONDITIONS as TABLE
from tasks.conditions.judge import CONDITIONS, judge
from tasks.conditions.sound import loudness_of
from tasks.media import read_waveform
from tasks.workspace.stage import Context, Item, Produced, Stage, Worker


def _open(context: Context) -> Worker:
    """The worker of a shard; it raises Dropped, the reason being the condition, where the recipe says `drop`."""
    rules = context.recipe.conditions
    actions = {name: getattr(rules, name) for name in CONDITIONS}

    def work(item: Item) -> Produced:
        (motion,) = item.records["motion"]
        sound = loudness_of(read_waveform(context.media(item.row["path"])), rules.silence_level)
        verdict = judge(item.row, motion, sound, rules)
        for name, detail in verdict.holds.items():
            if actions[name] == "drop":
                raise Dropped(name, detail)
        row = {
            "clip_id": item.id,
            "video_id": item.video_id,
            "level_dbfs": sound.level_dbfs,
            "silent_ms": verdict.silent_ms,
            "black_ms": verdict.black_ms,
            "frozen_ms": verdict.frozen_ms,
            "card_ms": verdict.card_ms,
            "still": verdict.still,
            "letterboxed": verdict.letterboxed,
            "active_box": motion["active_box"],
            "conditions": [name for name in verdict.holds if actions[name] == "label"],
        }
        return Produced([row])

    return work


STAGE = Stage(
    name="conditions",
    version=1,
    works_on="clip",
    inputs=("motion",),
    schema=TABLE,
    settings=lambda recipe: recipe.conditions.model_dump(mode="json"),
    models=lambda recipe: (),
    open=_open,
)
