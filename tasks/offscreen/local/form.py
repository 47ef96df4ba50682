"""The form of an answer, kept by construction: a local model may only write what is a judgement so far.

The grammar is made from the schema of `Judgement`: its fields in their order, its words, its longest texts, numbers
with two decimals. Before each token llguidance says which tokens go on with some valid answer; all others are out of
reach. So any network, trained or not, ends in a judgement or at the limit of tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import AnalysisError, ModelCorrupt
from schemas.judgement import Judgement
from schemas.scenarios import DOMAIN_OF

if TYPE_CHECKING:
    import torch

SHARE = r"(0(\.[0-9]{1,2})?|1(\.0{1,2})?)"
"""A confidence: 0 to 1."""

SECONDS = r"(0|[1-9][0-9]{0,3})(\.[0-9]{1,2})?"
"""A time in a clip: up to 9999.99 s."""

Choose = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]


def answer_grammar() -> str:
    """The Lark grammar of a judgement as compact JSON."""
    fields = Judgement.model_json_schema()["properties"]
    parts = []
    for name, field in fields.items():
        if name == "scenario":
            parts.append(f"({' | '.join(_scenarios_and_domain())})")
        elif name != "domain":
            parts.append(f"{_literal(json.dumps(name) + ':')} {_value(name, field)}")
    inside = ' "," '.join(parts)
    return f'start: "{{" {inside} "}}"\n'


def _scenarios_and_domain() -> list[str]:
    """One alternative for each domain: only its own scenarios go with it."""
    domains = dict.fromkeys(DOMAIN_OF.values())
    named = {domain: [one for one in DOMAIN_OF if DOMAIN_OF[one] == domain] for domain in domains}
    begin = _literal('"scenario":')
    return [f"{begin} ({_words(words)}) {_domain(domain)}" for domain, words in named.items()]


def _domain(domain: str) -> str:
    return _literal(',"domain":' + json.dumps(domain))


def _value(name: str, field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return f"({_words(field['enum'])})"
    if field.get("type") == "string":
        return "%json " + json.dumps({"type": "string", "maxLength": field["maxLength"]})
    if field.get("type") == "number" and field.get("minimum") == 0:
        return f"/{SHARE if field.get('maximum') == 1 else SECONDS}/"
    raise TypeError(f"no grammar is known for the field {name} of the schema: {field}")


def _words(words: list[str]) -> str:
    return " | ".join(_literal(json.dumps(word)) for word in words)


def _literal(text: str) -> str:
    """A text as Lark quotes it, which is as JSON does."""
    return json.dumps(text)


def form_for(tokenizer: Any, vocabulary: int, end_token: int) -> Callable[[str], Choose]:
    """What makes the choosing of tokens for one answer after another.

    Args:
        tokenizer: a fast tokenizer of transformers.
        vocabulary: how many scores the network gives, at least as many as the tokenizer has tokens.
        end_token: the token that ends an answer.

    Returns:
        From the id of a clip to a function for one answer, which transformers takes as a logits processor: from
        token ids (1, n) and scores (1, vocabulary) to scores in which every token that would break the form is −∞.
        That function raises AnalysisError if the network leaves the form all the same.

    Raises:
        ModelCorrupt: a tokenizer that llguidance cannot read.
    """
    from llguidance import LLMatcher
    from llguidance.hf import from_tokenizer

    try:
        tokens = from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=end_token)
    except ValueError as error:
        problem = f"is a tokenizer that llguidance cannot read: {error}"
        raise ModelCorrupt(type(tokenizer).__name__, problem, "take the files of one checkpoint") from error
    grammar = LLMatcher.grammar_from_lark(answer_grammar())

    def begin(clip: str) -> Choose:
        matcher = LLMatcher(tokens, grammar, log_level=0)
        return _choosing(matcher, clip)

    return begin


def _choosing(matcher: Any, clip: str) -> Choose:
    import torch

    begun = False

    def choose(token_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        nonlocal begun
        if begun:
            matcher.consume_token(int(token_ids[0, -1]))
        begun = True
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        if matcher.is_error():
            raise AnalysisError(clip, f"the answer left its form: {matcher.get_error()}", "report it")
        allowed = np.zeros(scores.shape[-1], bool)
        listed = np.unpackbits(bits, bitorder="little")[: len(allowed)].astype(bool)
        allowed[: len(listed)] = listed
        return scores.masked_fill(~torch.from_numpy(allowed).to(scores.device), -torch.inf)

    return choose
