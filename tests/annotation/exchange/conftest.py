"""One Label Studio for all files here: each test has a review of its own there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.annotation.studio import Studio, Template, running_studio


@pytest.fixture(scope="package")
def studio(studio_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Label Studio on SQLite with five annotators, a lead and an administrator."""
    with running_studio(studio_template, tmp_path_factory.mktemp("exchange")) as running:
        yield running
