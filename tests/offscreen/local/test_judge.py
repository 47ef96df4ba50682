"""A local model judges a clip: small random checkpoints in the public layout, loaded as real ones are."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from schemas.errors import AnalysisError, MediaError, ModelCorrupt, ModelMissing
from schemas.judging import Offscreen
from tasks.offscreen.local.checkpoint import LIST, checkpoint_digest
from tasks.offscreen.local.judge import LocalJudge, open_local
from tasks.offscreen.reply import AT_LIMIT, DONE, NoJudgement, judgement_of
from tests.offscreen.omni import write_omni, write_third_omni
from tests.offscreen.showing import grey_clip

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
PROMPT = "Is the source of the main sound in the picture?"


@pytest.fixture(scope="module", autouse=True)
def one_core():
    """So small a network is slower on two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_omni(tmp_path_factory.mktemp("omni"))


@pytest.fixture(scope="module")
def judge(folder) -> LocalJudge:
    return open_local(Offscreen(), folder, CPU)


@pytest.fixture(scope="module")
def third(tmp_path_factory) -> LocalJudge:
    return open_local(Offscreen(), write_third_omni(tmp_path_factory.mktemp("third")), CPU)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Three seconds that grow brighter, with a tone of 440 Hz."""
    return grey_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", [20 + 3 * k for k in range(75)], 440)


@pytest.fixture
def spoiled(folder, tmp_path) -> Path:
    copy = shutil.copytree(folder, tmp_path / "omni")
    (copy / LIST).unlink(missing_ok=True)
    return copy


def asking(judge: LocalJudge, **settings: object) -> LocalJudge:
    """The same network under another section of the recipe."""
    return replace(judge, section=Offscreen(**settings))


def first_scores(judge: LocalJudge, clip: Path, prompt: str = PROMPT) -> torch.Tensor:
    with torch.inference_mode():
        return judge.network(**judge.given(clip, prompt), use_audio_in_video=True).logits[0, -1]


@pytest.mark.parametrize("name", ["judge", "third"])
def test_an_untrained_model_gives_a_judgement_with_its_tokens(name, request, clip):
    one = request.getfixturevalue(name)
    reply = one.ask(clip, PROMPT)
    judgement_of(reply)
    assert reply.finish == DONE
    given = one.given(clip, PROMPT)
    heard = {"judge": 75, "third": 39}[name]  # 25 and 13 a second
    assert (reply.usage.input_tokens, reply.usage.audio_tokens) == (given["input_ids"].shape[1], heard)
    assert 100 < reply.usage.output_tokens < 2048


def test_the_model_is_named_by_kind_and_checksums(judge, folder, clip):
    assert judge.model_version == f"qwen2_5_omni@{checkpoint_digest(folder)[:16]}"
    short = asking(judge, max_output_tokens=64)
    assert short.ask(clip, PROMPT).model_version == judge.model_version


@pytest.mark.parametrize(
    ("settings", "grid", "seconds", "order"),
    [
        ({}, [3, 24, 24], 1.0, "288v 50a 144v 25a"),
        ({"frame_rate": 3}, [5, 24, 24], 2 / 3, "432v 50a 288v 25a"),
        ({"frame_rate": 1, "send_from": "1 s"}, [1, 24, 24], 2.0, "144v 50a"),
        ({"send_from": "500 ms", "send_until": "1500 ms"}, [1, 24, 24], 1.0, "144v 25a"),
    ],
)
def test_the_recipe_says_what_is_seen_and_heard(judge, clip, settings, grid, seconds, order):
    one = asking(judge, **settings)
    given = one.given(clip, PROMPT)
    assert given["video_grid_thw"].tolist() == [grid]
    assert given["video_second_per_grid"].tolist() == pytest.approx([seconds])
    kinds = {one.special["video"]: "v", one.special["audio"]: "a"}
    tokens = given["input_ids"][0].tolist()
    runs = [(kinds[token], len(list(run))) for token, run in groupby(tokens) if token in kinds]
    assert " ".join(f"{count}{kind}" for kind, count in runs) == order
    text = one.tokenizer.decode(tokens, skip_special_tokens=True)
    assert PROMPT in text and "evidence_seconds" in text
    assert ("into the clip" in text) == ("send_from" in settings)


@pytest.mark.parametrize("name", ["judge", "third"])
def test_it_sees_it_hears_and_it_reads(name, request, clip, tmp_path):
    one = request.getfixturevalue(name)
    levels = [20 + 3 * k for k in range(75)]
    same = first_scores(one, grey_clip(tmp_path / "same.mp4", levels, 440))
    torch.testing.assert_close(same, first_scores(one, clip), rtol=0, atol=0)
    for other in (
        first_scores(one, grey_clip(tmp_path / "seen.mp4", levels[::-1], 440)),
        first_scores(one, grey_clip(tmp_path / "heard.mp4", levels, 1500)),
        first_scores(one, clip, PROMPT + " Say."),
    ):
        assert (other - same).abs().max() > 1e-4


def test_the_answer_is_the_same_each_time_and_drawn_with_the_seed_if_warm(judge, clip):
    def texts(**settings: object) -> list[str | None]:
        warm = asking(judge, max_output_tokens=64, **settings)
        return [warm.ask(clip, PROMPT).text for _ in range(2)]

    cold, warm, other = texts(), texts(temperature=1.5, seed=3), texts(temperature=1.5, seed=4)
    assert cold[0] == cold[1] and warm[0] == warm[1] and other[0] == other[1]
    assert len({cold[0], warm[0], other[0]}) == 3


def test_a_draw_leaves_the_random_numbers_of_others_alone(judge, clip):
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    asking(judge, max_output_tokens=64, temperature=1).ask(clip, PROMPT)
    torch.testing.assert_close(torch.rand(3), wanted, rtol=0, atol=0)


def test_an_answer_at_the_limit_is_cut_short(judge, clip):
    reply = asking(judge, max_output_tokens=64).ask(clip, PROMPT)
    assert (reply.finish, reply.usage.output_tokens) == (AT_LIMIT, 64)
    with pytest.raises(NoJudgement, match="cut_short: ended at the limit, after 64 tokens"):
        judgement_of(reply)


def test_what_cannot_be_asked_says_why(judge, clip, tmp_path):
    with pytest.raises(AnalysisError, match=r"of 32768 \(lower offscreen.frame_rate"):
        asking(judge, max_output_tokens=32_000).ask(clip, PROMPT)
    with pytest.raises(AnalysisError, match=r"no picture .*offscreen.send_from"):
        asking(judge, send_from="4 s").ask(clip, PROMPT)
    with pytest.raises(AnalysisError, match="0.010 s of sound"):
        asking(judge, send_until="10 ms").ask(clip, PROMPT)
    with pytest.raises(MediaError, match="mute.mp4"):
        judge.ask(grey_clip(tmp_path / "mute.mp4", [80] * 25, None), PROMPT)


def test_a_real_clip_is_judged(judge, shared_data):
    judgement_of(judge.ask(shared_data / "asd_minis/grid_bbaf2n__orig.mp4", PROMPT))


@pytest.mark.parametrize("package", ["torch", "transformers", "llguidance"])
def test_an_absent_package_is_one_clear_error(folder, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModelMissing, match=f"needs {package}.*`full` extra.*gemini or none"):
        open_local(Offscreen(), folder, CPU)


def _edit(file: Path, change) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def _without(folder: Path, name: str) -> None:
    file = folder / "model.safetensors"
    save_file({key: one for key, one in load_file(file).items() if key != name}, file)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda at: _edit(at / "config.json", lambda one: one.update(model_type="llama")), "of 'llama'"),
        (lambda at: (at / "config.json").write_text("{"), "cannot be read as JSON"),
        (lambda at: _without(at, "thinker.lm_head.weight"), r"missing_keys: lm_head.weight"),
        (lambda at: (at / "model.safetensors").write_bytes(b"0" * 100), "cannot load"),
        (lambda at: (at / "model.safetensors").unlink(), "cannot load"),
        (
            lambda at: _edit(
                at / "config.json", lambda one: one["thinker_config"].update(audio_token_index=99)
            ),
            "token audio is 260 to the tokenizer, 99 to the network",
        ),
        (
            lambda at: _edit(at / "preprocessor_config.json", lambda one: one.pop("image_mean")),
            "image_mean and image_std in none of",
        ),
    ],
)
def test_files_that_are_no_such_model_are_refused(spoiled, change, told):
    change(spoiled)
    with pytest.raises(ModelCorrupt, match=told):
        open_local(Offscreen(), spoiled, CPU)


def test_a_checkpoint_that_has_changed_is_refused(spoiled):
    open_local(Offscreen(), spoiled, CPU)
    _without(spoiled, "talker.some.weight")
    with pytest.raises(ModelCorrupt, match="model.safetensors has SHA-256"):
        open_local(Offscreen(), spoiled, CPU)
