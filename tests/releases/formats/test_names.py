"""Short names: eleven characters, the same for ever, one for each video, and none that a loader passes over."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ReleaseError
from tasks.releases.formats.names import ShortNames, short_name


@pytest.mark.parametrize(
    ("video", "name"),
    [
        ("youtube-dQw4w9WgXcQ", "dQw4w9WgXcQ"),
        ("youtube---g-f_I2yQ_", "--g-f_I2yQ_"),
        ("file-03f99aaa9433ae8a", "5UaG7Ln6lu9"),
        ("vimeo-77", "R1d0QxIsvSF"),
    ],
)
def test_names_never_change(video: str, name: str) -> None:
    assert short_name(video) == name


def test_a_name_that_a_loader_would_pass_over_is_drawn_anew() -> None:
    name = short_name("youtube-brokenABCDE")
    assert len(name) == 11
    assert "broken" not in name


@given(st.from_regex(r"[a-z0-9]{1,12}-[A-Za-z0-9_.-]{1,64}", fullmatch=True))
def test_every_video_has_a_name_that_the_loaders_can_take_apart(video: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{11}", short_name(video))


def test_two_videos_never_share_a_name() -> None:
    names = ShortNames()
    first = names.of("vimeo-77")
    assert names.of("vimeo-77") == first
    with pytest.raises(ReleaseError, match="short name 'R1d0QxIsvSF' is that of vimeo-77 too"):
        names.of(f"youtube-{first}")
