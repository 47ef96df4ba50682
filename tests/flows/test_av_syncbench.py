"""Whole runs of `curate/av-syncbench` against a local Gemini: outcomes, money, keys, and what is shown of them."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.scenarios import DOMAIN_OF
from tasks.offscreen.money.prices import DOLLAR
from tasks.releases import latest_release, releases
from tests.flows.fixtures import UPLOADED_AGAIN, Command
from tests.flows.wild import (
    BECOMES,
    DOUBT,
    KEY,
    KINDS,
    NOBODY,
    Judge,
    Place,
    check_funnel,
    clips_of,
    copy_of,
    outcomes,
    reaching,
    spent,
    video_of,
)
from tests.offscreen.gemini_server import GeminiServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


@pytest.fixture(scope="module")
def server(judge: Judge) -> Iterator[GeminiServer]:
    with GeminiServer(judge=judge, key=KEY) as server:
        yield server


@pytest.fixture(scope="module")
def unjudged(
    clapper: Command, wild_videos: Path, server: GeminiServer, tmp_path_factory: pytest.TempPathFactory
) -> Place:
    """Everything done, and nobody asked."""
    reached = {"GOOGLE_GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": KEY, "GOOGLE_API_KEY": ""}
    place = Place(clapper, wild_videos, tmp_path_factory.mktemp("wild") / "unjudged", reached)
    (place.root.parent / "said").write_text(place.run(settings=NOBODY, GEMINI_API_KEY="").stdout)
    return place


@pytest.fixture(scope="module")
def judged(unjudged: Place, server: GeminiServer) -> Place:
    """Everything done, and every clip uploaded and asked about."""
    place = copy_of(unjudged, "judged")
    done = place.run("--verbose", settings={"offscreen.send": "upload"})
    (place.root.parent / "said").write_text(done.stdout + done.stderr)
    return place


@pytest.fixture
def asked_for(judge: Judge, judged: Place) -> int:
    """How many clips the service has judged."""
    return len(judge.order)


def test_with_no_model_every_clip_is_for_people_and_nothing_is_released(unjudged: Place) -> None:
    counts = check_funnel(unjudged.summary(**NOBODY))
    fit = counts["clips cut"] - counts["clips left out for what they are"]
    assert counts["clips for people to judge"] == fit >= len(KINDS)
    assert counts["clips released"] == 0
    assert not releases(unjudged.root, "av-syncbench")
    said = (unjudged.root.parent / "said").read_text()
    assert "No release yet" in said
    assert "not judged" in said
    assert f"next {fit} clips are for people to judge" in said
    assert {outcome for outcome in outcomes(unjudged, **NOBODY).values()} == {
        "people unjudged",
        "dropped duplicate",
    }


def test_every_clip_has_one_outcome_and_the_funnel_adds_up(judged: Place, judge: Judge) -> None:
    counts = check_funnel(judged.summary())
    found, cut = outcomes(judged), clips_of(judged)
    assert counts["clips cut"] == len(cut) == len(found)
    assert counts["clips with an analysis that failed"] == counts["clips that wait for an answer"] == 0
    asked = {clip for clip, row in cut.items() if row["sha256"] in judge.order}
    assert {judge.kind(cut[clip]["sha256"]) for clip in asked} == {*KINDS}
    assert {clip: found[clip] for clip in asked} == {
        clip: BECOMES[judge.kind(cut[clip]["sha256"])] for clip in asked
    }
    assert {found[clip] for clip in cut if clip not in asked} == {"dropped duplicate"}


def test_what_was_uploaded_again_and_what_is_silent_is_left_out(judged: Place, judge: Judge) -> None:
    cut, found = clips_of(judged), outcomes(judged)
    again, first = video_of(UPLOADED_AGAIN, judged), video_of("secret-talk.mov", judged)
    copies = [clip for clip, row in cut.items() if row["video_id"] == again]
    assert copies
    assert {found[clip] for clip in copies} == {"dropped duplicate"}
    assert not any(cut[clip]["sha256"] in judge.order for clip in copies)
    details = [
        survey.outputs["duplicates"].outcomes[clip]["detail"]
        for survey in judged.surveys()
        for clip in copies
        if clip in survey.outputs["duplicates"].outcomes
    ]
    assert len(details) == len(copies)
    for detail in details:
        assert detail.startswith(f"of {first}_")
    losses = {loss.reason: loss for loss in judged.summary().losses}
    assert losses["no_audio"].items == 1
    assert losses["no_audio"].example.startswith(video_of("secret-mute.mp4", judged))


def test_a_release_holds_what_is_surely_good_and_nothing_else(judged: Place, judge: Judge) -> None:
    release = latest_release(judged.root, "av-syncbench")
    rows, cut, found = release.rows(), clips_of(judged), outcomes(judged)
    assert {row["clip_id"] for row in rows} == {clip for clip, outcome in found.items() if outcome == "keep"}
    assert len(rows) == KINDS.count("keep")
    assert {row["split"] for row in rows} == {"test"}
    for row in rows:
        said = judge(cut[row["clip_id"]]["sha256"])
        assert said["source"] == row["sound_source"] == "visible"
        assert (row["scenario"], row["scenario_domain"]) == (said["scenario"], said["domain"])
        assert row["sound_source_name"] == said["source_name"]
        assert 3000 <= row["duration_ms"] <= 13_000
        assert (release.folder / row["path"]).is_file()


def test_a_second_run_asks_nothing_and_makes_no_version(judged: Place, server: GeminiServer) -> None:
    before, requests = judged.files(), len(server.requests)
    done = judged.run()
    assert "Nothing to do" in done.stdout
    assert len(server.requests) == requests
    assert judged.files() == before
    assert [release.version for release in releases(judged.root, "av-syncbench")] == ["1.0.0"]


def test_money_and_pace_change_nothing(judged: Place, server: GeminiServer) -> None:
    requests = len(server.requests)
    ways = {"budget_per_run": "1 cent", "requests_per_minute": "9", "tries": "2", "at_once": "1"}
    done = judged.run(settings={f"offscreen.{name}": value for name, value in ways.items()})
    assert "Nothing to do" in done.stdout
    assert len(server.requests) == requests


def test_another_point_asks_nothing_and_judges_anew(judged: Place, server: GeminiServer) -> None:
    place, requests = copy_of(judged, "point"), len(server.requests)
    earlier, point = place.tables(), {"offscreen.leave_out.off_screen": str(DOUBT - 0.1)}
    place.run(settings=point)
    assert len(server.requests) == requests
    before, after = outcomes(judged), outcomes(place, **point)
    changed = {clip for clip in after if after[clip] != before[clip]}
    assert {(before[clip], after[clip]) for clip in changed} == {("people below_point", "dropped off_screen")}
    assert place.tables() == earlier
    check_funnel(place.summary(**point))


def test_another_temperature_asks_every_clip_again(
    judged: Place, server: GeminiServer, asked_for: int
) -> None:
    place, paid = copy_of(judged, "temperature"), len(server.paid)
    place.run(settings={"offscreen.temperature": "0.5"})
    assert len(server.paid) == paid + asked_for
    temperatures = {
        request.body["generationConfig"]["temperature"]
        for request in server.requests[-2 * asked_for :]
        if request.kind == "ask"
    }
    assert temperatures == {0.5}


def test_without_a_key_nothing_is_begun(judged: Place, server: GeminiServer, tmp_path: Path) -> None:
    place, requests = replace(judged, root=tmp_path / "fresh"), len(server.requests)
    done = place.run(check=False, GEMINI_API_KEY="")
    assert done.returncode == 2
    assert done.stdout == ""
    for words in ("ModelMissing", "GEMINI_API_KEY", "--set offscreen.model=none"):
        assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not [path for path in place.files() if path.name != ".lock"]
    assert len(server.requests) == requests


def test_a_dry_run_needs_no_key_and_says_how_many_will_be_asked(
    unjudged: Place, server: GeminiServer, asked_for: int
) -> None:
    before, requests = unjudged.files(), len(server.requests)
    done = unjudged.run("--dry-run", GEMINI_API_KEY="")
    (line,) = (line for line in done.stdout.splitlines() if "questions to ask" in line)
    assert int(line.strip("│ ").split("│")[1]) == asked_for
    assert "money, at most" in done.stdout
    assert len(server.requests) == requests
    assert unjudged.files() == before


def test_a_wrong_key_loses_nothing_and_the_right_one_goes_on(unjudged: Place, judge: Judge) -> None:
    place = copy_of(unjudged, "key")
    with GeminiServer(judge=judge, key="AIza-another-key") as server:
        place, earlier = reaching(place, server), place.tables()
        done = place.run("--verbose", check=False)
        assert done.returncode == 1
        said = done.stdout + done.stderr
        assert "key_refused" in said
        assert "offscreen.model=none" in said
        assert KEY not in said
        assert not server.paid
        counts = check_funnel(place.summary())
        assert counts["clips released"] == 0
    with GeminiServer(judge=judge, key=KEY) as server:
        place = reaching(place, server)
        place.run()
        assert len(server.paid) == len({paid.clip for paid in server.paid}) == len(judge.order)
    assert place.tables() == earlier
    assert check_funnel(place.summary())["clips released"] == KINDS.count("keep")


def test_a_budget_ends_the_asking_and_a_larger_one_goes_on(unjudged: Place, judge: Judge) -> None:
    place = copy_of(unjudged, "budget")
    tight = {"offscreen.budget_per_run": "1 cent", "offscreen.at_once": "1"}
    with GeminiServer(judge=judge, key=KEY) as server:
        place = reaching(place, server)
        done = place.run(settings=tight)
        assert "--set offscreen.budget_per_run=" in done.stdout
        counts = check_funnel(place.summary(**tight))
        waiting = counts["clips that wait for an answer"]
        assert waiting == len(judge.order) - len(server.paid) > 0
        assert 0 < spent(place) <= DOLLAR // 100
        losses = place.summary(**tight).losses
        asked = [loss for loss in losses if loss.outcome == "waiting" and loss.stage == "offscreen"]
        assert [(loss.reason, loss.items) for loss in asked] == [("budget_reached", waiting)]
        place.run()
        assert len(server.paid) == len({paid.clip for paid in server.paid}) == len(judge.order)
    counts = check_funnel(place.summary())
    assert counts["clips that wait for an answer"] == 0
    assert counts["clips released"] == KINDS.count("keep")


def test_by_the_batch_a_later_run_takes_the_answers_in_at_half_the_price(
    judged: Place, unjudged: Place, judge: Judge
) -> None:
    place, batch = copy_of(unjudged, "batch"), {"offscreen.mode": "batch"}
    with GeminiServer(judge=judge, key=KEY, batch_states=("PENDING", "SUCCEEDED")) as server:
        place = reaching(place, server)
        done = place.run(settings=batch)
        assert "next the batch is under way" in done.stdout
        counts = check_funnel(place.summary(**batch))
        assert counts["clips that wait for an answer"] == len(judge.order)
        place.run(settings=batch)
        assert server.kinds()["ask"] == 0
        assert len(server.paid) == len({paid.clip for paid in server.paid}) == len(judge.order)
    assert outcomes(place, **batch) == outcomes(judged)
    assert 2 * spent(place) == spent(judged) > 0


def test_no_key_no_address_with_a_signature_and_no_name_of_a_file_gets_out(
    judged: Place, unjudged: Place, server: GeminiServer, prefect_folder: Path
) -> None:
    """In what was sent, on the screen, in Prefect's database and log, and in the workspace."""
    assert server.kinds()["upload_piece"] >= len(KINDS)
    sent = "".join(f"{request.path}{request.headers}{request.body}" for request in server.requests)
    assert "secret" not in sent
    database = [path.read_bytes() for path in (prefect_folder / ".prefect").glob("prefect.db*")]
    assert b"offscreen-00001" in b"".join(database)
    secrets = (KEY, "SIGNED-ADDRESS", "upload_id")
    for root in (unjudged.root.parent, prefect_folder):
        for path in root.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            assert not [word for word in secrets if word.encode() in content], path
            if "releases" in path.parts:
                assert b"secret-" not in content, path


def test_the_status_has_the_shape_of_table_1(judged: Place) -> None:
    text = judged.command("status", "av-syncbench").stdout
    told = json.loads(judged.command("status", "av-syncbench", "--json").stdout)["shelves"]
    rows = latest_release(judged.root, "av-syncbench").rows()
    scenarios = {line["name"]: line for line in told if line["kind"] != "duration"}
    durations = {line["name"]: line for line in told if line["kind"] == "duration"}
    assert [*scenarios] == [*DOMAIN_OF]
    assert [*durations] == ["3–5 s", "5–7 s", "7–9 s", "9–11 s", "11–13 s"]
    released = Counter(row["scenario"] for row in rows)
    assert {name: line["released"] for name, line in scenarios.items()} == {
        name: released[name] for name in DOMAIN_OF
    }
    people = dict(judged.summary().funnel)["clips for people to judge"]
    for lines, target in ((scenarios, 3267), (durations, 3269)):
        assert sum(line["released"] for line in lines.values()) == len(rows)
        assert sum(line["for_people"] for line in lines.values()) == people
        cells = [str(len(rows)), str(people), str(target), str(target - len(rows))]
        assert cells in [row_of(line)[-4:] for line in text.splitlines() if line.startswith("│ total")]
    for name, line in {**scenarios, **durations}.items():
        missing = line["target"] - line["released"]
        cells = [str(line["released"]), str(line["for_people"]), str(line["target"]), str(missing)]
        assert cells in [row_of(shown)[-4:] for shown in text.splitlines() if shown.startswith(f"│ {name} ")]


def row_of(line: str) -> list[str]:
    """The cells of one line of a table on the screen."""
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_the_report_agrees_with_what_was_worked_out_by_hand(
    judged: Place, judge: Judge, tmp_path: Path
) -> None:
    """Of six clips the model calls two off screen. People say so of one of the two, and of the unclear one."""
    cut = {clip: row["sha256"] for clip, row in clips_of(judged).items() if row["sha256"] in judge.order}
    people = {"off_screen": "off_screen", "unclear": "off_screen"}
    rows = [(clip, "source", people.get(judge.kind(sha), "visible"), 3) for clip, sha in cut.items()]
    path = tmp_path / "decisions.csv"
    write_reviews(path, rows)
    words = ("offscreen", "report", "av-syncbench", "--reviews", path)
    told = json.loads(judged.command(*words, "--json").stdout)
    assert (told["judged"], told["reviewed"], told["reviewed_but_not_judged"]) == (6, 6, 0)
    score = told["questions"]["source"]["scores"][0]
    assert (score["people"], score["model"]) == (2, 2)
    assert score["precision"]["value"] == pytest.approx(1 / 2)
    assert score["recall"]["value"] == pytest.approx(1 / 2)
    point = told["questions"]["source"]["at_point"]
    assert point["precision"]["value"] == pytest.approx(1)
    text = judged.command(*words).stdout
    (line,) = (line for line in text.splitlines() if line.startswith("│ all ") and "0.500" in line)
    assert [cell.split()[0] for cell in row_of(line)[-2:]] == ["0.500", "0.500"]
    assert "6 of 6 judged clips have a review" in text


def test_a_bad_row_of_reviews_is_one_clear_error(judged: Place, tmp_path: Path) -> None:
    clip = min(clips_of(judged))
    path = tmp_path / "decisions.csv"
    write_reviews(path, [(clip, "source", "visible", 3), (clip, "audio", "loud", 3)])
    done = judged.command("offscreen", "report", "av-syncbench", "--reviews", path, check=False)
    assert done.returncode == 2
    for words in ("decisions.csv", "row 2", "'loud'", "good, poor, unclear"):
        assert words in done.stderr
    assert "Traceback" not in done.stderr


def write_reviews(path: Path, rows: list[tuple[str, str, str, int]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("clip_id", "question", "answer", "annotators"))
        table.writerows(rows)
