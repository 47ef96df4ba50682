"""Which failures of a task Prefect tries again."""

from __future__ import annotations

import asyncio

import pytest
from prefect.states import exception_to_failed_state

from flows.curate import worth_retrying
from schemas.errors import ModelMissing, RecipeError, WorkspaceError

CASES = {
    OSError(28, "No space left on device"): True,
    MemoryError(): True,
    ModelMissing("mn04", "is not here"): False,
    WorkspaceError("w", "is not writable"): False,
    RecipeError("r", "has an unknown key"): False,
}


@pytest.mark.parametrize("error", CASES, ids=lambda error: type(error).__name__)
def test_what_may_pass_is_tried_again_and_what_cannot_is_not(error: BaseException) -> None:
    state = asyncio.run(exception_to_failed_state(error))
    assert worth_retrying(None, None, state) is CASES[error]
