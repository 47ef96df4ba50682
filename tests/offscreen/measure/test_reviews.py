"""Reviews as people hand them in: read whole, or an error that names the row and what is allowed."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import SystemicError
from schemas.tables import REVIEWS
from tasks.offscreen.measure.reviews import ANSWERS, read_reviews

GOOD = {"clip_id": "c1", "question": "source", "answer": "off_screen", "annotators": 3}


def test_what_may_be_answered():
    assert ANSWERS["source"] == ("visible", "off_screen", "unclear")
    assert ANSWERS["mismatch"] == ("none", "obvious", "unclear")
    assert ANSWERS["audio"] == ("good", "poor", "unclear")
    assert len(ANSWERS["scenario"]) == 11


def test_parquet_and_csv_say_the_same(tmp_path):
    rows = [GOOD, GOOD | {"question": "scenario", "answer": "unclear", "annotators": 5}]
    pq.write_table(pa.Table.from_pylist(rows, schema=REVIEWS), tmp_path / "r.parquet")
    lines = ["annotators,answer,note,clip_id,question", "3,off_screen,x,c1,source", "5,unclear,,c1,scenario"]
    (tmp_path / "r.csv").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    assert read_reviews(tmp_path / "r.parquet") == read_reviews(tmp_path / "r.csv") == rows


def test_no_row_is_no_review(tmp_path):
    pq.write_table(REVIEWS.empty_table(), tmp_path / "r.parquet")
    assert read_reviews(tmp_path / "r.parquet") == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"question": "sauce"}, "row 2: question is 'sauce'.*source, mismatch, audio, scenario"),
        ({"answer": "good"}, r"row 2: answer is 'good'.*visible, off_screen, unclear \(source\)"),
        ({"answer": None}, "row 2: answer is empty"),
        ({"clip_id": ""}, "row 2: clip_id is empty"),
        ({"annotators": 0}, "row 2: annotators is 0.*1 or more"),
        ({"annotators": None}, "row 2: annotators is empty"),
        ({"clip_id": "c1"}, "row 2 answers source of c1 again, after row 1"),
    ],
)
def test_a_row_that_cannot_be_meant_is_named(tmp_path, wrong, told):
    rows = [GOOD, GOOD | {"clip_id": "c2"} | wrong]
    pq.write_table(pa.Table.from_pylist(rows, schema=REVIEWS), tmp_path / "r.parquet")
    with pytest.raises(SystemicError, match=told):
        read_reviews(tmp_path / "r.parquet")


@pytest.mark.parametrize(
    ("name", "content"),
    [("r.csv", b"clip_id,question\nc1,source"), ("r.parquet", b"no parquet"), ("r.csv", b"\xff\xfe\x00")],
)
def test_a_file_that_is_no_such_table_says_which_columns_it_needs(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SystemicError, match="clip_id, question, answer, annotators"):
        read_reviews(tmp_path / name)
    with pytest.raises(SystemicError, match="cannot be read"):
        read_reviews(tmp_path / "absent.parquet")
