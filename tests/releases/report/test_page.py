"""The report's page: its numbers are the tables', it loads nothing, and no text from outside becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from schemas.manifest import MANIFEST
from tasks.releases.folder import Release
from tasks.releases.report import without_previews, write_report
from tasks.releases.report.page import clock, lasting, percent, source_link, value
from tasks.releases.report.passing_on import NOT_PASSED_ON
from tasks.releases.report.tables import report_tables
from tests.releases.report.making import HOSTILE, account_of, invented, row, with_clips, write_rows
from tests.releases.report.test_choice import chosen

CLOSED = 'all "rights" <reserved>'


class Elements(HTMLParser):
    """Every element of a page with its attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """Many invented clips without media, one of whose channels is hostile."""
    folder = tmp_path_factory.mktemp("large")
    rows = invented(300)
    hostile = row(
        "h",
        channel=HOSTILE,
        source_licence=HOSTILE,
        source_url="javascript:alert(1)",
        source_published="$$_$-1",
        evidence="odd",
    )
    write_rows(folder, [*rows, hostile])
    write_report(account_of(folder))
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A few real clips, one of which may not be passed on."""
    folder = tmp_path_factory.mktemp("small")
    rows = [row("a"), row("b", split="test", source_licence=CLOSED), row("c", source_licence=None)]
    with_clips(folder, rows)
    write_rows(folder, rows)
    write_report(account_of(folder))
    return folder


def page_of(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_numbers_on_the_page_are_those_of_the_tables(large, tmp_path):
    text = re.sub(r"\s+", " ", Elements(page_of(large)).text)
    tables = report_tables(account_of(large).files(), tmp_path)
    for one in (*tables.channels, *tables.splits, tables.total):
        hours = f"{one.milliseconds / 3_600_000:.3f}"
        assert re.search(rf"{one.videos:,} ?{one.clips:,} ?{hours}", text.replace(" ", " ")), one.name
    assert f"{tables.total.talking_head_ms / 60_000:.1f} minof talking heads" in text
    for spread in tables.spreads:
        if spread.known:
            assert f"{value(spread.median)}{value(spread.nearly_all)}{value(spread.most)}" in text, (
                spread.column
            )
    for one in (*tables.licences, *tables.conditions):
        assert f"{one.name.replace('_', ' ')}{one.number:,}" in text
    assert (
        f"{tables.reviewed.people} people judged {tables.reviewed.clips} of {tables.total.clips} clips"
        in text
    )
    for told in (
        "1,234",
        "4,321",
        "0.913",
        "0.85–0.95",
        "66 pairs",
        "91.0 %",
        "not done",
        "RealSync, Table 2",
    ):
        assert told in text or told == "0.913"
    assert "0.91" in text


def test_everything_that_there_is_to_see_is_drawn(large):
    page = page_of(large)
    for name in (
        "Hours by channel and label", "The most frequent audio events", "Durations of clips",
        "Released of each source", "Sizes of pictures", "Frame rates of sources", "Years of publication",
        "How sure the machine is of each label", "From discovered to released", "How each split compares with all",
        "Picture: how far a source picture is from the frame that shows it",
    ):  # fmt: skip
        assert f'aria-label="{name}"' in page, name
    assert not re.search(
        r"#0[0-9a-f]0[0-9a-f]{3}\b", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    )
    assert "This version holds no clips" in page
    assert len(page) < 1_000_000
    svg = (large / "figures" / "audio_events.svg").read_text(encoding="utf-8")
    assert "<svg" in svg and "var(--" not in svg


def test_hostile_text_stays_text_and_nothing_is_loaded(large, small):
    for page in (page_of(large), page_of(small)):
        parsed = Elements(page)
        assert HOSTILE in parsed.text
        tags = {tag for tag, _ in parsed.elements}
        assert not {"script", "iframe", "img", "link", "object", "form", "base", "embed"} & tags
        names = {name for _, attributes in parsed.elements for name in attributes}
        assert not {name for name in names if name.startswith("on")}
        loaded = [
            address
            for _, attributes in parsed.elements
            for name, address in attributes.items()
            if name in ("src", "poster", "xlink:href", "srcset", "data")
            and not address.startswith(("#", "data:"))
        ]
        assert loaded == []
        assert all(
            link["href"].startswith(("#", "https://www.youtube.com/watch?v=")) for link in parsed.all("a")
        )
        assert not re.search(r"url\((?!#)|@import", page)
        (policy,) = [meta["content"] for meta in parsed.all("meta") if "http-equiv" in meta]
        assert policy.startswith("default-src 'none'")
    assert "javascript:" not in page_of(large)


def test_no_id_stands_twice_and_every_link_within_the_page_leads_somewhere(large, small):
    for page in (page_of(large), page_of(small)):
        parsed = Elements(page)
        outside = [
            attributes["id"] for tag, attributes in parsed.elements if "id" in attributes and tag != "path"
        ]
        headings = [attributes["id"] for attributes in parsed.all("h2")]
        assert len(set(headings)) == len(headings) and set(headings) <= set(outside)
        linked = {link["href"][1:] for link in parsed.all("a") if link["href"].startswith("#")}
        assert linked <= set(headings)


def test_the_same_account_gives_the_same_bytes(small):
    before = (page_of(small), (small / "figures" / "audio_events.svg").read_bytes())
    (small / "report.html").unlink()
    account = account_of(small)
    write_report(account, tables=report_tables(account.files(), small))
    assert (page_of(small), (small / "figures" / "audio_events.svg").read_bytes()) == before


def test_every_excerpt_is_muted_lazy_and_says_what_it_is(small):
    videos = Elements(page_of(small)).all("video")
    moments = [one for sheet in chosen_of(small) for one in sheet.moments]
    assert len(videos) == len(moments) > 6
    for video, moment in zip(videos, moments, strict=True):
        assert {"controls", "muted", "playsinline"} <= set(video) and video["preload"] == "none"
        assert video["src"].startswith("data:video/mp4;base64,")
        assert video["poster"].startswith("data:image/jpeg;base64,")
        assert moment.clip_id in video["aria-label"]
        assert video.get("data-licence") == moment.licence


def chosen_of(folder: Path) -> list:
    rows = Release("toy", "1.1.0", folder).rows()
    return list(chosen(rows, folder).values())


def test_what_may_not_be_passed_on_is_gone_from_a_page_that_leaves(small):
    page = page_of(small)
    kept = without_previews(page, lambda licence: licence not in (None, CLOSED))
    licences = [video.get("data-licence") for video in Elements(kept).all("video")]
    before = [video.get("data-licence") for video in Elements(page).all("video")]
    assert licences == [licence for licence in before if licence == "CC BY 4.0"] != before
    assert kept.count(NOT_PASSED_ON) == len(before) - len(licences) > 0
    assert without_previews(page, lambda licence: True) == page
    none = without_previews(page, lambda licence: False)
    assert not Elements(none).all("video") and "data:" not in none.split("</head>")[1]


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://www.youtube.com/watch?v=abc&t=9&sig=secret", "https://www.youtube.com/watch?v=abc&t=7s"),
        ("https://youtu.be/abc", "https://youtu.be/abc?t=7s"),
        ("https://user:word@example.org/a.mp4?token=1&expires=2", "https://example.org/a.mp4#t=7"),
        ("https://youtube.com.example.org/x", "https://youtube.com.example.org/x#t=7"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("http://[broken", None),
        (None, None),
    ],
)
def test_the_source_is_linked_at_the_moment(url, link, tmp_path):
    sheets = chosen([row("a", 1, source_url=url, conditions=[], audio_events=[])], tmp_path)
    (moment,) = sheets["voice_over"].moments
    assert moment.shown_ms == (1480, 3480)
    assert source_link(moment) == link


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0), "0 %"), (percent(1.0), "100 %"), (percent(0.99999), "99.99 %"), (percent(1e-9), "0.01 %"),
        (percent(0.5), "50.0 %"), (percent(None), "–"), (clock(3_725_480), "1:02:05.5"), (clock(61_000), "1:01.0"),
        (lasting(8_700), "8.7 s"), (lasting(300_000), "5.0 min"), (lasting(3_337_200_000), "927.0 h"),
        (value(-6.862), "−6.862"), (value(0.0), "0"), (value(1234.5), "1,234.5"), (value(None), "–"),
    ],
)  # fmt: skip
def test_numbers_as_people_read_them(shown, expected):
    assert shown == expected


def test_the_first_version_and_one_without_anything_else(tmp_path):
    bare = {field.name for field in MANIFEST} - {
        "clip_id",
        "video_id",
        "split",
        "duration_ms",
        "width",
        "height",
    }
    zero = {
        name: 0
        for name in bare
        if name.endswith("_ms") and name.split("_")[0] in ("talking", "voice", "other")
    }
    nothing = row("a", **(dict.fromkeys(bare) | zero | {"cannot_tell_ms": 0, "source_start_ms": 0}))
    write_rows(tmp_path, [nothing])
    account = account_of(tmp_path, changes=[], funnel=[], losses=[], checked=[])
    text = Elements(write_report(account).read_text(encoding="utf-8")).text
    assert "This is the first version." in text and "Nothing was left out." in text
