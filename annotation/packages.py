"""Packages that only a review needs: an extra, which is not installed with the rest."""

from __future__ import annotations

import importlib.metadata

from schemas.errors import ToolMissing

PACKAGES = ("cachetools", "crowd-kit", "ijson", "krippendorff", "label-studio-sdk", "tenacity")

INSTALL = "run `pip install 'clapper-av[review]'`"


def version_of(package: str) -> str | None:
    """The version that is installed; None where it is not."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_packages() -> None:
    """See that all of them are here, before any work begins.

    Raises:
        ToolMissing: one error that names all that lack.
    """
    missing = [package for package in PACKAGES if version_of(package) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ToolMissing("review", f"{', '.join(missing)} {verb} not installed", INSTALL)
