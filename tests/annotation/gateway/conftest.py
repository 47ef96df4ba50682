"""A gateway before a stand-in for Label Studio, shared by the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from annotation.gateway.app import gateway_app
from annotation.private import Person
from tests.annotation.gateway.serving import PEOPLE, StandIn, make_workspace, serving


@dataclass(frozen=True)
class Front:
    """A gateway that runs.

    Attributes:
        url: what people open.
        told: numbers of the projects of which the server has said that an answer came.
    """

    url: str
    root: Path
    studio: StandIn
    told: list[int]

    def client(self, pseudonym: str | None = None, **settings) -> httpx.Client:
        """Calls of a person by token, or of nobody."""
        found = next((each for each in PEOPLE if each.pseudonym == pseudonym), None)
        return httpx.Client(base_url=self.url, headers=by_token(found), timeout=20, verify=False, **settings)


def by_token(person: Person | None) -> dict[str, str]:
    return {"authorization": f"Token {person.token}"} if person else {}


@pytest.fixture(scope="module")
def running_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    root = make_workspace(tmp_path_factory.mktemp("workspace"))
    studio, told = StandIn(), []
    with serving(studio.app()) as studio_url, serving(gateway_app(root, studio_url, told.append)) as url:
        yield Front(url, root, studio, told)


@pytest.fixture
def front(running_front: Front) -> Front:
    running_front.studio.answers.clear()
    running_front.studio.asked.clear()
    running_front.told.clear()
    return running_front
