"""Five annotators at once, through the gateway, on PostgreSQL: every clip gets three answers of three people."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.annotation.gateway.reviewing import Review, answer, reviewing
from tests.annotation.studio import Studio

CLIPS, PER_CLIP = 40, 3


def label_until_nothing_is_left(review: Review, pseudonym: str) -> int:
    """Ask for a clip and answer it until there is none; the number of answers."""
    given = 0
    with review.caller(pseudonym) as client:
        while True:
            found = client.get(f"/api/projects/{review.projects['review']}/next")
            if found.status_code == 404:
                return given
            assert found.status_code == 200, found.text
            task = found.json()
            assert task["annotations"] == []
            kept = client.post(f"/api/tasks/{task['id']}/annotations", json=answer("yes"))
            assert kept.status_code == 201, kept.text
            given += 1


@pytest.mark.slow
def test_five_annotators_finish_forty_clips(postgres_studio: Studio):
    everybody = [person.pseudonym for person in postgres_studio.annotators]
    with reviewing(postgres_studio, CLIPS) as review:
        given, rounds = 0, 0
        # That there is nothing left is not final: another annotator may have held the last clip in that moment.
        while given < CLIPS * PER_CLIP and rounds < 5:
            rounds += 1
            with ThreadPoolExecutor(len(everybody)) as people:
                given += sum(people.map(lambda each: label_until_nothing_is_left(review, each), everybody))
        with review.admin as admin:
            tasks = [admin.get(f"/api/tasks/{task}/").json() for task in review.tasks[:CLIPS]]
    authors = [[each["completed_by"]["id"] for each in task["annotations"]] for task in tasks]
    assert Counter(map(len, authors)) == {PER_CLIP: CLIPS}
    assert all(len(set(each)) == PER_CLIP for each in authors)
    assert {author for each in authors for author in each} <= {
        person.user for person in postgres_studio.annotators
    }
