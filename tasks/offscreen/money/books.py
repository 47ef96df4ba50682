"""The file that money and answers are kept in: SQLite, for several threads and several processes at once.

A rollback journal, synced in full: what a transaction has written is on disk when it ends, or none of it is, however
the process ends. Each transaction has a connection of its own, so nothing is shared between threads or forks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import WorkspaceError

VERSION = 1
"""Of the tables below, in the file's `user_version`."""

BUSY_S = 120.0
"""How long a transaction waits for those of others before it is an error; each of them takes milliseconds."""

# The sums of a run are kept by triggers, in the transaction that changes a request: a budget is checked against one
# row, not against all requests ever made, and no code can forget to book.
TABLES = """
CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    model TEXT NOT NULL,
    answer_key TEXT NOT NULL,
    batch TEXT,
    state TEXT NOT NULL CHECK (state IN ('open', 'answered', 'given_back', 'uncertain')),
    fault TEXT,
    most INTEGER NOT NULL CHECK (most >= 0),
    cost INTEGER NOT NULL DEFAULT 0 CHECK (cost >= 0),
    counted_tokens INTEGER,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    audio_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX asked ON requests (answer_key) WHERE state = 'open';
CREATE INDEX of_batch ON requests (batch) WHERE batch IS NOT NULL;
CREATE TABLE answers (
    answer_key TEXT PRIMARY KEY,
    text TEXT,
    finish TEXT,
    blocked TEXT,
    input_tokens INTEGER NOT NULL,
    audio_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    model_version TEXT,
    model TEXT NOT NULL,
    prompt TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    run TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE batches (
    display_name TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    model TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('creating', 'created', 'settled')),
    job TEXT,
    planned_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE sums (
    run TEXT PRIMARY KEY,
    spent INTEGER NOT NULL DEFAULT 0,
    uncertain INTEGER NOT NULL DEFAULT 0,
    reserved INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TRIGGER opened AFTER INSERT ON requests BEGIN
    INSERT INTO sums (run) VALUES (new.run) ON CONFLICT DO NOTHING;
    UPDATE sums SET
        spent = spent + new.cost,
        uncertain = uncertain + iif(new.state = 'uncertain', new.most, 0),
        reserved = reserved + iif(new.state = 'open', new.most, 0)
    WHERE run = new.run;
END;
CREATE TRIGGER changed AFTER UPDATE ON requests BEGIN
    UPDATE sums SET
        spent = spent + new.cost - old.cost,
        uncertain = uncertain + iif(new.state = 'uncertain', new.most, 0) - iif(old.state = 'uncertain', old.most, 0),
        reserved = reserved + iif(new.state = 'open', new.most, 0) - iif(old.state = 'open', old.most, 0)
    WHERE run = new.run;
END;
"""


def open_books(path: Path) -> None:
    """Make the file if it is not there, and see that it can be used.

    Raises:
        WorkspaceError: it cannot be read or written, is no such file, or was made by a newer Clapper.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with transaction(path) as books:
        (version,) = books.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _statements(TABLES):
                books.execute(statement)
            books.execute(f"PRAGMA user_version = {VERSION}")
        elif version != VERSION:
            raise WorkspaceError(
                str(path),
                f"has accounts of layout {version}, and this Clapper knows layout {VERSION}",
                "use the Clapper that made them, or a newer one",
            )


@contextmanager
def transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection inside one transaction that nobody else writes beside; it ends whole or, on an error, not at all.

    Raises:
        WorkspaceError: the file is locked for too long, damaged, or cannot be written.
    """
    try:
        books = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            books.row_factory = sqlite3.Row
            books.execute("PRAGMA synchronous = FULL")
            books.execute("BEGIN IMMEDIATE")
            try:
                yield books
            except BaseException:
                books.execute("ROLLBACK")
                raise
            books.execute("COMMIT")
        finally:
            books.close()
    except sqlite3.Error as error:
        raise WorkspaceError(
            str(path),
            f"the accounts cannot be used: {error}",
            "see that the disk has room and nobody holds the file",
        ) from error


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection inside one read transaction: all that is read is of one moment.

    Raises:
        WorkspaceError: as `transaction`.
    """
    try:
        books = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            books.row_factory = sqlite3.Row
            books.execute("PRAGMA query_only = ON")
            books.execute("BEGIN")
            yield books
        finally:
            books.close()
    except sqlite3.Error as error:
        raise WorkspaceError(
            str(path), f"the accounts cannot be read: {error}", "restore the file from a copy"
        ) from error


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would end the transaction that they belong to."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
