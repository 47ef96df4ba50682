"""The review server that the tests of all parts of the review use."""

from __future__ import annotations

from tests.annotation.studio import postgres_studio, postgres_template, studio, studio_template

__all__ = ["postgres_studio", "postgres_template", "studio", "studio_template"]
