"""README.md: front matter that the Hub reads, numbers that are true, and no marks from outside."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from huggingface_hub import DatasetCard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from schemas.leakage import Balance
from schemas.publishing import Publishing
from schemas.recipe import Recipe
from tasks.releases.account import Account, Checked
from tasks.releases.documents.card import dataset_card, front_matter
from tasks.releases.documents.facts import Amount, Facts, read_facts
from tasks.releases.documents.text import outside
from tasks.releases.folder import Release
from tasks.releases.formats.features import schema_of
from tasks.releases.report.records import Measures
from tasks.workspace.ledger import Loss
from tests.releases.documents.making import LEAKAGE, account, changed, reviewed, row

READER = MarkdownIt("commonmark").enable("table")

ROWS = [
    row("a", 0, channel="news", **reviewed()),
    row("a", 1, channel="news", **reviewed(("visible", "off_screen", "visible"), lead="L1")),
    row("b", 0, channel="golf", split="dev", source_licence=None, source_published=None, downloader=None),
    row("c", 0, channel="golf", split="test", duration_ms=9000, other_ms=6000, face_tracks=0),
]


def recipe(**changes) -> Recipe:
    settings = {
        "name": "toy",
        "title": "Toy",
        "cites": "Nobody et al., A Toy.",
        "release": {"creators": ["Jo Doe"], "contact": "jo@example.org", "media": "reference"},
    }
    return Recipe.model_validate({**settings, **changes})


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Account, Facts]:
    version = account(tmp_path_factory.mktemp("made") / "v", ROWS, recipe=recipe())
    return version, read_facts(version)


def tables(text: str) -> list[list[list[str]]]:
    """All tables of a Markdown text, as rows of cells in plain text."""
    found: list[list[list[str]]] = []
    tokens = READER.parse(text)
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("td_open", "th_open"):
            found[-1][-1].append("".join(child.content for child in tokens[place + 1].children))
    return found


def body(text: str) -> str:
    """What stands below the front matter."""
    return text.split("\n---\n", 1)[1]


def table_of(text: str, head: str) -> list[list[str]]:
    return next(one for one in tables(body(text)) if one[0][0] == head)[1:]


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next."""
    return re.split(r"^#+ ", body(text).split(f" {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[
        0
    ].strip()


def test_the_front_matter_is_what_the_hub_reads(made) -> None:
    text = dataset_card(*made)
    read = DatasetCard(text, ignore_metadata_errors=False).data
    assert read.pretty_name == "Toy"
    assert read.license == "cc-by-4.0"
    assert read.size_categories == ["n<1K"]
    assert read.task_categories == ["video-classification", "audio-classification"]
    assert read.language is None
    loaded = yaml.safe_load(text.split("---\n")[1])
    assert loaded["version"] == "1.0.0"
    assert [one["split"] for one in loaded["configs"][0]["data_files"]] == ["train", "dev", "test"]
    assert [one["num_examples"] for one in loaded["dataset_info"]["splits"]] == [2, 1, 1]


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ({"media": "reference"}, {"license": "cc-by-4.0"}),
        ({"media": "reference", "licence": "EUPL-1.2"}, {"license": "other", "license_name": "eupl-1.2"}),
        ({"media": "inside"}, {"license": ["cc-by-4.0", "other"]}),
        ({"media": "path", "licence": "EUPL-1.2"}, {"license": ["other"]}),
    ],
)
def test_clips_within_a_version_have_licences_of_their_own(made, release: dict, expected: dict) -> None:
    version, facts = made
    licensed = recipe(release=release)
    found = front_matter(replace(version, recipe=licensed), facts)
    assert {name: found[name] for name in expected} == expected
    assert ("license_details" in found) == (release["media"] != "reference")


@pytest.mark.parametrize(
    ("clips", "category"),
    [(999, "n<1K"), (1000, "1K<n<10K"), (9_999_999, "1M<n<10M"), (10_000_000, "10M<n<100M")],
)
def test_size_categories(made, clips: int, category: str) -> None:
    version, facts = made
    total = replace(facts.tables.total, clips=clips)
    found = front_matter(version, replace(facts, tables=replace(facts.tables, total=total)))
    assert found["size_categories"] == [category]


def test_tables_hold_the_numbers_that_one_counts(made) -> None:
    text = dataset_card(*made)
    assert table_of(text, "split") == [
        ["train", "1", "2", "0.17", "0.07", "0.03", "0.00", "0.07"],
        ["dev", "1", "1", "0.08", "0.03", "0.02", "0.00", "0.03"],
        ["test", "1", "1", "0.15", "0.03", "0.02", "0.00", "0.10"],
    ]
    assert table_of(text, "channel") == [
        ["golf", "2", "2", "0.23", "0.07", "0.03", "0.00", "0.13"],
        ["news", "1", "2", "0.17", "0.07", "0.03", "0.00", "0.07"],
    ]
    assert table_of(text, "AudioSet event") == [["Speech", "4", "4", "12.0 s"], ["Music", "4", "4", "8.0 s"]]
    assert table_of(text, "evidence") == [["evident", "4"]]
    assert table_of(text, "condition") == [["letterboxed", "4"]]
    assert table_of(text, "station") == [["conditions", "dropped", "near_silent", "3", "15.0 s"]]
    assert table_of(text, "licence of the source") == [
        ["CC BY 4.0", "2", "3", "19.0 s"],
        ["none stated", "1", "1", "5.0 s"],
    ]
    assert [one[0] for one in table_of(text, "column")] == schema_of("reference").names


def test_sentences_hold_the_numbers_that_one_counts(made) -> None:
    text = dataset_card(*made)
    assert "4 clips of 3 source videos of 2 channels, 24.0 s in all." in text
    # 8 of 24 s are talking heads, 4 voice-overs.
    assert "talking heads 33 %, voice-overs 17 % of the time. People reviewed 2 clips." in text
    assert "They last 5.0 s to 9.0 s, half of them at most 5.0 s." in text
    assert "For 1 video (5.0 s) no licence is stated. For 1 video no day of publication is stated." in text
    assert "In 1 clip (38 % of the time) no face was found." in text
    assert "golf 58 %, news 42 % of the time." in text
    assert "within 8 ms of its place (median 8 ms; bound 20 ms, no clip beyond)" in text
    assert "3 people judged 2 clips of 4 in Label Studio, each clip by 3 of them" in text
    # One clip's three pairs agree, of the other's one: 4 of 6.
    assert "Pairs of them agree in 67 % of the answers that decide." in text
    assert "All votes were alike, by question: source 50 %." in text
    assert "A lead decided 1 clip" in text
    assert "2 checks for leakage between splits found nothing" in text
    assert "(7 pairs; 0 across)" in text
    assert r"write to jo\@example.org with its id" in text
    assert "1 video lay on disk already and was not fetched." in text


def test_no_heading_stands_without_words(made) -> None:
    tokens = READER.parse(body(dataset_card(*made)))
    blocks = [token for token in tokens if token.level == 0 and not token.type.endswith("_close")]
    levels = [int(block.tag[1]) if block.type == "heading_open" else 9 for block in blocks]
    alone = [here for here, after in zip(levels, [*levels[1:], 0], strict=True) if here < 9 and after <= here]
    assert alone == []
    headings = [line[3:] for line in body(dataset_card(*made)).splitlines() if line.startswith("## ")]
    assert headings == [
        "Load it", "What is in it", "Motivation", "Composition", "Collection process", "Preprocessing and labelling",
        "Uses", "Distribution", "Maintenance", "Columns", "Cite it",
    ]  # fmt: skip


def test_what_nobody_knows_is_not_claimed(tmp_path: Path) -> None:
    rows = [
        row(
            "a",
            audio_events=[],
            conditions=[],
            source_licence=None,
            source_published=None,
            picture_skew_ms=None,
            sound_skew_ms=None,
            models=[],
        )
    ]
    version = account(
        tmp_path / "v",
        rows,
        recipe=Recipe(name="toy", title="Toy", release=Publishing(media="reference")),
        losses=(),
        provenance={},
    )
    text = dataset_card(version, read_facts(version))
    for said in (
        "No person has reviewed it.",
        "No person has checked them.",
        "No person has reviewed the clips of this version.",
        "The recipe names nobody",
        "The recipe names no contact",
        "The sources state no licence.",
        "No source states when it was published.",
        "No clip has a sync certificate.",
        "No audio event was found.",
        "Nothing was left out on the way.",
        "None was measured on the clips of this version",
        "This is the first version.",
        "No video has been taken down so far.",
    ):
        assert said in text
    for never in ("None ", " nan", "AudioSet event |", "| condition |", "### What one hears", "Krippendorff"):
        assert never not in body(text).replace("None was measured", "")


def test_what_people_said_of_the_labels_is_told(made) -> None:
    version, facts = made
    checked = (
        Checked("label", "talking_head", "precision", 0.912, 0.85, 0.96, 60),
        Checked("label", "voice_over", "recall", 0.5, None, None, 2),
        Checked("label", None, "alpha", 0.71, 0.6, 0.8, 60),
    )
    unreviewed = replace(facts, tables=replace(facts.tables, reviewed=None))
    text = dataset_card(
        replace(version, checked=checked, collected=(date(2026, 11, 20), date(2026, 11, 21))), unreviewed
    )
    wrong = section(text, "How wrong are machine labels?")
    assert "Label talking head: precision 0.91 (95 % interval 0.85 to 0.96), 60 clips." in wrong
    assert "Label voice over: recall 0.50 (too few clips for an interval), 2 clips." in wrong
    assert "alpha" not in wrong
    people = section(text, "Which labels did people make, and how far do they agree?")
    assert "Krippendorff's alpha among people 0.71 (95 % interval 0.60 to 0.80), 60 clips." in people
    assert "No person has checked them." not in text
    assert "Sources were collected between 2026-11-20 and 2026-11-21." in text


@pytest.mark.parametrize(
    ("allowed", "said"),
    [
        ((), "lets no clip be passed on: an export names sources and times alone."),
        (("*",), "lets all clips be passed on."),
        (
            ("CC BY 4.0", "none"),
            "whose sources state CC BY 4.0 or no licence; all others go by source and times alone.",
        ),
    ],
)
def test_what_may_be_passed_on_is_told(made, allowed: tuple[str, ...], said: str) -> None:
    version, facts = made
    text = dataset_card(
        replace(version, recipe=recipe(release={"redistributable": allowed, "media": "reference"})), facts
    )
    assert said in section(text, "Under which licences?")


@pytest.mark.parametrize(
    ("found", "taken", "said"),
    [
        (77, 77, "Every video that the sources list was taken."),
        (77, 1, "Of 77 videos that the sources list, 1 was taken."),
    ],
)
def test_how_much_of_what_there_is_was_taken(made, found: int, taken: int, said: str) -> None:
    version, facts = made
    funnel = (("videos discovered", found), ("videos taken", taken))
    lost = (Loss("download", "dropped", "no_audio", 2, 0, ""), Loss("x", "dropped", "y", 1, 2000, ""))
    text = dataset_card(replace(version, funnel=funnel, losses=lost), facts)
    assert f"{said} 3 videos, clips or parts of them (2.0 s) were left out on the way, for 2 reasons." in text
    assert table_of(text, "station") == [
        ["x", "dropped", "y", "1", "2.0 s"],
        ["download", "dropped", "no_audio", "2", "–"],
    ]


def test_labels_of_a_source_list_are_told(made) -> None:
    version, facts = made
    text = dataset_card(version, replace(facts, labelled=(3, 2)))
    assert "A source list gave 2 labels to 3 clips (list_label)." in text
    assert "A source list" not in dataset_card(version, facts)


def test_a_split_that_differs_is_told(made) -> None:
    version, facts = made
    balance = (Balance("duration of a video", 60.0, {"train": 61.0, "test": 30.0}, "s"), *LEAKAGE.balance)
    text = dataset_card(replace(version, leakage=replace(LEAKAGE, balance=balance)), facts)
    assert "Splits differ most from the whole in duration of a video: 30 s in test, 60 s everywhere." in text


def test_what_changed_is_told(made) -> None:
    version, facts = made
    later = replace(
        version,
        before=Release("toy", "1.0.0", version.folder),
        changes=(changed("removed", 3, "taken_down"), changed("removed", 2, "dropped"), changed("added", 1)),
    )
    assert "Since version 1.0.0: 5 clips removed (25.0 s) and 1 clip added (5.0 s)." in dataset_card(
        later, facts
    )


HOSTILE = st.one_of(
    st.text(max_size=40), st.text(st.sampled_from("|`*_[]()<>{}\\#$&~:/.-'\"%\n é\u202e---"), max_size=30)
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(channel=HOSTILE, licence=HOSTILE, title=HOSTILE, person=HOSTILE)
def test_nothing_from_outside_breaks_the_card(
    made, channel: str, licence: str, title: str, person: str
) -> None:
    version, facts = made
    hostile = recipe(
        title=title,
        cites=channel,
        release={"creators": [person], "contact": person, "media": "reference", "licence": licence},
    )
    numbers = Measures(channel, 3, 4, 24_000, 1, 2, 3, 4)
    shown = replace(
        facts,
        tables=replace(facts.tables, channels=[numbers]),
        licences=replace(facts.licences, listed=[Amount(licence, 3, 4, 24_000)], of=1),
        tools=replace(facts.tools, listed=[Amount(person, 3, 4, 24_000)], of=1),
    )
    plain = dataset_card(*made)
    text = dataset_card(replace(version, recipe=hostile), shown)
    assert yaml.safe_load(text.split("\n---\n")[0].removeprefix("---\n"))["pretty_name"] == outside(title)
    DatasetCard(text, ignore_metadata_errors=False)
    assert table_of(text, "channel") == [[outside(channel), "3", "4", "0.40", "0.00", "0.00", "0.00", "0.00"]]
    assert table_of(text, "licence of the source") == [[outside(licence), "3", "4", "24.0 s"]]
    assert kinds(text) == kinds(plain)


def kinds(text: str) -> set[str]:
    """All that a reader makes of the card: blocks and marks."""
    tokens = READER.parse(body(text))
    return {token.type for token in tokens} | {
        child.type for token in tokens for child in token.children or ()
    }


def test_the_same_account_gives_the_same_bytes(made) -> None:
    version, _ = made
    assert dataset_card(version, read_facts(version)) == dataset_card(version, read_facts(version))


@pytest.mark.parametrize(
    ("media", "said", "unsaid"),
    [
        (
            "reference",
            ['load_dataset("path/to/this/folder")\n', "The clips are not part of this version"],
            ["preview", "kB"],
        ),
        (
            "path",
            ['cast_column("audio", Audio(sampling_rate=16_000))', 'clips["train"][0]["video"]', "(4.0 kB)"],
            [],
        ),
        (
            "inside",
            ['cast_column("audio", Audio(sampling_rate=16_000))', "The clips are inside the tables."],
            [],
        ),
    ],
)
def test_how_to_load_it_is_said_for_each_form(made, media: str, said: list[str], unsaid: list[str]) -> None:
    version, facts = made
    text = dataset_card(replace(version, recipe=recipe(release={"media": media})), facts)
    assert all(words in text for words in said)
    assert not any(words in text for words in unsaid)


def test_a_version_with_one_split_names_that_one(tmp_path: Path) -> None:
    version = account(tmp_path / "v", [row("a", split="test")], recipe=recipe(release={"media": "path"}))
    text = dataset_card(version, read_facts(version))
    assert 'clips["test"][0]["video"]' in text
    assert 'clips["train"]' not in text
