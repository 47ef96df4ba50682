"""README.md of a version: the front matter that the Hub and `datasets` read, tables, and the datasheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import yaml

from schemas.recipe import Recipe
from tasks.releases.account import Account
from tasks.releases.documents import collected, labelled
from tasks.releases.documents.citation import citation_entry
from tasks.releases.documents.datasheet import MOST_ROWS, Answer, Chapter, datasheet
from tasks.releases.documents.facts import Facts
from tasks.releases.documents.text import HOUR_MS, count, length, markdown, outside, table
from tasks.releases.formats.features import card_entries, schema_of
from tasks.releases.report.records import Measures

EVENTS_FIGURE = "figures/audio_events.svg"
"""RealSync's figure 1, by its path in a version; the report draws it."""

HUB_LICENCES = frozenset((
    "apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "cc", "cc0-1.0", "cc-by-2.0", "cc-by-2.5",
    "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0",
    "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0",
    "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0",
    "etalab-2.0", "odc-by", "odbl", "pddl", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "unlicense", "wtfpl",
))  # fmt: skip
"""Licences by the ids that the Hub knows; any other is `other` there."""

_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
)
_TASKS = ("video-classification", "audio-classification")
_TAGS = ("audio-visual-synchronisation", "active-speaker-detection", "audio", "video")


def dataset_card(account: Account, facts: Facts) -> str:
    """The whole of README.md."""
    recipe = account.recipe
    sections = [
        f"---\n{yaml.safe_dump(front_matter(account, facts), sort_keys=False, allow_unicode=True, width=110)}---",
        f"# {markdown(outside(recipe.title))} {account.version}",
        _opening(account, facts),
        "## Load it",
        _loading(recipe, facts.tables.splits[0].name),
        "## What is in it",
        *_contents(facts),
        *(part for chapter in datasheet(account, facts) for part in _chapter(chapter)),
        "## Columns",
        _columns(recipe),
        "Offsets, wherever they appear, are positive when the audio is early (leads the picture).",
        "## Cite it",
        f"```bibtex\n{citation_entry(account)}```",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def front_matter(account: Account, facts: Facts) -> dict[str, Any]:
    """What machines read of the card. No language is named: nobody knows which are spoken."""
    recipe = account.recipe
    return {
        "pretty_name": outside(recipe.title),
        "version": account.version,
        **_licence(recipe),
        "task_categories": list(_TASKS),
        "tags": list(_TAGS),
        "size_categories": [
            next((name for below, name in _SIZES if facts.total.clips < below), "10M<n<100M"),
        ],
        **card_entries(account.folder, recipe.release.media),
    }


def _licence(recipe: Recipe) -> dict[str, Any]:
    """The licence by the Hub's id; clips within the version have licences of their own."""
    named = recipe.release.licence.lower()
    known = named if named in HUB_LICENCES else "other"
    if recipe.release.media == "reference":
        return {"license": known} if known != "other" else {"license": known, "license_name": named}
    return {
        "license": sorted({known, "other"}),
        "license_details": f"rows: {recipe.release.licence}; clips: as their sources state, column "
        "source_licence",
    }


def _opening(account: Account, facts: Facts) -> str:
    recipe, reviewed = account.recipe, facts.tables.reviewed
    people = (
        f" People reviewed {count(reviewed.clips, 'clip')}." if reviewed else " No person has reviewed it."
    )
    previews = "" if recipe.release.media == "reference" else " and playable previews"
    follows = f" Follows {outside(recipe.cites, 400)}" if recipe.cites else ""
    said = f"{collected.size_of_it(recipe, facts)} By machine label: {labelled.in_brief(facts)}.{people}{follows}"
    return (
        f"{markdown(said)}\n\nReleased {account.today.isoformat()}. [report.html](report.html) shows it "
        f"with plots{previews}, [CHANGES.md](CHANGES.md) what each version changed, "
        "[croissant.json](croissant.json) says it to machines."
    )


def _loading(recipe: Recipe, split: str) -> str:
    if recipe.release.media == "reference":
        return (
            '```python\nfrom datasets import load_dataset\n\nclips = load_dataset("path/to/this/folder")\n```'
        )
    return (
        "```python\nfrom datasets import Audio, load_dataset\n\n"
        'clips = load_dataset("path/to/this/folder").cast_column("audio", Audio(sampling_rate=16_000))\n'
        f'clips["{split}"][0]["video"], clips["{split}"][0]["audio"]  # decoders, on one clock\n```'
    )


def _contents(facts: Facts) -> Iterable[str]:
    tables = facts.tables
    yield "### Splits"
    yield _measured("split", tables.splits)
    yield "### Channels"
    yield _measured("channel", tables.channels[:MOST_ROWS], tables.channel_count - MOST_ROWS)
    if facts.scenarios:
        yield "### Scenarios"
        yield _measured("scenario", facts.scenarios)
    if tables.events:
        yield "### What one hears"
        yield f"![The most frequent audio events]({EVENTS_FIGURE})"
        rows = [
            (one.name, one.events, one.clips, length(round(one.seconds * 1000)))
            for one in tables.events[:MOST_ROWS]
        ]
        yield table(("AudioSet event", "events", "clips", "length"), rows)
    yield "### What one sees of it"
    yield markdown(labelled.EVIDENCE)
    yield table(("evidence", "clips"), [(one.name, one.number) for one in tables.evidence])
    if tables.conditions:
        yield markdown(labelled.CONDITIONS)
    yield table(("condition", "clips"), [(one.name, one.number) for one in tables.conditions])


def _measured(what: str, parts: Sequence[Measures], more: int = 0) -> str:
    """Videos, clips and times as in RealSync's tables 1 and 2, in hours; in minutes where there are few."""
    unit, of = ("h", HOUR_MS) if any(part.milliseconds >= HOUR_MS for part in parts) else ("min", 60_000)
    heads = (
        what, "videos", "clips", f"all, {unit}", f"talking heads, {unit}", f"voice-overs, {unit}",
        f"cannot tell, {unit}", f"other, {unit}",
    )  # fmt: skip
    rows = [
        (part.name, part.videos, part.clips, *(f"{milliseconds / of:,.2f}" for milliseconds in _times(part)))
        for part in parts
    ]
    return table(heads, rows, more, what)


def _times(part: Measures) -> tuple[int, ...]:
    return (
        part.milliseconds, part.talking_head_ms, part.voice_over_ms, part.cannot_tell_ms, part.other_ms,
    )  # fmt: skip


def _chapter(chapter: Chapter) -> Iterable[str]:
    yield f"## {chapter.heading}"
    for answer in chapter.answers:
        yield from _answer(answer)


def _answer(answer: Answer) -> Iterable[str]:
    yield f"### {answer.question}"
    yield " ".join(markdown(sentence) for sentence in answer.said if sentence)
    yield "\n".join(f"- {markdown(point)}" for point in answer.points)
    yield answer.shown


def _columns(recipe: Recipe) -> str:
    rows = [
        (field.name, _kind(field.type), (field.metadata or {}).get(b"description", b"").decode())
        for field in schema_of(recipe.release.media)
    ]
    return table(("column", "type", "meaning"), rows)


def _kind(kind: pa.DataType) -> str:
    """`int64`, `list of {start_ms, end_ms, score}`."""
    if pa.types.is_struct(kind):
        return f"{{{', '.join(part.name for part in kind)}}}"
    return f"list of {_kind(kind.value_type)}" if pa.types.is_list(kind) else str(kind)
