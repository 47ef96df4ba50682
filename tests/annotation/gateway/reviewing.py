"""A review on a real Label Studio behind the gateway: two projects, clips, and people's calls to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from annotation.gateway.app import gateway_app
from annotation.private import Person
from annotation.store import write_items
from tests.annotation.gateway.serving import CLIP_BYTES, item, serving
from tests.annotation.studio import Studio

PAGE = """<View>
  <Video name="clip" value="$video" frameRate="25"/>
  <TimelineLabels name="trim" toName="clip"><Label value="keep"/></TimelineLabels>
  <Choices name="aligned" toName="clip" required="true"><Choice value="yes"/><Choice value="no"/></Choices>
</View>"""
REGION = {"ranges": [{"start": 1, "end": 100}], "timelinelabels": ["keep"]}
TRIM = {"id": "trim", "from_name": "trim", "to_name": "clip", "type": "timelinelabels", "value": REGION}


@dataclass(frozen=True)
class Review:
    """What the tests know of it.

    Attributes:
        url: of the gateway.
        projects: number of each project.
        tasks: numbers of the clips in `review`, then of the dispute in `adjudication`.
    """

    url: str
    studio: Studio
    projects: dict[str, int]
    tasks: list[int]

    def caller(self, pseudonym: str) -> httpx.Client:
        """Somebody's calls through the gateway, by token."""
        headers = self.studio.headers(pseudonym)
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, verify=False)

    @contextmanager
    def browser(self, pseudonym: str) -> Iterator[httpx.Client]:
        """Somebody's calls through the gateway, logged in with a password as a browser does."""
        with httpx.Client(base_url=self.url, timeout=60, verify=False) as client:
            log_in(client, self.studio.person(pseudonym), self.url)
            yield client

    @property
    def admin(self) -> httpx.Client:
        """Calls to Label Studio itself."""
        return httpx.Client(base_url=self.studio.url, headers=self.studio.headers(), timeout=60, verify=False)


def log_in(client: httpx.Client, person: Person, url: str) -> None:
    """Fill in the log-in form."""
    client.get("/user/login/")
    form = {
        "email": person.email,
        "password": person.password,
        "csrfmiddlewaretoken": client.cookies["csrftoken"],
    }
    answer = client.post("/user/login/", data=form, headers={"origin": url})
    if answer.status_code != 302:
        raise RuntimeError(f"log-in of {person.pseudonym}: {answer.status_code}, expected 302")
    client.headers["x-csrftoken"] = client.cookies["csrftoken"]


def key_of(number: int) -> str:
    return f"{number:032x}"


def answer(value: str, **more) -> dict:
    """The body with which a clip is answered."""
    choice = {"from_name": "aligned", "to_name": "clip", "type": "choices", "value": {"choices": [value]}}
    return {"result": [TRIM, choice], "lead_time": 5.0, **more}


def task_of(number: int) -> dict:
    data = {
        "key": key_of(number),
        "video": f"/clips/{key_of(number)}.mp4",
        "title": "4.0 s",
        "fps": 25,
        "frames": 100,
    }
    guess = {"from_name": "aligned", "to_name": "clip", "type": "choices", "value": {"choices": ["no"]}}
    return {
        "data": data,
        "meta": {"machine": {"aligned": "machine-says-no"}},
        "predictions": [
            {"model_version": "trim", "result": [TRIM]},
            {"model_version": "machine-says-no", "result": [guess]},
        ],
    }


@contextmanager
def reviewing(studio: Studio, clips: int) -> Iterator[Review]:
    """A review of some clips, and one dispute, with the gateway in front."""
    (studio.root / "clips").mkdir()
    (studio.root / "clips" / "clip.mp4").write_bytes(CLIP_BYTES)
    projects, tasks = {}, []
    with httpx.Client(base_url=studio.url, headers=studio.headers(), timeout=60) as admin:
        for kind, overlap, numbers in (("review", 3, range(clips)), ("adjudication", 1, [clips])):
            settings = {
                "title": f"demo {kind}", "label_config": PAGE, "maximum_annotations": overlap,
                "skip_queue": "REQUEUE_FOR_OTHERS", "show_collab_predictions": True,
                "sampling": "Sequential sampling",
            }  # fmt: skip
            projects[kind] = admin.post("/api/projects/", json=settings).json()["id"]
            address = f"/api/projects/{projects[kind]}/import?return_task_ids=true"
            tasks += admin.post(address, json=[task_of(number) for number in numbers]).json()["task_ids"]
    write_items(studio.root, "demo", [item(key_of(number)) for number in range(clips + 1)])
    (studio.root / "reviews" / "demo" / "projects.json").write_text(json.dumps(projects))
    with serving(gateway_app(studio.root, studio.url)) as url:
        yield Review(url, studio, projects, tasks)
