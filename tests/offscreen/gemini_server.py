"""A local server that speaks Gemini's protocol: answers, uploads in pieces, token counts and batch jobs.

    with GeminiServer(script=faults_for(share=0.1)) as server:
        os.environ["GOOGLE_GEMINI_BASE_URL"] = server.url

It knows every clip by its SHA-256, however that came, and writes down each answer that it charges for in `paid`;
answers and their cost depend on the clip's bytes alone. A `script` says for each request what happens instead of
the usual. `python -m tests.offscreen.gemini_server --port 0` runs it as a process of its own, which prints its
address; GET /_paid and GET /_requests then tell what happened, as JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.offscreen.gemini_jobs import made_job, shown_job, state_at
from tests.offscreen.gemini_script import (
    BAD_KEY,
    GONE,
    Answer,
    Behaviour,
    Hang,
    Lost,
    Paid,
    Raw,
    Refuse,
    Request,
    Reset,
    Script,
    faults_for,
    judgement_for,
    tokens_for,
    usage_for,
    without_bytes,
)


class GeminiServer:
    """The server and all that it knows. Everything in it may be read while it runs.

    Args:
        file_states: of an upload when it ends and at each later look; the last one stays.
        batch_states: of a job at each look, from its creation on; the last one stays.
        judge: SHA-256 of a clip to the answer about it.
        key: refuse every other API key.
        page: rows of a list that are sent at a time.
        delay_seconds: how long each answer takes.
    """

    def __init__(
        self,
        script: Script = lambda request: None,
        port: int = 0,
        file_states: Sequence[str] = ("PROCESSING", "ACTIVE"),
        batch_states: Sequence[str] = ("PENDING", "RUNNING", "SUCCEEDED"),
        judge: Callable[[str], Mapping[str, Any]] = judgement_for,
        key: str | None = None,
        page: int = 50,
        delay_seconds: float = 0.0,
    ) -> None:
        self.script, self.judge, self.key, self.page = script, judge, key, page
        self.file_states, self.batch_states = file_states, batch_states
        self.requests: list[Request] = []
        self.paid: list[Paid] = []
        self.files: dict[str, dict[str, Any]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.delay_seconds, self.uploads = delay_seconds, 0
        self.lock = threading.RLock()
        self._attempts: Counter[tuple[str, str | None]] = Counter()
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.gemini = self
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> GeminiServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def serve(self) -> None:
        self._http.serve_forever()

    def kinds(self) -> Counter[str]:
        with self.lock:
            return Counter(request.kind for request in self.requests)

    def noted(self, kind: str, clip: str | None = None, key: str | None = None, **told: Any) -> Request:
        """The request, numbered and written down."""
        with self.lock:
            self._attempts[kind, clip] += 1
            attempt = self._attempts[kind, clip]
            request = Request(len(self.requests) + 1, attempt, kind, clip=clip, key=key, **told)
            self.requests.append(request)
        return request

    def answer(self, request: Request, behaviour: Behaviour) -> tuple[dict[str, Any], int]:
        """The body of an answer, which from now on is paid for, and its place in `paid`."""
        clip = request.clip or hashlib.sha256(b"").hexdigest()
        said = behaviour if isinstance(behaviour, Answer) else Answer(json.dumps(self.judge(clip)))
        with self.lock:
            self.paid.append(Paid(clip, usage_for(clip), request.key))
            place = len(self.paid) - 1
        body: dict[str, Any] = {
            "usageMetadata": usage_for(clip),
            "modelVersion": "made-up-001",
            "newField": {},
        }
        if said.blocked:
            return body | {"promptFeedback": {"blockReason": said.blocked}}, place
        candidate: dict[str, Any] = {"index": 0, "finishReason": said.finish}
        if said.text is not None:
            thought = {"text": "I look and listen.", "thought": True}
            candidate["content"] = {"role": "model", "parts": [thought, {"text": said.text}]}
        return body | {"candidates": [candidate]}, place

    def undelivered(self, place: int) -> None:
        """An answer reached nobody, and is paid for all the same."""
        with self.lock:
            self.paid[place] = replace(self.paid[place], delivered=False)

    def clip_of(self, contents: Sequence[Mapping[str, Any]]) -> str | None:
        """The clip of a request; of a reference to an upload that is gone, LookupError."""
        for part in (part for content in contents for part in content.get("parts", ())):
            data = part.get("inlineData") or part.get("inline_data")
            if data:
                return data["data"].removeprefix("sha256:")
            reference = part.get("fileData") or part.get("file_data")
            if reference:
                name = (reference.get("fileUri") or reference["file_uri"]).rpartition("/")[2]
                return self.files[f"files/{name}"]["sha256"]
        return None


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    gemini: GeminiServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed or tire of waiting are part of what is tested."""


ROUTES = (
    ("POST", r"models/[\w.-]+:generateContent", "ask"),
    ("POST", r"models/[\w.-]+:countTokens", "count"),
    ("POST", r"models/[\w.-]+:batchGenerateContent", "batch_create"),
    ("GET", r"batches", "batch_list"),
    ("GET", r"batches/[\w-]+", "batch_get"),
    ("GET", r"files", "file_list"),
    ("GET", r"files/[\w-]+:download", "download"),
    ("GET", r"files/[\w-]+", "file_get"),
    ("DELETE", r"files/[\w-]+", "file_delete"),
)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: _Http
    lost = False

    def log_message(self, *arguments: object) -> None:
        """Nothing: what matters is in `requests`."""

    def _any(self) -> None:
        data, gemini, path = self._read(), self.server.gemini, urlsplit(self.path).path
        if path in ("/_paid", "/_requests"):
            with gemini.lock:
                told = [asdict(one) for one in gemini.paid] if path == "/_paid" else gemini.kinds()
            return self._json(told)
        kind, name = self._kind(path)
        try:
            body = without_bytes(json.loads(data)) if data and kind != "upload_piece" else len(data)
            clip = gemini.clip_of(body.get("contents") or ()) if kind in ("ask", "count") else None
        except LookupError:
            body, clip = None, "gone"
        request = gemini.noted(
            kind, clip, method=self.command, path=self.path, headers=dict(self.headers), body=body
        )
        behaviour = gemini.script(request)
        if behaviour is None and gemini.key and kind != "upload_piece" and self._wrong_key():
            behaviour = BAD_KEY
        if clip == "gone" and behaviour is None:
            behaviour = GONE
        if isinstance(behaviour, Hang):
            self.wfile.flush()
            time.sleep(behaviour.seconds)
        if isinstance(behaviour, Reset):
            return self._reset()
        if isinstance(behaviour, Raw):
            return self._send(behaviour.code, behaviour.body, behaviour.headers)
        if isinstance(behaviour, Refuse):
            return self._refuse(behaviour)
        answer = getattr(self, f"_{kind}", None)
        if answer is None:
            return self._refuse(Refuse(404, "NOT_FOUND", f"{self.command} {path} is not known"))
        self.lost = isinstance(behaviour, Lost)
        return answer(request, behaviour, name, data)

    do_GET = do_POST = do_DELETE = _any

    def _kind(self, path: str) -> tuple[str, str]:
        """What is asked, and the name of the model, file or job."""
        if re.fullmatch(r"/upload/v1(beta)?/files", path):
            return ("upload_piece" if "upload_id" in self.path else "upload_start"), ""
        match = re.fullmatch(r"/v1(?:beta)?/(.+)", path)
        for method, pattern, kind in ROUTES:
            if match and method == self.command and re.fullmatch(pattern, match[1]):
                return kind, match[1].partition(":")[0]
        return "unknown", ""

    def _wrong_key(self) -> bool:
        return self.headers.get("x-goog-api-key") != self.server.gemini.key

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _send(self, code: int, body: bytes, headers: Mapping[str, str] = {}) -> None:
        if self.lost:
            self._reset()
            raise ConnectionError("the answer is lost")
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _json(self, body: Any, headers: Mapping[str, str] = {}) -> None:
        self._send(200, json.dumps(body).encode(), headers)

    def _refuse(self, refusal: Refuse) -> None:
        error = {"code": refusal.code, "status": refusal.status, "message": refusal.message}
        body = {"error": error | {"details": list(refusal.details)}}
        self._send(refusal.code, json.dumps(body).encode(), refusal.headers)

    def _nobody_waits(self) -> None:
        """Raise ConnectionError if the client has gone: a first write to it would not fail yet."""
        with suppress(BlockingIOError):
            if not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                self.close_connection = True
                raise ConnectionError("the client has gone")

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _ask(self, request: Request, behaviour: Behaviour, name: str, data: bytes) -> None:
        time.sleep(self.server.gemini.delay_seconds)
        body, place = self.server.gemini.answer(request, behaviour)
        try:
            self._nobody_waits()
            self._json(body)
        except OSError:
            self.server.gemini.undelivered(place)
            raise

    def _count(self, request: Request, behaviour: Behaviour, name: str, data: bytes) -> None:
        self._json({"totalTokens": tokens_for(request.clip or "0000")})

    def _upload_start(self, request: Request, behaviour: Behaviour, name: str, data: bytes) -> None:
        gemini, told = self.server.gemini, request.body.get("file", {})
        with gemini.lock:
            gemini.uploads += 1
            file = f"files/made-up-{gemini.uploads}"
            gemini.files[file] = {
                "name": file,
                "display_name": told.get("display_name") or told.get("displayName"),
                "kind": self.headers["X-Goog-Upload-Header-Content-Type"],
                "size": int(self.headers["X-Goog-Upload-Header-Content-Length"]),
                "pieces": [],
                "looks": 0,
            }
        address = f"{gemini.url}{urlsplit(self.path).path}?upload_id={file[6:]}&sig=SIGNED-ADDRESS"
        self._json({}, {"X-Goog-Upload-URL": address, "X-Goog-Upload-Status": "active"})

    def _upload_piece(self, request: Request, behaviour: Behaviour, name: str, data: bytes) -> None:
        gemini, query = self.server.gemini, parse_qs(urlsplit(self.path).query)
        file = gemini.files[f"files/{query['upload_id'][0]}"]
        command = self.headers["X-Goog-Upload-Command"]
        received = sum(map(len, file["pieces"]))
        if int(self.headers["X-Goog-Upload-Offset"]) != received:
            return self._refuse(Refuse(400, "INVALID_ARGUMENT", f"{received} bytes have arrived"))
        file["pieces"].append(data)
        if "finalize" not in command:
            return self._json({}, {"X-Goog-Upload-Status": "active"})
        if received + len(data) != file["size"]:
            return self._refuse(Refuse(400, "INVALID_ARGUMENT", "the size is another"))
        file["bytes"] = b"".join(file.pop("pieces"))
        file["sha256"] = hashlib.sha256(file["bytes"]).hexdigest()
        return self._json({"file": self._file(file)}, {"X-Goog-Upload-Status": "final"})

    def _file(self, file: dict[str, Any], look: bool = True) -> dict[str, Any]:
        """As the service shows a file; each look brings it nearer to its last state."""
        gemini = self.server.gemini
        states = gemini.file_states if file["kind"].startswith("video/") else ("ACTIVE",)
        with gemini.lock:
            looks, file["looks"] = file["looks"], file["looks"] + look
        return {
            "name": file["name"],
            "displayName": file["display_name"],
            "mimeType": file["kind"],
            "sizeBytes": str(file["size"]),
            "uri": f"{gemini.url}/v1beta/{file['name']}",
            "state": state_at(states, looks),
        }

    def _file_get(self, request: Request, behaviour: Behaviour, name: str, data: bytes) -> None:
        file = self.server.gemini.files.get(name)
        self._json(self._file(file)) if file else self._refuse(GONE)

    def _file_delete(self, request: Request, behaviour: Behaviour, name: str, data: bytes) -> None:
        self._json({}) if self.server.gemini.files.pop(name, None) else self._refuse(GONE)

    def _file_list(self, request: Request, behaviour: Behaviour, name: str, data: bytes) -> None:
        self._page(
            "files", [self._file(file, look=False) for file in list(self.server.gemini.files.values())]
        )

    def _download(self, request: Request, behaviour: Behaviour, name: str, data: bytes) -> None:
        file = self.server.gemini.files.get(name)
        self._send(200, file["bytes"]) if file else self._refuse(GONE)

    def _page(self, name: str, rows: Sequence[Any]) -> None:
        query = parse_qs(urlsplit(self.path).query)
        start = int(query.get("pageToken", ["0"])[0])
        end = start + self.server.gemini.page
        self._json({name: rows[start:end]} | ({"nextPageToken": str(end)} if end < len(rows) else {}))

    def _batch_create(self, request: Request, behaviour: Behaviour, name: str, data: bytes) -> None:
        gemini = self.server.gemini
        self._json(shown_job(gemini, made_job(gemini, request.body["batch"])))

    def _batch_get(self, request: Request, behaviour: Behaviour, name: str, data: bytes) -> None:
        job = self.server.gemini.batches.get(name)
        gone = Refuse(404, "NOT_FOUND", "Requested entity was not found.")
        self._json(shown_job(self.server.gemini, job)) if job else self._refuse(gone)

    def _batch_list(self, request: Request, behaviour: Behaviour, name: str, data: bytes) -> None:
        jobs = [shown_job(self.server.gemini, job, look=False) for job in self.server.gemini.batches.values()]
        self._page("operations", jobs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument(
        "--faults", type=float, default=0.0, help="share of clips that something goes wrong with"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hang", type=float, default=0.0, help="seconds that some faulty requests hang")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that each answer takes")
    parser.add_argument("--key", default=None, help="refuse every other API key")
    chosen = parser.parse_args()
    script = faults_for(chosen.faults, chosen.seed, chosen.hang)
    server = GeminiServer(script, chosen.port, key=chosen.key, delay_seconds=chosen.delay)
    print(server.url, flush=True)
    server.serve()


if __name__ == "__main__":
    main()
