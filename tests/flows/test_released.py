"""What a version holds in numbers, asked of a draft and of the version that it becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.released import Released, of_draft, of_release
from tasks.releases import publish
from tasks.releases.publish import Beside
from tests.releases.making import RECIPE, TODAY, draft, fixed_split, row, without_media


def test_a_draft_and_its_version_have_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_media(monkeypatch)
    rows = [
        row(tmp_path, "a", channel="one", talking_head_ms=400),
        row(tmp_path, "b", channel="two", scenario="action"),
    ]
    rows += [row(tmp_path, "b", 1, channel="two"), row(tmp_path, "c", channel="one")]
    held = {
        "clip_id": "c_0_1000",
        "video_id": "c",
        "reason": "straddles_splits",
        "detail": "x",
        "duration_ms": 1000,
    }
    found = draft(tmp_path, rows, tmp_path, split=fixed_split({"b": "test"}, [held]))
    drafted = of_draft(found, tmp_path)
    made = of_release(publish.publish(tmp_path, RECIPE, found, Beside(), TODAY, tmp_path), tmp_path)
    for each in (drafted, made):
        assert (each.clips, each.videos) == (3, 2)
        assert each.channels == {"one": (1, 1000, 400, 0), "two": (2, 2000, 0, 0)}
        assert {(one["scenario"], one["clips"]) for one in each.kinds} == {("action", 1), (None, 2)}
        (loss,) = each.withheld
        assert (loss.stage, loss.reason, loss.items, loss.milliseconds) == (
            "splits",
            "straddles_splits",
            1,
            1000,
        )
        assert each.among(["a_0_1000", "c_0_1000", "z"]) == 1
        assert each.among([]) == 0


def test_nothing_is_released_where_there_is_no_version(tmp_path: Path) -> None:
    assert of_release(None, tmp_path) == Released(
        channels={}, among=Released.__dataclass_fields__["among"].default
    )
