"""What people said of clips, read from a table and checked: the truth against which a model is measured."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import SystemicError
from schemas.judgement import QUESTIONS, Judgement
from schemas.tables import REVIEWS
from tasks.workspace.stage import Row

UNCLEAR = "unclear"

ANSWERS: Mapping[str, tuple[str, ...]] = {
    question: tuple(dict.fromkeys((*get_args(Judgement.model_fields[question].annotation), UNCLEAR)))
    for question in QUESTIONS
}
"""What may be answered to each question; people may always say `unclear`."""


def read_reviews(path: Path) -> list[Row]:
    """The rows of a Parquet or CSV file (`.csv`) with the columns of `REVIEWS`, in their order.

    Raises:
        SystemicError: the file cannot be read, lacks a column, or has a row that says nothing that can be meant, or
            a second row about the same clip and question; with the file's row number, the first being 1.
    """
    try:
        rows = _from_csv(path) if path.suffix == ".csv" else pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError, csv.Error) as error:
        raise SystemicError(str(path), f"cannot be read as a table of reviews: {error}", HOW) from error
    missing = [name for name in REVIEWS.names if rows and name not in rows[0]]
    if missing:
        raise SystemicError(str(path), f"has no column {', '.join(missing)}", HOW)
    return list(_checked(path, rows))


HOW = f"write Parquet or CSV with the columns {', '.join(REVIEWS.names)}"


def _from_csv(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def _checked(path: Path, rows: Sequence[Row]) -> Iterator[Row]:
    seen: dict[tuple[str, str], int] = {}
    for number, row in enumerate(rows, 1):
        clip, question, answer = row["clip_id"], row["question"], row["answer"]
        if not isinstance(clip, str) or not clip:
            raise _mistake(path, number, "clip_id", clip, "the id of a clip")
        if question not in ANSWERS:
            raise _mistake(path, number, "question", question, f"one of {', '.join(ANSWERS)}")
        if answer not in ANSWERS[question]:
            raise _mistake(
                path, number, "answer", answer, f"one of {', '.join(ANSWERS[question])} ({question})"
            )
        first = seen.setdefault((clip, question), number)
        if first != number:
            what = f"row {number} answers {question} of {clip} again, after row {first}"
            raise SystemicError(str(path), what, "give one row for each clip and question")
        annotators = _whole(row["annotators"])
        if annotators is None or annotators < 1:
            raise _mistake(path, number, "annotators", row["annotators"], "how many people, 1 or more")
        yield {"clip_id": clip, "question": question, "answer": answer, "annotators": annotators}


def _whole(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def _mistake(path: Path, number: int, column: str, value: Any, allowed: str) -> SystemicError:
    shown = "empty" if value in (None, "") else repr(value)
    return SystemicError(str(path), f"row {number}: {column} is {shown}", f"allowed: {allowed}")
