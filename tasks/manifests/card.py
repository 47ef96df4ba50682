"""The dataset card and the change log of a release: made from the data, not written by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from schemas.manifest import MANIFEST
from schemas.recipe import Recipe
from schemas.scenarios import DOMAIN_OF
from schemas.sections import SPLITS
from schemas.tables import LABEL_NAMES
from tasks.manifests.version import Difference
from tasks.sounds.statistics import EventCount
from tasks.workspace.stage import Row


def dataset_card(
    recipe: Recipe,
    version: str,
    rows: Sequence[Row],
    events: Sequence[EventCount],
    funnel: Sequence[str],
    today: date,
) -> str:
    """README.md of a release, with the front matter that `datasets.load_dataset` reads.

    Args:
        events: what is heard most, as `EVENTS_FIGURE` shows it.
    """
    data_files = "\n".join(
        f"      - split: {split}\n        path: data/{split}/*.parquet" for split in SPLITS
    )
    models = sorted({(analysis, model) for row in rows for analysis, model in row["models"]})
    sections = [
        f"---\npretty_name: {recipe.title}\nversion: {version}\nconfigs:\n  - config_name: default\n"
        f"    data_files:\n{data_files}\n---",
        f"# {recipe.title} {version}",
        f"Released {today.isoformat()} with Clapper. {recipe.cites}".strip(),
        '```python\nfrom datasets import load_dataset\n\nclips = load_dataset("path/to/this/folder")\n```',
        "## What is in it",
        _table(("split", *_MEASURES), _measured(rows, "split", SPLITS)),
        _table(("channel", *_MEASURES), _measured(rows, "channel", sorted({row["channel"] for row in rows}))),
        _table(("scenario", *_MEASURES), _measured(rows, "scenario", _scenarios(rows))),
        "Every clip is H.264 at 25 fps with AAC, mono, at 16 kHz. Whole source videos lie on one side of a "
        "split, within each channel, and never change sides in later versions.",
        "## What one hears",
        f"![The most frequent audio events]({EVENTS_FIGURE})",
        _table(
            ("AudioSet event", "events", "clips", "minutes"),
            ((one.name, one.events, one.clips, f"{one.seconds / 60:.1f}") for one in events),
        ),
        "What one sees of it: a clip's audio-visual evidence is *evident* where its sound has visible, distinct "
        "causes, *uniform* where it flows without them (engines, wind, music beds), and *missing* where there is no "
        "sound, or nothing to see that makes it. Conditions are what holds of the clip as a whole.",
        _table(("evidence", *_MEASURES), _measured(rows, "evidence", ("evident", "uniform", "missing"))),
        _table(("condition", "clips"), _conditions(rows)),
        "## What was left out",
        *(funnel or ("Nothing.",)),
        "## How the labels were made",
        f"By machine, with the `{recipe.profile}` profile; no person has checked them. An interval is a "
        "*talking head* when there is speech and a visible mouth matches it, a *voice-over* when there is speech "
        "and no visible mouth matches it, *cannot tell* when a visible mouth could not be judged (too short, too "
        "still), and *other* in all other cases (speech with nobody in sight included).",
        _table(("analysis", "model and checksum"), models),
        "## Columns",
        _table(("column", "type", "meaning"), ((f.name, _type(f), _meaning(f)) for f in MANIFEST)),
        "Offsets, wherever they appear, are positive when the audio is early (leads the picture).",
        _who_judged(recipe),
        _who_reviewed(recipe, rows),
        "The clips keep the licences of their sources (`source_licence`, `source_url`).",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _scenarios(rows: Sequence[Row]) -> list[str]:
    named = {row["scenario"] for row in rows}
    return [name for name in DOMAIN_OF if name in named]


def _who_judged(recipe: Recipe) -> str:
    """What stands between a clip and its release beside the labels: the off-screen filter, if there is one."""
    section, judge = recipe.offscreen, recipe.model_for("offscreen")
    if section is None or judge == "none":
        return ""
    named = section.service_model if judge == "gemini" else judge
    points = ", ".join(f"{name} {point:g}" for name, point in section.leave_out.model_dump().items())
    return (
        "## Who judged the clips\n\n"
        f"A vision-language model ({named}, prompt {section.prompt}) judged whether the source of the main sound "
        f"is in the picture, and named the scenario. What it was sure is unfit is left out ({points})."
    )


def _who_reviewed(recipe: Recipe, rows: Sequence[Row]) -> str:
    """Who judged the clips themselves: people, if they did; a card must not let anybody think so who cannot."""
    review, section = recipe.review, recipe.offscreen
    judged = [row for row in rows if row["reviewers"]]
    if not judged:
        return "No person has reviewed the clips." if review or section else ""
    people = len({vote["annotator"] for row in judged for vote in row["review_votes"]})
    alike = [row["review_agreement"] for row in judged if row["review_agreement"] is not None]
    lead = sum(row["adjudicator"] is not None for row in judged)
    rule = {"majority": "the majority decides", "unanimity": "all must agree"}[review.rule]
    rest = len(rows) - len(judged)
    sentences = [
        f"{people} people judged {len(judged)} of {len(rows)} clips in Label Studio, each clip by "
        f"{review.per_clip} of them and each of them for herself; {rule}.",
        f"Pairs of them agree in {sum(alike) / len(alike):.0%} of the answers." if alike else "",
        f"A lead decided {lead} clips on which they did not." if lead else "",
        f"The other {rest} clips no person has reviewed: the model was sure of them." if rest else "",
    ]
    return "## Who reviewed the clips\n\n" + " ".join(sentence for sentence in sentences if sentence)


def changes_entry(version: str, difference: Difference, today: date) -> str:
    """One entry of CHANGES.md."""
    words = {
        "added": difference.added,
        "removed": difference.removed,
        "moved between splits": difference.moved,
        "with changed data": difference.changed,
        "with changed metadata": difference.described,
    }
    counts = ", ".join(f"{len(clips)} clips {word}" for word, clips in words.items() if clips)
    return f"## {version} — {today.isoformat()}\n\n{counts}.\n\n"


EVENTS_FIGURE = "figures/audio_events.svg"
"""RealSync's figure 1, by its path in the release."""

_MEASURES = (
    "videos", "clips", "hours", "talking-head hours", "voice-over hours", "cannot-tell hours", "other hours"
)  # fmt: skip


def _measured(rows: Sequence[Row], column: str, values: Iterable[str]) -> list[tuple]:
    return [(value, *_measures([row for row in rows if row[column] == value])) for value in values]


def _measures(rows: Sequence[Row]) -> tuple:
    hours = (
        sum(row[name] for row in rows) / 3_600_000
        for name in ("duration_ms", *(f"{label}_ms" for label in LABEL_NAMES))
    )
    return (len({row["video_id"] for row in rows}), len(rows), *(f"{value:.3f}" for value in hours))


def _conditions(rows: Sequence[Row]) -> list[tuple]:
    counts = Counter(condition for row in rows for condition in row["conditions"])
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any] | Mapping]) -> str:
    body = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads), *body]) if body else ""


def _type(field: Any) -> str:
    return str(field.type).replace("|", "\\|")


def _meaning(field: Any) -> str:
    return field.metadata[b"description"].decode()
