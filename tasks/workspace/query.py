"""Questions to manifests of any size, in SQL: DuckDB reads the Parquet files and spills what memory cannot hold.

    with open_database(scratch) as database:
        database.sql("SELECT channel, count(*) FROM clips GROUP BY channel ORDER BY channel")

A query whose answer is stored says ORDER BY: without it the order is that of the threads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

MEMORY = "1GB"
"""What DuckDB may take; Arrow and Python beside it take about as much again."""


@contextmanager
def open_database(scratch: Path, **tables: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own, gone at the end, with a view for each named list of Parquet files.

    Args:
        scratch: a folder on a disk with room, in which a folder for what spills is made and removed.
        tables: name of a view to its files, which all have the same columns and may be none (then there is no view).
    """
    with (
        tempfile.TemporaryDirectory(prefix=".tmp-query-", dir=scratch) as spill,
        duckdb.connect(
            config={"memory_limit": MEMORY, "temp_directory": spill, "preserve_insertion_order": False}
        ) as database,
    ):
        for name, files in tables.items():
            if files:
                database.read_parquet([str(file) for file in files], hive_partitioning=False).create_view(
                    name
                )
        yield database
