"""The table of courses names classes of AudioSet, each once, and puts the paper's examples where the paper does."""

from __future__ import annotations

import csv

import pytest

from tasks.evidence import courses as module
from tasks.evidence.courses import COURSES, courses, strongest
from tasks.sounds.audioset import ids_by_name, names_by_id


def test_every_row_is_a_class_of_audioset_by_its_name() -> None:
    from pathlib import Path

    with Path(module.__file__).with_name("courses.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["id"]: row["name"] for row in rows}.items() <= names_by_id().items()
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["course"] for row in rows} == set(COURSES) - {"event"}


@pytest.mark.parametrize(
    ("name", "course"),
    [
        ("Wind", "uniform"), ("Waves, surf", "uniform"), ("Engine", "uniform"), ("Rain", "uniform"),
        ("Hum", "uniform"), ("Background music", "music"), ("Speech", "voice"), ("Inside, small room", "place"),
        ("Silence", "silence"), ("Bark", "event"), ("Hammer", "event"), ("Drum kit", "event"), ("Sneeze", "event"),
        ("Chopping (food)", "event"),
    ],
)  # fmt: skip
def test_examples(name: str, course: str) -> None:
    assert courses().get(ids_by_name()[name], "event") == course


def test_the_strongest_of_each_course() -> None:
    ids = [ids_by_name()[name] for name in ("Wind", "Rain", "Bark", "Speech")]
    best = strongest(ids, [0.2, 0.5, 0.3, 0.4])
    assert best == {"event": 0.3, "uniform": 0.5, "music": 0, "voice": 0.4, "place": 0, "silence": 0}
