"""Where a server that listens on some host is opened: from this machine, and by other people."""

from __future__ import annotations

import socket

LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Hosts that stand for all addresses of this machine, and what stands for it to itself."""

# Addresses of documentation, which nobody has: to ask which way leads out, and nothing is sent there.
_ELSEWHERE = {"0.0.0.0": (socket.AF_INET, "192.0.2.1"), "::": (socket.AF_INET6, "2001:db8::1")}


def from_here(host: str) -> str:
    """Where a server that listens on `host` is reached from this machine, as an address has it."""
    return _bracketed(LOOPBACK_OF.get(host, host))


def from_elsewhere(host: str) -> str:
    """Where others reach it: this machine's address towards other networks, or its name where it has no such."""
    return (
        _bracketed(_outward_address(host) or socket.gethostname()) if host in _ELSEWHERE else from_here(host)
    )


def _outward_address(host: str) -> str | None:
    family, elsewhere = _ELSEWHERE[host]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
