"""CITATION.bib: one entry that every reader of BibTeX understands, whatever stands in the recipe."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.leakage import Leakage
from schemas.recipe import Recipe
from tasks.releases.account import Account
from tasks.releases.documents.citation import citation_entry

UNTEX = {
    r"\textbackslash{}": "\\", r"\textbraceleft{}": "{", r"\textbraceright{}": "}", r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^", **{f"\\{mark}": mark for mark in "#$%&_"},
}  # fmt: skip


def cited(title: str = "Toy", cites: str = "", **release) -> str:
    recipe = Recipe.model_validate({"name": "toy", "title": title, "cites": cites, "release": release})
    leakage = Leakage((), {}, {})
    return citation_entry(Account(recipe, "1.2.0", date(2030, 11, 2), Path(), None, (), (), (), leakage, {}))


def parse(text: str) -> tuple[str, dict[str, str]]:
    """Key and fields of one entry, by the rules of BibTeX: a value ends where its braces are closed."""
    head = re.match(r"@misc\{([^,\s{}]+),\n", text)
    fields, place = {}, head.end()
    while text[place] != "}":
        name = re.compile(r"  (\w+) = \{").match(text, place)
        start = place = name.end()
        depth = 1
        while depth:
            depth += (text[place] == "{") - (text[place] == "}")
            place += 1
        fields[name[1]] = text[start : place - 1]
        assert text[place : place + 2] == ",\n"
        place += 2
    assert text[place:] == "}\n"
    return head[1], fields


def read(value: str) -> str:
    return re.sub("|".join(map(re.escape, UNTEX)), lambda match: UNTEX[match.group()], value)


def test_an_entry() -> None:
    key, fields = parse(
        cited(
            "Toy & Co",
            "Voas et al., A Paper.",
            creators=["Jo Doe", "Sound and Vision"],
            homepage="https://x.org/a_b?c=d%20e",
        )
    )
    assert key == "toy-1.2.0"
    assert fields == {
        "title": r"{Toy \& Co}",
        "author": "{Jo Doe} and {Sound and Vision}",
        "year": "2030",
        "month": "11",
        "version": "1.2.0",
        "howpublished": "Data set",
        "url": r"https://x.org/a_b?c=d\%20e",
        "note": "Version 1.2.0, made with Clapper. Follows: Voas et al., A Paper.",
    }


def test_without_authors_the_title_is_what_it_is_sorted_by() -> None:
    _, fields = parse(cited("Toy"))
    assert fields["key"] == "Toy"
    assert "author" not in fields and "url" not in fields


@pytest.mark.parametrize("mark", ["{", "}", "\\", "}{", "%", "@misc{x,", "\n\n", '"', "$", "~^"])
@pytest.mark.parametrize("field", ["title", "author", "note"])
def test_marks_stand_for_themselves(mark: str, field: str) -> None:
    text = f"a{mark}b"
    release = {"creators": [text]} if field == "author" else {}
    _, fields = parse(cited(text if field == "title" else "Toy", text if field == "note" else "", **release))
    assert " ".join(text.split()) in read(fields[field])


@settings(deadline=None)  # the first address that is read brings all of yt-dlp's sites with it
@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_an_entry_is_always_one_entry(title: str, cites: str, creators: list[str]) -> None:
    key, fields = parse(cited(title, cites, creators=creators))
    assert key == "toy-1.2.0"
    assert {"title", "year", "version", "note"} <= set(fields)
