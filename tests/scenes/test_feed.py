"""The broadcast as a site: yt-dlp, the real one, lists each channel and downloads from it, over loopback."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
import yt_dlp

from schemas.errors import SourceError
from tasks.scenes import broadcast, render, serve, write_feed
from tasks.scenes.scene import Scene


@pytest.fixture(scope="module")
def short_broadcast(tmp_path_factory):
    """The six sources with one second in place of their scenes, rendered."""
    folder = tmp_path_factory.mktemp("site")
    sources = [
        replace(source, width=320, height=180, scenes=(Scene("tone", 2000, number),))
        for number, source in enumerate(broadcast())
    ]
    for source in sources:
        render(source, folder)
    return sources, folder


def test_yt_dlp_lists_three_videos_with_durations_per_channel(short_broadcast):
    sources, folder = short_broadcast
    with serve(folder) as base_url:
        feeds = write_feed(sources, folder, base_url)
        assert list(feeds) == ["evening-news", "saturday-sports"]
        for channel, url in feeds.items():
            with yt_dlp.YoutubeDL({"quiet": True, "extract_flat": "in_playlist"}) as downloader:
                listed = downloader.extract_info(url, download=False)
            own = [source for source in sources if source.channel.name == channel]
            assert listed["_type"] == "playlist"
            assert listed["title"] == own[0].channel.title
            assert [entry["title"] for entry in listed["entries"]] == [source.title for source in own]
            assert [entry["duration"] for entry in listed["entries"]] == [2, 2, 2]


def test_yt_dlp_downloads_every_video_whole(short_broadcast, tmp_path):
    sources, folder = short_broadcast
    with serve(folder) as base_url:
        for url in write_feed(sources, folder, base_url).values():
            options = {"quiet": True, "outtmpl": str(tmp_path / "%(id)s.%(ext)s")}
            with yt_dlp.YoutubeDL(options) as downloader:
                downloader.extract_info(url, download=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(source.file_name for source in sources)
    for source in sources:
        assert (tmp_path / source.file_name).read_bytes() == (folder / source.file_name).read_bytes()


def test_the_server_gives_ranges_and_nothing_outside_its_folder(short_broadcast):
    sources, folder = short_broadcast
    (folder.parent / "secret.txt").write_text("not served")
    name = sources[0].file_name
    with serve(folder) as base_url:
        part = httpx.get(f"{base_url}/{name}", headers={"Range": "bytes=10-19"})
        assert part.status_code == 206
        assert part.content == (folder / name).read_bytes()[10:20]
        assert part.headers["content-type"] == "video/mp4"
        for path in ("../secret.txt", "%2e%2e%2fsecret.txt", ".hidden", "missing.mp4"):
            assert httpx.get(f"{base_url}/{path}").status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base_url}/{name}")


def test_a_feed_of_files_that_are_not_there_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"evening-news-0412.mp4 is not in the folder"):
        write_feed(broadcast(), tmp_path, "http://127.0.0.1:1")
