"""The files for production fit together: what they name is there, and no secret has a default."""

from __future__ import annotations

import re
import shlex

import pytest
import yaml
from typer.testing import CliRunner

from flows.cli import app
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_every_service_says_when_it_is_well_and_starts_again(compose):
    assert set(compose["services"]) == {"postgres", "review", "nginx"}
    for service in compose["services"].values():
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"


def test_only_nginx_can_be_reached(compose):
    reached = {name for name, service in compose["services"].items() if "ports" in service}
    assert reached == {"nginx"}
    assert compose["networks"]["inside"] == {"internal": True}
    assert compose["services"]["postgres"]["networks"] == ["inside"]
    assert "inside" not in compose["services"]["nginx"]["networks"]


def test_what_is_named_is_there(compose):
    for service in compose["services"].values():
        assert set(service.get("networks", [])) <= set(compose["networks"])
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        for secret in service.get("secrets", []):
            assert (secret["source"] if isinstance(secret, dict) else secret) in compose["secrets"]
        for volume in service.get("volumes", []):
            source = volume.split(":")[0] if not volume.startswith("${") else None
            if source and source.startswith("."):
                assert (DEPLOY / source).is_file()
            elif source:
                assert source in compose["volumes"]
    build = compose["services"]["review"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_no_secret_has_a_default(compose):
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert not re.search(r"(PASSWORD|SECRET|TOKEN)\w*:\s*[^/\s]", text)
    assert all(secret["file"].startswith("./secrets/") for secret in compose["secrets"].values())
    assert all(":" in service["image"] for service in compose["services"].values() if "image" in service)
    assert "latest" not in text


def test_the_command_has_the_options_that_it_is_given(compose):
    line = compose["services"]["review"]["command"][2]
    words = shlex.split(line)
    assert words[1:5] == ["exec", "clapper", "review", "start"]
    given = {word for word in words if word.startswith("--")}
    shown = (
        CliRunner().invoke(app, ["review", "start", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).output
    )
    assert given and given <= set(re.findall(r"--[a-z-]+", shown))


def test_the_image_is_made_of_what_the_repository_has():
    text = (DEPLOY / "Dockerfile.review").read_text(encoding="utf-8")
    sources = [word for line in re.findall(r"^COPY (.+)$", text, re.M) for word in line.split()[:-1]]
    assert sources
    assert all((ROOT / source).exists() for source in sources)
    assert not re.search(r"password|token|secret", text, re.I)


def test_nginx_is_told_every_name_that_it_asks_for(compose):
    text = (DEPLOY / "nginx" / "clapper.conf").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(compose["services"]["nginx"]["environment"])
    assert "server_tokens off" in text and "client_max_body_size" in text and "limit_req " in text
