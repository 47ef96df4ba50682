"""Whatever a network would like to write, what it may write is a judgement."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.errors import AnalysisError
from schemas.judgement import Judgement
from tasks.offscreen.local.form import answer_grammar, form_for
from tasks.offscreen.reply import DONE, Reply, Usage, judgement_of
from tests.offscreen.omni import ids, write_tokenizer
from tests.offscreen.test_reply import WHOLE

VOCABULARY, END = 288, ids()["<|im_end|>"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def begin(tokenizer):
    return form_for(tokenizer, VOCABULARY, END)


def written(choose, scores: Iterator[torch.Tensor], limit: int = 3000) -> list[int]:
    """Greedily, as far as the end token."""
    tokens = [7]
    while tokens[-1] != END and len(tokens) < limit:
        chosen = choose(torch.tensor([tokens]), next(scores))
        tokens.append(int(chosen[0].argmax()))
        assert torch.isfinite(chosen[0, tokens[-1]])
    return tokens[1:]


def random_scores(seed: int, favourite: int | None = None) -> Iterator[torch.Tensor]:
    numbers = torch.Generator().manual_seed(seed)
    while True:
        scores = torch.randn(1, VOCABULARY, generator=numbers)
        if favourite is not None:
            scores[0, favourite] += 3
        yield scores


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**31), st.one_of(st.none(), st.integers(0, VOCABULARY - 1)))
def test_every_wish_ends_in_a_judgement(tokenizer, begin, seed, favourite):
    tokens = written(begin("clip"), random_scores(seed, favourite))
    assert tokens[-1] == END
    text = tokenizer.decode(tokens, skip_special_tokens=True)
    judgement = judgement_of(Reply(text, DONE, None, Usage(), None))
    assert Judgement.model_validate_json(text) == judgement
    assert list(json.loads(text)) == list(Judgement.model_fields)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"source_name": 'the "bell" \\ Glöckchen 鐘', "evidence": "seen\nand heard"},
        {"source_confidence": 0, "audio_confidence": 1, "evidence_seconds": 0},
        {"scenario": "singing", "domain": "voice", "evidence_seconds": 12.25},
        {"source_name": "x" * 120, "evidence": "y" * 400, "evidence_seconds": 9999.99},
    ],
)
def test_a_judgement_is_within_reach(tokenizer, begin, changed):
    text = json.dumps(WHOLE | changed, ensure_ascii=False, separators=(",", ":"))
    tokens = [*tokenizer.encode(text, add_special_tokens=False), END]

    def wishes() -> Iterator[torch.Tensor]:
        for token in tokens:
            scores = torch.zeros(1, VOCABULARY)
            scores[0, token] = 9
            yield scores

    assert written(begin("clip"), wishes()) == tokens


@pytest.mark.parametrize(
    ("wanted", "instead"),
    [
        ('{"source_name":"a","source":"hidden"', '{"source_name":"a","source":"'),
        ('{"audio":', '{"'),
        ('{"source_name":"a","source":"visible","source_confidence":1.5', '…"source_confidence":1.'),
        ('{"source_name":"' + "x" * 121, '{"source_name":"' + "x" * 120),
        ("Here is", ""),
    ],
)
def test_anything_else_is_out_of_reach(tokenizer, begin, wanted, instead):
    tokens = tokenizer.encode(wanted, add_special_tokens=False)
    choose, sure = begin("clip"), [7]
    for token in tokens:
        scores = choose(torch.tensor([sure]), torch.zeros(1, VOCABULARY))
        if torch.isinf(scores[0, token]):
            break
        sure.append(token)
    assert tokenizer.decode(sure[1:]).endswith(instead.removeprefix("…"))
    assert len(sure) - 1 < len(tokens)


def test_scenario_and_domain_belong_together_in_every_alternative():
    grammar = answer_grammar()
    assert grammar.count('\\"domain\\":') == 3
    assert '"\\"singing\\"") ",\\"domain\\":\\"voice\\""' in grammar


def test_leaving_the_form_is_told(begin):
    choose = begin("clip 12")
    choose(torch.tensor([[7]]), torch.zeros(1, VOCABULARY))
    with pytest.raises(AnalysisError, match="clip 12: the answer left its form"):
        choose(torch.tensor([[7, 5]]), torch.zeros(1, VOCABULARY))
