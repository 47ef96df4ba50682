"""Which judgements of an item count: those of different people, the first that came, as they last stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.workspace.stage import Row


@dataclass(frozen=True)
class Counted:
    """The judgements of one item, each person's as it last stands.

    Attributes:
        item: the item, a row of ITEMS.
        needed: how many judgements the item asks for.
        answers: those that count, in the order in which they were first given; at most `needed`.
        extra: further good ones, kept apart: later ones, and those of people whom the item does not ask.
        skips: of those who passed it on.
    """

    item: Row
    needed: int
    answers: tuple[Row, ...]
    extra: tuple[Row, ...]
    skips: tuple[Row, ...]

    @property
    def complete(self) -> bool:
        return len(self.answers) >= self.needed


def counted(items: Iterable[Row], answers: Iterable[Row], per_clip: int) -> dict[str, Counted]:
    """The judgements of every item, by its key; the order of the rows makes no difference.

    An item asks `per_clip` annotators; a dispute asks one lead. Leads see what others answered, so a lead's answer
    never counts as an independent one. A person counts once for an item, however many tasks of it there were, and is
    placed by when she first gave a good answer: changing it later costs nobody her place. Answers to items
    that are not among `items` are passed over.
    """
    by_item: dict[str, list[Row]] = defaultdict(list)
    for row in answers:
        if row["annotator"] is not None:
            by_item[row["item_key"]].append(row)
    return {item["item_key"]: _of_one(item, by_item.get(item["item_key"], ()), per_clip) for item in items}


def _of_one(item: Row, rows: Sequence[Row], per_clip: int) -> Counted:
    for_lead = item["kind"] == "dispute"
    needed = 1 if for_lead else per_clip
    latest = latest_versions(rows)
    good = [row for row in latest.values() if is_good(row)]
    places = _places(rows)
    good.sort(key=lambda row: places[row["annotator"]])
    asked = [row for row in good if is_lead(row["annotator"]) == for_lead]
    counts = tuple(asked[:needed])
    taken = {row["annotator"] for row in counts}
    skips = sorted((row for row in latest.values() if row["skipped"]), key=lambda row: row["annotator"])
    extra = tuple(row for row in good if row["annotator"] not in taken)
    return Counted(item, needed, counts, extra, tuple(skips))


def latest_versions(rows: Iterable[Row]) -> dict[str, Row]:
    """How each person's answer to one item last stands, good or not."""
    latest: dict[str, Row] = {}
    for row in rows:
        known = latest.get(row["annotator"])
        if known is None or _age(row) > _age(known):
            latest[row["annotator"]] = row
    return latest


def is_good(row: Row) -> bool:
    """Whether an answer may count: neither passed on nor refused."""
    return not row["skipped"] and row["refused"] is None


def is_lead(annotator: str) -> bool:
    """Whether a pseudonym is a lead's."""
    return annotator.startswith("L")


def moment(text: str) -> datetime:
    """A time of a table, ISO 8601; UTC where it does not say.

    Raises:
        ValueError: it is no such time.
    """
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _age(row: Row) -> tuple[int, datetime, int]:
    return row["version"], moment(row["changed_at"] or row["made_at"]), row["annotation"] or 0


def _places(rows: Iterable[Row]) -> Mapping[str, tuple[datetime, str]]:
    """When each person first gave a good answer, and her pseudonym, so that no two have the same place."""
    places: dict[str, tuple[datetime, str]] = {}
    for row in rows:
        if not is_good(row):
            continue
        # A first version that was skipped and then answered was made at the skip, and answered when it was changed.
        given = row["made_at"] if row["version"] == 1 else row["changed_at"] or row["made_at"]
        place = moment(given), row["annotator"]
        places[row["annotator"]] = min(place, places.get(row["annotator"], place))
    return places
