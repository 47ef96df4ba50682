"""Where a clip comes from, what decided about it, and why it is in a version or not: gathered, nothing computed.

    found = explain(root, "youtube-dQw4w9WgXcQ_0_30", dataset=None, version=None)
    found.row                    # the row of the manifest; None for a clip that no version has
    found.reasons                # why it is in none

What versions hold is taken from them alone, so it is true wherever they lie; what only the workspace has (a model's
sentence, likenesses, the ledger) is added where it is there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml
from pydantic import ValidationError

from flows.explain_ledger import Last, last_records, ledger_of, matching_items
from schemas.errors import ReleaseError
from schemas.recipe import Recipe
from tasks.offscreen.answers import StoredAnswer
from tasks.releases.folder import Release, releases
from tasks.releases.holders import datasets
from tasks.workspace.catalog import read_catalog
from tasks.workspace.ledger import left_out_at_discovery
from tasks.workspace.query import open_database
from tasks.workspace.stage import Row
from tasks.workspace.tombstones import tombstones

MOST_NAMED = 8
_KEPT_NAME = re.compile(r"(.+_\d+_\d+)-[0-9a-f]{8}")


@dataclass(frozen=True)
class Step:
    """What one version did with the clip: `added`, `removed`, `changed`, …, with the reason if one is told."""

    version: str
    change: str
    reason: str | None = None


@dataclass(frozen=True)
class Likeness:
    """Another clip that it is like: in both, the picture or the sound, and for how long."""

    clip_id: str
    kind: str
    overlap_ms: int | None


@dataclass(frozen=True)
class Explanation:
    """All that is known of one clip.

    Attributes:
        release: the version that the rest speaks of; the newest that has the clip, unless one was named.
        row: as in the manifest, the models as a mapping.
        name: of the source as the catalogue has it, for people; None where the workspace does not know it.
        file_matches: of a clip that was named by its file, whether that has the bytes which the row certifies.
        recipe: as the version has it, with its digest; None where this Clapper cannot read it.
        provenance: the version's, if it has one.
        history: what each version of the data set did with the clip.
        kin: further videos that were put on one side of the splits with its own.
        ledger: the last outcome at each station, of the clip and of its video, in the order of time.
        judgement: the model's answer on it as the stage has it, and `answer` as it came.
        taken_down: the day on which its video was; versions that were published before hold it all the same.
        reasons: why it is in no version, the first the most telling; empty for one that is.
    """

    clip_id: str
    dataset: str | None = None
    release: Release | None = None
    row: Row | None = None
    name: str | None = None
    file_matches: bool | None = None
    recipe: Recipe | None = None
    recipe_digest: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Step] = ()
    kin: Sequence[str] = ()
    likenesses: Sequence[Likeness] = ()
    ledger: Sequence[Last] = ()
    evidence: Row | None = None
    judgement: Row | None = None
    answer: StoredAnswer | None = None
    taken_down: str | None = None
    reasons: Sequence[str] = ()


def explain(root: Path, text: str, dataset: str | None = None, version: str | None = None) -> Explanation:
    """Explain a clip.

    Args:
        text: the clip's id, the beginning of one that no other clip has, or the path of its file.
        dataset, version: look there alone.

    Raises:
        ReleaseError: nothing is known of such a clip, or several begin so; the error names them.
    """
    wanted, checksum = _named(text)
    chosen = _chosen(root, dataset, version)
    clip_id, release = _find(root, wanted, chosen)
    ledger = ledger_of(root, clip_id)
    if release is None:
        return Explanation(clip_id, dataset, ledger=ledger, reasons=_reasons(root, clip_id, chosen, ledger))
    row = _row(root, release, clip_id)
    recipe, digest = _recipe(release)
    judgement = last_records(root, "offscreen", clip_id)
    evidence = last_records(root, "evidence", clip_id)
    return Explanation(
        clip_id=clip_id,
        dataset=release.dataset,
        release=release,
        row=row,
        name=_name_of(root, row["video_id"]),
        file_matches=None if checksum is None else checksum == row["sha256"],
        recipe=recipe,
        recipe_digest=digest,
        provenance=_provenance(release),
        history=_history(root, release.dataset, clip_id),
        kin=_kin(root, release, row["video_id"]),
        likenesses=_likenesses(root, clip_id),
        ledger=ledger,
        evidence=evidence[0] if evidence else None,
        judgement=judgement[0] if judgement else None,
        answer=_answer(root, judgement[0]["answer_key"]) if judgement else None,
        taken_down=tombstones(root).dates.get(row["video_id"]),
    )


def _named(text: str) -> tuple[str, str | None]:
    """The id, or its beginning, that a person means, and the checksum of the file if one was named."""
    path = Path(text)
    if not path.is_file():
        return text, None
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    kept = _KEPT_NAME.fullmatch(path.stem)
    return (kept[1] if kept else path.stem), checksum


def _chosen(root: Path, dataset: str | None, version: str | None) -> list[Release]:
    """The versions to look in, the newest of each data set first."""
    found = [
        release
        for name in ([dataset] if dataset else datasets(root))
        for release in reversed(releases(root, name))
        if version in (None, release.version)
    ]
    if (dataset or version) and not found:
        raise ReleaseError(
            " ".join(filter(None, (dataset, version))),
            f"is not published in {root}",
            "see `clapper release list`",
        )
    return found


def _find(root: Path, wanted: str, chosen: Sequence[Release]) -> tuple[str, Release | None]:
    """The one clip that is meant, and the first of the versions that has it."""
    matching: set[str] = set()
    for release in chosen:
        with open_database(root, clips=release.files()) as database:
            found = database.execute(
                "SELECT clip_id FROM clips WHERE starts_with(clip_id, ?) ORDER BY clip_id LIMIT ?",
                [wanted, MOST_NAMED + 1],
            ).fetchall()
        names = {name for (name,) in found}
        if wanted in names or (len(names) == 1 and not matching - names):
            return (wanted if wanted in names else names.pop()), release
        matching |= names
    matching |= set(matching_items(root, wanted, MOST_NAMED + 1))
    gone = tombstones(root).of(wanted)
    if wanted in matching or gone or len(matching) == 1:
        return (wanted if wanted in matching or gone else matching.pop()), None
    if not matching:
        raise ReleaseError(
            wanted, "is no clip of this workspace", "give a clip's id, its beginning, or its file"
        )
    named = ", ".join(sorted(matching)[:MOST_NAMED])
    more = ", …" if len(matching) > MOST_NAMED else ""
    raise ReleaseError(wanted, f"several clips begin so: {named}{more}", "write more of the id")


def _row(root: Path, release: Release, clip_id: str) -> Row:
    with open_database(root, clips=release.files()) as database:
        table = database.sql("SELECT * FROM clips WHERE clip_id = ?", params=[clip_id]).to_arrow_table()
    (row,) = table.to_pylist()
    # Versions of an earlier Clapper have a map, which comes as pairs.
    pairs = (each.values() if isinstance(each, dict) else each for each in row["models"] or ())
    return {**row, "models": dict(pairs)}


def _name_of(root: Path, video: str) -> str | None:
    found = (row for row in read_catalog(root) if row["video_id"] == video)
    row = next(found, None)
    if row is None:
        return None
    return Path(row["location"]).name if row["kind"] == "files" else row["title"]


def _recipe(release: Release) -> tuple[Recipe | None, str | None]:
    from tasks.releases.provenance import recipe_digest

    try:
        text = (release.folder / "recipe.yaml").read_text(encoding="utf-8")
        recipe = Recipe.model_validate(yaml.safe_load(text))
    except (OSError, yaml.YAMLError, ValidationError):
        return None, None
    return recipe, recipe_digest(recipe)


def _provenance(release: Release) -> dict[str, Any]:
    try:
        return json.loads((release.folder / "provenance.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _history(root: Path, dataset: str, clip_id: str) -> list[Step]:
    """What each version did with the clip, oldest first; versions that left it as it was are passed over."""
    steps: list[Step] = []
    there = False
    for release in releases(root, dataset):
        told = _change(root, release, clip_id)
        if told:
            steps.append(Step(release.version, *told))
            there = told[0] != "removed"
        elif not there and _has(root, release, clip_id):
            steps.append(Step(release.version, "added"))
            there = True
    return steps


def _change(root: Path, release: Release, clip_id: str) -> tuple[str, str | None] | None:
    changes = release.folder / "changes.parquet"
    if not changes.exists():
        return None
    with open_database(root, changes=[changes]) as database:
        return database.execute(
            "SELECT change, reason FROM changes WHERE clip_id = ? ORDER BY change", [clip_id]
        ).fetchone()


def _has(root: Path, release: Release, clip_id: str) -> bool:
    with open_database(root, clips=release.files()) as database:
        return bool(database.execute("SELECT 1 FROM clips WHERE clip_id = ? LIMIT 1", [clip_id]).fetchone())


def _kin(root: Path, release: Release, video: str) -> list[str]:
    splits = release.folder / "splits.parquet"
    if not splits.exists() or "kin" not in pq.read_schema(splits).names:
        return []
    with open_database(root, splits=[splits]) as database:
        rows = database.execute(
            "SELECT video_id FROM splits WHERE kin = (SELECT kin FROM splits WHERE video_id = ?) "
            "AND video_id != ? ORDER BY video_id LIMIT ?",
            [video, video, MOST_NAMED + 1],
        ).fetchall()
    return [video for (video,) in rows]


def _likenesses(root: Path, clip_id: str) -> list[Likeness]:
    """By the newest comparison over all clips that the workspace has."""
    files = sorted((root / "duplicates").glob("*.parquet"), key=lambda file: file.stat().st_mtime)
    pairs = [file for file in files if file.name.endswith(".pairs.parquet")]
    if not files:
        return []
    newest = (pairs or files)[-1]
    other = "other_clip" if pairs else "duplicate_of"
    with open_database(root, pairs=[newest]) as database:
        rows = database.execute(
            f"SELECT if(clip_id = ?, {other}, clip_id), kind, overlap_ms FROM pairs "
            f"WHERE clip_id = ? OR {other} = ? ORDER BY overlap_ms DESC, 1 LIMIT ?",
            [clip_id, clip_id, clip_id, MOST_NAMED],
        ).fetchall()
    return [Likeness(*row) for row in rows]


def _answer(root: Path, answer_key: str | None) -> StoredAnswer | None:
    from tasks.offscreen.money.accounts import accounts_if_any

    accounts = accounts_if_any(root)
    return accounts.answer(answer_key) if accounts and answer_key else None


def _reasons(root: Path, clip_id: str, chosen: Sequence[Release], ledger: Sequence[Last]) -> list[str]:
    """Why a clip is in none of the versions, the most telling first."""
    gone = tombstones(root)
    video = gone.of(clip_id)
    if video:
        return [f"{video} was taken down on {gone.dates[video]}; nothing else is kept of it"]
    found = [
        f"withheld from {release.dataset} {release.version}: {reason} {detail or ''}".rstrip()
        for release in chosen
        for reason, detail in _withheld(root, release, clip_id)
    ][:1]
    found += [
        f"{last.outcome} at {last.stage}: {last.reason}" + (f": {last.detail}" if last.detail else "")
        for last in ledger
        if last.outcome != "done"
    ]
    seen = {clip_id, clip_id.rsplit("_", 2)[0]}
    found += [
        f"not taken at discovery: {row['reason']}: {row['detail']}"
        for row in left_out_at_discovery(root)
        if row["item_id"] in seen
    ]
    return found or ["nothing speaks against it: it is in no version yet, or only of another data set"]


def _withheld(root: Path, release: Release, clip_id: str) -> list[tuple[str, str]]:
    file = release.folder / "withheld.parquet"
    if not file.exists():
        return []
    with open_database(root, withheld=[file]) as database:
        return database.execute("SELECT reason, detail FROM withheld WHERE clip_id = ?", [clip_id]).fetchall()
