"""Quantities with a unit, as recipes write them: `20 min`, `256 px`, `100 h`, `64 kbit/s`.

A bare number is refused: half of all mistakes in such files are a unit that somebody assumed.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_PATTERN = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*([^\d\s].*?)\s*$")


def _quantity(kind: str, units: dict[str, int], example: str) -> Any:
    """An integer type in the smallest of `units`, read from and written as text with a unit."""
    allowed = ", ".join(units)

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, str):
            raise ValueError(f"{kind} needs a unit, such as '{example}'; allowed units: {allowed}")
        match = _PATTERN.match(value)
        if not match or match.group(2) not in units:
            raise ValueError(f"'{value}' is no {kind}; write it as '{example}'; allowed units: {allowed}")
        amount = Fraction(match.group(1)) * units[match.group(2)]
        if amount.denominator != 1:
            raise ValueError(f"'{value}' is finer than the smallest unit, 1 {next(iter(units))}")
        return int(amount)

    def write(value: int) -> str:
        whole = [(unit, size) for unit, size in units.items() if value % size == 0]
        unit, size = max(whole, key=lambda pair: pair[1]) if value else whole[0]
        return f"{value // size} {unit}"

    return Annotated[
        int,
        BeforeValidator(read),
        PlainSerializer(write, return_type=str),
        WithJsonSchema({"type": "string", "examples": [example]}),
    ]


Duration = _quantity("duration", {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}, "20 min")
"""Whole milliseconds."""

Pixels = _quantity("length in pixels", {"px": 1}, "256 px")
BitRate = _quantity("bit rate", {"bit/s": 1, "kbit/s": 1000, "Mbit/s": 1_000_000}, "64 kbit/s")
DataRate = _quantity("data rate", {"KiB/s": 1, "MiB/s": 1024, "GiB/s": 1024**2}, "4 MiB/s")
"""Whole KiB per second."""

DataSize = _quantity("size", {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}, "18 MiB")
"""Whole bytes."""

Money = _quantity("amount of money", {"µUSD": 1, "cent": 10_000, "USD": 1_000_000}, "5 USD")
"""Whole millionths of a US dollar."""
