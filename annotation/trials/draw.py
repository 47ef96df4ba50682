"""Draws that nobody can foresee without the secret, and that are the same whatever else is drawn.

They depend on what is drawn for alone, a clip's id for instance, and so not on the order of clips or on which others
there are.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

_BITS = 53


def draw(secret: str, *what: int | str) -> float:
    """A number from 0 to 1, exclusive, evenly spread.

    Args:
        secret: `Secrets.items`, 64 hex digits.
        what: what it is drawn for.
    """
    text = "\n".join(("draw", *map(str, what)))
    digest = hmac.new(bytes.fromhex(secret), text.encode(), hashlib.sha256).digest()
    return (int.from_bytes(digest[:8], "big") >> (64 - _BITS)) / 2**_BITS


def drawn(secret: str, names: Iterable[str], *what: int | str) -> str | None:
    """One of some names, each as likely as any other; None of none.

    A further name changes the choice only where it is the one that is drawn.
    """
    return max(names, key=lambda name: (draw(secret, *what, name), name), default=None)
