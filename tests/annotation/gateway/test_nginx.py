"""The configuration of nginx that is deployed, run as it is in front of the gateway and a real Label Studio."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import httpx
import pytest

from annotation.private import open_secrets
from annotation.server.processes import free_port
from tests.annotation.gateway.reviewing import Review, log_in, reviewing
from tests.annotation.gateway.serving import CLIP_BYTES
from tests.annotation.studio import Studio
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

AROUND = """
${user}
daemon off;
pid ${folder}/pid;
error_log stderr warn;
events {}
http {
    client_body_temp_path ${folder}/body;
    proxy_temp_path ${folder}/proxy;
    fastcgi_temp_path ${folder}/fastcgi;
    uwsgi_temp_path ${folder}/uwsgi;
    scgi_temp_path ${folder}/scgi;
    include ${folder}/clapper.conf;
}
"""


@dataclass(frozen=True)
class Site:
    """What people open.

    Attributes:
        log: file with what nginx wrote.
    """

    url: str
    plain_url: str
    review: Review
    trusted: ssl.SSLContext
    log: Path

    def client(self, **settings) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=self.trusted, timeout=60, **settings)


def nginx() -> str:
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip("nginx is not on this machine")
    return found


def make_certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.fixture(scope="module")
def site(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    program, folder = nginx(), tmp_path_factory.mktemp("nginx")
    certificate, key = make_certificate(folder)
    https, plain = free_port(), free_port()
    with reviewing(studio, clips=2) as review:
        named = {
            "GATEWAY_ADDRESS": urlsplit(review.url).netloc, "SERVER_NAME": "localhost", "HTTPS_PORT": str(https),
            "HTTP_PORT": str(plain), "TLS_CERTIFICATE": str(certificate), "TLS_KEY": str(key),
        }  # fmt: skip
        text = (ROOT / "deploy" / "nginx" / "clapper.conf").read_text(encoding="utf-8")
        (folder / "clapper.conf").write_text(Template(text).safe_substitute(named))
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(Template(AROUND).safe_substitute(user=user, folder=folder))
        log = folder / "log"
        with log.open("w") as written:
            process = subprocess.Popen(
                [program, "-p", str(folder), "-c", str(folder / "nginx.conf")],
                stdout=written, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            trusted = ssl.create_default_context(cafile=certificate)
            running = Site(f"https://localhost:{https}", f"http://localhost:{plain}", review, trusted, log)
            wait_for(running, process)
            yield running
        finally:
            process.terminate()
            process.wait(20)


def wait_for(site: Site, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 20
    with site.client() as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if client.get("/gateway/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
    raise RuntimeError(f"nginx did not start within 20 s: {site.log.read_text()}")


def test_log_in_and_watch_a_clip_over_https(site: Site):
    with site.client() as client:
        log_in(client, site.review.studio.person("A1"), site.url)
        cookie = next(each for each in client.cookies.jar if each.name == "sessionid")
        assert cookie.secure
        start = client.get("/", headers={"accept": "text/html"})
        assert start.headers["location"].startswith("/projects/")
        page = client.get(start.headers["location"], headers={"accept-encoding": "gzip"})
        assert page.status_code == 200 and "videoHopSize" in page.text
        task = client.get(f"/api/projects/{site.review.projects['review']}/next").json()
        part = client.get(task["data"]["video"], headers={"range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, CLIP_BYTES[100:200])
        assert part.headers["content-range"] == f"bytes 100-199/{len(CLIP_BYTES)}"
        assert client.get(task["data"]["video"]).content == CLIP_BYTES
    assert "max-age" in page.headers["strict-transport-security"]
    assert page.headers["server"] == "nginx"


def test_plain_http_leads_to_https(site: Site):
    answer = httpx.get(site.plain_url + "/projects/")
    assert (answer.status_code, answer.headers["location"]) == (308, "https://localhost/projects/")


def test_files_of_the_pages_come_compressed(site: Site):
    with site.client() as client:
        page = client.get("/user/login/").text
        script = next(
            part.split('"')[0] for part in page.split('href="') if part.startswith("/react-app/main.css")
        )
        answer = client.get(script, headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert "max-age=3600" in answer.headers["cache-control"]


def test_the_hook_is_closed_from_outside(site: Site):
    secret = open_secrets(site.review.studio.root).hooks
    with site.client() as client:
        for path in ("/hooks/answers", "/hooks%2fanswers", "/clips/../hooks/answers", "//hooks/answers"):
            answer = client.post(path, json={"project": 1}, headers={"X-Clapper-Hook": secret})
            assert answer.status_code in (401, 403), path


def test_a_large_body_is_stopped(site: Site):
    with site.client() as client:
        assert client.post("/api/tasks/1/annotations", content=b"x" * 3_000_000).status_code == 413


def test_passwords_cannot_be_tried_fast(site: Site):
    with site.client() as client:
        tries = [
            client.post("/user/login/", data={"email": "a@example.com", "password": "x"}) for _ in range(9)
        ]
        assert [each.status_code for each in tries].count(429) >= 2
        assert client.get("/user/login/").status_code == 200


def test_signatures_are_in_no_log(site: Site):
    with site.client() as client:
        client.get("/clips/" + "0" * 32 + ".mp4?until=1&signature=not-to-be-logged")
    time.sleep(0.2)
    written = site.log.read_text()
    assert "/clips/" in written and "not-to-be-logged" not in written
