"""What is kept of a review comes back as it was written, and answers are only ever added to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.store import (
    add_answers,
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


WHAT = st.tuples(
    st.sampled_from(["a", "b"]), st.sampled_from(["review", "adjudication"]), st.sampled_from(["clip", "offset"]),
    st.sampled_from(["x", "y"]), st.integers(-2, 2),
)  # fmt: skip


@given(WHAT, WHAT)
def test_a_key_stands_for_one_thing_and_tells_nothing_of_it(one: tuple, other: tuple) -> None:
    assert (item_key(SECRET, *one) == item_key(SECRET, *other)) == (one == other)
    assert item_key(SECRET, *one) != item_key("cd" * 32, *one)
    assert len(item_key(SECRET, *one)) == 32
