"""Pulling over HTTP from a server on this machine that can be told to misbehave."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from schemas.errors import ModelCorrupt, ModelMissing
from tasks.models import Model, ModelStore, Patience

WEIGHTS = hashlib.shake_256(b"weights").digest(300_000)


@dataclass
class Served:
    """What the server does: `statuses` are used up first, then `cut_at` ends each body early, once each."""

    url: str
    body: bytes = WEIGHTS
    statuses: list[int] = field(default_factory=list)
    cut_at: list[int] = field(default_factory=list)
    ranges: bool = True
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def served():
    state = Served("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            if state.statuses:
                self.send_response(state.statuses.pop(0))
                self.send_header("Retry-After", "0")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and state.ranges else 0
            body = state.body[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(state.body) - 1}/{len(state.body)}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.cut_at.pop(0)] if state.cut_at else body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/weights.bin"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def store(served: Served, cache: Path, tries: int = 3) -> ModelStore:
    model = Model(
        name="tiny",
        file="weights.bin",
        url=served.url,
        licence="CC0",
        bytes=len(WEIGHTS),
        sha256=hashlib.sha256(WEIGHTS).hexdigest(),
        purpose="test",
    )
    return ModelStore(None, cache, {"tiny": model}, Patience(tries, timeout_s=5, first_pause_s=0.01))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_whole_file(served, tmp_path):
    steps = []
    (file,) = store(served, tmp_path).pull(["tiny"], lambda *step: steps.append(step))
    assert file.read_bytes() == WEIGHTS
    assert names(tmp_path) == ["weights.bin"]
    done = [step[1] for step in steps]
    assert done == sorted(done)
    assert steps[-1] == ("tiny", len(WEIGHTS), len(WEIGHTS))


def test_goes_on_where_a_former_run_ended(served, tmp_path):
    (tmp_path / "weights.bin.part").write_bytes(WEIGHTS[:1234])
    (file,) = store(served, tmp_path).pull(["tiny"])
    assert served.asked == ["bytes=1234-"]
    assert file.read_bytes() == WEIGHTS


def test_a_server_that_ignores_ranges_sends_it_all_again(served, tmp_path):
    served.ranges = False
    (tmp_path / "weights.bin.part").write_bytes(b"x" * 1234)
    (file,) = store(served, tmp_path).pull(["tiny"])
    assert file.read_bytes() == WEIGHTS


def test_broken_off_twice_within_one_run(served, tmp_path):
    served.cut_at = [100_000, 50_000]
    (file,) = store(served, tmp_path).pull(["tiny"])
    assert served.asked == [None, "bytes=100000-", "bytes=150000-"]
    assert file.read_bytes() == WEIGHTS


def test_always_broken_off_keeps_the_part_for_the_next_run(served, tmp_path):
    served.cut_at = [10, 10, 10]
    with pytest.raises(ModelMissing, match=r"30 of 300000 bytes arrived.*goes on from there"):
        store(served, tmp_path).pull(["tiny"])
    assert names(tmp_path) == ["weights.bin.part"]
    store(served, tmp_path).pull(["tiny"])
    assert names(tmp_path) == ["weights.bin"]


@pytest.mark.parametrize("change", [lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b + b"x"])
def test_wrong_bytes_leave_nothing_behind(served, tmp_path, change):
    served.body = change(WEIGHTS)
    with pytest.raises(ModelCorrupt, match=re.escape(served.url)):
        store(served, tmp_path).pull(["tiny"])
    assert names(tmp_path) == []
    assert len(served.asked) == 1


def test_a_wrong_part_is_found_out_and_removed(served, tmp_path):
    (tmp_path / "weights.bin.part").write_bytes(b"x" * 1234)
    with pytest.raises(ModelCorrupt):
        store(served, tmp_path).pull(["tiny"])
    assert names(tmp_path) == []


def test_a_file_of_another_length_is_never_accepted(served, tmp_path):
    served.body = WEIGHTS[:-5]
    with pytest.raises(ModelMissing, match="299995 of 300000 bytes"):
        store(served, tmp_path).pull(["tiny"])
    assert not (tmp_path / "weights.bin").exists()


def test_not_found_is_not_retried(served, tmp_path):
    served.statuses = [404, 404]
    with pytest.raises(ModelMissing, match="HTTP 404"):
        store(served, tmp_path).pull(["tiny"])
    assert len(served.asked) == 1
    assert names(tmp_path) == []


def test_unavailable_then_fine(served, tmp_path):
    served.statuses = [503]
    store(served, tmp_path).pull(["tiny"])
    assert len(served.asked) == 2
    assert names(tmp_path) == ["weights.bin"]


def test_unavailable_for_good(served, tmp_path):
    served.statuses = [503, 429, 500]
    with pytest.raises(ModelMissing, match="failed 3 times, last with: HTTP 500"):
        store(served, tmp_path).pull(["tiny"])


def test_nobody_listens(served, tmp_path):
    served.url = "http://127.0.0.1:9/weights.bin"
    with pytest.raises(ModelMissing, match="failed 2 times"):
        store(served, tmp_path, tries=2).pull(["tiny"])


def test_two_pulls_at_once_end_in_one_right_file(served, tmp_path):
    stores = [store(served, tmp_path) for _ in range(3)]
    threads = [threading.Thread(target=one.pull, args=(["tiny"],)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(tmp_path) == ["weights.bin"]
    assert len(served.asked) == 1


def test_corrupt_cache_is_replaced_by_pull(served, tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"x" * len(WEIGHTS))
    (file,) = store(served, tmp_path).pull(["tiny"])
    assert file.read_bytes() == WEIGHTS
