"""What differs between two manifests, clip by clip and with reasons, in SQL: flat in memory at any size.

Two rows are the same if the digests of their columns are (64 bits each; only rows of one clip are ever compared).
A column that only one of the two knows counts as metadata, and as null where it is not known: that a later Clapper
describes more makes no clip another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.manifest import MANIFEST
from schemas.releases import CHANGES
from tasks.releases.account import Change
from tasks.releases.tables import answer, write_rows
from tasks.releases.version import METADATA

_IN_A_GROUP = 12

RELABELLED = ("labels", "speech", "audio_events", "evidence", "conditions")
"""The columns of which a difference is one of labels."""

Pairs = pa.Table
"""clip_id, video_id: clips that are about to be explained, some at a time."""

WhyGone = Callable[[Pairs], Mapping[str, str]]
"""Why clips are no more there, by clip id, as CHANGES has its reasons."""


@dataclass(frozen=True)
class Differing:
    """What clips that differ have in common: the columns, and the models of before and of now."""

    columns: tuple[str, ...]
    models_before: Mapping[str, str]
    models_after: Mapping[str, str]


WhyChanged = Callable[[Differing], str]
"""Why the clips that differ so do, as CHANGES has its reasons."""


def compare(
    database: duckdb.DuckDBPyConnection,
    to: Path,
    why_gone: WhyGone,
    why_changed: WhyChanged,
) -> list[Change]:
    """Write the changes from the view `old` to the view `new`, by clip; returns how many there are of each kind.

    Args:
        database: with both views, whose rows are those of manifests with their split.
        to: the Parquet file (CHANGES) to write.
        why_gone: asked about the removed clips.
        why_changed: asked about those that are changed, described or moved, once for all that differ alike.
    """
    sides = _columns(database, "old"), _columns(database, "new")
    groups = _groups(*sides)
    _find_differing(database, sides, groups)
    _name_columns(database, sides, _suspected(database, groups))
    database.execute("CREATE TABLE reasons (clip_id VARCHAR, reason VARCHAR)")
    _explain_removed(database, why_gone)
    _explain_differing(database, why_changed)
    _write(database, to)
    counted = database.sql(_COUNTED).fetchall()
    return [Change(*row) for row in counted]


def no_changes(to: Path) -> None:
    """The changes of a first version: none."""
    pq.write_table(CHANGES.empty_table(), to, compression="zstd")


_DIFFERING = """
CREATE TABLE differing AS
SELECT coalesce(n.clip_id, o.clip_id) AS clip_id, coalesce(n.video_id, o.video_id) AS video_id,
    CASE WHEN o.clip_id IS NULL THEN 'added' WHEN n.clip_id IS NULL THEN 'removed'
         WHEN o.split != n.split THEN 'moved' WHEN {data} THEN 'changed' ELSE 'described' END AS change,
    o.split AS split_before, n.split AS split_after, coalesce(n.duration_ms, o.duration_ms) AS duration_ms, {each}
FROM ({old}) o FULL JOIN ({new}) n ON o.clip_id = n.clip_id
WHERE o.clip_id IS NULL OR n.clip_id IS NULL OR o.split != n.split OR {any}
"""

_COUNTED = """
SELECT change, reason, count(*), sum(duration_ms)::BIGINT FROM differing LEFT JOIN reasons USING (clip_id)
GROUP BY change, reason ORDER BY count(*) DESC, change, reason
"""


def _columns(database: duckdb.DuckDBPyConnection, view: str) -> dict[str, str]:
    """The manifest's columns that a view has, with their types; `path` follows from others."""
    described = database.sql(f"DESCRIBE SELECT * FROM {view}").fetchall()
    return {name: kind for name, kind, *_ in described if name in MANIFEST.names and name != "path"}


@dataclass(frozen=True)
class _Group:
    """Columns that have one digest together: where no row's differs, they need not be looked at one by one."""

    name: str
    columns: tuple[str, ...]
    is_data: bool


def _groups(old: Mapping[str, str], new: Mapping[str, str]) -> list[_Group]:
    """All columns but the split, which is looked at for itself, in groups of data and groups of metadata."""
    names = [
        name for name in MANIFEST.names if (name in old or name in new) and name not in ("clip_id", "split")
    ]
    data = [name for name in names if old.get(name) == new.get(name) and name not in METADATA]
    metadata = [name for name in names if name not in data]
    return [
        _Group(f"group_{is_data:d}_{start}", tuple(some[start : start + _IN_A_GROUP]), is_data)
        for some, is_data in ((data, True), (metadata, False))
        for start in range(0, len(some), _IN_A_GROUP)
    ]


def _find_differing(
    database: duckdb.DuckDBPyConnection,
    sides: tuple[Mapping[str, str], Mapping[str, str]],
    groups: Sequence[_Group],
) -> None:
    """A table of the clips that differ, with what happened to each, and the groups of columns in which it did."""

    def differs(some: Sequence[_Group]) -> str:
        return " OR ".join(f"o.{group.name} != n.{group.name}" for group in some) or "false"

    database.execute(
        _DIFFERING.format(
            old=_scan("old", sides[0], groups),
            new=_scan("new", sides[1], groups),
            data=differs([group for group in groups if group.is_data]),
            each=", ".join(f"o.{group.name} != n.{group.name} AS {group.name}" for group in groups),
            any=differs(groups),
        )
    )


def _suspected(database: duckdb.DuckDBPyConnection, groups: Sequence[_Group]) -> list[str]:
    """The columns of those groups in which any row differs, in the manifest's order."""
    asked = ", ".join(f"coalesce(bool_or({group.name}), false)" for group in groups)
    (found,) = database.sql(f"SELECT {asked} FROM differing").fetchall()
    names = [name for group, differs in zip(groups, found, strict=True) if differs for name in group.columns]
    return sorted(names, key=MANIFEST.names.index)


def _value(name: str, columns: Mapping[str, str]) -> str:
    """What a column's digest is made from; DuckDB digests an empty list as it does none, so its length goes along."""
    kind = columns.get(name)
    if kind is None:
        return "NULL"
    counted = "cardinality" if kind.startswith("MAP") else "len" if kind.endswith("[]") else None
    if counted is None:
        return f'"{name}"'
    return f'CASE WHEN "{name}" IS NOT NULL THEN hash("{name}", {counted}("{name}")) END'


def _scan(view: str, columns: Mapping[str, str], groups: Sequence[_Group]) -> str:
    digests = (
        f"hash({', '.join(_value(name, columns) for name in group.columns)}) AS {group.name}"
        for group in groups
    )
    return f"SELECT clip_id, video_id, split, duration_ms, {', '.join(digests)} FROM {view}"


def _name_columns(
    database: duckdb.DuckDBPyConnection,
    sides: tuple[Mapping[str, str], Mapping[str, str]],
    names: Sequence[str],
) -> None:
    """A table of the rows that are in both and differ: in which columns, and with which models."""
    database.execute(
        "CREATE TABLE both_sides AS SELECT clip_id FROM differing WHERE change NOT IN ('added', 'removed')"
    )

    def digests(view: str, columns: Mapping[str, str]) -> str:
        values = "".join(f', hash({_value(name, columns)}) AS "{name}"' for name in names)
        return (
            f"SELECT clip_id, split AS the_split, hash({_value('models', columns)}) AS the_models{values} "
            f"FROM {view} SEMI JOIN both_sides USING (clip_id)"
        )

    cases = "".join(f', CASE WHEN o."{name}" != n."{name}" THEN \'{name}\' END' for name in names)
    database.execute(
        f"CREATE TABLE named AS SELECT o.clip_id, o.the_models AS before, n.the_models AS after, "
        f"list_filter([CASE WHEN o.the_split != n.the_split THEN 'split' END{cases}], lambda c: c IS NOT NULL) "
        f"AS columns FROM ({digests('old', sides[0])}) o JOIN ({digests('new', sides[1])}) n "
        f"ON o.clip_id = n.clip_id"
    )
    for view, columns in zip(("old", "new"), sides, strict=True):
        models, named = _value("models", columns), "models" if "models" in columns else "NULL"
        database.execute(
            f"CREATE TABLE {view}_models AS SELECT hash({models}) AS digest, any_value({named}) AS models "
            f"FROM {view} SEMI JOIN both_sides USING (clip_id) GROUP BY digest"
        )


def _explain_removed(database: duckdb.DuckDBPyConnection, why_gone: WhyGone) -> None:
    reader = database.sql(
        "SELECT clip_id, video_id FROM differing WHERE change = 'removed' ORDER BY clip_id"
    ).to_arrow_reader(100_000)
    told = [_told(why_gone(pa.Table.from_batches([batch]))) for batch in reader]
    for table in told:
        database.register("told", table)
        database.execute("INSERT INTO reasons SELECT * FROM told")
        database.unregister("told")


def _explain_differing(database: duckdb.DuckDBPyConnection, why_changed: WhyChanged) -> None:
    kinds = database.sql(
        "SELECT DISTINCT columns, before, after, o.models, n.models FROM named "
        "JOIN old_models o ON o.digest = before JOIN new_models n ON n.digest = after"
    ).fetchall()
    told = [why_changed(Differing(tuple(kind[0]), *map(_mapping, kind[3:]))) for kind in kinds]
    columns, before, after = (pa.array([kind[n] for kind in kinds], type_) for n, type_ in enumerate(_KIND))
    reasons = pa.array(told, pa.string())
    answered = pa.table({"columns": columns, "before": before, "after": after, "reason": reasons})
    database.register("told", answered)
    database.execute(
        "INSERT INTO reasons SELECT clip_id, reason FROM named JOIN told USING (columns, before, after)"
    )
    database.unregister("told")


_KIND = (pa.list_(pa.string()), pa.uint64(), pa.uint64())


def _mapping(models: object) -> dict[str, str]:
    """The models of a row, in whichever form a version keeps them: a map, or a list of pairs."""
    if models is None:
        return {}
    if isinstance(models, Mapping):
        return dict(models)
    return dict(tuple(pair.values()) if isinstance(pair, Mapping) else pair for pair in models)


def _told(reasons: Mapping[str, str]) -> pa.Table:
    return pa.table(
        {
            "clip_id": pa.array(list(reasons), pa.string()),
            "reason": pa.array(list(reasons.values()), pa.string()),
        }
    )


def _write(database: duckdb.DuckDBPyConnection, to: Path) -> None:
    listed = ", ".join(f"'{name}'" for name in RELABELLED)
    query = f"""
    SELECT clip_id, video_id, change, split_before, split_after, duration_ms, coalesce(columns, []) AS columns,
        list_has_any(coalesce(columns, []), [{listed}]) AS relabelled, reason
    FROM differing LEFT JOIN named USING (clip_id) LEFT JOIN reasons USING (clip_id) ORDER BY clip_id
    """
    write_rows(to, CHANGES, answer(database, query, CHANGES))
