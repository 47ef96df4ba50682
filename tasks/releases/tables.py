"""Write tables of any length, with a fixed number of rows in each group: equal rows make equal bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

ROWS_IN_A_GROUP = 10_000
"""A reader that takes some rows decodes about so many: 10 to 30 MB of a manifest."""


def write_rows(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write one Parquet file, zstd, as the batches come; returns how many rows it has."""
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in evenly(batches, schema, ROWS_IN_A_GROUP):
            writer.write_table(table)
            rows += table.num_rows
    return rows


def evenly(batches: Iterable[pa.RecordBatch], schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of just so many, the last one shorter; batches of any size come in."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        while count >= rows:
            table = pa.Table.from_batches(held, schema)
            yield table.slice(0, rows)
            held, count = table.slice(rows).to_batches(), count - rows
    if count:
        yield pa.Table.from_batches(held, schema)


def answer(database: duckdb.DuckDBPyConnection, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows that answer a query, some at a time, as a schema has them; the query names its columns in order."""
    for batch in database.sql(query).to_arrow_reader(65_536):
        columns = (column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True))
        yield pa.RecordBatch.from_arrays(list(columns), schema=schema)
