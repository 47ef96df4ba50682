"""Ids that never collide and names that are safe anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sections import FilesSource
from tasks.sources.identity import canonical_url, safe_name, shown_url, site_of, video_id, without_secrets

SAFE = re.compile(r"[a-z0-9_]+-[A-Za-z0-9_-]{1,64}")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "youtube-dQw4w9WgXcQ"),
        ("https://youtu.be/dQw4w9WgXcQ?t=3", "youtube-dQw4w9WgXcQ"),
        ("https://www.youtube.com/watch?v=-1pRmoJIGQc", "youtube--1pRmoJIGQc"),
        ("https://vimeo.com/76979871", "vimeo-76979871"),
    ],
)
def test_sites_give_their_own_ids(url: str, expected: str) -> None:
    assert video_id(*site_of(url), url) == expected


def test_same_stem_on_other_hosts_and_paths_is_another_video() -> None:
    urls = [
        "http://a.org/x/clip.mp4",
        "http://b.org/x/clip.mp4",
        "http://a.org/y/clip.mp4",
        "http://a.org/x/clip.mp4?n=2",
    ]
    ids = {video_id("Generic", "clip", url) for url in urls}
    assert len(ids) == 4
    assert all(SAFE.fullmatch(identity) for identity in ids)


def test_a_new_signature_is_the_same_video() -> None:
    base = "https://cdn.org/clip.mp4?part=2"
    signed = [
        base + "&X-Amz-Signature=aa&X-Amz-Date=1",
        "HTTPS://user:pw@cdn.org:443/clip.mp4?Expires=12&Signature=x&part=2&token=abc#t=3",
        base + "&sv=2024&se=2026&sp=r&sig=zz",
    ]
    assert {canonical_url(url) for url in signed} == {base}


def test_short_names_in_a_query_tell_videos_apart_where_nothing_is_signed() -> None:
    assert canonical_url("http://a.org/play?st=1") != canonical_url("http://a.org/play?st=2")
    assert canonical_url("http://a.org/play?token=1") != canonical_url("http://a.org/play?token=2")


@given(st.text(min_size=1, max_size=200), st.text(max_size=100))
def test_any_id_a_site_gives_becomes_a_safe_file_name(site_id: str, path: str) -> None:
    identity = video_id("SomeSite", site_id, f"https://host.org/{path}")
    assert SAFE.fullmatch(identity)
    assert Path(identity).name == identity


@given(st.text(min_size=1, max_size=200))
def test_safe_names_are_what_recipes_allow(text: str) -> None:
    assert FilesSource(kind="files", path="x", channel=safe_name(text)).channel == safe_name(text)


def test_names_that_lose_letters_stay_apart() -> None:
    assert safe_name("CBS News") == "CBS-News"
    assert safe_name("日本 News") != safe_name("中国 News")
    assert safe_name("ニュース") != safe_name("スポーツ")


def test_only_ids_of_a_query_are_shown() -> None:
    assert (
        shown_url("https://www.youtube.com/watch?v=abc_123&t=4&si=x")
        == "https://www.youtube.com/watch?v=abc_123"
    )
    assert shown_url("https://me:pw@cdn.org/a.mp4?Signature=geheim&id=<script>#x") == "https://cdn.org/a.mp4"
    message = "giving up on 'https://cdn.org/a.mp4?sig=geheim' (HTTPS://x:y@b.org/?key=geheim) after 3 tries"
    assert "geheim" not in without_secrets(message)
    assert "x:y" not in without_secrets(message)
    assert without_secrets(message).endswith("after 3 tries")
