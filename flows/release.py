"""The next version of a data set, from what the workspace holds: its parts, its draft, and its publication."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import duckdb

from flows.checked import checked_by_people
from flows.fate import held_back, why_not_released
from flows.pipeline import MODEL_USERS, STAGES
from flows.survey import Survey, Workbench, survey_shards, with_verdicts
from schemas.errors import WorkspaceError
from schemas.recipe import digest
from tasks.duplicates.verdicts import pairs_file
from tasks.manifests import manifest_rows, part_file, remove_other_parts, write_part
from tasks.releases import Release, latest_release
from tasks.releases.draft import Draft, draft_release
from tasks.workspace.catalog import read_catalog, shards
from tasks.workspace.layout import TEMPORARY, appearing
from tasks.workspace.stage import Row
from tasks.workspace.tombstones import read_tombstones

_VERSION = 1
"""Raise it when equal parts would give another version."""

NEEDED = (
    "download", "normalize", "faces", "speech", "turns", "labels", "events", "conditions", "evidence",
    "offscreen", "review",
)  # fmt: skip
"""The stages whose records go into rows of the manifest."""


@dataclass(frozen=True)
class Drafting:
    """A draft while what it rests on is there.

    Attributes:
        draft: None when nothing differs, or while work remains on videos that were released.
        scratch: the folder that goes when this ends.
        pairs: clips that are alike, if the recipe looks for them.
    """

    draft: Draft | None
    scratch: Path | None = None
    pairs: Path | None = None


@contextmanager
def next_draft(
    bench: Workbench, surveys: Sequence[Survey], catalog: Sequence[Row], held: bool
) -> Iterator[Drafting]:
    """The next release from all shards that are complete.

    None as well while a shard is incomplete of which videos were released before: a version must not
    lose clips only because a run has not come to them yet.

    Args:
        held: whether the caller holds the workspace. Then what is no more of use is removed, and it is noted that
            nothing differs, so that the next look need not compare all rows to see it.

    Raises:
        WorkspaceError: a run began at the same time and removed what was made here (never while it is held).
    """
    complete = [survey for survey in surveys if survey.complete]
    if not complete or _unfinished_before(bench, surveys, catalog):
        yield Drafting(None)
        return
    place = bench.root / "manifests" / bench.recipe.name
    place.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}draft-", dir=place) as folder:
            parts = _parts(bench, complete, catalog)
            if held:
                remove_other_parts(bench.root, bench.recipe.name, parts)
            yield _draft(bench, parts, surveys, catalog, Path(folder), held)
    except (FileNotFoundError, duckdb.IOException) as error:
        if held:
            raise
        problem = f"a run began in it meanwhile: {str(error).splitlines()[0]}"
        raise WorkspaceError(str(bench.root), problem, "look again when that run has ended") from error


def publish_next(
    bench: Workbench, today: date | None = None, report: Callable[[str, int, int], None] | None = None
) -> Release | None:
    """Publish the next version, if anything differs; the caller holds the workspace.

    Raises:
        ReleaseError, and what else `tasks.releases.publish` raises; then nothing is left behind.
    """
    from flows.released import of_draft
    from flows.summary import summarize
    from tasks.releases.publish import Beside, publish  # documents and plots, which a look does not need

    catalog = read_catalog(bench.root)
    surveys = survey_shards(shards(catalog), bench)
    with next_draft(bench, surveys, catalog, held=True) as drafting:
        if drafting.draft is None:
            return None
        summary = summarize(bench, surveys, catalog, released=of_draft(drafting.draft, drafting.scratch))
        beside = Beside(
            funnel=summary.funnel,
            losses=summary.losses,
            models=model_checksums(bench),
            pairs=drafting.pairs,
            tombstones=read_tombstones(bench.root),
            collected=_collected(surveys),
            checked=checked_by_people(bench),
        )
        day = today or datetime.now(UTC).date()
        told = {} if report is None else {"report": report}
        release = publish(bench.root, bench.recipe, drafting.draft, beside, day, drafting.scratch, **told)
        _note(bench, drafting.draft.parts, drafting.pairs)
    return release


def model_checksums(bench: Workbench) -> dict[str, str]:
    """What made the labels: analysis to `model@checksum`, or the model's name where it is part of the code."""
    found = {}
    for analysis, stage in MODEL_USERS.items():
        if getattr(bench.recipe, analysis) is None:
            continue
        name = bench.recipe.model_for(analysis)
        checksums = [bench.models.checksum(model) for model in STAGES[stage].models(bench.recipe)]
        found[analysis] = "@".join([name, *(checksum[:16] for checksum in checksums)])
    return found


def _unfinished_before(bench: Workbench, surveys: Sequence[Survey], catalog: Sequence[Row]) -> bool:
    unfinished = {survey.shard for survey in surveys if not survey.complete}
    if not unfinished:
        return False
    before = latest_release(bench.root, bench.recipe.name)
    released = before.assignments() if before else {}
    return any(row["shard"] in unfinished and row["video_id"] in released for row in catalog)


def _parts(bench: Workbench, complete: Sequence[Survey], catalog: Sequence[Row]) -> list[Path]:
    by_shard, models = shards(catalog), model_checksums(bench)
    parts = []
    for survey in complete:
        videos = by_shard[survey.shard]
        file = part_file(bench.root, bench.recipe.name, survey.shard, videos, survey.outputs, models)
        parts.append(write_part(file, partial(_rows, survey, videos, models)))
    return parts


def _rows(survey: Survey, videos: Sequence[Row], models: Mapping[str, str]) -> list[Row]:
    records = {stage: survey.outputs[stage].records() for stage in NEEDED}
    return manifest_rows(videos, records, held_back(survey), models)


def _draft(
    bench: Workbench,
    parts: Sequence[Path],
    surveys: Sequence[Survey],
    catalog: Sequence[Row],
    scratch: Path,
    held: bool,
) -> Drafting:
    pairs = _pairs(bench, surveys)
    noted = bench.root / "manifests" / bench.recipe.name / "published"
    if noted.exists() and noted.read_text() == _state(bench, parts, pairs):
        return Drafting(None)
    explain = partial(why_not_released, surveys=surveys, catalog=catalog)
    tombstones = read_tombstones(bench.root)
    draft = draft_release(bench.root, bench.recipe, parts, scratch, pairs, tombstones, explain)
    if held and draft is None:
        _note(bench, parts, pairs)
    return Drafting(draft, scratch, pairs)


def _pairs(bench: Workbench, surveys: Sequence[Survey]) -> Path | None:
    verdicts = with_verdicts(bench, surveys).verdicts
    return None if verdicts is None else pairs_file(verdicts)


def _state(bench: Workbench, parts: Sequence[Path], pairs: Path | None) -> str:
    """A digest of all that a version follows from, the version before among it."""
    before = latest_release(bench.root, bench.recipe.name)
    names = [str(part.relative_to(bench.root)) for part in parts]
    rules = bench.recipe.splits.model_dump(mode="json")
    return digest([_VERSION, names, pairs and pairs.name, rules, before and before.version])


def _note(bench: Workbench, parts: Sequence[Path], pairs: Path | None) -> None:
    """Remember that from just this, nothing new is to be published."""
    with appearing(bench.root / "manifests" / bench.recipe.name / "published") as unfinished:
        unfinished.write_text(_state(bench, parts, pairs))


def _collected(surveys: Sequence[Survey]) -> tuple[date, date] | None:
    """The days on which the first and the last source were fetched."""
    tables = (survey.outputs["download"] for survey in surveys if "download" in survey.outputs)
    outcomes = (row for table in tables for row in table.outcomes.values())
    days = sorted(row["tried_at"][:10] for row in outcomes if row["outcome"] == "done" and row["tried_at"])
    return (date.fromisoformat(days[0]), date.fromisoformat(days[-1])) if days else None
