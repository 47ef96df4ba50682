"""What a workspace keeps of a review: items that were shown, answers as they came, and what was decided.

workspace/reviews/<recipe>/
  items.parquet            schemas.review.ITEMS
  answers/<number>.parquet schemas.review.ANSWERS; only ever added to
  decided.parquet          schemas.review.DECIDED
  projects.json            number of each project on the server
  review.json              the recipe's section, for what an answer sets off
  missing.json             item and annotator of the answers that are gone from the server, so that it is told once
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import WorkspaceError
from schemas.review import ANSWERS, DECIDED, ITEMS
from tasks.workspace.layout import appearing, write_table
from tasks.workspace.stage import Row

_ASK_AGAIN_S = 0.2
_ROWS_AT_ONCE = 2_000


WAIT_S = 600.0
"""How long a process waits for another one that is at work on the same review."""


def review_folder(root: Path, recipe: str) -> Path:
    """Where the review of one recipe is kept."""
    return root / "reviews" / recipe


@contextmanager
def sole_writer(root: Path, recipe: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a review for writing; the lock goes with the process.

    Raises:
        WorkspaceError: another process still writes it after `wait_s`.
    """
    folder = review_folder(root, recipe)
    folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + wait_s
    with (folder / ".lock").open("w") as lock:
        while not _locked(lock):
            if time.monotonic() >= until:
                raise WorkspaceError(
                    str(folder), "another process is at work on this review", "wait for it to end"
                )
            time.sleep(_ASK_AGAIN_S)
        yield


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def item_key(secret: str, recipe: str, project: str, kind: str, clip_sha256: str, *what: int | str) -> str:
    """The key of an item: 32 hex digits, the same whenever the same thing is shown in the same project.

    Args:
        secret: `Secrets.items`; without it nobody can tell which clip a key stands for, or that it is gold.
        what: what else tells it from others of the same clip, such as its offset.
    """
    text = "\n".join((recipe, project, kind, clip_sha256, *map(str, what)))
    return hmac.new(bytes.fromhex(secret), text.encode(), hashlib.sha256).hexdigest()[:32]


def read_items(root: Path, recipe: str) -> list[Row]:
    return _read(review_folder(root, recipe) / "items.parquet", ITEMS)


def write_items(root: Path, recipe: str, items: Iterable[Row]) -> None:
    _write(review_folder(root, recipe) / "items.parquet", ITEMS, items)


def read_answers(root: Path, recipe: str, columns: Sequence[str] | None = None) -> list[Row]:
    """All answers that ever came, in the order in which they were taken in; all columns, or only those named."""
    return list(each_answer(root, recipe, columns))


def each_answer(
    root: Path, recipe: str, columns: Sequence[str] | None = None, keys: Collection[str] | None = None
) -> Iterator[Row]:
    """The same one at a time, in the memory of a few thousand.

    Args:
        keys: of the items whose answers are read; without, all are, also those to no item of ours.
    """
    from pyarrow import dataset  # brings pandas, which is slow to come and which most commands do without

    which = None if keys is None else dataset.field("item_key").isin(pa.array(keys, pa.string()))
    for file in sorted((review_folder(root, recipe) / "answers").glob("[0-9]*.parquet")):
        answers = dataset.dataset(file, schema=ANSWERS, format="parquet")
        for batch in answers.to_batches(columns=columns, filter=which, batch_size=_ROWS_AT_ONCE):
            yield from batch.to_pylist(maps_as_pydicts="strict")


def add_answers(root: Path, recipe: str, answers: Sequence[Row]) -> Path | None:
    """Keep further answers in a file of their own; none for no answers. Needs `sole_writer`."""
    if not answers:
        return None
    folder = review_folder(root, recipe) / "answers"
    last = max((int(file.stem) for file in folder.glob("[0-9]*.parquet")), default=0)
    path = folder / f"{last + 1:06d}.parquet"
    _write(path, ANSWERS, answers)
    return path


def decided_file(root: Path, recipe: str) -> Path:
    return review_folder(root, recipe) / "decided.parquet"


def read_decided(root: Path, recipe: str) -> list[Row]:
    return _read(decided_file(root, recipe), DECIDED)


def write_decided(root: Path, recipe: str, decided: Iterable[Row]) -> None:
    _write(decided_file(root, recipe), DECIDED, decided)


def _read(path: Path, schema: pa.Schema) -> list[Row]:
    """Rows of a file, none without it; maps as dictionaries."""
    if not path.exists():
        return []
    table = pq.read_table(path, schema=schema)
    return table.to_pylist(maps_as_pydicts="strict")


def _write(path: Path, schema: pa.Schema, rows: Iterable[Row]) -> None:
    with appearing(path) as unfinished:
        write_table(pa.Table.from_pylist(list(rows), schema=schema), unfinished)
