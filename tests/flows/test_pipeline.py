"""The order of the pipeline: what is one step, and what waits for what."""

from __future__ import annotations

from flows.pipeline import MODEL_USERS, STAGES, STEPS, WATCH, needs, step_of, steps_before
from schemas.recipe import PROFILES


def test_every_stage_is_in_one_step_and_comes_after_what_it_reads() -> None:
    assert [name for stages in STEPS.values() for name in stages] == list(STAGES)
    place = {name: number for number, name in enumerate(STAGES)}
    for name, stage in STAGES.items():
        assert all(place[needed] < place[name] for needed in needs(stage))
    order = {step: number for number, step in enumerate(STEPS)}
    for step in STEPS:
        assert all(order[before] < order[step] for before in steps_before(step))


def test_whoever_watches_clips_does_so_in_one_step_that_waits_for_the_cutting_alone() -> None:
    assert STEPS[WATCH] == ("shots", "detections", "motion", "previews", "fingerprints")
    assert steps_before(WATCH) == ("normalize",)
    assert steps_before("faces") == (WATCH, "normalize")
    assert all(step_of(STAGES[name]) == name for name in STAGES if not STAGES[name].watch)


def test_every_analysis_of_a_profile_has_a_stage_that_uses_its_model() -> None:
    for profile in PROFILES.values():
        assert set(profile) == set(MODEL_USERS)
    assert set(MODEL_USERS.values()) <= set(STAGES)
