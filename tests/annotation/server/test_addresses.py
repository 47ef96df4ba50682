"""Addresses that people can open from where they sit."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from annotation.server import addresses
from annotation.server.addresses import from_elsewhere, from_here


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("192.168.1.5", "192.168.1.5"),
        ("fd00::5", "[fd00::5]"),
        ("review.example.org", "review.example.org"),
    ],
)
def test_from_this_machine(host: str, here: str) -> None:
    assert from_here(host) == here


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "192.168.1.5", "review.example.org"])
def test_who_listens_at_one_address_is_reached_there(host: str) -> None:
    assert from_elsewhere(host) == from_here(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_who_listens_everywhere_is_reached_at_an_address_of_this_machine(host: str) -> None:
    found = from_elsewhere(host).strip("[]")
    assert found not in ("", "0.0.0.0", "::", "127.0.0.1", "::1")
    if found == socket.gethostname():
        return
    with socket.socket(
        socket.AF_INET6 if ipaddress.ip_address(found).version == 6 else socket.AF_INET
    ) as own:
        own.bind((found, 0))  # only an address of this machine can be taken


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_without_a_way_out_the_machine_has_its_name(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses.socket.socket, "connect", no_way)
    monkeypatch.setattr(addresses.socket, "gethostname", lambda: "desk")
    assert from_elsewhere(host) == "desk"


def test_nobody_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses.socket, "getaddrinfo", no_way)
    monkeypatch.setattr(addresses.socket, "gethostbyname", no_way)
    assert from_elsewhere("0.0.0.0")


def no_way(*_: object) -> None:
    raise OSError("network is unreachable")
