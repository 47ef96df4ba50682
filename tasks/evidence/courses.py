"""Which classes of AudioSet sound alike from one moment to the next, and which say nothing of a source in sight.

The table `courses.csv` beside this file extends the paper's examples (wind, wave, engine sound) to the 527 classes,
by judgement: `uniform` (weather, water, engines, motors, hum, noise, crowds), `music` (music as such, and its
genres: a bed under the picture as often as a performance), `voice` (speech, judged by faces), `place` (rooms, and
names too general to tell), `silence`. All others are `event`: something happens that could be seen.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, get_args

Course = Literal["event", "uniform", "music", "voice", "place", "silence"]
COURSES: tuple[Course, ...] = get_args(Course)


@cache
def courses() -> Mapping[str, Course]:
    """AudioSet id to course, of all that are no `event`."""
    with Path(__file__).with_name("courses.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["course"] for row in csv.DictReader(file)}


def strongest(ids: Sequence[str], scores: Sequence[float]) -> dict[Course, float]:
    """The best score of each course among the classes heard in a chunk; 0 where none is."""
    best = dict.fromkeys(COURSES, 0.0)
    for one, score in zip(ids, scores, strict=True):
        course = courses().get(one, "event")
        best[course] = max(best[course], score)
    return best
