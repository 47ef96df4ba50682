"""What the stages' tables of a workspace last said of one clip and its video, whatever recipe they were made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.workspace.query import open_database
from tasks.workspace.stage import Row


@dataclass(frozen=True)
class Last:
    """The last outcome of an item at one station.

    Attributes:
        item_id: the clip, its video, or the span of which the clip would be.
        folder: of the table that has it.
    """

    stage: str
    item_id: str
    outcome: str
    reason: str | None
    detail: str | None
    tried_at: str
    folder: Path


def ledger_of(root: Path, clip_id: str) -> list[Last]:
    """Of a clip and of its video, the last outcome at each station, in the order of time."""
    return _last(root, [clip_id, clip_id.rsplit("_", 2)[0]])


def last_records(root: Path, stage: str, item_id: str) -> list[Row]:
    """The rows that a stage made of an item when it last looked; none if it did not."""
    found = [last for last in _last(root, [item_id], stage) if last.outcome == "done"]
    if not found:
        return []
    table = pq.ParquetFile(found[-1].folder / "records.parquet").read()
    return table.filter(pc.equal(table["item_id"], item_id)).to_pylist()


def matching_items(root: Path, beginning: str, most: int) -> list[str]:
    """Ids of clips and of spans left out, in the workspace, that begin so; the whole id alone, if it is one."""
    files = _ledgers(root)
    if not files:
        return []
    with open_database(root, ledger=files) as database:
        rows = database.execute(
            "SELECT DISTINCT item_id FROM ledger WHERE starts_with(item_id, ?) "
            "AND (item_id != video_id OR item_id = ?) ORDER BY item_id = ? DESC, item_id LIMIT ?",
            [beginning, beginning, beginning, most],
        ).fetchall()
    return [beginning] if (beginning,) in rows else [item for (item,) in rows]


def _last(root: Path, items: Sequence[str], stage: str = "*") -> list[Last]:
    files = _ledgers(root, stage)
    if not files:
        return []
    with open_database(root) as database:
        database.read_parquet([str(file) for file in files], filename=True).create_view("ledger")
        rows = database.execute(
            "SELECT filename, item_id, outcome, reason, detail, tried_at FROM ledger "
            "WHERE list_contains(?, item_id) ORDER BY tried_at, filename",
            [list(items)],
        ).fetchall()
    found = {}
    for file, item, outcome, reason, detail, tried_at in rows:
        folder = Path(file).parent
        name = folder.parent.parent.name
        found.pop((name, item), None)  # the later look takes its place in the order as well
        found[name, item] = Last(name, item, outcome, reason, detail, tried_at, folder)
    return list(found.values())


def _ledgers(root: Path, stage: str = "*") -> list[Path]:
    return sorted((root / "stages").glob(f"{stage}/*/*.[0-9]*/ledger.parquet"))
