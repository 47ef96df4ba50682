"""Clips: who signed the address, until when, and which bytes are given."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.gateway.media import STEP_SECONDS, signed_address, valid, with_signed_clips
from annotation.private import open_secrets
from annotation.store import write_items
from tests.annotation.gateway.serving import CLIP_BYTES, KEY, item

SECRET = "5" * 64
SIZE = len(CLIP_BYTES)


def parts(address: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(address).query)
    return query["until"][0], query["signature"][0]


@given(st.integers(0, 4_000_000_000), st.integers(60_000, 86_400_000))
def test_an_address_is_valid_as_long_as_was_said_and_a_step_at_most(now, lasts_ms):
    until, signature = parts(signed_address(SECRET, KEY, lasts_ms, now))
    assert lasts_ms / 1000 <= int(until) - now <= lasts_ms / 1000 + STEP_SECONDS
    assert valid(SECRET, KEY, until, signature, now)
    assert valid(SECRET, KEY, until, signature, int(until) - 0.001)
    assert not valid(SECRET, KEY, until, signature, int(until))


@given(
    st.sampled_from(["until", "signature", "key", "secret"]),
    st.text(alphabet="0123456789abcdef", min_size=1, max_size=64),
)
def test_a_changed_address_is_not_valid(what, other):
    until, signature = parts(signed_address(SECRET, KEY, 60_000, 1_000_000))
    shown = {"secret": SECRET, "item_key": KEY, "until": until, "signature": signature}
    name = {"key": "item_key"}.get(what, what)
    if what == "secret":
        other = other.ljust(64, "0")
    if shown[name] != other:
        assert not valid(**{**shown, name: other}, now=1_000_000)


@pytest.mark.parametrize("until", ["", "-1", "1e12", "\u0661", "9" * 13, "nan", "0x10", " 1", "1 "])
def test_a_time_that_is_none_is_not_valid(until):
    assert not valid(SECRET, KEY, until, "0" * 64, 0)


def test_the_page_gets_the_same_address_again_within_a_step():
    assert signed_address(SECRET, KEY, 60_000, 1_000_000) == signed_address(SECRET, KEY, 60_000, 1_000_100)


def test_only_clips_are_signed():
    data = {"video": f"/clips/{KEY}.mp4", "title": "8.0 s", "fps": 25, "other": f"/clips/{KEY}.mp4/../x"}
    signed = with_signed_clips(SECRET, data, 60_000)
    assert signed["video"].startswith(f"/clips/{KEY}.mp4?until=")
    assert {**signed, "video": data["video"]} == data


@pytest.fixture
def address(front) -> str:
    return signed_address(open_secrets(front.root).media, KEY, 60_000)


RANGES = [
    (None, 200, 0, SIZE),
    ("bytes=0-", 206, 0, SIZE),
    ("bytes=0-0", 206, 0, 1),
    ("bytes=100-199", 206, 100, 200),
    (f"bytes={SIZE - 1}-", 206, SIZE - 1, SIZE),
    ("bytes=-10", 206, SIZE - 10, SIZE),
    (f"bytes=-{SIZE * 2}", 206, 0, SIZE),
    (f"bytes=5-{SIZE * 2}", 206, 5, SIZE),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("wanted", "status", "start", "end"), RANGES)
def test_ranges(front, address, method, wanted, status, start, end):
    with front.client() as client:
        answer = client.request(method, address, headers={"range": wanted} if wanted else {})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-length"] == str(end - start)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers.get("content-range") == (f"bytes {start}-{end - 1}/{SIZE}" if wanted else None)
    assert answer.content == (CLIP_BYTES[start:end] if method == "GET" else b"")


@pytest.mark.parametrize("wanted", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}"])
def test_a_range_past_the_end(front, address, wanted):
    with front.client() as client:
        answer = client.get(address, headers={"range": wanted})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


def test_an_unchanged_clip_goes_on_from_where_it_was(front, address):
    with front.client() as client:
        mark = client.head(address).headers["etag"]
        same = client.get(address, headers={"range": "bytes=5-9", "if-range": mark})
        other = client.get(address, headers={"range": "bytes=5-9", "if-range": '"other"'})
    assert (same.status_code, same.content) == (206, CLIP_BYTES[5:10])
    assert (other.status_code, len(other.content)) == (200, SIZE)


def test_expired_and_forged_addresses_say_what_to_do(front, address):
    secret = open_secrets(front.root).media
    for wrong in (
        f"/clips/{KEY}.mp4",
        signed_address(secret, KEY, 60_000, 1_000_000),
        signed_address("0" * 64, KEY, 60_000),
        signed_address(secret, "f" * 32, 60_000).replace("f" * 32, KEY),
        address[:-1] + ("0" if address[-1] != "0" else "1"),
    ):
        with front.client("A1") as client:
            answer = client.get(wrong, headers={"accept": "text/html"})
        assert answer.status_code == 403
        assert "Reload" in answer.text
        assert CLIP_BYTES[:100] not in answer.content


@pytest.mark.parametrize(
    "path",
    [
        "/clips/",
        "/clips",
        f"/clips/{KEY}",
        f"/clips/{KEY.upper()}.mp4",
        "/clips/../people.json",
        "/clips/%2e%2e",
    ],
)
def test_nothing_but_a_key_names_a_clip(front, address, path):
    with front.client() as client:
        answer = client.get(path + "?" + address.split("?")[1])
    assert answer.status_code in (401, 403)


@pytest.fixture
def items_put_back(front):
    yield
    write_items(front.root, "demo", [item(KEY)])


@pytest.mark.parametrize("path", ["../secret.mp4", "/etc/hostname", "clips", "clips/gone.mp4", ""])
def test_no_row_leads_out_of_the_workspace(front, items_put_back, path):
    (front.root.parent / "secret.mp4").write_bytes(b"secret")
    key = "a" * 32
    write_items(front.root, "demo", [item(KEY), item(key, path)])
    with front.client() as client:
        answer = client.get(signed_address(open_secrets(front.root).media, key, 60_000))
    assert answer.status_code == 404
    assert b"secret" not in answer.content


def test_a_link_out_of_the_workspace_is_not_followed(front, items_put_back):
    outside = front.root.parent / "secret.mp4"
    outside.write_bytes(b"secret")
    link = front.root / "clips" / "link.mp4"
    if not link.exists():
        link.symlink_to(outside)
    write_items(front.root, "demo", [item("b" * 32, "clips/link.mp4")])
    with front.client() as client:
        assert client.get(signed_address(open_secrets(front.root).media, "b" * 32, 60_000)).status_code == 404


def test_new_items_are_found_without_a_restart(front, items_put_back):
    key = "c" * 32
    address = signed_address(open_secrets(front.root).media, key, 60_000)
    with front.client() as client:
        assert client.get(address).status_code == 404
        write_items(front.root, "demo", [item(KEY), item(key)])
        assert client.get(address).content == CLIP_BYTES
