"""The stage `duplicates`: applies the verdict that comes with each clip; see `tasks.duplicates.verdicts`."""

from __future__ import annotations

from schemas.errors import Dropped
from schemas.tables import DUPLICATES
from tasks.workspace.stage import Context, Item, Produced, Row, Stage, Worker


def open_worker(context: Context) -> Worker:
    """A worker that applies the verdict which comes with each clip; it raises Dropped (`duplicate`)."""

    def work(item: Item) -> Produced:
        verdict = item.row.get("verdict")
        if verdict is None:
            return Produced([])
        if verdict["dropped"]:
            raise Dropped("duplicate", _told(verdict))
        return Produced([verdict])

    return work


def _told(verdict: Row) -> str:
    shares = [
        f"{name} {verdict[f'{name}_distance']:.0%} apart"
        for name in ("picture", "sound")
        if verdict[f"{name}_distance"] is not None
    ]
    alike = {"both": "picture and sound", "picture": "picture", "sound": "sound"}[verdict["kind"]]
    return f"of {verdict['duplicate_of']}: {alike} alike for {verdict['overlap_ms']} ms ({', '.join(shares)})"


STAGE = Stage(
    name="duplicates",
    version=1,
    works_on="clip",
    inputs=("conditions",),
    schema=DUPLICATES,
    settings=lambda recipe: {},
    models=lambda recipe: (),
    open=open_worker,
)
