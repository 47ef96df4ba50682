"""Gated models over real HTTP: who gets to see the token, and what a person is told."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.errors import ModelCorrupt, ModelMissing
from tasks.models import Model, ModelStore, Patience

WEIGHTS = hashlib.shake_256(b"gated").digest(20_000)
TOKEN = "hf_a-token-nobody-may-see"
VARIABLE = "CLAPPER_TEST_TOKEN"


@dataclass
class Host:
    """A server and what it was asked with: one Authorization header, or None, for each request."""

    url: str = ""
    tokens: list[str | None] = field(default_factory=list)


Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Answer) -> Iterator[Host]:
    host = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            host.tokens.append(self.headers.get("Authorization"))
            answer(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    host.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send(body: bytes) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def refuse(status: int) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def redirect_to(place: Callable[[], str]) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", place())
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def gated(url: str, name: str = "secret", **changes) -> Model:
    fields = {
        "name": name,
        "file": f"{name}.bin",
        "url": f"{url}/{name}.bin",
        "licence": "CC BY 4.0",
        "bytes": len(WEIGHTS),
        "sha256": hashlib.sha256(WEIGHTS).hexdigest(),
        "purpose": "test",
        "profiles": ["full"],
        "gate": "accept the conditions at https://example.org/terms",
        "token": VARIABLE,
    }
    return Model(**(fields | changes))


def store(cache: Path, *models: Model, mirror: Path | None = None) -> ModelStore:
    return ModelStore(mirror, cache, {model.name: model for model in models}, Patience(3, 5, 0.01))


@pytest.fixture
def token(monkeypatch) -> str:
    monkeypatch.setenv(VARIABLE, f" {TOKEN}\n")
    return TOKEN


@pytest.fixture
def no_token(monkeypatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_the_token_opens_the_gate(token, tmp_path):
    with serving(send(WEIGHTS)) as host:
        (file,) = store(tmp_path, gated(host.url)).pull(["secret"])
    assert file.read_bytes() == WEIGHTS
    assert host.tokens == [f"Bearer {TOKEN}"]


def test_it_is_sent_for_no_other_model(token, tmp_path):
    with serving(send(WEIGHTS)) as host:
        store(tmp_path, gated(host.url, gate=None, token=None)).pull(["secret"])
    assert host.tokens == [None]


def test_it_does_not_follow_a_redirect_to_another_host(token, tmp_path):
    with serving(send(WEIGHTS)) as depot, serving(redirect_to(lambda: f"{depot.url}/secret.bin")) as hub:
        (file,) = store(tmp_path, gated(hub.url)).pull(["secret"])
    assert file.read_bytes() == WEIGHTS
    assert hub.tokens == [f"Bearer {TOKEN}"]
    assert depot.tokens == [None]


def test_nor_back_again(token, tmp_path):
    """A host that is redirected to by another one is not given the token, though the address began there."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        (redirect_to(lambda: f"{other.url}/there") if "secret" in request.path else send(WEIGHTS))(request)

    with serving(answer) as hub, serving(redirect_to(lambda: f"{hub.url}/again")) as other:
        store(tmp_path, gated(hub.url)).pull(["secret"])
    assert hub.tokens == [f"Bearer {TOKEN}", None]
    assert other.tokens == [None]


def test_without_a_token_one_error_tells_all(no_token, tmp_path):
    with serving(send(WEIGHTS)) as host:
        weights = store(
            tmp_path,
            gated(host.url),
            gated(host.url, "open", gate=None, token=None),
            gated(host.url, "second"),
        )
        with pytest.raises(ModelMissing) as caught:
            weights.pull(["secret", "open", "second"])
    # The one that anybody may have is here nevertheless, and nobody was asked for the others.
    assert [path.name for path in tmp_path.iterdir()] == ["open.bin"]
    assert host.tokens == [None]
    told = str(caught.value)
    for part in (
        "secret, second", "secret.bin (0.02 MB, CC BY 4.0)", f"{host.url}/second.bin", VARIABLE,
        "clapper models pull --profile full", "CLAPPER_MODELS",
    ):  # fmt: skip
        assert part in told
    assert told.count("https://example.org/terms") == 1


def test_an_empty_token_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, "  ")
    with pytest.raises(ModelMissing, match="accept the conditions"):
        store(tmp_path, gated("http://127.0.0.1:9")).pull(["secret"])


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_may_not_is_told_apart_and_not_repeated(token, tmp_path, caplog, status):
    with (
        caplog.at_level(logging.DEBUG),
        serving(refuse(status)) as host,
        pytest.raises(ModelMissing) as caught,
    ):
        store(tmp_path, gated(host.url)).pull(["secret"])
    assert len(host.tokens) == 1
    told = str(caught.value)
    for part in (f"HTTP {status}", "not accepted the conditions", VARIABLE, "https://example.org/terms"):
        assert part in told
    assert TOKEN not in told + repr(caught.value) + caplog.text


def test_a_refusal_without_a_gate_is_no_matter_of_tokens(token, tmp_path):
    with serving(refuse(403)) as host, pytest.raises(ModelMissing, match=r"HTTP 403 \(get secret.bin"):
        store(tmp_path, gated(host.url, gate=None, token=None)).pull(["secret"])


@pytest.mark.parametrize("wrong", ["hf_two\nlines", "hf_ünïcode", "two words"])
def test_what_cannot_be_a_token_is_refused_unseen(monkeypatch, tmp_path, wrong):
    monkeypatch.setenv(VARIABLE, wrong)
    with serving(send(WEIGHTS)) as host, pytest.raises(ModelMissing, match=VARIABLE) as caught:
        store(tmp_path, gated(host.url)).pull(["secret"])
    assert host.tokens == []
    assert not any(part in str(caught.value) for part in wrong.split())


def test_a_file_that_was_put_there_needs_no_token(no_token, tmp_path):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "secret.bin").write_bytes(WEIGHTS)
    weights = store(tmp_path / "cache", gated("http://127.0.0.1:9"), mirror=mirror)
    assert weights.path("secret") == mirror / "secret.bin"
    assert weights.pull(["secret"]) == [tmp_path / "cache" / "secret.bin"]
    (mirror / "secret.bin").unlink()
    assert weights.pull(["secret"]) == [tmp_path / "cache" / "secret.bin"]


def test_a_corrupt_file_behind_a_gate(no_token, tmp_path):
    (tmp_path / "secret.bin").write_bytes(WEIGHTS[::-1])
    weights = store(tmp_path, gated("http://127.0.0.1:9"))
    with pytest.raises(ModelCorrupt):
        weights.path("secret")
    with pytest.raises(ModelMissing, match="accept the conditions"):
        weights.pull(["secret"])


def test_a_token_needs_a_gate():
    with pytest.raises(ValidationError, match="no gate"):
        gated("http://127.0.0.1:9", gate=None)
