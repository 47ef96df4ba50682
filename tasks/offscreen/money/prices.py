"""What tokens cost. Money is exact: whole picodollars, since a token costs whole ones at a price of whole µUSD.

A price of p µUSD for a million tokens is p picodollars for one. The prices that are known are in `prices.yaml`;
a recipe names those of another model itself (`offscreen.prices`). A model that runs here costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, NewType

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from schemas.errors import RecipeError
from schemas.judging import Offscreen
from schemas.quantities import Money
from tasks.offscreen.reply import Usage

Picodollars = NewType("Picodollars", int)
"""Millionths of a millionth of a US dollar."""

Mode = Literal["online", "batch"]

MICRODOLLAR = 1_000_000
"""Picodollars of a µUSD, the unit of a recipe's budgets."""

DOLLAR = 1_000_000 * MICRODOLLAR

PRICES = Path(__file__).with_name("prices.yaml")

SERVED = "gemini"
"""The judge that is a paid service; every other one runs on this machine."""


@dataclass(frozen=True)
class Price:
    """What a model costs.

    Attributes:
        model: what the service calls it, or the name of a model that runs here.
        input: picodollars of a token of text or picture.
        audio: picodollars of a token of sound.
        output: picodollars of a token that the model writes, thoughts included.
        batch: what of these prices is asked for a request of a batch.
        source: whose price this is, and when it was read.
    """

    model: str
    input: int
    audio: int
    output: int
    batch: Fraction
    source: str

    def of(self, usage: Usage, mode: Mode = "online") -> Picodollars:
        """What so many tokens cost; a broken picodollar is rounded up."""
        pictures_and_text = max(0, usage.input_tokens - usage.audio_tokens)
        full = (
            pictures_and_text * self.input
            + usage.audio_tokens * self.audio
            + usage.output_tokens * self.output
        )
        return Picodollars(
            full if mode == "online" else -(-full * self.batch.numerator // self.batch.denominator)
        )


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    input: Annotated[Money, Field(ge=0)]
    audio: Annotated[Money, Field(ge=0)]
    output: Annotated[Money, Field(ge=0)]
    until: date | None = None


class _PriceList(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    source: str
    read: date
    batch: Annotated[Fraction, BeforeValidator(lambda share: Fraction(str(share))), Field(ge=0, le=1)]
    prices: tuple[_Entry, ...]


def price_of(judge: str, section: Offscreen, on: date | None = None) -> Price:
    """The price of the model that judges: the recipe's, else the list's on that day (today, UTC), else nothing.

    Args:
        judge: `gemini`, or the name of a model that runs on this machine.

    Raises:
        RecipeError: a served model whose price neither the recipe nor the list knows.
    """
    if judge != SERVED:
        return Price(judge, 0, 0, 0, Fraction(1), "runs on this machine")
    model, known = section.service_model, read_prices()
    if section.prices is not None:
        own = section.prices
        return Price(model, own.input, own.audio, own.output, known.batch, "the recipe (offscreen.prices)")
    day = on or datetime.now(UTC).date()
    for entry in _entries_of(model, known.prices):
        if entry.until is None or day <= entry.until:
            source = f"{known.source}, read {known.read.isoformat()}"
            return Price(model, entry.input, entry.audio, entry.output, known.batch, source)
    raise RecipeError(
        "offscreen.service_model",
        f"the price of {model} is not known, so no budget could be kept; known are {', '.join(_models(known))}",
        "set offscreen.prices to what the service asks for a million tokens, such as "
        "{input: 0.5 USD, audio: 1 USD, output: 3 USD}, or name a known model",
    )


def dollars(amount: int) -> str:
    """Picodollars for people: `$12.34`, `$0.0012`; never rounded down to nothing."""
    value = Fraction(amount, DOLLAR)
    if value == 0 or abs(value) >= 1:
        return f"{'-' if value < 0 else ''}${abs(float(value)):,.2f}"
    for digits in (2, 4, 6):
        if round(abs(value), digits) >= Fraction(10, 10**digits):
            return f"{'-' if value < 0 else ''}${float(abs(value)):.{digits}f}"
    return f"{amount:,} p$"


@cache
def read_prices(path: Path = PRICES) -> _PriceList:
    """The price list of a file, checked.

    Raises:
        RecipeError: a key is missing, unknown or malformed.
    """
    try:
        return _PriceList.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, ValueError, ZeroDivisionError) as error:
        raise RecipeError(path.name, f"is no valid list of prices: {error}", "mend the entry") from error


def _entries_of(model: str, entries: Sequence[_Entry]) -> list[_Entry]:
    """Those of a model, the one that ends first before the one that holds after it."""
    return sorted(
        (entry for entry in entries if entry.model == model), key=lambda entry: entry.until or date.max
    )


def _models(known: _PriceList) -> list[str]:
    return list(dict.fromkeys(entry.model for entry in known.prices))
