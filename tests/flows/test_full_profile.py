"""Every model of the profile `full` at work on one real clip, with weights made here where the real ones are not.

Their formats and sizes of input are the real ones; what they say means nothing, except for the faces: the detector of
`buffalo_l` is an SCRFD, and so are the weights that stand in for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from flows.analyze import open_analysis
from flows.outlook import recipe_for
from flows.pipeline import STAGES
from tasks.models.packages import forget_redirects
from tasks.speech.pyannote import import_pyannote
from tests.speakers.formula_weights import formula_state, light_asd_shapes, syncnet_shapes

pytestmark = pytest.mark.slow

SPEAKERS = ("lr-asd", "light-asd", "syncnet")


@dataclass(frozen=True)
class Made:
    """A model store of files made here."""

    files: dict[str, Path]

    def path(self, name: str) -> Path:
        return self.files[name]


@pytest.fixture
def store(shared_data: Path, tmp_path: Path) -> Made:
    # The packages of `full` are imported here and not above: they put modules into the process that break the
    # collection of other tests.
    import_pyannote()
    from tests.sounds.checkpoints import beats_checkpoint
    from tests.speech.tones import write_models

    forget_redirects()
    files = write_models(tmp_path)
    files["buffalo-l-det"] = shared_data / "weights/scrfd_2.5g.onnx"
    files["beats"] = beats_checkpoint(tmp_path / "beats.pt")
    files["lr-asd"] = shared_data / "weights/lrasd_pretrain_AVA.model"
    for name, shapes in (("light-asd", light_asd_shapes()), ("syncnet", syncnet_shapes())):
        files[name] = tmp_path / f"{name}.model"
        torch.save(formula_state(shapes), files[name])
    return Made(files)


@pytest.mark.parametrize(
    ("speaker", "speech"), [("lr-asd", "pyannote"), ("light-asd", "silero"), ("syncnet", "silero")]
)
def test_every_model_has_its_say(store: Made, shared_data: Path, speaker: str, speech: str) -> None:
    settings = {"events.threshold": 0.0, "speakers.model": speaker, "speech.model": speech}
    recipe = recipe_for("realsync", "full", settings=settings)
    needed = {name for stage in STAGES.values() for name in stage.models(recipe)}
    assert needed == set(store.files) - ({*SPEAKERS} - {speaker})
    clip = shared_data / "asd_minis/grid_bbaf2n__orig.mp4"
    with open_analysis(recipe, store) as analysis_of:
        analysis = analysis_of(clip)
    assert "errors" not in analysis and "left_out" not in analysis
    assert analysis["labels"][-1]["end_ms"] == analysis["duration_ms"]
    assert analysis["audio_events"] and all(
        event["parents"] is not None for event in analysis["audio_events"]
    )
    assert analysis["evidence"]["evidence"] in ("evident", "uniform", "missing")
    if speech == "silero":  # the other hears nothing but tones
        assert analysis["sync"]["probability"] is not None
