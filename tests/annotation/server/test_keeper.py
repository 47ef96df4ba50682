"""Which addresses the keeper gives to people, and which to Label Studio."""

from __future__ import annotations

import pytest

from annotation.server.addresses import from_elsewhere
from annotation.server.keeper import Order, addresses_of

ELSEWHERE = f"http://{from_elsewhere('0.0.0.0')}:8080"
ORIGIN = "https://review.example.org"
STUDIO = "https://labels.example.org"


@pytest.mark.parametrize(
    ("host", "origin", "url", "people", "studio"),
    [
        ("127.0.0.1", "", "", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("192.168.1.5", "", "", "http://192.168.1.5:8080", "http://192.168.1.5:8080"),
        ("0.0.0.0", "", "", ELSEWHERE, "http://127.0.0.1:8080"),
        # The proxy lets nobody call the gateway's hook from outside.
        ("0.0.0.0", ORIGIN, "", ORIGIN, "http://127.0.0.1:8080"),
        ("127.0.0.1", ORIGIN, "", ORIGIN, "http://127.0.0.1:8080"),
        # A server elsewhere has no other way in than people have.
        ("0.0.0.0", ORIGIN, STUDIO, ORIGIN, ""),
        ("0.0.0.0", "", STUDIO, ELSEWHERE, ""),
    ],
)
def test_people_and_label_studio_each_have_an_address_that_leads_there(
    host: str, origin: str, url: str, people: str, studio: str
) -> None:
    order = Order("/workspace", "", None, None, host, 8080, origin, url)
    assert addresses_of(order) == (people, studio)
