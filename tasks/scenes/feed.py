"""The broadcast as a site: an RSS feed per channel, and a loopback server that yt-dlp can download from."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from xml.etree import ElementTree

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from schemas.errors import SourceError
from tasks.scenes.scene import Source

ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".xml": "application/rss+xml",
}
_FIRST_DAY = 1_760_000_000
_START_TIMEOUT_S = 20.0


def write_feed(sources: Sequence[Source], folder: Path, base_url: str) -> dict[str, str]:
    """Write `<channel>.xml` for each channel into `folder`, where the rendered files lie.

    Returns:
        Channel name to the feed's URL; yt-dlp lists it as a playlist with titles and durations.

    Raises:
        SourceError: a source's file is not in the folder.
    """
    ElementTree.register_namespace("itunes", ITUNES)
    urls = {}
    for name in dict.fromkeys(source.channel.name for source in sources):
        own = [source for source in sources if source.channel.name == name]
        rss = ElementTree.Element("rss", version="2.0")
        channel = ElementTree.SubElement(rss, "channel")
        ElementTree.SubElement(channel, "title").text = own[0].channel.title
        ElementTree.SubElement(channel, "link").text = base_url
        ElementTree.SubElement(
            channel, "description"
        ).text = f"A synthetic broadcast: {own[0].channel.domain}"
        for number, source in enumerate(own):
            _add_item(channel, source, folder, base_url, number)
        ElementTree.indent(rss)
        ElementTree.ElementTree(rss).write(folder / f"{name}.xml", encoding="utf-8", xml_declaration=True)
        urls[name] = f"{base_url}/{name}.xml"
    return urls


def _add_item(channel: ElementTree.Element, source: Source, folder: Path, base_url: str, number: int) -> None:
    path = folder / source.file_name
    if not path.is_file():
        raise SourceError(source.name, f"{source.file_name} is not in the folder", "render the source first")
    url = f"{base_url}/{source.file_name}"
    item = ElementTree.SubElement(channel, "item")
    ElementTree.SubElement(item, "title").text = source.title
    ElementTree.SubElement(item, "link").text = url
    ElementTree.SubElement(item, "guid", isPermaLink="false").text = source.name
    ElementTree.SubElement(item, "pubDate").text = formatdate(_FIRST_DAY + 86_400 * number)
    ElementTree.SubElement(
        item, "enclosure", url=url, length=str(path.stat().st_size), type=MEDIA_TYPES[path.suffix]
    )
    ElementTree.SubElement(item, f"{{{ITUNES}}}duration").text = str(round(source.duration_ms / 1000))


@contextmanager
def serve(folder: Path, port: int = 0) -> Iterator[str]:
    """Serve the files of `folder` (not its subfolders) on the loopback interface, with byte ranges.

    Files that appear later are served too, so that feeds can be written once the address is known.

    Args:
        port: 0 takes any that is free.

    Yields:
        The base URL, without a slash at its end.

    Raises:
        SourceError: the port is taken, or the server did not start within 20 s.
    """
    with _listener(port) as listener:
        app = Starlette(routes=[Route("/{name}", _answer(folder))])
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=2)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _await_start(server, thread)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=_START_TIMEOUT_S)


def _listener(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise SourceError("loopback server", f"port {port} is taken", "stop what listens there") from error


def _answer(folder: Path):
    async def answer(request: Request) -> Response:
        name = request.path_params["name"]
        if name.startswith(".") or name not in {path.name for path in folder.iterdir() if path.is_file()}:
            return Response("no such file", status_code=404)
        path = folder / name
        return FileResponse(path, media_type=MEDIA_TYPES.get(path.suffix, "application/octet-stream"))

    return answer


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    pause = threading.Event()
    for _ in range(int(_START_TIMEOUT_S / 0.02)):
        if server.started:
            return
        if not thread.is_alive():
            break
        pause.wait(0.02)
    raise SourceError("loopback server", f"did not start within {_START_TIMEOUT_S:g} s", "see its log above")
