"""What the gateway knows follows the workspace's files."""

from __future__ import annotations

import json
from pathlib import Path

from annotation.gateway.known import open_known
from schemas.judging import Review


def test_the_address_of_a_clip_lasts_as_long_as_its_recipe_says(tmp_path: Path) -> None:
    known = open_known(tmp_path)
    usual = Review().address_lasts
    assert known.address_lasts_ms(None) == known.address_lasts_ms(7) == usual
    folder = tmp_path / "reviews" / "demo"
    folder.mkdir(parents=True)
    (folder / "projects.json").write_text(json.dumps({"review": 7, "adjudication": 8}))
    assert known.address_lasts_ms(7) == usual
    (folder / "review.json").write_text(Review(address_lasts="90 s").model_dump_json())
    assert known.address_lasts_ms(7) == known.address_lasts_ms(8) == 90_000
    assert known.address_lasts_ms(9) == usual
    (folder / "review.json").write_text(Review(address_lasts="2 min").model_dump_json())
    assert known.address_lasts_ms(7) == 120_000
