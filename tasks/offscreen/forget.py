"""Remove a model's answers about some clips; what they cost stays booked.

An answer is kept under a digest that names no clip. The records of the stage `offscreen` have the digests of clips
that it let pass; those of clips that it left out are found by asking again what their digests are, under every
prompt and model that was ever asked here and the settings of the recipes that are known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from schemas.errors import RecipeError
from schemas.judgement import schema_digest
from schemas.judging import Offscreen
from tasks.offscreen.answers import answer_key
from tasks.offscreen.money.accounts import FILE
from tasks.offscreen.money.books import transaction
from tasks.offscreen.prompts import read_prompt


def forget_answers(
    root: Path, keys: Collection[str], clips: Collection[str], sections: Iterable[Offscreen]
) -> int:
    """Remove the answers about some clips; returns how many there were.

    Args:
        keys: answer keys that records name.
        clips: SHA-256 (hex) of the clips' files.
        sections: settings under which they may have been asked about.
    """
    if not (root / FILE).is_file():
        return 0
    sections = list(sections)
    with transaction(root / FILE) as books:
        # Without it the words would stay in the file's free pages.
        books.execute("PRAGMA secure_delete = ON")
        asked = books.execute("SELECT DISTINCT prompt, model FROM answers ORDER BY prompt, model").fetchall()
        wanted = {*keys, *_keys_of(clips, sections, [(row["prompt"], row["model"]) for row in asked])}
        return sum(
            books.execute("DELETE FROM answers WHERE answer_key = ?", (key,)).rowcount
            for key in sorted(wanted)
        )


def _keys_of(
    clips: Collection[str], sections: Collection[Offscreen], asked: Iterable[tuple[str, str]]
) -> Iterator[str]:
    for version, model in asked:
        try:
            text = read_prompt(version)
        except RecipeError:  # a prompt that this Clapper no longer has
            continue
        for section in sections:
            same = section.model_copy(update={"prompt": version})
            yield from (answer_key(clip, same, text, schema_digest(), model) for clip in clips)
