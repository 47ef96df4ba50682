"""What the tests of several layouts share."""

from __future__ import annotations

import pytest

from tasks.releases.folder import Release
from tests.releases.formats.flashing import flashing_version


@pytest.fixture(scope="session")
def flashing(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A version of clips that flash and beep; nobody may change it."""
    return flashing_version(tmp_path_factory.mktemp("flashing") / "1.0.0")
