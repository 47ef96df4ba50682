"""The stage `fingerprints`: a normalised clip to what it can be recognised by, in picture and in sound."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from schemas.tables import FINGERPRINTS
from tasks.duplicates.pictures import EVERY, SIZE, hashes_of
from tasks.duplicates.sound import prints_of
from tasks.media.fanout import Reader
from tasks.media.frames import FrameBatch, View
from tasks.workspace.stage import Context, Item, Produced, Stage, Watcher, alone

_VIEW = View(size=SIZE, colour="gray", every=EVERY, sound=True)
_NOTHING = View(size=(16, 16), colour="gray", every=1000)


def open_watcher(context: Context) -> Watcher:
    """The watcher of a shard; without the recipe's section it looks at nothing and makes no record.

    Memory: of a clip, 137 kB of pictures and 64 kB of sound a second until its end.
    """
    if context.recipe.duplicates is None:
        return lambda item: Reader(_NOTHING, lambda batches: Produced([]))

    def fingerprints_of(item: Item) -> Reader:
        def consume(batches: Iterator[FrameBatch]) -> Produced:
            pictures, samples = [np.empty((0, *SIZE), np.uint8)], [np.empty(0, np.float32)]
            for batch in batches:
                pictures.append(batch.frames.copy())
                samples.append(batch.samples.copy())
                del batch
            row = {
                "clip_id": item.id,
                "video_id": item.video_id,
                "pictures": hashes_of(np.concatenate(pictures)),
                "sounds": prints_of(np.concatenate(samples)),
            }
            return Produced([row])

        return Reader(_VIEW, consume)

    return fingerprints_of


STAGE = Stage(
    name="fingerprints",
    version=1,
    works_on="clip",
    inputs=(),
    schema=FINGERPRINTS,
    settings=lambda recipe: {"wanted": recipe.duplicates is not None},
    models=lambda recipe: (),
    open=alone(open_watcher),
    watch=open_watcher,
)
