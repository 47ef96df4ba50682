"""Batches of one run whose shards are worked on at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.offscreen.money.accounts import Budgets, open_accounts
from tasks.offscreen.money.batch_accounts import open_batches, plan_batch
from tasks.offscreen.money.prices import DOLLAR, Picodollars
from tests.offscreen.clips import ask, make_clips, outcomes, recipe
from tests.offscreen.gemini_server import GeminiServer

PLENTY = Budgets(Picodollars(DOLLAR), Picodollars(DOLLAR))


@pytest.mark.parametrize(("run", "abandoned"), [("run 1", False), ("run 0", True)])
def test_a_batch_that_another_shard_is_about_to_make_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: str, abandoned: bool
) -> None:
    """Planned and not made, it is another shard's of this run, or was left behind by an earlier run."""
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    accounts = open_accounts(tmp_path)
    plan_batch(accounts, run, "gemini-3-flash-preview", "of-another-shard", {"0" * 64: 1000}, PLENTY)
    with GeminiServer() as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        said = outcomes(ask(tmp_path, make_clips(tmp_path, 2), recipe(mode="batch"), run=1))
    assert {*said.values()} == {"waiting batch_pending"}
    names = {batch.display_name for batch in open_batches(accounts)}
    assert len(names) == (1 if abandoned else 2)
    assert ("of-another-shard" in names) is not abandoned
