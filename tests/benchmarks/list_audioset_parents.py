"""Writes `tasks/sounds/audioset_parents.csv` from AudioSet's ontology.

    python -m tests.benchmarks.list_audioset_parents --data ../shared/data

Kept are the 527 classes that models name and all that lies above them, in the ontology's order.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path

from tasks.sounds.audioset import PARENTS_FILE, audioset_classes


def parents_table(ontology: Path) -> str:
    """The table as text: columns id, name, and parents, which are ids with bars between."""
    nodes = json.loads(ontology.read_text(encoding="utf-8"))
    parents: dict[str, list[str]] = {node["id"]: [] for node in nodes}
    for node in nodes:
        for child in node["child_ids"]:
            parents[child].append(node["id"])
    wanted = {one.id for one in audioset_classes()}
    while above := {parent for one in wanted for parent in parents[one]} - wanted:
        wanted |= above
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("id", "name", "parents"))
    for node in nodes:
        if node["id"] in wanted:
            table.writerow((node["id"], node["name"], "|".join(parents[node["id"]])))
    return text.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[3] / "shared" / "data")
    ontology = parser.parse_args().data / "lists/audioset_ontology.json"
    PARENTS_FILE.write_text(parents_table(ontology), encoding="utf-8")
    print(f"{PARENTS_FILE}: {len(PARENTS_FILE.read_text(encoding='utf-8').splitlines()) - 1} classes")


if __name__ == "__main__":
    main()
