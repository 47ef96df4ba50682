"""Channels and pages through the real yt-dlp, against a site on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import SourceError
from schemas.sections import YtdlpSource
from schemas.tables import CATALOG
from tasks.sources import discover
from tests.sources.conftest import EVIL_TITLE, PAGE_LENGTH, Site

pytestmark = pytest.mark.usefixtures("claptube")


def find(url: str, recipe: Any, root: Path, known: Any = (), limit: int | None = None, **source: Any) -> Any:
    return discover(YtdlpSource(kind="ytdlp", url=url, **source), recipe, root, known, limit)


def pages_asked(site: Site, name: str) -> int:
    return sum(path.startswith(f"/api/channel/{name}/") for path, _ in site.requests)


def test_a_channel_is_listed_flat(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    url = site.put_channel("news", [{"id": f"v{n}", "title": EVIL_TITLE, "duration": 60.5} for n in range(7)])
    found = find(url, make_recipe(), tmp_path, domain="news")
    assert not found.left_out
    assert [row["video_id"] for row in found.videos] == [f"claptubevideo-v{n}" for n in range(7)]
    assert found.videos[0] == dict.fromkeys(CATALOG.names) | {
        "video_id": "claptubevideo-v0",
        "kind": "ytdlp",
        "location": f"{site.url}/watch/v0",
        "channel": "The-news-Channel",
        "domain": "news",
        "title": EVIL_TITLE,
        "duration_ms": 60_500,
    }
    assert not any(path.startswith("/api/video") for path, _ in site.requests)


def test_what_the_listing_says_is_judged_at_once(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    cases = {
        "good": {"duration": 1200, "height": 720, "license": "CC BY"},
        "short": {"duration": 1199, "height": 720, "license": "CC BY"},
        "long": {"duration": 7201, "height": 720, "license": "CC BY"},
        "low": {"duration": 1200, "height": 719, "license": "CC BY"},
        "owned": {"duration": 1200, "height": 720, "license": "All rights reserved"},
        "now": {"live_status": "is_live"},
        "unknown": {},
    }
    url = site.put_channel("mixed", [{"id": name, **facts} for name, facts in cases.items()])
    admission = {
        "min_duration": "20 min",
        "max_duration": "2 h",
        "min_height": "720 px",
        "licences": ["cc by"],
    }
    found = find(url, make_recipe(admission), tmp_path)
    assert [row["video_id"] for row in found.videos] == ["claptubevideo-good", "claptubevideo-unknown"]
    assert [(out.id.partition("-")[2], out.reason) for out in found.left_out] == [
        ("short", "too_short"),
        ("long", "too_long"),
        ("low", "too_low"),
        ("owned", "licence"),
        ("now", "live"),
    ]
    assert "1199000 ms" in found.left_out[0].detail
    assert found.left_out[0].milliseconds == 1_199_000


def test_listing_stops_at_the_limit_and_when_the_channel_is_full(
    site: Site, make_recipe: Any, tmp_path: Path
) -> None:
    url = site.put_channel("big", [{"id": f"v{n}", "duration": 3600} for n in range(30)])
    assert len(find(url, make_recipe(), tmp_path / "a", limit=3).videos) == 3
    assert pages_asked(site, "big") == 1
    full = find(url, make_recipe({"max_per_channel": "4 h"}), tmp_path / "b", known={"claptubevideo-v1"})
    assert [row["video_id"][-2:] for row in full.videos] == ["v0", "v2", "v3"]
    assert [row["video_id"][-2:] for row in full.known] == ["v1"]
    assert [(out.id, out.reason) for out in full.left_out] == [("The-big-Channel", "channel_full")]
    assert "95 more videos" in full.left_out[0].detail
    assert pages_asked(site, "big") == 1 + 2


def test_a_full_channel_leaves_the_others_of_a_playlist_in(
    site: Site, make_recipe: Any, tmp_path: Path
) -> None:
    videos = [{"id": f"{who}{n}", "duration": 3600, "uploader": who} for n in range(3) for who in ("A", "B")]
    url = site.put_channel("mixed", [*videos, {"id": "c", "uploader": "C"}])
    found = find(url, make_recipe({"max_per_channel": "2 h"}), tmp_path)
    assert [row["video_id"].partition("-")[2] for row in found.videos] == ["A0", "B0", "A1", "B1", "c"]
    assert [(out.id[-2:], out.reason) for out in found.left_out] == [
        ("A2", "channel_full"),
        ("B2", "channel_full"),
    ]


def test_a_listing_is_remembered(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    url = site.put_channel("news", [{"id": f"v{n}"} for n in range(2 * PAGE_LENGTH)])
    recipe = make_recipe()
    partly = find(url, recipe, tmp_path, limit=2)
    before = len(site.requests)
    assert find(url, recipe, tmp_path, limit=2) == partly
    assert len(site.requests) == before
    whole = find(url, recipe, tmp_path)
    assert len(whole.videos) == 6
    before = len(site.requests)
    assert find(url, recipe, tmp_path) == whole
    assert len(site.requests) == before
    assert find(url, make_recipe(relist_after="0 s"), tmp_path) == whole
    assert len(site.requests) > before


def test_a_spoilt_memory_is_asked_again(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    url = site.put_channel("news", [{"id": "v0"}])
    find(url, make_recipe(), tmp_path)
    (memory,) = [p for p in (tmp_path / "listings").glob("*.json")]
    memory.write_text(memory.read_text()[:-5])
    assert len(find(url, make_recipe(), tmp_path).videos) == 1
    assert json.loads(memory.read_text())["complete"]


def test_tabs_of_a_channel_are_followed_and_repeats_are_one(
    site: Site, make_recipe: Any, tmp_path: Path
) -> None:
    site.put_channel("one", [{"id": "a"}, {"id": "b", "uploader": "Müller & Söhne"}])
    site.put_channel("two", [{"id": "b"}, {"id": "c"}])
    found = find(f"{site.url}/home/one+two", make_recipe(), tmp_path)
    assert [row["video_id"][-1] for row in found.videos] == ["a", "b", "c"]
    assert found.videos[1]["channel"].startswith("Muller-Sohne-")
    named = find(f"{site.url}/home/one+two", make_recipe(), tmp_path, channel="Own")
    assert {row["channel"] for row in named.videos} == {"Own"}


def test_what_came_before_a_broken_page_is_kept(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    url = site.put_channel("news", [{"id": f"v{n}"} for n in range(4)] + [{"id": "x", "broken_page": True}])
    found = find(url, make_recipe(), tmp_path)
    assert len(found.videos) == 4
    assert [out.reason for out in found.left_out] == ["listing_broke_off"]


def test_a_single_video_and_one_that_is_private(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    site.put_channel(
        "c",
        [
            {"id": "fine", "duration": 9, "heights": [360, 720], "uploader": "Me"},
            {"id": "shy", "refusal": "Private video"},
        ],
    )
    found = find(f"{site.url}/watch/fine", make_recipe(), tmp_path)
    assert [(row["video_id"], row["height"], row["channel"]) for row in found.videos] == [
        ("claptubevideo-fine", 720, "Me")
    ]
    shy = find(f"{site.url}/watch/shy", make_recipe(), tmp_path)
    assert [(out.id, out.reason) for out in shy.left_out] == [("claptubevideo-shy", "private")]


def test_a_feed_and_a_page_with_videos(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    feed = (
        '<?xml version="1.0"?><rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel>'
        f"<title>T</title><item><title>{EVIL_TITLE}</title><link>{site.url}/a/clip.mp4</link><itunes:duration>00:00:02"
        f"</itunes:duration></item><item><title>yt</title><link>https://www.youtube.com/watch?v=dQw4w9WgXcQ</link></item>"
        "</channel></rss>"
    )
    found = find(site.put("/feed.xml", feed, type="application/rss+xml"), make_recipe(), tmp_path)
    assert [row["duration_ms"] for row in found.videos] == [2000, None]
    assert found.videos[0]["video_id"].startswith("generic-")
    assert found.videos[1]["video_id"] == "youtube-dQw4w9WgXcQ"
    videos = '<video src="/a/clip.mp4"></video><video src="/b/clip.mp4"></video>'
    page = f"<html><title>{EVIL_TITLE}</title>{videos}</html>"
    paged = find(site.put("/page.html", page, type="text/html"), make_recipe(), tmp_path)
    assert [row["location"] for row in paged.videos] == [f"{site.url}/a/clip.mp4", f"{site.url}/b/clip.mp4"]
    assert paged.videos[0]["video_id"] == found.videos[0]["video_id"]
    assert paged.videos[1]["video_id"] != found.videos[0]["video_id"]
    assert {row["channel"] for row in paged.videos} == {"127.0.0.1"}


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_site_that_refuses_is_tried_again_later(
    status: int, site: Site, make_recipe: Any, tmp_path: Path
) -> None:
    url = site.put("/page.html?key=geheim", "no", status=status)
    site.put("/page.html", "no", status=status, headers={"Retry-After": "77"})
    with pytest.raises(SourceError) as caught:
        find(url, make_recipe(), tmp_path)
    assert "geheim" not in str(caught.value)
    assert status == 403 or "77 s" in str(caught.value)


def test_nobody_listens(make_recipe: Any, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        find("http://127.0.0.1:9/x", make_recipe(), tmp_path)


def test_a_page_without_video_is_a_mistake_and_a_missing_page_is_left_out(
    site: Site, make_recipe: Any, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="check the address"):
        find(site.put("/text.html", "<html>words</html>", type="text/html"), make_recipe(), tmp_path)
    found = find(f"{site.url}/nothing.mp4", make_recipe(), tmp_path)
    assert [out.reason for out in found.left_out] == ["not_found"]


def test_code_lying_around_is_not_run(tmp_path: Path) -> None:
    plugin = tmp_path / "yt_dlp_plugins" / "extractor" / "stray.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    code = "from pathlib import Path; import sys; from schemas.sections import Download\n"
    code += "from tasks.sources.site import open_site\nopen_site(Path(sys.argv[1]), Download()).close()"
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=True,
        cwd=Path.cwd(),
        env={**os.environ, "PYTHONPATH": path},
    )
    assert not (tmp_path / "ran").exists()


def test_nothing_reaches_the_terminal(
    site: Site, make_recipe: Any, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    find(site.put_channel("c", [{"id": "a"}]), make_recipe(), tmp_path)
    find(f"{site.url}/nothing.mp4", make_recipe(), tmp_path)
    assert capfd.readouterr() == ("", "")
