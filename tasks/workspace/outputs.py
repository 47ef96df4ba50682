"""What a stage made of a shard: an immutable table, and before that the journal of a run at work.

stages/<stage>/<shard>/<key>.<generation>/records.parquet   the stage's schema, and `item_id`
stages/<stage>/<shard>/<key>.<generation>/ledger.parquet    `schemas.tables.OUTCOMES`
stages/<stage>/<shard>/journal.jsonl                        one line per finished item, gone at the end
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.tables import OUTCOMES
from tasks.workspace.layout import appearing, write_table
from tasks.workspace.stage import Row


@dataclass(frozen=True)
class Entry:
    """One item at one stage: its outcome, the records made, and ledger rows of parts that were left out."""

    outcome: Row
    rows: Sequence[Row] = ()
    parts: Sequence[Row] = ()


@dataclass(frozen=True)
class Output:
    """A stage's table for one shard.

    Attributes:
        outcomes: ledger row by item id.
        parts: ledger rows of the parts left out, by the id of the item they are part of.
    """

    folder: Path
    outcomes: Mapping[str, Row]
    parts: Mapping[str, Sequence[Row]]

    def records(self) -> dict[str, list[Row]]:
        """Rows by item id, in stored order; read from disk at every call."""
        grouped: dict[str, list[Row]] = {}
        for row in pq.read_table(self.folder / "records.parquet").to_pylist():
            grouped.setdefault(row.pop("item_id"), []).append(row)
        return grouped


def read_output(folder: Path) -> Output:
    outcomes: dict[str, Row] = {}
    parts: dict[str, list[Row]] = {}
    for row in pq.read_table(folder / "ledger.parquet").to_pylist():
        if row["part_of"] is None:
            outcomes[row["item_id"]] = row
        else:
            parts.setdefault(row["part_of"], []).append(row)
    return Output(folder, outcomes, parts)


def write_output(folder: Path, schema: pa.Schema, entries: Sequence[Entry]) -> Output:
    """Write a shard's table whole; a table that is there already is kept, being the same by its key."""
    if not folder.exists():
        stored = pa.schema([pa.field("item_id", pa.string()), *schema])
        rows = [{"item_id": entry.outcome["item_id"], **row} for entry in entries for row in entry.rows]
        ledger = [row for entry in entries for row in (entry.outcome, *entry.parts)]
        with appearing(folder) as unfinished:
            unfinished.mkdir()
            write_table(pa.Table.from_pylist(rows, schema=stored), unfinished / "records.parquet")
            write_table(pa.Table.from_pylist(ledger, schema=OUTCOMES), unfinished / "ledger.parquet")
    return read_output(folder)


@contextmanager
def open_journal(path: Path) -> Iterator[TextIO]:
    """A journal to add to; a line that a kill tore is closed, lest the next entry be torn with it."""
    torn = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        if torn:
            file.write("\n")
        yield file


def append_to_journal(file: TextIO, entry: Entry) -> None:
    """Add one finished item, and see it safely on disk."""
    file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
    file.flush()
    os.fsync(file.fileno())


def read_journal(path: Path) -> Iterator[Entry]:
    """The whole lines of a journal; a line torn by a kill is passed over."""
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            yield Entry(**json.loads(line))
        except ValueError:
            continue
