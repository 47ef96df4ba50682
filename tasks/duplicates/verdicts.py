"""Which clips are the same as others, over all shards: kept under what the verdicts were made from.

duplicates/<digest of rules and fingerprints>.parquet         `schemas.tables.DUPLICATES`; made whole, never changed
duplicates/<digest of rules and fingerprints>.pairs.parquet   `schemas.releases.PAIRS`, likewise; made before it
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.recipe import digest
from schemas.releases import PAIRS
from schemas.sections import Duplicates
from schemas.tables import DUPLICATES, FINGERPRINTS
from tasks.duplicates.find import find_duplicates
from tasks.workspace.layout import appearing, write_table
from tasks.workspace.outputs import Output
from tasks.workspace.stage import Row

VERSION = 2
"""Raise it when equal fingerprints would give other verdicts."""

Shard = tuple[Output, Output]
"""What a shard's clips are recognised by, and which of them are fit: its fingerprints and its conditions."""


def verdicts_file(root: Path, rules: Duplicates, shards: Sequence[Shard]) -> Path:
    """Where the verdicts on just these clips are, or would be."""
    made_from = [[output.folder.parent.name, output.folder.name] for shard in shards for output in shard]
    key = digest([VERSION, rules.model_dump(mode="json"), made_from])[:16]
    return root / "duplicates" / f"{key}.parquet"


def pairs_file(verdicts: Path) -> Path:
    """Where the pairs of clips that are alike are, beside the verdicts on the same clips.

    Its schema's metadata has `counts`, a JSON object: what was compared (`tasks.duplicates.find.Found`).
    """
    return verdicts.with_suffix(".pairs.parquet")


def write_verdicts(root: Path, rules: Duplicates, shards: Sequence[Shard]) -> Path:
    """Compare all clips that are fit, unless that was done; returns the file."""
    path = verdicts_file(root, rules, shards)
    if not path.exists():
        found = find_duplicates(_fit(shards), rules)
        counts = PAIRS.with_metadata({b"counts": json.dumps(found.counts).encode()})
        # The pairs first: where verdicts are, there are pairs.
        with appearing(pairs_file(path)) as unfinished:
            write_table(pa.Table.from_pylist(found.pairs, schema=counts), unfinished)
        with appearing(path) as unfinished:
            write_table(pa.Table.from_pylist(found.duplicates, schema=DUPLICATES), unfinished)
    return path


@lru_cache(maxsize=2)
def read_verdicts(path: Path) -> Mapping[str, Row]:
    """Clip id to its row; a clip that is like no earlier one has none. The file never changes."""
    return {row["clip_id"]: row for row in pq.read_table(path).to_pylist()}


def _fit(shards: Sequence[Shard]) -> Iterator[pa.Table]:
    """The fingerprints of each shard, without clips that are left out anyhow: those must not stand for others."""
    for fingerprints, conditions in shards:
        done = [clip for clip, outcome in conditions.outcomes.items() if outcome["outcome"] == "done"]
        table = pq.read_table(fingerprints.folder / "records.parquet").select(FINGERPRINTS.names)
        yield table.filter(pc.is_in(table["clip_id"], pa.array(done, pa.string())))
