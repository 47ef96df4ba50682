"""A web site on 127.0.0.1 that breaks off, refuses and falls silent; and an extractor for its channels."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
import yt_dlp
from yt_dlp.extractor import gen_extractor_classes
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import ExtractorError

from schemas.recipe import Recipe
from schemas.tables import SOURCES
from tasks.sources import STAGE
from tasks.workspace.stage import Context, Item

EVIL_TITLE = "../../etc/passwd; rm -rf"
PAGE_LENGTH = 3


def make_clip(
    path: Path, seconds: float, size: str, *, picture: bool = True, sound: bool = True, tone: int = 440
) -> Path:
    inputs = ["-f", "lavfi", "-i", f"testsrc=size={size}:rate=25:duration={seconds}"] if picture else []
    inputs += ["-f", "lavfi", "-i", f"sine=frequency={tone}:duration={seconds}"] if sound else []
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1"] if picture else []
    codecs += ["-c:a", "aac"] if sound else []
    subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *codecs, str(path)], check=True)
    return path


def work(recipe: Recipe, root: Path, row: dict) -> dict:
    """The one record that the stage makes of a catalogue row."""
    context = Context(recipe=recipe, root=root, weights=lambda name: pytest.fail("no weights needed"))
    item = Item(id=row["video_id"], video_id=row["video_id"], row=row)
    (made,) = STAGE.open(context)(item).rows
    assert made.keys() == set(SOURCES.names)
    pa.Table.from_pylist([made], schema=SOURCES)
    return made


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """clip.mp4 and other.mp4 (2 s, 320×180), 360/720/1080.mp4 (0.4 s, no sound), sound.m4a (0.4 s)."""
    folder = tmp_path_factory.mktemp("media")
    make_clip(folder / "clip.mp4", 2, "320x180")
    make_clip(folder / "other.mp4", 2, "320x180", tone=880)
    for height, size in ((360, "640x360"), (720, "1280x720"), (1080, "1920x1080")):
        make_clip(folder / f"{height}.mp4", 0.4, size, sound=False)
    make_clip(folder / "sound.m4a", 0.4, "", picture=False)
    return folder


@dataclass
class Answer:
    """What the site answers. `busy`: how often 503 first. `cut_at`: break off there, `cuts` times."""

    body: bytes = b""
    status: int = 200
    type: str = "video/mp4"
    headers: dict[str, str] = field(default_factory=dict)
    busy: int = 0
    cut_at: int = 0
    cuts: int = 0
    silent_s: float = 0


@dataclass
class Site:
    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def asked(self, path: str) -> list[dict[str, str]]:
        return [headers for asked, headers in self.requests if asked.split("?")[0] == path]

    def put(self, path: str, body: bytes | str | Any = b"", **more: Any) -> str:
        if not isinstance(body, bytes | str):
            body, more["type"] = json.dumps(body), "application/json"
        self.answers[path] = Answer(body.encode() if isinstance(body, str) else body, **more)
        return self.url + path

    def put_channel(self, name: str, videos: list[dict[str, Any]]) -> str:
        """A channel of the extractor below, in pages; each video a dict with at least `id`."""
        pages = [videos[start : start + PAGE_LENGTH] for start in range(0, len(videos), PAGE_LENGTH)]
        for number, page in enumerate([*pages, []]):
            self.put(f"/api/channel/{name}/{number}", page)
        for video in videos:
            self.put(f"/api/video/{video['id']}", video)
        return f"{self.url}/channel/{name}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site: Site = self.server.site
        site.requests.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
        answer = site.answers.get(urlsplit(self.path).path, Answer(b"gone", status=404, type="text/plain"))
        if answer.busy > 0:
            answer.busy -= 1
            answer = Answer(b"busy", status=503, type="text/plain")
        body, start, status = answer.body, 0, answer.status
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted and status == 200:
            start, status = int(wanted[1]), 206
            body = body[start : int(wanted[2]) + 1 if wanted[2] else None]
        self.send_response(status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{len(answer.body)}")
        for key, value in answer.headers.items():
            self.send_header(key, value)
        self.end_headers()
        if answer.silent_s:
            time.sleep(answer.silent_s)
        if answer.cuts > 0 and start + len(body) > answer.cut_at > start:
            answer.cuts -= 1
            self.wfile.write(body[: answer.cut_at - start])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *arguments: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up early is what several tests are about."""


@pytest.fixture
def site() -> Iterator[Site]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.site = Site(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.site
    server.shutdown()
    server.server_close()


class ClapTubeVideoIE(InfoExtractor):
    """A site of our own for yt-dlp: `/watch/<id>`, described by the JSON at `/api/video/<id>`."""

    _VALID_URL = r"(?P<host>http://127\.0\.0\.1:\d+)/watch/(?P<id>[^/?#]+)"
    _RETURN_TYPE = "video"

    def _real_extract(self, url: str) -> dict[str, Any]:
        host, identity = self._match_valid_url(url).group("host", "id")
        video = self._download_json(f"{host}/api/video/{identity}", identity)
        if video.get("geo"):
            self.raise_geo_restricted(video["geo"], countries=["DE"])
        if video.get("drm"):
            self.report_drm(identity)
        if video.get("refusal"):
            self.raise_no_formats(video["refusal"], expected=True, video_id=identity)
        formats = [
            {"format_id": f"v{h}", "url": f"{host}/media/{h}.mp4?sig=geheim", "ext": "mp4", "height": h}
            | {"width": h * 16 // 9, "vcodec": "avc1", "acodec": "none"}
            for h in video.get("heights", [360])
        ]
        formats.append({"format_id": "a", "url": f"{host}/media/sound.m4a?sig=geheim", "ext": "m4a"})
        formats[-1] |= {"vcodec": "none", "acodec": "mp4a"}
        if "direct" in video:
            formats = [{"format_id": "d", "url": f"{host}{video['direct']}?sig=geheim", "ext": "mp4"}]
        names = ("title", "duration", "license", "live_status", "uploader", "upload_date", "description")
        return {"id": identity, "formats": formats, **{k: video[k] for k in names if k in video}}


class ClapTubeChannelIE(InfoExtractor):
    _VALID_URL = r"(?P<host>http://127\.0\.0\.1:\d+)/channel/(?P<id>[^/?#]+)"
    _RETURN_TYPE = "playlist"

    def _real_extract(self, url: str) -> dict[str, Any]:
        host, name = self._match_valid_url(url).group("host", "id")

        def entries() -> Iterator[dict[str, Any]]:
            number = 0
            while page := self._download_json(f"{host}/api/channel/{name}/{number}", name):
                for video in page:
                    if video.get("broken_page"):
                        raise ExtractorError("HTTP Error 500: Internal Server Error", expected=True)
                    known = {
                        k: video[k]
                        for k in ("duration", "license", "live_status", "height", "uploader")
                        if k in video
                    }
                    yield self.url_result(
                        f"{host}/watch/{video['id']}",
                        "ClapTubeVideo",
                        video["id"],
                        video.get("title"),
                        **known,
                    )
                number += 1

        return self.playlist_result(
            entries(), name, EVIL_TITLE, channel=f"The {name} Channel", playlist_count=99
        )


class ClapTubeHomeIE(InfoExtractor):
    """A channel's front: a list of lists, as YouTube's tabs are."""

    _VALID_URL = r"(?P<host>http://127\.0\.0\.1:\d+)/home/(?P<id>[^/?#]+)"
    _RETURN_TYPE = "playlist"

    def _real_extract(self, url: str) -> dict[str, Any]:
        host, name = self._match_valid_url(url).group("host", "id")
        tabs = [self.url_result(f"{host}/channel/{tab}", "ClapTubeChannel") for tab in name.split("+")]
        return self.playlist_result(tabs, name, name, channel="Two Tabs")


@pytest.fixture
def claptube(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the extractors above known to yt-dlp."""
    gen_extractor_classes()
    ours = {ie.__name__: ie for ie in (ClapTubeVideoIE, ClapTubeChannelIE, ClapTubeHomeIE)}
    monkeypatch.setattr(yt_dlp.globals.extractors, "value", {**ours, **yt_dlp.globals.extractors.value})


@pytest.fixture
def make_recipe() -> Any:
    def make(admission: dict[str, Any] | None = None, **download: Any) -> Recipe:
        quick = {"retries": 2, "timeout": "5 s", **download}
        return Recipe.model_validate(
            {"name": "trial", "title": "Trial", "admission": admission or {}, "download": quick}
        )

    return make


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits between tries are yt-dlp's to make; here they last a thousandth."""
    monkeypatch.setattr("tasks.sources.site.random.uniform", lambda low, high: 0.001)
