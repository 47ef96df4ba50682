"""The contract of a stage: a pure function from one item to records, and what its result depends on.

A stage says what it is (`name`, `version`), what it works on (videos or clips), what it reads (`inputs`),
which part of the recipe and which models decide its result, and how to open a worker for a shard. The
engine in `reconcile` does the rest: it skips what is present, journals what is done, and writes tables.

    STAGE = Stage(
        name="speech", version=1, works_on="clip", inputs=(), schema=SPEECH,
        settings=lambda recipe: recipe.speech.model_dump(mode="json"),
        models=lambda recipe: (),
        open=open_worker,
    )

A stage that looks at the pictures of clips does not open them itself. It gives, in place of a worker, a *watcher*
that says for each clip how it wants to see it; the engine in `watch` decodes the clip once for all such stages:

    STAGE = Stage(…, open=alone(open_watcher), watch=open_watcher)

A stage that asks a service takes all items of a shard together, so that many requests can be under way or go as
one batch: it gives the results in whichever order they come.

    STAGE = Stage(…, open=singly(open_together), together=open_together)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from schemas.recipe import Recipe
from tasks.media.fanout import Reader, fan_out

Row = dict[str, Any]
"""One record: JSON-able values only, keys as in the stage's Arrow schema."""


@dataclass(frozen=True)
class Item:
    """One video or clip with the records that earlier stages made for it.

    Attributes:
        id: the video's or the clip's id.
        video_id: the video it belongs to (the same as `id` for a video).
        row: the record that defines it: from the catalogue for a video, from `normalize` for a clip.
        records: the rows of each input stage that belong to this item, in their stored order.
    """

    id: str
    video_id: str
    row: Row
    records: Mapping[str, Sequence[Row]] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """A part of an item that a stage left out while keeping the rest, for instance a span without sound."""

    id: str
    reason: str
    detail: str = ""
    milliseconds: int = 0


@dataclass(frozen=True)
class Produced:
    """What a stage made of one item."""

    rows: list[Row]
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class Context:
    """What a worker may use: the recipe, the workspace folder, and `weights` (model name to verified file).

    Attributes:
        run: the name of the run, under which money is booked.

    Raises (from `weights`): ModelMissing, ModelCorrupt.
    """

    recipe: Recipe
    root: Path
    weights: Callable[[str], Path]
    run: str = "by hand"

    def media(self, path: str) -> Path:
        """The file behind a path stored in a record: relative to the workspace, or absolute."""
        return self.root / path


Worker = Callable[[Item], Produced]
"""Raises Dropped or Unavailable to withhold the item, a ClapperError when it fails."""

Watcher = Callable[[Item], Reader]
"""How to see a clip, and what to make of its batches: `consume` returns a Produced, or raises as a worker does."""


Together = Callable[[Sequence[Item]], Iterator[tuple[Item, Callable[[], Produced]]]]
"""Works on many items: gives each once, in any order, with a call that returns or raises as a worker does."""


def singly(open_together: Callable[[Context], Together]) -> Callable[[Context], Worker]:
    """Open a stage that takes items together as one that works on one item after the other."""

    def open_worker(context: Context) -> Worker:
        together = open_together(context)

        def work(item: Item) -> Produced:
            ((_, result),) = together([item])
            return result()

        return work

    return open_worker


def alone(open_watcher: Callable[[Context], Watcher]) -> Callable[[Context], Worker]:
    """Open a watching stage as one that decodes each clip for itself alone."""

    def open_worker(context: Context) -> Worker:
        watcher = open_watcher(context)

        def work(item: Item) -> Produced:
            return fan_out(context.media(item.row["path"]), {item.id: watcher(item)})[item.id]

        return work

    return open_worker


@dataclass(frozen=True)
class Stage:
    """One station of the pipeline; see the module docstring.

    Attributes:
        version: raise it when the code's result changes, and everything downstream is made again.
        works_on: videos are those of the catalogue; clips are what `normalize` made of them.
        inputs: earlier stages whose records the worker reads, all of which must be done for the item; the
            record that defines a clip needs no mention.
        settings: the part of the recipe that decides the result, JSON-able.
        models: names in the model catalogue; their checksums are part of the key.
        open: called once per shard; loads models and returns the worker.
        watch: likewise, of a stage that reads the pictures of clips; returns the watcher, which does the same.
        together: likewise, of a stage that takes all items of a shard at once.
        told: what an item may wait for comes with its row. News is then another key, and without news no later
            run looks at the item again.
    """

    name: str
    version: int
    works_on: Literal["video", "clip"]
    inputs: tuple[str, ...]
    schema: pa.Schema
    settings: Callable[[Recipe], Mapping[str, Any]]
    models: Callable[[Recipe], tuple[str, ...]]
    open: Callable[[Context], Worker]
    watch: Callable[[Context], Watcher] | None = None
    together: Callable[[Context], Together] | None = None
    told: bool = False
