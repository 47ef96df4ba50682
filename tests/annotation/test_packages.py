"""What a review needs beside the rest is told in one error."""

from __future__ import annotations

import re
import tomllib

import pytest

from annotation import packages
from annotation.packages import PACKAGES, check_packages, version_of
from schemas.errors import ToolMissing
from tests.conftest import ROOT


def test_they_are_the_extra_that_is_installed_here() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert [re.split(r"[=><]", text)[0] for text in extras["review"]] == [*PACKAGES]
    check_packages()
    assert version_of("no-such-package") is None


def test_all_that_lack_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "PACKAGES", ("pyarrow", "no-such-one", "no-such-other"))
    with pytest.raises(ToolMissing, match=r"no-such-one, no-such-other are not installed .*\[review\]"):
        check_packages()
