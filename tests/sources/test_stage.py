"""The stage `download`: the real yt-dlp and ffprobe, a site that breaks off, and files that change."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import Dropped, RecipeError, SourceError, Unavailable
from schemas.sections import YtdlpSource
from schemas.tables import CATALOG
from tasks.sources import STAGE, discover
from tests.sources.conftest import EVIL_TITLE, Site, work

pytestmark = pytest.mark.usefixtures("claptube")


def video(site: Site, identity: str, **facts: Any) -> dict:
    site.put(f"/api/video/{identity}", {"title": EVIL_TITLE, **facts})
    return dict.fromkeys(CATALOG.names) | {
        "video_id": f"claptubevideo-{identity}",
        "kind": "ytdlp",
        "location": f"{site.url}/watch/{identity}",
    }


def direct(location: str, video_id: str) -> dict:
    return dict.fromkeys(CATALOG.names) | {"video_id": video_id, "kind": "ytdlp", "location": location}


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def formats(site: Site, media: Path) -> Site:
    for name in ("360.mp4", "720.mp4", "1080.mp4", "sound.m4a", "clip.mp4"):
        site.put(f"/media/{name}", (media / name).read_bytes())
    return site


def test_best_picture_within_the_limit_and_best_sound_are_merged(
    formats: Site, make_recipe: Any, tmp_path: Path, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    facts = {"heights": [360, 720, 1080], "uploader": "News", "upload_date": "20240229", "license": "CC BY"}
    row = video(formats, "a", description=f"see {formats.url}/x?sig=geheim", **facts)
    made = work(make_recipe(max_height="720 px"), tmp_path, row)
    assert names(tmp_path / "raw") == ["claptubevideo-a.info.json", "claptubevideo-a.mp4"]
    file = tmp_path / made["path"]
    assert made["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert {key: made[key] for key in ("height", "width", "video_codec", "audio_codec", "audio_channels")} == {
        "height": 720, "width": 1280, "video_codec": "h264", "audio_codec": "aac", "audio_channels": 1
    }  # fmt: skip
    assert (made["url"], made["uploader"], made["published"], made["licence"]) == (
        f"{formats.url}/watch/a", "News", "2024-02-29", "CC BY"
    )  # fmt: skip
    assert made["tool"].startswith("yt-dlp 20")
    assert made["frame_rate"] == "25"
    kept = (tmp_path / "raw" / "claptubevideo-a.info.json").read_text()
    assert EVIL_TITLE in json.loads(kept)["info"]["title"]
    assert "geheim" not in kept
    assert "geheim" not in caplog.text
    assert not formats.asked("/media/1080.mp4")
    assert not formats.asked("/media/360.mp4")


def test_a_present_file_is_not_fetched_again_and_a_changed_one_is(
    formats: Site, make_recipe: Any, tmp_path: Path
) -> None:
    row, recipe = video(formats, "a", heights=[360, 720]), make_recipe()
    made = work(recipe, tmp_path, row)
    before = len(formats.requests)
    assert work(recipe, tmp_path, row) == made
    assert len(formats.requests) == before
    (tmp_path / made["path"]).write_bytes(b"something else")
    assert work(recipe, tmp_path, row) == made
    assert len(formats.requests) > before
    lower = work(make_recipe(max_height="360 px"), tmp_path, row)
    assert lower["height"] == 360


def test_a_cut_connection_is_resumed_within_a_run(
    formats: Site, make_recipe: Any, tmp_path: Path, media: Path
) -> None:
    formats.put("/cut.mp4", (media / "clip.mp4").read_bytes(), cut_at=20_000, cuts=2)
    made = work(make_recipe(), tmp_path, video(formats, "a", direct="/cut.mp4"))
    assert (tmp_path / made["path"]).read_bytes() == (media / "clip.mp4").read_bytes()
    ranges = [headers.get("range") for headers in formats.asked("/cut.mp4")]
    assert ranges[0] is None
    assert re.fullmatch(r"bytes=1\d{4}-", ranges[1])


def test_a_broken_download_is_resumed_by_the_next_run(
    formats: Site, make_recipe: Any, tmp_path: Path, media: Path
) -> None:
    whole = (media / "clip.mp4").read_bytes()
    formats.put("/cut.mp4", whole, cut_at=20_000, cuts=99)
    row, recipe = video(formats, "a", direct="/cut.mp4"), make_recipe(retries=0)
    with pytest.raises(SourceError):
        work(recipe, tmp_path, row)
    (part,) = names(tmp_path / "raw")
    assert part.startswith(".partial/claptubevideo-a/")
    arrived = (tmp_path / "raw" / part).stat().st_size
    assert 10_000 < arrived <= 20_000
    formats.put("/cut.mp4", whole)
    made = work(recipe, tmp_path, row)
    assert formats.asked("/cut.mp4")[-1]["range"] == f"bytes={arrived}-"
    assert (tmp_path / made["path"]).read_bytes() == whole
    assert names(tmp_path / "raw") == ["claptubevideo-a.info.json", "claptubevideo-a.mp4"]


def test_bytes_of_another_upload_are_not_continued(
    formats: Site, make_recipe: Any, tmp_path: Path, media: Path
) -> None:
    formats.put("/cut.mp4", (media / "clip.mp4").read_bytes(), cut_at=20_000, cuts=99)
    with pytest.raises(SourceError):
        work(make_recipe(retries=0), tmp_path, video(formats, "a", direct="/cut.mp4", upload_date="20240101"))
    formats.put("/cut.mp4", (media / "other.mp4").read_bytes())
    made = work(make_recipe(), tmp_path, video(formats, "a", direct="/cut.mp4", upload_date="20240102"))
    assert (tmp_path / made["path"]).read_bytes() == (media / "other.mp4").read_bytes()


def test_a_busy_server_is_asked_again(formats: Site, make_recipe: Any, tmp_path: Path, media: Path) -> None:
    formats.put("/busy.mp4", (media / "clip.mp4").read_bytes(), busy=2)
    assert work(make_recipe(), tmp_path, video(formats, "a", direct="/busy.mp4"))["duration_ms"] >= 2000
    formats.put("/busy.mp4", (media / "clip.mp4").read_bytes(), busy=99)
    with pytest.raises(SourceError, match="503"):
        work(make_recipe(), tmp_path, video(formats, "b", direct="/busy.mp4"))


def test_a_server_that_falls_silent_is_left_in_time(formats: Site, make_recipe: Any, tmp_path: Path) -> None:
    formats.put("/mute.mp4", b"x" * 9999, silent_s=3)
    with pytest.raises(SourceError, match="timed out"):
        work(make_recipe(timeout="200 ms", retries=0), tmp_path, video(formats, "a", direct="/mute.mp4"))


def test_cookies_are_sent_and_their_file_is_left_alone(
    formats: Site, make_recipe: Any, tmp_path: Path
) -> None:
    jar = tmp_path / "cookies.txt"
    jar.write_text("# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t4102444800\tsession\tgeheim\n")
    before = jar.read_bytes(), jar.stat().st_mtime_ns
    formats.answers["/media/clip.mp4"].headers["Set-Cookie"] = "seen=1"
    work(make_recipe(cookies=str(jar)), tmp_path / "ws", video(formats, "a", direct="/media/clip.mp4"))
    assert "session=geheim" in formats.asked("/media/clip.mp4")[-1]["cookie"]
    assert "session=geheim" in formats.asked("/api/video/a")[-1]["cookie"]
    assert (jar.read_bytes(), jar.stat().st_mtime_ns) == before
    for name in names(tmp_path / "ws"):
        assert b"geheim" not in (tmp_path / "ws" / name).read_bytes()
    with pytest.raises(RecipeError, match="download.cookies"):
        work(make_recipe(cookies=str(tmp_path / "none.txt")), tmp_path, video(formats, "b"))


def test_the_rate_limit_is_kept(formats: Site, make_recipe: Any, tmp_path: Path, monkeypatch: Any) -> None:
    slept: list[float] = []
    monkeypatch.setattr("yt_dlp.downloader.common.time.sleep", slept.append)
    formats.put("/big.mp4", (formats.answers["/media/clip.mp4"].body))
    work(make_recipe(rate_limit="8 KiB/s"), tmp_path, video(formats, "a", direct="/big.mp4"))
    assert sum(slept) > 0.5


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"refusal": "Private video. Sign in if you've been granted access to this video"}, "private"),
        ({"refusal": "Video unavailable. This video has been removed by the uploader"}, "removed"),
        (
            {"refusal": "Sign in to confirm your age. This video may be inappropriate for some users."},
            "age_gated",
        ),
        (
            {"refusal": "Join this channel to get access to members-only content like this video"},
            "members_only",
        ),
        ({"geo": "The uploader has not made this video available in your country"}, "geo_blocked"),
        ({"drm": True}, "drm"),
    ],
)
def test_what_is_not_to_be_had(
    facts: dict, reason: str, site: Site, make_recipe: Any, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable) as caught:
        work(make_recipe(), tmp_path, video(site, "a", **facts))
    assert caught.value.reason == reason
    assert not names(tmp_path / "raw")
    assert not list((tmp_path / "raw" / ".partial").iterdir())


@pytest.mark.parametrize("path", ["/nothing", "/media/nothing.mp4"])
def test_not_found(path: str, site: Site, make_recipe: Any, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        work(make_recipe(), tmp_path, video(site, "a", direct=path))
    assert caught.value.reason == "not_found"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"duration": 5}, "too_short"),
        ({"duration": 500}, "too_long"),
        ({"duration": 60, "heights": [360]}, "too_low"),
        ({"duration": 60, "heights": [720], "license": "none"}, "licence"),
        ({"duration": 60, "heights": [720]}, "licence"),
        ({"live_status": "is_live"}, "live"),
    ],
)
def test_what_the_recipe_refuses_is_not_fetched(
    facts: dict, reason: str, formats: Site, make_recipe: Any, tmp_path: Path
) -> None:
    admission = {
        "min_duration": "6 s",
        "max_duration": "2 min",
        "min_height": "720 px",
        "licences": ["CC BY"],
    }
    with pytest.raises(Dropped) as caught:
        work(make_recipe(admission), tmp_path, video(formats, "a", **facts))
    assert caught.value.reason == reason
    assert not any(path.startswith("/media") for path, _ in formats.requests)


def test_a_premiere_is_asked_for_again(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is_upcoming"):
        work(make_recipe(), tmp_path, video(site, "a", live_status="is_upcoming"))


def test_direct_files_are_judged_by_themselves(
    site: Site, media: Path, make_recipe: Any, tmp_path: Path
) -> None:
    url = site.put("/films/clip.mp4", (media / "clip.mp4").read_bytes())
    with pytest.raises(Dropped) as caught:
        work(make_recipe({"min_height": "181 px"}), tmp_path, direct(url, "generic-1"))
    assert (caught.value.reason, "180 px" in caught.value.detail) == ("too_low", True)
    site.put("/films/clip.mp4", (media / "720.mp4").read_bytes())
    with pytest.raises(Dropped) as caught:
        work(make_recipe(), tmp_path, direct(url, "generic-2"))
    assert caught.value.reason == "no_audio"


def test_same_stem_on_two_paths_stays_two_files(
    site: Site, media: Path, make_recipe: Any, tmp_path: Path
) -> None:
    videos = '<video src="/a/clip.mp4"></video><video src="/b/clip.mp4"></video>'
    page = f"<html><title>{EVIL_TITLE}</title>{videos}</html>"
    site.put("/a/clip.mp4", (media / "clip.mp4").read_bytes())
    site.put("/b/clip.mp4", (media / "other.mp4").read_bytes())
    source = YtdlpSource(kind="ytdlp", url=site.put("/page.html", page, type="text/html"))
    recipe = make_recipe()
    made = [work(recipe, tmp_path, row) for row in discover(source, recipe, tmp_path, ()).videos]
    expected = [hashlib.sha256((media / name).read_bytes()).hexdigest() for name in ("clip.mp4", "other.mp4")]
    assert [row["sha256"] for row in made] == expected
    assert all(name.startswith("generic-") for name in names(tmp_path / "raw"))
    with pytest.raises(Dropped) as caught:
        work(recipe, tmp_path, direct(source.url, "generic-3"))
    assert caught.value.reason == "several_videos"


def test_an_id_from_elsewhere_is_no_path(site: Site, make_recipe: Any, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no id"):
        work(make_recipe(), tmp_path, direct(f"{site.url}/clip.mp4", "../../evil"))


def test_the_key_holds_what_changes_the_result(make_recipe: Any) -> None:
    plain = STAGE.settings(make_recipe())
    assert plain == STAGE.settings(make_recipe({"max_per_channel": "100 h"}, pause="3 s", cookies="x"))
    assert plain != STAGE.settings(make_recipe(max_height="720 px"))
    assert plain != STAGE.settings(make_recipe({"licences": ["CC BY"]}))
    json.dumps(plain)
