"""Text from outside, as a terminal may show it."""

from __future__ import annotations

from rich.markup import escape


def plain(text: object) -> str:
    """Text from outside, for a terminal: its marks and control characters are shown, not obeyed."""
    shown = (
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in str(text)
    )
    return escape("".join(shown))
