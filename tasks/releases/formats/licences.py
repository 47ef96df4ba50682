"""What may leave this machine: the recipe's list of licences against what sources state."""

from __future__ import annotations

import re

from schemas.publishing import Publishing

ANY, UNSTATED = "*", "none"


def may_be_passed_on(licence: str | None, rules: Publishing) -> bool:
    """Whether clips of a source may be passed on, by the licence that it states.

    Words are compared without regard to case, and to the blanks, hyphens and underscores between them; nothing else
    is guessed: a licence counts if the recipe names it as the site does. `none` stands for sources that state no
    licence, or an empty one; `*` for all, those too.
    """
    allowed = {_plain(name) for name in rules.redistributable}
    return ANY in allowed or (_plain(licence or "") or UNSTATED) in allowed


def _plain(licence: str) -> str:
    return re.sub(r"[\s_-]+", " ", licence).strip().casefold()
