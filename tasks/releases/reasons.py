"""Why clips differ from the version before, in a word and what it is about.

Of a clip that is there no more: `taken_down`, `withheld: straddles_splits`, `dropped: conditions near_silent`,
`failed: …`, `waiting: …`, `cut_anew`, `source_gone`. Of one that differs, as many as hold: `models: …` with old and
new, `review`, `media`, `source`, `recipe: labels, events`, `code`, `splits`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa

from schemas.recipe import Recipe
from schemas.tables import CERTIFICATE
from tasks.releases.difference import Differing, WhyChanged, WhyGone

TAKEN_DOWN = "taken_down"

_MEDIA = frozenset(("bytes", "duration_ms", "width", "height", *(name for name, _, _ in CERTIFICATE)))
_REVIEW = frozenset((
    "reviewers", "review_votes", "review_findings", "review_agreement", "adjudicator", "keep_start_ms", "keep_end_ms",
))  # fmt: skip
_PASSIVE = frozenset(("split", "models", "path", "video_id"))


def why_gone(
    tombstones: pa.Table, withheld: pa.Table, told: Callable[[pa.Table], Mapping[str, str]]
) -> WhyGone:
    """Why removed clips are gone: taken down and withheld ones are known here, the others to the ledger.

    Args:
        told: asked about the clips (clip_id, video_id) that are neither.
    """
    down = set(tombstones["video_id"].to_pylist())
    held = dict(zip(withheld["clip_id"].to_pylist(), withheld["reason"].to_pylist(), strict=True))

    def why(clips: pa.Table) -> dict[str, str]:
        reasons, open_ = {}, []
        for clip, video in zip(*(clips[name].to_pylist() for name in ("clip_id", "video_id")), strict=True):
            if video in down:
                reasons[clip] = TAKEN_DOWN
            elif clip in held:
                reasons[clip] = f"withheld: {held[clip]}"
            else:
                open_.append((clip, video))
        rest = pa.table({name: [pair[n] for pair in open_] for n, name in enumerate(("clip_id", "video_id"))})
        return reasons | dict(told(rest) if open_ else {})

    return why


def why_changed(before: Mapping[str, Any] | None, now: Recipe) -> WhyChanged:
    """Why rows differ: what of the models, and else of the recipe, is another than in the version before.

    Args:
        before: that version's recipe.yaml; None if it cannot be read.
    """
    sections = _sections(before, now.as_run().model_dump(mode="json"))

    def why(differing: Differing) -> str:
        models = _models(differing.models_before, differing.models_after)
        columns = set(differing.columns)
        review, media = columns & _REVIEW, columns & _MEDIA
        source = {name for name in columns if name.startswith(("source_", "list_")) or name == "downloader"}
        rest = columns - review - media - source - _PASSIVE
        unexplained = rest if not models and not review and not media else set()
        return (
            "; ".join(
                text
                for holds, text in (
                    (models, f"models: {models}"),
                    (review, "review"),
                    (media, "media"),
                    (source, "source"),
                    (unexplained and sections, f"recipe: {', '.join(sections)}"),
                    (unexplained and not sections, "code"),
                    ("split" in columns, "splits"),
                )
                if holds
            )
            or "code"
        )

    return why


def _models(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The analyses whose model is another: `speakers a@1 -> b@2`, with `none` where there is none."""
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return ", ".join(f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}" for name in names)


_BESIDE = frozenset(
    ("name", "title", "cites", "profile", "sources", "download", "limits", "release", "targets")
)


def _sections(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[str]:
    """The sections of two recipes that differ, of those that decide what is in a row."""
    if before is None:
        return []
    return [
        name for name in _in_order(now, before) if name not in _BESIDE and now.get(name) != before.get(name)
    ]


def _in_order(*mappings: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))
