"""The report's numbers: what SQL says is what a plain count of all rows says."""

from __future__ import annotations

import statistics
from collections import Counter
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.scenarios import DOMAIN_OF
from schemas.sections import Targets
from schemas.tables import LABEL_NAMES
from tasks.releases.report.histograms import histogram_of
from tasks.releases.report.records import Counted, Measures, Tables
from tasks.releases.report.sync import MEASURED
from tasks.releases.report.tables import MOST_CHANNELS, report_tables
from tasks.workspace.query import open_database
from tests.releases.report.making import CLIP_MS, invented, row, write_rows

TARGETS = Targets(
    scenarios={"singing": 30, "action": 7},
    durations=[
        {"above": "1 s", "up_to": "3 s", "clips": 10},
        {"above": "3 s", "up_to": "6 s", "clips": 90},
    ],
)


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return invented(101)


@pytest.fixture(scope="module")
def tables(rows, tmp_path_factory) -> Tables:
    folder = tmp_path_factory.mktemp("version")
    return report_tables(write_rows(folder, rows), folder, TARGETS)


def measured(name: str, rows: list[dict]) -> Measures:
    sums = [
        sum(each[column] for each in rows) for column in ("duration_ms", *(f"{x}_ms" for x in LABEL_NAMES))
    ]
    return Measures(name, len({each["video_id"] for each in rows}), len(rows), *sums)


def test_videos_clips_and_hours_of_all_splits_and_channels(rows, tables):
    assert tables.total == measured("all", rows)
    assert [one.name for one in tables.splits] == ["train", "dev", "test"]
    for column, found in (("split", tables.splits), ("channel", tables.channels)):
        assert len(found) == len({each[column] for each in rows})
        for one in found:
            assert one == measured(one.name, [each for each in rows if each[column] == one.name])
    hours = [one.milliseconds for one in tables.channels]
    assert hours == sorted(hours, reverse=True) and tables.channel_count == len(hours) == 11


def test_small_channels_are_one_line_that_adds_up(tmp_path):
    rows = [row(f"v{number}", channel=f"c{number:03d}") for number in range(MOST_CHANNELS + 7)]
    tables = report_tables(write_rows(tmp_path, rows), tmp_path)
    assert tables.channel_count == MOST_CHANNELS + 7
    assert [one.name for one in tables.channels][-2:] == [f"c{MOST_CHANNELS - 1:03d}", "7 more channels"]
    assert tables.channels[-1].clips == 7 and tables.channels[-1].talking_head_ms == 7 * 2000
    assert sum(one.milliseconds for one in tables.channels) == tables.total.milliseconds


def test_what_is_counted_by_video_and_by_clip(rows, tables):
    first = list({each["video_id"]: each for each in rows}.values())

    def most(values) -> list[Counted]:
        return [
            Counted(*pair) for pair in sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))
        ]

    assert tables.licences == most(each["source_licence"] or "none stated" for each in first)
    rates = {"25/1": "25", "30000/1001": "29.97"}
    assert tables.frame_rates == most(
        rates.get(each["source_frame_rate"], each["source_frame_rate"]) for each in first
    )
    assert tables.sizes == most(f"{each['width']} × 256" for each in rows)
    assert tables.evidence == most(each["evidence"] for each in rows)
    assert tables.conditions == most(name for each in rows for name in each["conditions"])
    years = Counter((each["source_published"] or "unknown")[:7].split("-")[0] for each in first)
    assert {one.name: one.number for one in tables.published} == years
    assert [one.name for one in tables.published] == ["2019", "2024", "unknown"]
    assert tables.models == [("faces", "haar", 101), ("speech", "silero@0123", 101)]


def test_scenarios_and_durations_beside_what_is_wanted(rows, tables):
    found = {(one.kind, one.name): (one.clips, one.videos, one.wanted) for one in tables.shelves}
    for name in ("singing", "dialogue", "action"):
        those = [each for each in rows if each["scenario"] == name]
        videos = {each["video_id"] for each in those}
        assert found["scenario", name] == (len(those), len(videos), TARGETS.scenarios.get(name))
    inside = [1000 <= each["duration_ms"] <= 3000 for each in rows]
    assert found["duration", "1–3 s"][0] == sum(inside)
    assert found["duration", "3–6 s"][0] == len(rows) - sum(inside)
    names = [one.name for one in tables.shelves if one.kind == "scenario"]
    assert names == [name for name in DOMAIN_OF if name in names]


def test_labels_and_how_sure_the_machine_is(rows, tables):
    for one in tables.labels:
        those = [span for each in rows for span in each["labels"] if span["label"] == one.label]
        known = [span["probability"] for span in those if span["probability"] is not None]
        assert one.intervals == len(those)
        assert one.milliseconds == sum(span["end_ms"] - span["start_ms"] for span in those)
        assert one.median == pytest.approx(statistics.median_low(known), abs=0.0006)
        tenths = Counter(min(9, round(each * 1000) // 100) for each in known)
        assert one.probabilities.counts == [tenths[place] for place in range(10)]


def test_sounds_are_counted_as_by_going_through_all_events(rows, tables):
    heard = [(each["name"], one["clip_id"]) for one in rows for each in one["audio_events"]]
    events, clips = Counter(name for name, _ in heard), Counter(name for name, _ in set(heard))
    assert {one.name: (one.events, one.clips) for one in tables.events} == {
        name: (events[name], clips[name]) for name in events
    }
    assert sum(one.seconds for one in tables.events) == pytest.approx(0.96 * len(heard))


def test_certificates(rows, tables):
    assert [one.column for one in tables.spreads] == [column for column, _, _ in MEASURED]
    for one in tables.spreads:
        known = [each[one.column] for each in rows if each[one.column] is not None]
        assert one.known == len(known)
        if not known:
            assert (one.median, one.most, one.histogram, one.beyond) == (None, None, None, 0)
            continue
        sizes = sorted(map(abs, known))
        assert abs(one.most) == sizes[-1] and one.most in known
        assert one.median == pytest.approx(statistics.median(sizes), abs=sizes[-1] / 10 + 1e-9)
        assert sum(size <= one.nearly_all for size in sizes) >= 0.99 * len(sizes)
        assert one.beyond == (0 if one.bound is None else sum(size > one.bound for size in sizes))
        assert sum(one.histogram.counts) == len(known)
    beyond = {one.column: one.beyond for one in tables.spreads}
    assert beyond["start_skew_ms"] > 0 == beyond["picture_skew_ms"]
    worst = [one for one in tables.extremes if one.column == "source_start_skew_ms"]
    ordered = sorted(rows, key=lambda each: -abs(each["source_start_skew_ms"]))
    assert [(one.clip_id, one.value) for one in worst] == [
        (each["clip_id"], each["source_start_skew_ms"]) for each in ordered[:3]
    ]


def test_what_people_said(rows, tables):
    judged = [each for each in rows if each["reviewers"]]
    ballots = [vote for each in judged for vote in each["review_votes"]]
    alike = [each["review_agreement"] for each in judged if each["review_agreement"] is not None]
    seen = tables.reviewed
    assert (seen.clips, seen.people, seen.judgements) == (len(judged), 3, 3 * len(judged))
    assert seen.agreement == pytest.approx(statistics.mean(alike), abs=2e-6)
    assert seen.adjudicated == sum(each["adjudicator"] is not None for each in judged)
    (vote,) = seen.votes
    assert vote.given == Counter(each["answer"] for each in ballots)
    assert vote.decided == Counter(each["review_findings"][0]["answer"] for each in judged)
    assert list(vote.given) == ["visible", "off_screen"]


def test_of_clips_that_nobody_judged_it_says_nothing(tmp_path):
    tables = report_tables(write_rows(tmp_path, [row("a")]), tmp_path)
    assert tables.reviewed is None
    assert tables.shelves == []
    assert tables.minutes.counts == [1]


def test_files_in_another_order_give_the_same_numbers(rows, tables, tmp_path):
    assert report_tables(write_rows(tmp_path, rows[::-1])[::-1], tmp_path, TARGETS) == tables
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(-(10**7), 10**7)), min_size=1, max_size=30),
    st.sampled_from([1, 1000, 60_000]),
    st.integers(2, 40),
)
def test_every_value_is_in_the_range_that_its_place_says(values, one, ranges):
    with TemporaryDirectory() as folder, open_database(Path(folder)) as database:
        database.execute("CREATE TABLE numbers AS SELECT unnest(?::BIGINT[]) AS number", [values])
        found = histogram_of(database, "numbers", "number", one, ranges)
    known = [value for value in values if value is not None]
    if not known:
        assert found is None
        return
    edges = [round(edge * one) for edge in found.edges]
    widths = {high - low for low, high in pairwise(edges)}
    assert len(widths) == 1 and edges[0] <= min(known) and max(known) <= edges[-1]
    expected = [sum(low <= value < high for value in known) for low, high in pairwise(edges)]
    expected[-1] += sum(value == edges[-1] for value in known)
    assert found.counts == expected
    assert len(found.counts) <= ranges + 2


def test_one_length_of_all_clips_is_one_bar(tmp_path):
    tables = report_tables(write_rows(tmp_path, [row("a"), row("b")]), tmp_path)
    assert tables.durations.counts == [2]
    assert tables.durations.edges[0] <= CLIP_MS / 1000 <= tables.durations.edges[-1]
