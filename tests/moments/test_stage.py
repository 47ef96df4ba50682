"""The stage `moments` on sources whose events, cuts and pauses are known."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import Dropped, MediaError, Unavailable
from schemas.recipe import Recipe
from schemas.tables import MOMENTS
from tasks.moments.stage import STAGE
from tasks.scenes.encode import encode
from tasks.scenes.phones import VOICES
from tasks.scenes.speech import say
from tasks.workspace.stage import Context, Item, Produced
from tests.media.making import TICK, Recording, record, steady

PLACE = {"min_length": "3 s", "max_length": "5 s", "min_salience": 0.05}


def no_weights(name: str) -> Path:
    raise AssertionError(f"the stage asked for {name}")


def recipe(**moments) -> Recipe:
    return Recipe(name="test", title="Test", profile="embedded", moments={**PLACE, **moments})


def moments_of(source: Path, rules: Recipe, segments: list[dict] | None = None) -> Produced:
    item = Item("v", "v", {"segments": segments}, {"download": [{"path": source.name}]})
    produced = STAGE.open(Context(rules, source.parent, no_weights))(item)
    assert pa.Table.from_pylist(produced.rows, MOMENTS).num_rows == len(produced.rows)
    assert not list((source.parent / "stages" / "moments").iterdir())
    return produced


EVENTS = tuple(Fraction(second) for second in (5, 13, 21))
SOURCES = {
    "25 a second": Recording("plain.mp4", steady(25, 0, 26), [(0, 26)], EVENTS),
    "23.976 a second in Matroska": Recording(
        "film.mkv", steady(Fraction(24000, 1001), 0, 26), [(0, 26)], EVENTS
    ),
    "60 a second": Recording("fast.mp4", steady(60, 0, 26), [(0, 26)], EVENTS),
    "no steady rate": Recording(
        "loose.mkv",
        [Fraction(n * 40 + n * n % 17) / 1000 // TICK * TICK for n in range(650)],
        [(0, 26)],
        EVENTS,
    ),
    "a clock that starts at 100 s": Recording(
        "late.ts",
        steady(25, 100, 126),
        [(100, 126)],
        [100 + event for event in EVENTS],
    ),
    "sound that starts 1.5 s late": Recording("mute.mkv", steady(25, 0, 26), [(1.5, 26)], EVENTS),
    "sound with a gap": Recording("gap.mkv", steady(25, 0, 26), [(0, 8), (10, 26)], EVENTS),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_event_is_found_on_the_sources_clock(kind: str, tmp_path: Path) -> None:
    recording = SOURCES[kind]
    source = record(recording, tmp_path)
    rows = moments_of(source, recipe()).rows
    shift_ms = _first_stamp_ms(source) - round(float(recording.pictures[0]) * 1000)
    events = [round(float(event) * 1000) + shift_ms for event in recording.events]
    assert len(rows) == len(events)
    for row, event_ms in zip(rows, events, strict=True):
        # The flash lasts 200 ms, and what is seen and heard within 100 ms of each other belongs together.
        assert abs(row["around_ms"] - event_ms) <= 320
        assert row["start_ms"] + 500 <= event_ms <= row["end_ms"] - 700
        assert 3_000 <= row["end_ms"] - row["start_ms"] <= 5_000
        assert row["shot_cuts"] == 0 and row["label"] is None


def _first_stamp_ms(source: Path) -> int:
    """Of the first picture, as ffprobe has it."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-read_intervals", "%+#1"]
    command += ["-show_entries", "frame=pts_time", "-of", "csv=p=0", str(source)]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return round(float(said.split(",")[0].split()[0]) * 1000)


def test_an_edit_list_that_hides_the_head(tmp_path: Path) -> None:
    source = record(Recording("whole.mp4", steady(25, 0, 26), [(0, 26)], EVENTS), tmp_path)
    cut = tmp_path / "cut.mp4"
    command = ["ffmpeg", "-v", "error", "-ss", "3.3", "-i", str(source), "-c", "copy", str(cut)]
    subprocess.run(command, check=True)
    rows = moments_of(cut, recipe()).rows
    assert len(rows) == 3
    assert all(
        abs(row["around_ms"] - event) <= 320 for row, event in zip(rows, (1_700, 9_700, 17_700), strict=True)
    )
    assert rows[0]["start_ms"] <= 1_700 <= rows[0]["end_ms"] - 700


def test_listed_spans_hold_the_clips_and_keep_their_words(tmp_path: Path) -> None:
    source = record(Recording("plain.mp4", steady(25, 0, 26), [(0, 26)], EVENTS), tmp_path)
    segments = [
        {"start_ms": 10_000, "end_ms": 16_000, "label": "beep", "split": "test"},
        {"start_ms": 15_000, "end_ms": 19_500, "label": "quiet", "split": "train"},
        {"start_ms": 24_000, "end_ms": 30_000, "label": "beyond", "split": "train"},
    ]
    produced = moments_of(source, recipe(), segments)
    (row,) = produced.rows
    assert (row["label"], row["split"]) == ("beep", "test")
    assert 10_000 <= row["start_ms"] <= 13_000 <= row["end_ms"] <= 16_000
    assert [(part.id, part.reason) for part in produced.left_out] == [
        ("v_15000_19500", "nothing_salient"),
        ("v_24000_30000", "too_short"),
    ]
    assert "1990 ms" in produced.left_out[1].detail or "2000 ms" in produced.left_out[1].detail


def coloured(shots: list[tuple[int, tuple[int, int, int]]], size=(160, 96)):
    """Pictures at 25 a second in which a square always moves, before grounds that change with the shot."""
    number = 0
    for length_ms, colour in shots:
        for _ in range(length_ms // 40):
            picture = np.full((size[1], size[0], 3), colour, np.uint8)
            left = number * 5 % (size[0] - 30)
            picture[30:60, left : left + 30] = (250, 250, 250)
            number += 1
            yield picture


SHOTS = [(2_480, (200, 60, 60)), (5_520, (20, 90, 20)), (2_000, (60, 60, 220)), (6_520, (90, 90, 20))]


def talk_in_shots(folder: Path) -> tuple[Path, list[tuple[int, int]], list[int]]:
    """Speech over four shots: the file, the phrases and where shots cut, ms."""
    said = say(16_520, VOICES[0], 5, 16_000)
    source = encode(folder / "talk.mkv", coloured(SHOTS), said.waveform, (160, 96), Fraction(25), 16_000)
    return source, list(said.phrases), list(np.cumsum([length for length, _ in SHOTS])[:-1])


def in_phrase(time_ms: int, phrases: list[tuple[int, int]]) -> bool:
    """Whether a cut there hurts: detectors know the edges of speech to some hundredths of a second."""
    return any(start + 60 < time_ms < stop - 60 for start, stop in phrases)


def test_clips_of_talk_keep_to_shots_and_own_up_to_cuts_in_words(tmp_path: Path) -> None:
    source, phrases, cuts_ms = talk_in_shots(tmp_path)
    rows = moments_of(source, recipe()).rows
    assert len(rows) == 2
    for row in rows:
        assert not any(row["start_ms"] - 40 < cut < row["end_ms"] + 40 for cut in cuts_ms)
        assert row["start_in_speech"] or not in_phrase(row["start_ms"], phrases)
        assert row["end_in_speech"] or not in_phrase(row["end_ms"], phrases)


def test_no_phrase_is_cut_where_a_pause_is_near(tmp_path: Path) -> None:
    said = say(30_000, VOICES[1], 8, 16_000)
    pictures = coloured([(30_000, (20, 90, 20))])
    source = encode(tmp_path / "talk.mkv", pictures, said.waveform, (160, 96), Fraction(25), 16_000)
    rows = moments_of(source, recipe(max_length="13 s", max_per_source=2)).rows
    assert rows
    for row in rows:
        assert not row["start_in_speech"] and not in_phrase(row["start_ms"], said.phrases)
        assert not row["end_in_speech"] and not in_phrase(row["end_ms"], said.phrases)


def test_without_moments_nothing_is_opened(tmp_path: Path) -> None:
    plain = Recipe(name="test", title="Test", profile="full")
    item = Item("v", "v", {"segments": None}, {"download": [{"path": "gone.mp4"}]})
    assert STAGE.open(Context(plain, tmp_path, no_weights))(item).rows == []
    assert STAGE.settings(plain) == STAGE.settings(plain.model_copy(update={"profile": "light"})) == {}
    assert STAGE.models(plain) == ()
    assert not list(tmp_path.iterdir())


def test_the_key_follows_what_decides_the_result() -> None:
    one = STAGE.settings(recipe())
    assert one != STAGE.settings(recipe(min_gap="2 s"))
    assert one != STAGE.settings(recipe().model_copy(update={"profile": "full"}))
    assert STAGE.models(recipe().model_copy(update={"profile": "full"})) == ("pyannote-segmentation",)


def test_what_is_not_to_be_had_has_its_reason(tmp_path: Path) -> None:
    def reason(recording: Recording, rules: Recipe | None = None) -> str:
        with pytest.raises(Dropped) as caught:
            moments_of(record(recording, tmp_path), rules or recipe())
        return str(caught.value)

    short = Recording("short.mp4", steady(25, 0, 2.8), [(0, 2.8)], [Fraction(1)])
    assert reason(short).startswith("too_short: 28") or reason(short).startswith("too_short: 27")
    still = Recording("still.mp4", steady(25, 0, 5), [(0, 5)], [Fraction(1)], loudness=1e-3)
    assert "nothing_salient" in reason(still, recipe(min_salience=0.9)) and "0.9" in reason(
        still, recipe(min_salience=0.9)
    )
    assert reason(Recording("mute.mp4", steady(25, 0, 5), [], [])).startswith("no_audio")
    assert reason(Recording("silent.mp4", steady(25, 0, 5), [(0, 5)], [])).startswith("silent")
    assert reason(Recording("blind.mka", [], [(0, 5)], [Fraction(1)])).startswith("no_video")
    (tmp_path / "noise.mp4").write_bytes(b"no media at all" * 99)
    with pytest.raises(MediaError, match=r"noise\.mp4"):
        moments_of(tmp_path / "noise.mp4", recipe())
    with pytest.raises(Unavailable, match="file_gone"):
        moments_of(tmp_path / "gone.mp4", recipe())
    assert not list((tmp_path / "stages" / "moments").iterdir())
