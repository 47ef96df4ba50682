"""Text from outside stands in Markdown and BibTeX as what it is, and numbers read as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.releases.documents.text import (
    LONGEST,
    bibtex,
    bibtex_url,
    count,
    length,
    listed,
    markdown,
    outside,
    share,
    size,
    span,
    table,
)

HOSTILE = st.one_of(
    st.text(max_size=80),
    st.text(st.sampled_from("|`*_[]()<>{}\\#$&~^!@:/.-+='\"%\n\r\t aé\u202e\u200b"), max_size=40),
)
READER = MarkdownIt("commonmark").enable("table")


def inline(text: str) -> list:
    """What is inside the one paragraph that a text makes."""
    blocks = READER.parse(text)
    assert [block.type for block in blocks] == ["paragraph_open", "inline", "paragraph_close"]
    return blocks[1].children


def read(tokens: list) -> str:
    return "".join(token.content for token in tokens)


@settings(deadline=None)  # the first address that is read brings all of yt-dlp's sites with it
@given(HOSTILE)
def test_a_sentence_with_anything_in_it_is_read_as_written(text: str) -> None:
    said = f"Said is {outside(text)} here."
    tokens = inline(markdown(said))
    assert {token.type for token in tokens} == {"text"}
    assert read(tokens) == said


@settings(deadline=None)  # the first address that is read brings all of yt-dlp's sites with it
@given(HOSTILE, HOSTILE)
def test_a_table_keeps_its_shape_whatever_its_cells_hold(one: str, two: str) -> None:
    made = table(("name", "clips", "other"), [(one, 12, two), (two, 3456, one)])
    cells = [token for token in READER.parse(made) if token.type == "inline"]
    assert len(cells) == 9
    assert [read(cell.children) for cell in cells[3:]] == [
        *(outside(one), "12", outside(two)),
        *(outside(two), "3,456", outside(one)),
    ]
    assert all(child.type == "text" for cell in cells for child in cell.children)


@settings(deadline=None)  # the first address that is read brings all of yt-dlp's sites with it
@given(HOSTILE)
def test_braces_of_bibtex_are_in_pairs(text: str) -> None:
    for escaped in (bibtex(text), bibtex_url(text)):
        depth = 0
        for mark in escaped:
            depth += (mark == "{") - (mark == "}")
            assert depth >= 0
        assert depth == 0


@settings(deadline=None)  # the first address that is read brings all of yt-dlp's sites with it
@given(st.text())
def test_what_comes_from_outside_is_one_short_line(text: str) -> None:
    shown = outside(text)
    assert len(shown) <= LONGEST
    assert len(shown.splitlines()) <= 1
    assert shown == shown.strip()
    assert outside(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CC BY 4.0", "CC BY 4.0"),
        ("two\nlines\tand  blanks ", "two lines and blanks"),
        ("left\u202eright\u200b", "leftright"),
        ("क्‍ष", "क्‍ष"),
        ("see https://u:p@host/l?sig=abc&id=7#x", "see https://host/l?id=7"),
        ("x" * 200, "x" * 119 + "…"),
    ],
)
def test_text_from_outside(text: str, shown: str) -> None:
    assert outside(text) == shown


@pytest.mark.parametrize("text", ["www.example.org", "https://example.org", "talking_head", "_x_", "a|b"])
def test_marks_are_escaped_only_where_they_are_marks(text: str) -> None:
    assert markdown("talking_head at 3.5 % (see below), 1.2.3") == "talking_head at 3.5 % (see below), 1.2.3"
    linked = MarkdownIt("gfm-like", {"linkify": False}).parse(markdown(text))[1].children
    assert read(linked) == text


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (count(1, "clip"), "1 clip"),
        (count(1234, "clip"), "1,234 clips"),
        (count(2, "person", "people"), "2 people"),
        (count(3, "address"), "3 addresses"),
        (share(0, 0), "0 %"),
        (share(0, 7), "0 %"),
        (share(7, 7), "100 %"),
        (share(1, 3), "33 %"),
        (share(1, 30), "3.3 %"),
        (share(1, 10_000), "less than 0.1 %"),
        (share(9_999, 10_000), "more than 99.9 %"),
        (share(997, 1000), "99.7 %"),
        (length(4_200), "4.2 s"),
        (length(750_000), "12.5 min"),
        (length(4_444_200_000), "1,234.5 h"),
        (span(5_000), "5 s"),
        (span(1_200_000), "20 min"),
        (span(360_000_000), "100 h"),
        (span(90_500), "90.5 s"),
        (size(1), "1 byte"),
        (size(41_200_000), "41.2 MB"),
        (listed(["a"]), "a"),
        (listed(["a", "b", "c"]), "a, b and c"),
        (listed([]), ""),
        (table(("a",), []), ""),
        (table(("a",), [("x",)], more=2, what="row"), "| a |\n| --- |\n| x |\n\nAnd 2 more rows."),
    ],
)
def test_numbers_and_lists_as_people_read_them(made: str, expected: str) -> None:
    assert made == expected
