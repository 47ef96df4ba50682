"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

# The fixtures of whole runs and of the review server serve the tests of many folders.
pytest_plugins = ["tests.flows.fixtures", "tests.annotation.studio"]

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real media and weights that lies beside the repository."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real media and weights (../shared/data) is not on this machine")
    return folder
