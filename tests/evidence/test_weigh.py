"""From chunks to an evidence class: the paper's examples, and rules that hold of any clip."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.evidence import EVIDENCE, Chunk, weigh
from tasks.sounds.audioset import audioset_classes, ids_by_name

EVEN_DB, LIVELY_DB = 4.0, 30.0


def chunk(swing_db: float, known: dict | None = None, **heard: float) -> Chunk:
    """A chunk in which classes, spelt with _ for the space, are heard with their scores."""
    names = {name.replace("_", " "): score for name, score in heard.items()}
    ranked = sorted(names, key=lambda name: -names[name])
    ids = tuple(ids_by_name()[name] for name in ranked)
    return Chunk(ids, tuple(names[name] for name in ranked), swing_db, **(known or {}))


SPOKEN = {"spoken": 0.9}
CASES = {
    "a dog barks": ([chunk(LIVELY_DB, Dog=0.9, Bark=0.8)] * 9, "evident", "sound_event"),
    "a dog barks once in the wind": (
        [chunk(LIVELY_DB, Dog=0.9)] * 2 + [chunk(EVEN_DB, Wind=0.6)] * 8,
        "evident",
        "sound_event",
    ),
    "wind": ([chunk(EVEN_DB, Wind=0.5)] * 9, "uniform", "uniform_sound"),
    "waves": ([chunk(9.0, Ocean=0.7, Animal=0.1)] * 9, "uniform", "uniform_sound"),
    "an engine": ([chunk(EVEN_DB, Engine=0.4, Idling=0.6, Vehicle=0.7)] * 9, "uniform", "uniform_sound"),
    "a hum that no class names": ([chunk(EVEN_DB)] * 9, "uniform", "uniform_sound"),
    "blows that no class names": ([chunk(LIVELY_DB)] * 9, "evident", "sound_event"),
    "music under something": ([chunk(8.0, Music=0.8, Background_music=0.5)] * 9, "uniform", "music_bed"),
    "a drummer": ([chunk(18.0, Music=0.8, Drum_kit=0.7)] * 9, "evident", "music_played"),
    "somebody speaks": ([chunk(25.0, SPOKEN | {"seen": 0.9}, Speech=0.9)] * 9, "evident", "speaker_seen"),
    "somebody out of sight speaks": ([chunk(25.0, SPOKEN, Speech=0.9)] * 9, "missing", "speaker_unseen"),
    "nobody can tell who speaks": (
        [chunk(25.0, SPOKEN | {"seen": 0.1, "unjudged": 0.9}, Speech=0.9)] * 9,
        "evident",
        "speaker_unjudged",
    ),
    "a shot is heard over a commentary": (
        [chunk(25.0, SPOKEN, Speech=0.9)] * 7 + [chunk(35.0, SPOKEN, Speech=0.6, Bang=0.8)] * 2,
        "evident",
        "sound_event",
    ),
    "silence": ([chunk(1.0, {"silent": True}, Silence=0.9)] * 9, "missing", "silent"),
    "a dog barks over a photograph": (
        [chunk(LIVELY_DB, {"standing": True}, Dog=0.9)] * 9,
        "missing",
        "picture_stands",
    ),
    "nothing": ([], "missing", "silent"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_class_and_its_reason(name: str) -> None:
    chunks, evidence, reason = CASES[name]
    found = weigh(chunks, [])
    assert (found.evidence, found.reason) == (evidence, reason)
    assert found.score > 0.5


@pytest.mark.parametrize("condition", ["near_silent", "black", "frozen", "still", "text_card"])
def test_a_clip_without_picture_or_sound_is_missing(condition: str) -> None:
    found = weigh([chunk(LIVELY_DB, Dog=0.9)] * 9, ["letterboxed", condition])
    assert (found.evidence, found.reason, found.score) == ("missing", condition, 1.0)


def test_bars_hide_nothing() -> None:
    barking = [chunk(LIVELY_DB, Dog=0.9)] * 9
    assert weigh(barking, ["letterboxed"]) == weigh(barking, [])


def test_the_sounds_that_decide_are_told() -> None:
    found = weigh([chunk(LIVELY_DB, Dog=0.9, Bark=0.5, Wind=0.2, Speech=0.3)] * 3, [])
    names = {one.id: one.name for one in audioset_classes()}
    assert [names[one] for one in found.sound_ids] == ["Dog", "Bark"]


ids = st.sampled_from([one.id for one in audioset_classes()])
heard = st.lists(st.tuples(ids, st.floats(0, 1)), max_size=6, unique_by=lambda pair: pair[0])
shares = st.floats(0, 1)
chunks = st.builds(
    lambda pairs, swing, silent, standing, spoken, seen: Chunk(
        tuple(one for one, _ in pairs), tuple(score for _, score in pairs), swing, silent, standing, spoken, seen
    ),
    heard, st.floats(0, 70), st.booleans(), st.booleans(), shares, shares,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(chunks, max_size=12))
def test_any_clip_has_one_class_and_a_score(found: list[Chunk]) -> None:
    result = weigh(found, [])
    assert result.evidence in EVIDENCE
    assert 0 <= result.score <= 1
    assert result.score >= 1 / 3 - 0.001  # the best of three chances that add up to 1
    assert set(result.sound_ids) <= {one for some in found for one in some.ids}
    assert weigh(list(reversed(found)), []).evidence == result.evidence


@settings(max_examples=60, deadline=None)
@given(st.lists(chunks, min_size=1, max_size=10), st.integers(0, 9))
def test_a_speaker_who_comes_into_sight_never_takes_evidence_away(found: list[Chunk], place: int) -> None:
    place %= len(found)
    seen = Chunk(**{**vars(found[place]), "seen": 1.0})
    before, after = weigh(found, []), weigh([*found[:place], seen, *found[place + 1 :]], [])
    assert not (before.evidence == "evident" and after.evidence != "evident")
