"""A stand-in for the Hugging Face hub: its HTTP interface as far as a push and a load use it, on the loopback.

It keeps the hub's promises: objects are stored by their SHA-256 and asked for once, a commit names only objects that
are there and rests on the parent that it names, tags are made once, nothing is written without the token.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_secret_of_the_test"


@dataclass
class Hub:
    """What the stand-in holds.

    Attributes:
        objects: large files by SHA-256.
        commits: per repository, oldest first: (id, files by path, message).
        tags: per repository, name to commit id.
        uploads: SHA-256 of each large file that was received, in order.
        refuse_uploads_after: how many are taken before all others are refused; None: all.
        refuse_tags: whether tags cannot be made.
        stumbles: how many uploads are answered with 503 before the others are taken.
    """

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    commits: dict[str, list[tuple[str, dict[str, bytes], str]]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    uploads: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    refuse_uploads_after: int | None = None
    refuse_tags: bool = False
    stumbles: int = 0
    one_by_one: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def files(self, repository: str, revision: str = "main") -> dict[str, bytes]:
        """All files of a revision by path."""
        commits = self.commits[repository]
        revision = self.tags[repository].get(revision, revision)
        if revision == "main":
            return commits[-1][1]
        return next(files for commit, files, _ in commits if commit == revision)

    def commit_of(self, repository: str, revision: str) -> str:
        revision = self.tags[repository].get(revision, revision)
        return self.commits[repository][-1][0] if revision == "main" else revision


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub that listens on the loopback until the end of the block."""
    hub = Hub()

    class Handler(_Handler):
        held = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    held: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *told) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        split = urlsplit(self.path)
        path = unquote(split.path)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            self.body = self._chunks()
        self.query = parse_qs(split.query)
        self.held.requests.append(f"{self.command} {path}")
        if not path.startswith("/store/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send(401, {"error": "Invalid username or password."})
            return
        for method, pattern, act in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and self.command in method.split("|"):
                act(self, **found.groupdict())
                return
        self._send(404, {"error": f"no such address: {self.command} {path}"})

    def _chunks(self) -> bytes:
        content = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _send(self, status: int, answer: object = None, headers: dict[str, str] | None = None) -> None:
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        kind = "application/octet-stream" if isinstance(answer, bytes) else "application/json"
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.held.commits:
            self._send(
                409,
                {"error": "You already created this dataset repo", "url": f"{self.held.url}/datasets/{name}"},
            )
            return
        assert asked["type"] == "dataset"
        self.held.private[name] = asked.get("visibility") == "private"
        self.held.commits[name] = [
            ("0" * 40, {".gitattributes": b"*.parquet filter=lfs\n"}, "initial commit")
        ]
        self.held.tags[name] = {}
        self._send(200, {"url": f"{self.held.url}/datasets/{name}", "name": name})

    def validate(self) -> None:
        self._send(200, {"errors": [], "warnings": []})

    def refs(self, repository: str) -> None:
        if repository not in self.held.commits:
            self._send(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
            return
        head = self.held.commit_of(repository, "main")
        tags = [
            {"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": commit}
            for tag, commit in self.held.tags[repository].items()
        ]
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": head}
        self._send(200, {"branches": [main], "converts": [], "tags": tags})

    def preupload(self, repository: str, revision: str) -> None:
        asked = json.loads(self.body)["files"]
        large = (".parquet", ".tar", ".mp4")
        self._send(
            200,
            {
                "files": [
                    {
                        "path": file["path"],
                        "uploadMode": "lfs" if file["path"].endswith(large) else "regular",
                        "shouldIgnore": False,
                        "oid": None,
                    }
                    for file in asked
                ]
            },
        )

    def batch(self, repository: str) -> None:
        asked = json.loads(self.body)
        assert asked["operation"] == "upload"
        answers = []
        for wanted in asked["objects"]:
            actions = {
                "upload": {"href": f"{self.held.url}/store/{wanted['oid']}?signature=secret", "header": {}}
            }
            there = wanted["oid"] in self.held.objects
            answers.append(wanted if there else wanted | {"actions": actions})
        self._send(200, {"transfer": "basic", "objects": answers})

    def store(self, oid: str) -> None:
        with self.held.one_by_one:
            if self.held.stumbles:
                self.held.stumbles -= 1
                self._send(503, b"busy")
                return
            most = self.held.refuse_uploads_after
            if most is not None and len(self.held.uploads) >= most:
                self._send(403, b"expired")
                return
            assert hashlib.sha256(self.body).hexdigest() == oid
            self.held.objects[oid] = self.body
            self.held.uploads.append(oid)
        self._send(200, b"")

    def commit(self, repository: str, revision: str) -> None:
        lines = [json.loads(line) for line in self.body.splitlines()]
        (header,) = (line["value"] for line in lines if line["key"] == "header")
        head = self.held.commit_of(repository, "main")
        if header.get("parentCommit", head) != head:
            self._send(412, {"error": "A commit has happened since. Please refresh and try again."})
            return
        files = dict(self.held.files(repository))
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.held.objects:
                    self._send(400, {"error": f"no object {value['oid']}"})
                    return
                files[value["path"]] = self.held.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        made = hashlib.sha1(f"{head} {sorted(files)}".encode()).hexdigest()
        self.held.commits[repository].append((made, files, header["summary"]))
        url = f"{self.held.url}/datasets/{repository}/commit/{made}"
        self._send(200, {"commitUrl": url, "commitOid": made, "success": True})

    def tag(self, repository: str, revision: str) -> None:
        name = json.loads(self.body)["tag"]
        if self.held.refuse_tags:
            self._send(403, {"error": "not now"})
        elif name in self.held.tags[repository]:
            self._send(409, {"error": f"Reference {name} already exists"})
        else:
            self.held.tags[repository][name] = self.held.commit_of(repository, revision)
            self._send(200, {})

    def info(self, repository: str, revision: str = "main") -> None:
        files = self.held.files(repository, revision)
        commit = self.held.commit_of(repository, revision)
        siblings = [{"rfilename": name} for name in sorted(files)]
        self._send(
            200,
            {"_id": "1", "id": repository, "sha": commit, "private": True, "disabled": False, "gated": False,
             "downloads": 0, "likes": 0, "tags": [], "siblings": siblings},
        )  # fmt: skip

    def tree(self, repository: str, revision: str, within: str = "") -> None:
        files = self.held.files(repository, revision)
        prefix = f"{within.strip('/')}/" if within.strip("/") else ""
        inside = [name for name in sorted(files) if name.startswith(prefix)]
        deep = self.query.get("recursive", ["false"])[0].lower() == "true"
        shown = [name for name in inside if deep or "/" not in name.removeprefix(prefix)]
        folders = {name.rsplit("/", depth)[0] for name in inside for depth in range(1, name.count("/") + 1)}
        folders = {
            name for name in folders
            if name.startswith(prefix) and (deep or "/" not in name.removeprefix(prefix))
        }  # fmt: skip
        if prefix and not inside:
            self._send(404, {"error": "no such folder"}, {"X-Error-Code": "EntryNotFound"})
            return
        entries = [{"type": "directory", "path": name, "oid": "0", "size": 0} for name in sorted(folders)]
        self._send(200, [*entries, *(_entry(name, files[name]) for name in shown)])

    def paths(self, repository: str, revision: str) -> None:
        files = self.held.files(repository, revision)
        try:
            asked = json.loads(self.body)["paths"]
        except ValueError:
            asked = parse_qs(self.body.decode())["paths"]
        found: list[dict] = [_entry(name, files[name]) for name in asked if name in files]
        for name in asked:
            if any(file.startswith(f"{name}/") for file in files):
                found.append({"type": "directory", "path": name, "oid": "0", "size": 0})
        self._send(200, found)

    def resolve(self, repository: str, revision: str, name: str) -> None:
        files = self.held.files(repository, revision)
        if name not in files:
            self._send(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
            return
        content, status, headers = files[name], 200, {}
        if span := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            first, last = int(span[1]), int(span[2] or len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{min(last, len(content) - 1)}/{len(content)}"
            content, status = content[first : last + 1], 206
        headers |= {
            "ETag": f'"{hashlib.sha256(files[name]).hexdigest()}"',
            "X-Repo-Commit": self.held.commit_of(repository, revision),
            "Accept-Ranges": "bytes",
        }
        self._send(status, content, headers)


def _entry(name: str, content: bytes) -> dict:
    digest = hashlib.sha256(content).hexdigest()
    return {"type": "file", "path": name, "size": len(content), "oid": digest[:40]}


_REPOSITORY, _REVISION = r"(?P<repository>[^/]+/[^/]+)", r"(?P<revision>[^/]+)"
_ROUTES = (
    ("POST", r"/api/repos/create", _Handler.create),
    ("POST", r"/api/validate-yaml", _Handler.validate),
    ("GET", rf"/api/datasets/{_REPOSITORY}/refs", _Handler.refs),
    ("POST", rf"/api/datasets/{_REPOSITORY}/preupload/{_REVISION}", _Handler.preupload),
    ("POST", rf"/datasets/{_REPOSITORY}\.git/info/lfs/objects/batch", _Handler.batch),
    ("PUT", r"/store/(?P<oid>\w+)", _Handler.store),
    ("POST", rf"/api/datasets/{_REPOSITORY}/commit/{_REVISION}", _Handler.commit),
    ("POST", rf"/api/datasets/{_REPOSITORY}/tag/{_REVISION}", _Handler.tag),
    ("GET", rf"/api/datasets/{_REPOSITORY}/tree/{_REVISION}(?P<within>(/.*)?)", _Handler.tree),
    ("POST", rf"/api/datasets/{_REPOSITORY}/paths-info/{_REVISION}", _Handler.paths),
    ("GET", rf"/api/datasets/{_REPOSITORY}/revision/{_REVISION}", _Handler.info),
    ("GET", rf"/api/datasets/{_REPOSITORY}", _Handler.info),
    ("GET|HEAD", rf"/datasets/{_REPOSITORY}/resolve/{_REVISION}/(?P<name>.+)", _Handler.resolve),
)
