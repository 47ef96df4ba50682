"""A connection that fails on purpose: a proxy before a server, which loses, cuts, delays or replaces answers."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

import httpx

Way = Literal["lose_request", "lose_answer", "cut_answer", "hang", "hang_before", "replace"]


@dataclass
class Fault:
    """What happens to a request.

    Attributes:
        pattern: of its method and path, such as `POST .*/import`.
        way: lose_request: half of it reaches the server; lose_answer: the server does it, and the connection is
            reset; cut_answer: half of the answer comes; hang: the server does it, and nothing comes; hang_before: it
            does not reach the server; replace: another answer comes, without asking the server.
        skip: so many such requests pass before.
        times: so many fail; then they pass.
        met: set when one fails.
    """

    pattern: str
    way: Way
    skip: int = 0
    times: int = 1_000
    status: int = 200
    body: bytes = b""
    content_type: str = "text/html"
    met: threading.Event = field(default_factory=threading.Event)

    def applies(self, request: str) -> bool:
        if not re.fullmatch(self.pattern, request):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


@contextmanager
def failing(upstream: str, *faults: Fault) -> Iterator[str]:
    """The address of a server through which requests fail as told."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = f"{self.command} {urlsplit(self.path).path}"
            fault = next((fault for fault in faults if fault.applies(asked)), None)
            self.close_connection = fault is not None
            if fault is None:
                self.pass_on(body)
                return
            if fault.way == "lose_request":
                self.send_half(body)
            elif fault.way in ("lose_answer", "cut_answer", "hang"):
                reply = self.ask(body)
            fault.met.set()
            if fault.way in ("hang", "hang_before"):
                over.wait(60)
            elif fault.way == "replace":
                self.reply(fault.status, {"Content-Type": fault.content_type}, fault.body)
            elif fault.way == "cut_answer":
                self.reply(reply.status_code, reply.headers, reply.content, sent=len(reply.content) // 2)
                self.wfile.flush()
            self.reset()

        do_GET = do_POST = do_PATCH = do_DELETE = do_HEAD = handle_any

        def pass_on(self, body: bytes) -> None:
            reply = self.ask(body)
            self.reply(reply.status_code, reply.headers, reply.content)

        def ask(self, body: bytes) -> httpx.Response:
            headers = {
                name: self.headers[name] for name in ("Authorization", "Content-Type") if self.headers[name]
            }
            return httpx.request(
                self.command, upstream + self.path, headers=headers, content=body, timeout=120, verify=False
            )

        def send_half(self, body: bytes) -> None:
            where = urlsplit(upstream)
            head = f"{self.requestline}\r\n{self.headers}".encode().rstrip() + b"\r\n\r\n"
            with socket.create_connection((where.hostname, where.port)) as server:
                server.sendall(head + body[: len(body) // 2])

        def reply(self, status: int, headers, body: bytes, sent: int | None = None) -> None:
            self.send_response(status)
            if "Content-Type" in headers:
                self.send_header("Content-Type", headers["Content-Type"])
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:sent])

        def reset(self) -> None:
            """Close so that the other side is told of an error, not of an end."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def log_message(self, *_) -> None:
            return

        def finish(self) -> None:
            if not self.wfile.closed and self.connection.fileno() != -1:
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()
