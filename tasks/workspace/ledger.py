"""Questions to the ledger: what became of each item at each stage, and the funnel from discovered to released."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.tables import OUTCOMES as OUTCOMES_TABLE
from tasks.workspace.layout import appearing, write_table
from tasks.workspace.outputs import Output
from tasks.workspace.stage import LeftOut, Row


@dataclass(frozen=True)
class Loss:
    """What left the funnel at one stage for one reason."""

    stage: str
    outcome: str
    reason: str
    items: int
    milliseconds: int
    example: str


def record_left_out(root: Path, left_out: Iterable[LeftOut]) -> None:
    """Note what was seen at discovery and not taken; what was noted before is passed over."""
    noted = {row["item_id"] for row in left_out_at_discovery(root)}
    new = {part.id: part for part in left_out if part.id not in noted}
    if not new:
        return
    nothing = dict.fromkeys(OUTCOMES_TABLE.names)
    rows = [
        {
            **nothing,
            "item_id": part.id,
            "video_id": part.id,
            "outcome": "dropped",
            "reason": part.reason,
            "detail": part.detail,
            "milliseconds": part.milliseconds,
        }
        for part in new.values()
    ]
    batch = len(list((root / "catalog").glob("left-out-*.parquet")))
    with appearing(root / "catalog" / f"left-out-{batch:05d}.parquet") as unfinished:
        write_table(pa.Table.from_pylist(rows, schema=OUTCOMES_TABLE), unfinished)


def left_out_at_discovery(root: Path) -> list[Row]:
    """Ledger rows, with stage `discover`, of what was seen at discovery and not taken."""
    files = sorted((root / "catalog").glob("left-out-*.parquet"))
    return [{"stage": "discover", **row} for file in files for row in pq.read_table(file).to_pylist()]


def ledger_rows(outputs: Iterable[Mapping[str, Output]]) -> list[Row]:
    """All ledger rows of the given shards (each a mapping of stage to table), with their `stage`."""
    rows: list[Row] = []
    for tables in outputs:
        for stage, output in tables.items():
            for item, outcome in output.outcomes.items():
                rows.append({"stage": stage, **outcome})
                rows += [{"stage": stage, **part} for part in output.parts.get(item, ())]
    return rows


def outcomes_by_stage(rows: Iterable[Row]) -> dict[str, Counter[str]]:
    """Whole items by stage and outcome."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        if row["part_of"] is None:
            counts.setdefault(row["stage"], Counter())[row["outcome"]] += 1
    return counts


def losses(rows: Iterable[Row]) -> list[Loss]:
    """What was left out, by stage, outcome and reason, with one example each; parts of items included."""
    grouped: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if row["outcome"] != "done":
            grouped.setdefault((row["stage"], row["outcome"], row["reason"]), []).append(row)
    return [
        Loss(*key, len(members), sum(row["milliseconds"] or 0 for row in members), _example(members))
        for key, members in grouped.items()
    ]


def failed_share(rows: Sequence[Row]) -> float:
    """Items that failed at some stage, as a share of all items (videos and clips) in the ledger."""
    items = {row["item_id"] for row in rows if row["part_of"] is None}
    failed = {row["item_id"] for row in rows if row["outcome"] == "failed"}
    return len(failed) / len(items) if items else 0.0


def _example(members: Sequence[Row]) -> str:
    first = members[0]
    detail = first["detail"] or ""
    return detail if first["item_id"] in detail else f"{first['item_id']}: {detail}".rstrip(": ")
