"""Whose clips may be passed on: those that the recipe names, in the sites' words, and no others."""

from __future__ import annotations

import pytest

from schemas.publishing import Publishing
from tasks.releases.formats.licences import may_be_passed_on

YOUTUBE = "Creative Commons Attribution license (reuse allowed)"


@pytest.mark.parametrize(
    ("licence", "allowed", "expected"),
    [
        (None, (), False),
        ("CC BY 4.0", (), False),
        ("CC BY 4.0", ("CC BY 4.0",), True),
        ("cc-by-4.0", ("CC BY 4.0",), True),
        ("CC_BY  4.0 ", ("CC BY 4.0",), True),
        ("CC BY 3.0", ("CC BY 4.0",), False),
        ("CC BY-NC 4.0", ("CC BY 4.0",), False),
        ("CC BY", ("CC BY 4.0",), False),
        (YOUTUBE, (YOUTUBE,), True),
        (YOUTUBE, ("CC BY 3.0",), False),
        ("Creative Commons Attribution licence (reuse allowed)", (YOUTUBE,), False),
        (None, ("CC BY 4.0",), False),
        (None, ("none",), True),
        ("", ("None",), True),
        ("   ", ("none",), True),
        ("CC BY 4.0", ("none",), False),
        (None, ("*",), True),
        ("All rights reserved", ("*",), True),
        ("*", ("CC0",), False),
    ],
)
def test_licences(licence: str | None, allowed: tuple[str, ...], expected: bool) -> None:
    assert may_be_passed_on(licence, Publishing(redistributable=allowed)) is expected
