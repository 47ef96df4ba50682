"""Numbers as people read them, and text from outside in the languages of the documents.

Sentences are plain text. What stands in one language as a mark (of Markdown, of BibTeX) is escaped when the sentence
is put there, and not before, so that the same sentence serves them all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

HOUR_MS = 3_600_000
LONGEST = 120
"""Characters of a name from outside that are shown."""

_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Marks that turn the direction of writing, or that nobody sees: with them a name can look like another."""

_MARKDOWN = re.compile(r"[\\`*\[\]{}|~#$@^!]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<=www)\.|:(?=//)")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BIBTEX = {
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", **{mark: f"\\{mark}" for mark in "#$%&_"},
}  # fmt: skip
_URL_IN_BIBTEX = {"\\": "%5C", "{": "%7B", "}": "%7D", "#": r"\#", "%": r"\%", " ": "%20", '"': "%22"}


def outside(text: str, longest: int = LONGEST) -> str:
    """Text from outside as one line without marks that nobody sees, cut to `longest`, URLs without signatures."""
    shown = _INVISIBLE.sub("", text)
    shown = "".join(
        " " if unicodedata.category(each)[0] in "CZ" and each != "\u200d" else each for each in shown
    )
    shown = " ".join(shown.split())
    if "://" in shown:
        from tasks.sources.identity import (
            without_secrets,
        )  # it knows all of yt-dlp's sites, and takes a second

        shown = without_secrets(shown)
    return shown if len(shown) <= longest else f"{shown[: longest - 1].rstrip()}…"


def markdown(text: str) -> str:
    """A plain sentence in Markdown: nothing in it is a mark, a link or HTML."""
    escaped = _MARKDOWN.sub(lambda match: f"\\{match.group()}", text)
    return re.sub("[&<>]", lambda match: _ENTITIES[match.group()], escaped)


def bibtex(text: str) -> str:
    """A plain sentence as the value of a field of BibTeX: its braces are in pairs, whatever it holds."""
    return "".join(_BIBTEX.get(each, each) for each in text)


def bibtex_url(url: str) -> str:
    """An address as the value of the field `url`."""
    return "".join(_URL_IN_BIBTEX.get(each, each) for each in url)


def table(heads: Sequence[str], rows: Iterable[Sequence[str | int]], more: int = 0, what: str = "") -> str:
    """A table in Markdown; numbers stand to the right, and `more` of `what` are told where rows were left out.

    Args:
        rows: cells of plain text, which are escaped, or whole numbers; empty gives no table.
    """
    rows = list(rows)
    if not rows:
        return ""
    right = [_is_number(cell) for cell in rows[0]]
    lines = [
        "| " + " | ".join(heads) + " |",
        "|" + "|".join(" ---: " if number else " --- " for number in right) + "|",
        *("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows),
    ]
    return "\n".join(lines) + (f"\n\nAnd {count(more, f'more {what}')}." if more > 0 else "")


def _cell(cell: str | int) -> str:
    return f"{cell:,}" if isinstance(cell, int) else markdown(outside(cell))


def _is_number(cell: str | int) -> bool:
    return isinstance(cell, int) or bool(re.fullmatch(r"[−-]?[\d.,]+( %)?", cell))


def count(number: int, what: str, plural: str = "") -> str:
    """`1 clip`, `1,234 clips`; `plural` where it is not formed as nearly all are."""
    if number == 1:
        return f"1 {what}"
    ending = "es" if what.endswith(("s", "x", "ch")) else "s"
    return f"{number:,} {plural or what + ending}"


def share(part: int, whole: int) -> str:
    """A share in per cent: `12 %`, `0.4 %`; `less than 0.1 %` of what is there at all."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    if part and percent < 0.1:
        return "less than 0.1 %"
    if part != whole and percent > 99.9:
        return "more than 99.9 %"
    whole_percent = not part or part == whole or 10 <= percent < 99
    return f"{percent:.0f} %" if whole_percent else f"{percent:.1f} %"


def length(milliseconds: int) -> str:
    """How long something is, in the unit that suits: `4.2 s`, `12.5 min`, `1,234.5 h`."""
    if milliseconds >= HOUR_MS:
        return f"{milliseconds / HOUR_MS:,.1f} h"
    if milliseconds >= 60_000:
        return f"{milliseconds / 60_000:.1f} min"
    return f"{milliseconds / 1000:.1f} s"


def span(milliseconds: int) -> str:
    """A length as a recipe asks for it: `5 s`, `20 min`, `100 h`."""
    for unit, of in (("h", HOUR_MS), ("min", 60_000)):
        if milliseconds >= 2 * of and milliseconds % of == 0:
            return f"{milliseconds // of} {unit}"
    return f"{milliseconds / 1000:g} s"


def size(number: int) -> str:
    """How many bytes something has, in the unit that suits: `4.2 GB`."""
    for unit, of in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= of:
            return f"{number / of:,.1f} {unit}"
    return count(number, "byte")


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
