"""What `clapper doctor` says of one thing that it looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "missing", "absent"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        state: `missing` is what a run of the embedded profile cannot do without; `absent` is anything else
            that is not here or cannot be used.
        action: what a person can do about it, if anything.
    """

    topic: str
    name: str
    state: State
    detail: str
    action: str = ""
