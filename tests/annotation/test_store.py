"""What is kept of a review comes back as it was written, and answers are only ever added to."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.store import (
    add_answers,
    each_answer,
    item_key,
    read_answers,
    read_items,
    review_folder,
    sole_writer,
    write_items,
)
from schemas.errors import WorkspaceError
from tests.annotation.rows import answer, item

SECRET = "ab" * 32


def test_items_come_back_as_they_were_written(tmp_path: Path) -> None:
    items = [
        item("1", expected={"aligned": "out_of_time"}, offset_ms=-500, kind="gold_shifted"),
        item("2", task=7, shown={"event": "Dog"}, machine={"source": "visible"}),
    ]
    assert read_items(tmp_path, "test") == []
    write_items(tmp_path, "test", items)
    assert read_items(tmp_path, "test") == items


def test_answers_are_added_in_files_of_their_own(tmp_path: Path) -> None:
    first, second = [answer("1", "A1")], [answer("1", "A1", version=2), answer("2", None, refused="empty")]
    assert add_answers(tmp_path, "test", []) is None
    file = add_answers(tmp_path, "test", first)
    before = file.read_bytes()
    assert add_answers(tmp_path, "test", second).name == "000002.parquet"
    assert file.read_bytes() == before
    assert read_answers(tmp_path, "test") == [*first, *second]


def test_some_columns_and_some_items_of_answers_can_be_read(tmp_path: Path) -> None:
    rows = [answer(key, "A1", raw=key * 9) for key in "abcab"]
    add_answers(tmp_path, "test", rows[:2])
    add_answers(tmp_path, "test", [*rows[2:], answer("c", "A2") | {"item_key": None}])
    columns = ["item_key", "answers"]
    assert read_answers(tmp_path, "test", columns)[:5] == [
        {name: row[name] for name in columns} for row in rows
    ]
    assert list(each_answer(tmp_path, "test", keys={"a", "c"})) == [rows[0], *rows[2:4]]
    assert list(each_answer(tmp_path, "test", keys=set())) == []
    assert len(list(each_answer(tmp_path, "test"))) == 6


def test_answers_come_in_the_order_in_which_they_were_taken_in(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("annotation.store._ROWS_AT_ONCE", 7)
    rows = [answer("k", "A1", version=number) for number in range(250)]
    for start, end in ((0, 100), (100, 101), (101, 250)):
        add_answers(tmp_path, "test", rows[start:end])
    assert read_answers(tmp_path, "test") == rows


def test_what_a_killed_process_left_is_no_answer(tmp_path: Path) -> None:
    add_answers(tmp_path, "test", [answer("1", "A1")])
    (review_folder(tmp_path, "test") / "answers" / ".tmp-1-000002.parquet").write_bytes(b"half")
    assert len(read_answers(tmp_path, "test")) == 1
    assert add_answers(tmp_path, "test", [answer("1", "A2")]).name == "000002.parquet"


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    with sole_writer(tmp_path, "test"):
        with pytest.raises(WorkspaceError, match="another process"), sole_writer(tmp_path, "test"):
            pass
        with sole_writer(tmp_path, "other"):
            pass
    with sole_writer(tmp_path, "test"):
        pass


def test_a_writer_waits_for_another_as_long_as_it_is_told(tmp_path: Path) -> None:
    held = ExitStack()
    held.enter_context(sole_writer(tmp_path, "test"))
    began = time.monotonic()
    with pytest.raises(WorkspaceError, match="another process"), sole_writer(tmp_path, "test", wait_s=0.5):
        pass
    assert time.monotonic() - began >= 0.5
    over = threading.Timer(0.3, held.close)
    over.start()
    with sole_writer(tmp_path, "test", wait_s=60.0):
        over.join()


WHAT = st.tuples(
    st.sampled_from(["a", "b"]), st.sampled_from(["review", "adjudication"]), st.sampled_from(["clip", "offset"]),
    st.sampled_from(["x", "y"]), st.integers(-2, 2),
)  # fmt: skip


@given(WHAT, WHAT)
def test_a_key_stands_for_one_thing_and_tells_nothing_of_it(one: tuple, other: tuple) -> None:
    assert (item_key(SECRET, *one) == item_key(SECRET, *other)) == (one == other)
    assert item_key(SECRET, *one) != item_key("cd" * 32, *one)
    assert len(item_key(SECRET, *one)) == 32
