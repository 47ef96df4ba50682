"""The list of AudioSet's classes is whole and in the models' order."""

from __future__ import annotations

import csv

from tasks.sounds.audioset import audioset_classes, ids_by_name, names_by_id


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
