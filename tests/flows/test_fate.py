"""Why a clip that was released is released no more: the first thing that the ledger has against it."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pytest

from flows.fate import held_back, why_not_released
from flows.pipeline import RELEASED
from flows.survey import Survey

DONE = {"outcome": "done", "reason": None}


def survey_of(clips: dict[str, dict[str, tuple[str, str]]], videos: dict[str, tuple[str, str]]) -> Survey:
    """A shard whose clips (and videos, at the download) are done everywhere but where an outcome is named."""
    ids = [{"clip_id": clip, "video_id": clip[0]} for clip in clips]
    outputs = {
        stage: SimpleNamespace(
            outcomes={
                clip: dict(zip(("outcome", "reason"), stopped[stage], strict=True))
                if stage in stopped
                else DONE
                for clip, stopped in clips.items()
            }
        )
        for stage in RELEASED
    }
    outputs["normalize"] = SimpleNamespace(outcomes={}, records=lambda: {"all": ids})
    stopped = {video: dict(zip(("outcome", "reason"), why, strict=True)) for video, why in videos.items()}
    outputs["download"] = SimpleNamespace(outcomes=stopped)
    return Survey("00000", outputs, {})


SURVEY = survey_of(
    {
        "a1": {},
        "a2": {"conditions": ("dropped", "black"), "review": ("waiting", "review_pending")},
        "a3": {"offscreen": ("failed", "ServiceError")},
    },
    {"b": ("unavailable", "removed"), "a": ("done", None)},
)
CATALOG = [{"video_id": video, "shard": "00000"} for video in "ab"]


@pytest.mark.parametrize(
    "clip, reason",
    [
        ("a2", "dropped: conditions black"),
        ("a3", "failed: offscreen ServiceError"),
        ("a9", "cut_anew"),
        ("b1", "unavailable: download removed"),
        ("c1", "source_gone"),
    ],
)
def test_the_reason_is_what_stopped_it(clip: str, reason: str) -> None:
    asked = pa.table({"clip_id": [clip], "video_id": [clip[0]]})
    assert why_not_released(asked, [SURVEY], CATALOG) == {clip: reason}


def test_what_is_stopped_anywhere_is_held_back() -> None:
    assert held_back(SURVEY) == ["a2", "a3"]
