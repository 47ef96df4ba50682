"""All documents together: made once, in place, the same bytes from the same account."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from schemas.recipe import Recipe
from tasks.releases.documents import write_documents
from tests.releases.documents.making import account, reviewed, row

RECIPE = Recipe.model_validate({"name": "toy", "title": "Toy", "release": {"media": "reference"}})
NAMES = ("README.md", "CHANGES.md", "CITATION.bib", "croissant.json")


def written(folder: Path) -> dict[str, bytes]:
    rows = [row("a", **reviewed()), row("b", split="test"), row("c", channel="golf", split="dev")]
    made = account(folder, rows, recipe=RECIPE)
    before = {path for path in folder.rglob("*")}
    write_documents(made)
    assert {path.name for path in folder.rglob("*") if path not in before} == set(NAMES)
    return {name: (folder / name).read_bytes() for name in NAMES}


def test_the_same_account_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    one, two = written(tmp_path / "one"), written(tmp_path / "elsewhere" / "two")
    assert one == two
    assert not any(str(tmp_path).encode() in content for content in one.values())


def test_a_citation_is_the_same_in_all_of_them(tmp_path: Path) -> None:
    made = written(tmp_path / "v")
    entry = made["CITATION.bib"].decode()
    assert f"```bibtex\n{entry}```" in made["README.md"].decode()


def test_mlcroissant_is_loaded_only_when_something_is_written() -> None:
    code = "import sys, tasks.releases.documents; sys.exit('mlcroissant' in sys.modules or 'yt_dlp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
