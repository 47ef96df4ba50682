"""Availability: what is there, gone or unknown, over real HTTP; nobody is asked twice a day."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import WorkspaceError
from tasks.sources import availability
from tasks.sources.availability import Place, check, due, forget_standings, standings
from tests.sources.conftest import Site

NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("claptube")


def ask(root: Path, places: list[Place], recipe: Any, now: datetime = NOON) -> dict[str, tuple]:
    """What a check says, by video: state and reason."""
    found = check(root, due(places, standings(root), now), recipe.download, lambda: now)
    return {video: (told.state, told.reason) for video, told in found.items()}


def on_site(site: Site, identity: str, **facts: Any) -> Place:
    site.put(f"/api/video/{identity}", {"id": identity, **facts})
    return Place(f"claptubevideo-{identity}", f"{site.url}/watch/{identity}")


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ({}, ("there", None)),
        ({"status": 404}, ("gone", "not_found")),
        ({"status": 410}, ("gone", "not_found")),
        ({"status": 451}, ("gone", "geo_blocked")),
        ({"status": 403}, ("unknown", "no_answer")),
        ({"status": 429}, ("unknown", "no_answer")),
        ({"status": 500}, ("unknown", "no_answer")),
        ({"busy": 99}, ("unknown", "no_answer")),
        ({"busy": 1}, ("unknown", "no_answer")),
    ],
)
def test_the_status_of_a_page_says_whether_its_video_is_gone(
    answer: dict, wanted: tuple, site: Site, make_recipe: Any, tmp_path: Path
) -> None:
    place = on_site(site, "a")
    site.put("/api/video/a", {"id": "a"}, **answer)
    assert ask(tmp_path, [place], make_recipe()) == {place.video_id: wanted}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"refusal": "This video has been removed by the uploader"}, "removed"),
        ({"refusal": "Private video. Sign in if you've been granted access"}, "private"),
        ({"refusal": "Sign in to confirm your age"}, "age_gated"),
        ({"geo": "Not available in your country"}, "geo_blocked"),
        ({"refusal": "Join this channel to get access to members-only content"}, "members_only"),
    ],
)
def test_what_a_site_says_of_a_video_is_its_reason(
    facts: dict, reason: str, site: Site, make_recipe: Any, tmp_path: Path
) -> None:
    place = on_site(site, "a", **facts)
    assert ask(tmp_path, [place], make_recipe()) == {place.video_id: ("gone", reason)}


def test_a_site_that_is_not_there_makes_no_video_gone(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    place = Place("generic-a", "http://127.0.0.1:9/a.mp4")
    assert ask(tmp_path, [place], make_recipe()) == {"generic-a": ("unknown", "no_answer")}
    refused = Place("generic-b", f"{site.url}/page.mp4")
    site.put("/page.mp4", b"", status=410)
    assert ask(tmp_path, [refused], make_recipe())["generic-b"] == ("gone", "not_found")


def test_nobody_is_asked_twice_a_day_and_unknown_is_no_answer(
    site: Site, make_recipe: Any, tmp_path: Path
) -> None:
    places = [on_site(site, name) for name in "abc"]
    site.put("/api/video/c", b"", status=503)
    assert ask(tmp_path, places, make_recipe())["claptubevideo-c"] == ("unknown", "no_answer")
    site.put("/api/video/c", {"id": "c"})
    before = {name: len(site.asked(f"/api/video/{name}")) for name in "abc"}
    assert before["a"] == before["b"] == 1
    found = ask(tmp_path, places, make_recipe(), NOON + timedelta(hours=23))
    assert found["claptubevideo-c"] == ("there", None)
    assert [len(site.asked(f"/api/video/{name}")) for name in "ab"] == [1, 1]
    ask(tmp_path, places, make_recipe(), NOON + timedelta(hours=25))
    assert [len(site.asked(f"/api/video/{name}")) for name in "ab"] == [2, 2]


def test_since_when_a_video_is_gone_is_when_it_was_first_found_so(
    site: Site, make_recipe: Any, tmp_path: Path
) -> None:
    place = on_site(site, "a")

    def since(day: int) -> str | None:
        ask(tmp_path, [place], make_recipe(), NOON + timedelta(days=day))
        return standings(tmp_path)[place.video_id].gone_since

    assert since(0) is None
    site.put("/api/video/a", b"", status=404)
    first = since(1)
    assert first and first.startswith("2030-01-03")
    site.put("/api/video/a", b"", status=503)
    assert since(2) == first  # not knowing for a day does not bring it back
    site.put("/api/video/a", b"", status=404)
    assert since(3) == first
    site.put("/api/video/a", {"id": "a"})
    assert since(4) is None


def test_a_check_that_is_killed_goes_on_where_it_was(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    places = [on_site(site, name) for name in "abcd"]

    def killed(told: availability.Standing) -> None:
        if told.video_id.endswith("b"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(tmp_path, places, make_recipe().download, lambda: NOON, killed)
    with (tmp_path / "availability" / "journal.jsonl").open("a") as journal:
        journal.write('{"video_id": "claptubevideo-c", "sta')  # and a line is torn
    assert sorted(standings(tmp_path)) == ["claptubevideo-a", "claptubevideo-b"]
    assert len(ask(tmp_path, places, make_recipe())) == 4
    assert [len(site.asked(f"/api/video/{name}")) for name in "abcd"] == [1, 1, 1, 1]
    assert not (tmp_path / "availability" / "journal.jsonl").exists()


def test_a_site_that_says_nothing_is_left_alone(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    places = [Place(f"claptubevideo-{n}", f"{site.url}/watch/{n}") for n in range(20)]
    for number in range(20):
        site.put(f"/api/video/{number}", b"", status=403)
    assert len(ask(tmp_path, places, make_recipe())) == availability.SILENCES


def test_the_recipes_pause_lies_between_requests(
    site: Site, make_recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    ask(tmp_path, [on_site(site, name) for name in "abc"], make_recipe(pause="7 s"))
    assert slept.count(7.0) == 2


def test_local_files_are_there_while_their_bytes_are(make_recipe: Any, tmp_path: Path) -> None:
    names = ("same", "changed", "lost")
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    places = [
        Place(f"file-{name}", str(tmp_path / name), hashlib.sha256(name.encode()).hexdigest())
        for name in names
    ]
    (tmp_path / "changed").write_bytes(b"other")
    (tmp_path / "lost").unlink()
    assert ask(tmp_path, [*places, Place("x", None)], make_recipe()) == {
        "file-same": ("there", None),
        "file-changed": ("gone", "file_changed"),
        "file-lost": ("gone", "file_gone"),
        "x": ("unknown", "no_address"),
    }


def test_what_was_said_of_a_video_can_be_forgotten(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    ask(tmp_path, [on_site(site, "a"), on_site(site, "b")], make_recipe())
    forget_standings(tmp_path, ["claptubevideo-a"])
    assert sorted(standings(tmp_path)) == ["claptubevideo-b"]
    assert "claptubevideo-a" not in json.dumps([p.read_text("latin1") for p in tmp_path.rglob("*.jsonl")])


def test_two_checks_at_once_are_one_too_many(make_recipe: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")

    def second(told: availability.Standing) -> None:
        with pytest.raises(WorkspaceError, match="under way"):
            check(tmp_path, [], make_recipe().download, lambda: NOON)

    assert check(tmp_path, [Place("a", str(tmp_path / "a"))], make_recipe().download, lambda: NOON, second)
