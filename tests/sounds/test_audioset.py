"""The list of AudioSet's classes is whole and in the models' order, and the ontology above them is Google's."""

from __future__ import annotations

import csv
import json

import pytest

from schemas.errors import AnalysisError
from tasks.sounds.audioset import (
    PARENTS_FILE,
    audioset_classes,
    ids_by_name,
    names_by_id,
    ontology,
    parents_of,
    roots_of,
)
from tests.benchmarks.list_audioset_parents import parents_table

ROOTS = {
    "Human sounds",
    "Animal",
    "Music",
    "Natural sounds",
    "Sounds of things",
    "Source-ambiguous sounds",
    "Channel, environment and background",
}


def test_whole_and_in_order():
    classes = audioset_classes()
    assert [one.index for one in classes] == list(range(527))
    assert len(names_by_id()) == len(ids_by_name()) == 527
    assert (classes[0].id, classes[0].name) == ("/m/09x0r", "Speech")
    assert names_by_id()["/m/0bt9lr"] == "Dog"


def test_as_google_publishes_it(shared_data):
    with (shared_data / "lists/audioset_class_labels_indices.csv").open(encoding="utf-8", newline="") as file:
        published = [(int(row["index"]), row["mid"], row["display_name"]) for row in csv.DictReader(file)]
    assert [(one.index, one.id, one.name) for one in audioset_classes()] == published


@pytest.mark.parametrize(
    ("name", "parents", "roots"),
    [
        ("Speech", ["Human voice", "Human sounds"], ["Human sounds"]),
        ("Bark", ["Dog", "Domestic animals, pets", "Animal"], ["Animal"]),
        ("Music", [], ["Music"]),
        (
            "Chirp, tweet",
            [
                "Bird vocalization, bird call, bird song",
                "Brief tone",
                "Bird",
                "Onomatopoeia",
                "Wild animals",
                "Source-ambiguous sounds",
                "Animal",
            ],
            ["Source-ambiguous sounds", "Animal"],
        ),
        ("Bell", ["Musical instrument", "Sounds of things", "Music"], ["Sounds of things", "Music"]),
    ],
)
def test_parents_and_roots(name, parents, roots):
    assert list(parents_of(ids_by_name()[name])) == parents
    assert list(roots_of(ids_by_name()[name])) == roots


def test_every_class_leads_to_a_root_and_none_to_itself():
    for one in ontology().values():
        parents = parents_of(one.id)
        assert one.name not in parents
        assert len(set(parents)) == len(parents)
        assert roots_of(one.id) and set(roots_of(one.id)) <= ROOTS
        assert {ontology()[parent].name for parent in one.parents} <= set(parents)
    assert {one.name for one in ontology().values() if not one.parents} == ROOTS


def test_parents_come_nearest_first():
    for one in ontology().values():
        direct = tuple(ontology()[parent].name for parent in one.parents)
        assert parents_of(one.id)[: len(direct)] == direct


def test_the_ontology_names_the_classes_as_their_list_does():
    assert len(ontology()) == 557
    assert {one: ontology()[one].name for one in names_by_id()} == names_by_id()


def test_unknown_class():
    with pytest.raises(AnalysisError, match="/m/nothing"):
        parents_of("/m/nothing")


def test_parents_are_those_of_the_published_ontology(shared_data):
    published = shared_data / "lists/audioset_ontology.json"
    assert PARENTS_FILE.read_text(encoding="utf-8") == parents_table(published)
    children = {node["id"]: node["child_ids"] for node in json.loads(published.read_text(encoding="utf-8"))}
    links = {(parent, child) for parent, some in children.items() for child in some if child in ontology()}
    assert {(parent, one.id) for one in ontology().values() for parent in one.parents} == links
