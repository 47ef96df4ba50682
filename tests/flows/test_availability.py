"""`clapper availability`: what share of each version survives, as a plain count says; versions stay as they are."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from flows.availability import as_json, available_videos, check_versions, chosen_releases
from flows.keeping_display import show_availability
from schemas.errors import ReleaseError
from schemas.recipe import Recipe
from schemas.tables import CATALOG
from tasks.sources import availability
from tasks.sources.hashes import FileHashes
from tasks.workspace.catalog import add_to_catalog
from tasks.workspace.tombstones import take_down
from tests.releases.making import row
from tests.releases.versions import write_version

NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)
SIDES = {"a": "train", "b": "train", "c": "dev", "d": "test"}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Two versions over local files: the first has one clip of each of a, b, c, d, the second two of a, and no d."""
    sums = {}
    for name in SIDES:
        (tmp_path / f"{name}.mp4").write_bytes(name.encode())
        sums[name] = FileHashes(tmp_path).sha256(tmp_path / f"{name}.mp4")
    listed = [
        dict.fromkeys(CATALOG.names)
        | {"video_id": name, "kind": "files", "location": str(tmp_path / f"{name}.mp4"), "channel": "tv"}
        for name in SIDES
    ]
    add_to_catalog(tmp_path, listed, shard_ms=10_000_000)
    rows = {
        (name, number): row(
            tmp_path, name, number, split=side, source_sha256=sums[name], channel="x" if name == "a" else "y"
        )
        for name, side in SIDES.items()
        for number in (0, 1)
    }
    write_version(tmp_path, "1.0.0", [rows[name, 0] for name in SIDES])
    second = write_version(tmp_path, "2.0.0", [rows[key] for key in (("a", 0), ("a", 1), ("b", 0), ("c", 0))])
    recipe = Recipe.model_validate({"name": "toy", "title": "Toy", "download": {"pause": "0 s"}})
    (second.folder / "recipe.yaml").write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
    return tmp_path


def check(root: Path, *versions: str, limit: int | None = None, now: datetime = NOON):
    return check_versions(root, chosen_releases(root, "toy", versions), limit, clock=lambda: now)


def shown(checked) -> str:
    out = io.StringIO()
    show_availability(Console(file=out, width=120), checked)
    return out.getvalue()


def test_the_shares_are_those_of_a_plain_count(workspace: Path) -> None:
    before = {path: path.read_bytes() for path in (workspace / "releases").rglob("*") if path.is_file()}
    (workspace / "a.mp4").unlink()
    (workspace / "d.mp4").write_bytes(b"other")
    checked = check(workspace)
    assert (checked.asked, checked.due) == (4, 0)
    first, second = checked.versions
    assert (first.total.there.clips, first.total.gone.clips, first.total.share) == (2, 2, 0.5)
    assert (second.total.there.clips, second.total.gone.clips, second.total.share) == (2, 2, 0.5)
    assert (second.total.there.videos, second.total.gone.videos) == (2, 1)
    assert [(each.name, each.share) for each in first.splits] == [("train", 0.5), ("dev", 1.0), ("test", 0.0)]
    assert [(each.name, each.share) for each in second.splits] == [("train", 1 / 3), ("dev", 1.0)]
    assert [(each.name, each.share) for each in second.channels] == [("x", 0.0), ("y", 1.0)]
    assert [(lost.video_id, lost.reason, lost.clips) for lost in first.lost] == [
        ("a", "file_gone", 1),
        ("d", "file_changed", 1),
    ]
    assert second.lost[0].clips == 2 and second.lost[0].since.startswith("2030-01-02")
    assert {
        path: path.read_bytes() for path in (workspace / "releases").rglob("*") if path.is_file()
    } == before
    assert available_videos(workspace) == ["b", "c"]
    text = " ".join(shown(checked).split())
    for words in (
        "toy 2.0.0: what survives",
        "2 of 4 (50.0%)",
        "gone a (x, 2 clips): file gone, found so first on",
    ):
        assert words in text
    told = json.loads(json.dumps(as_json(checked)))
    assert told["versions"][1]["total"]["share"] == 0.5 and told["versions"][0]["splits"][2]["share"] == 0.0


def test_a_limit_leaves_the_rest_unknown_and_a_repeat_goes_on(workspace: Path) -> None:
    checked = check(workspace, limit=3)
    assert (checked.asked, checked.due) == (3, 1)
    assert checked.versions[0].total.unknown.videos == 1 and checked.versions[0].total.share == 1.0
    assert "1 are still to be asked" in shown(checked)
    assert check(workspace, limit=3).asked == 1
    assert check(workspace).asked == 0
    assert check(workspace, now=NOON + timedelta(days=1)).asked == 4


def test_what_was_taken_down_is_gone_and_not_asked_for(workspace: Path) -> None:
    take_down(workspace, {"b": []}, "", date(2030, 1, 1))
    checked = check(workspace, "2.0.0")
    assert checked.asked == 2, "of a and c"
    assert [(lost.video_id, lost.reason) for lost in checked.versions[0].lost] == [("b", "taken_down")]
    assert "taken down, on 2030-01-01" in shown(checked)
    assert available_videos(workspace) == ["a", "c"]


def test_a_version_that_is_not_there_is_told(workspace: Path) -> None:
    with pytest.raises(ReleaseError, match=r"3\.0\.0: is not published \(there are: 1\.0\.0, 2\.0\.0\)"):
        chosen_releases(workspace, "toy", ["3.0.0"])
    with pytest.raises(ReleaseError, match="no published version"):
        chosen_releases(workspace, "nothing", [])
    with pytest.raises(ReleaseError, match="no source was asked for yet"):
        available_videos(workspace)


def test_without_a_catalogue_the_manifest_says_where_a_source_is(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "catalog" / "00000.parquet").unlink()
    write_version(
        workspace, "3.0.0", [row(workspace, "z", source_url="http://127.0.0.1:9/z"), row(workspace, "b")]
    )
    asked: list[availability.Place] = []
    monkeypatch.setattr(
        availability, "_asked", lambda place, site, hashes: (asked.append(place), ("there", None, None))[1]
    )
    check(workspace, "3.0.0")
    assert [(place.video_id, place.location) for place in asked] == [
        ("b", None),
        ("z", "http://127.0.0.1:9/z"),
    ]
