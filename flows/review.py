"""The review as a run sees it: clips that are ready go before people, answers come back and are decided on.

One exchange does what can be done now and stops: nobody waits for people. What came earlier holds without a server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from annotation.configs.hooks import hooks_of
from annotation.configs.projects import ensure_projects
from annotation.decide.disputes import dispute_items, disputes, settled_by_annotators
from annotation.decide.rules import decide
from annotation.exchange.client import open_client
from annotation.exchange.pull import Pulled, pull
from annotation.exchange.push import Pushed, push
from annotation.private import Connection, open_secrets, read_people
from annotation.store import WAIT_S, read_answers, read_items, sole_writer, write_decided
from annotation.trials.plan import items_for
from annotation.trials.trial import Unmade
from flows.fate import clips_for_people
from flows.outlook import survey_all
from flows.survey import Survey, Workbench
from schemas.errors import ServiceError, ServiceRefused
from schemas.tables import LABEL_NAMES
from tasks.workspace.catalog import read_catalog
from tasks.workspace.stage import Row

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is in all."""


@dataclass(frozen=True)
class Exchanged:
    """What one exchange did.

    Attributes:
        ready: clips that are ready for people by what machines found.
        pulled, pushed: what came from the server and what went to it; None where that could not be done.
        outcomes: clips by what people decided so far.
        notes: what was passed over or put right, in words.
        problems: what went wrong, with what to do.
    """

    ready: int
    pulled: Pulled | None = None
    pushed: Pushed | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    problems: Sequence[str] = ()

    def sentence(self) -> str:
        """The exchange in one line."""
        came = f"{self.pulled.new} new answers" if self.pulled else "no answers could be taken in"
        went = f"{self.pushed.pushed} items pushed" if self.pushed else "nothing could be pushed"
        decided = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        return f"{self.ready} clips are ready for people; {came}, {went}; {decided or 'nothing decided yet'}"


def exchange(bench: Workbench, connection: Connection, progress: Progress = lambda *_: None) -> Exchanged:
    """Take in answers, decide, and put before people what is new; needs the recipe's section `review`.

    What the server does not allow is a problem in what is returned, not an error: what came earlier still holds.

    Raises:
        WorkspaceError: another process is at work on this review.
    """
    root, name, review = bench.root, bench.recipe.name, bench.recipe.review
    ready, checksums = _clips(read_catalog(root), bench)
    known, unmade = read_items(root, name), []
    with sole_writer(root, name, WAIT_S):
        secret = open_secrets(root).items
        new = items_for(root, bench.recipe, ready, known, secret, partial(progress, "trials"), unmade.append)
    done, problems, repaired = {}, [], []
    try:
        client = open_client(connection)
        projects = ensure_projects(client, root, name, review, hooks_of(root))
        repaired = list(projects.repaired)
        done["pulled"] = pull(client, root, name, review, projects.numbers, read_people(root), progress)
        wanted = [*(item for item in known if _is_current(item, checksums)), *new]
        asked = _with_disputes(wanted, bench) if review.adjudicate else wanted
        done["pushed"] = push(
            client, root, name, review, projects.numbers, asked, progress, done["pulled"].seen
        )
    except (ServiceError, ServiceRefused) as error:
        problems.append(str(error))
    outcomes = Counter(row["outcome"] for row in settle(bench))
    notes = [*_passed_over(unmade), *repaired, *_noticed(**done)]
    return Exchanged(len(ready), **done, outcomes=outcomes, notes=notes, problems=problems)


def settle(bench: Workbench) -> list[Row]:
    """Decide from the answers that are here, and keep the decisions; returns them.

    Raises:
        WorkspaceError: another process is at work on this review.
    """
    root, name = bench.root, bench.recipe.name
    with sole_writer(root, name, WAIT_S):
        decided = decide(read_items(root, name), read_answers(root, name), bench.recipe.review)
        write_decided(root, name, decided)
    return decided


def _with_disputes(items: Sequence[Row], bench: Workbench) -> list[Row]:
    """The items with the disputes that show now, so that they are before the lead at once, and without those that
    annotators have settled themselves."""
    answers = read_answers(bench.root, bench.recipe.name)
    decided = decide(items, answers, bench.recipe.review)
    disputed = disputes(decided, items, answers)
    for_lead = dispute_items(disputed, items, bench.recipe.name, open_secrets(bench.root).items)
    settled = settled_by_annotators(decided, items)
    return [*(item for item in items if item["item_key"] not in settled), *for_lead]


def _clips(catalog: Sequence[Row], bench: Workbench) -> tuple[list[Row], dict[str, str | None]]:
    """The clips that people are asked about; and the checksum of every clip, None for one that they are not."""
    channels = {video["video_id"]: video["channel"] for video in catalog}
    ready, checksums = [], {}
    for survey in survey_all(catalog, bench):
        if survey.ready_for_people:
            rows = list(clips_ready(survey, bench, channels))
            ready += rows
            checksums |= {clip["clip_id"]: None for clip in _cut(survey)}
            checksums |= {row["clip_id"]: row["sha256"] for row in rows}
    return ready, checksums


def _is_current(item: Row, checksums: Mapping[str, str | None]) -> bool:
    """Whether people are still asked about an item; of a clip that nothing is known of now, it stays."""
    return checksums.get(item["clip_id"], item["clip_sha256"]) == item["clip_sha256"]


def clips_ready(survey: Survey, bench: Workbench, channels: Mapping[str, str]) -> Iterator[Row]:
    """The clips of a shard that people are asked about, with what the choice of trials needs to know."""
    records = {name: survey.outputs[name].records() for name in ("labels", "events", "evidence", "offscreen")}
    ready = set(clips_for_people(survey, bench.recipe.review))
    for clip in _cut(survey):
        if clip["clip_id"] in ready:
            of_clip = {name: found.get(clip["clip_id"], ()) for name, found in records.items()}
            yield {**_ready(clip, of_clip), "channel": channels[clip["video_id"]]}


def _cut(survey: Survey) -> Iterator[Row]:
    for rows in survey.outputs["normalize"].records().values():
        yield from rows


def _ready(clip: Row, records: Mapping[str, Sequence[Row]]) -> Row:
    judged = next(iter(records["offscreen"]), {})
    return {
        **{name: clip[name] for name in ("clip_id", "video_id", "sha256", "path", "duration_ms")},
        "evidence": records["evidence"][0]["evidence"],
        "scenario": judged.get("scenario"),
        "labels": records["labels"],
        "events": records["events"],
        "machine": _machine(judged, records["labels"]),
    }


def _machine(judged: Row, labels: Iterable[Row]) -> dict[str, str]:
    """What models say of a clip, by the questions that people are asked; it is kept beside, and never shown."""
    said = {name: judged[name] for name in ("source", "mismatch", "audio", "scenario") if judged.get(name)}
    lengths = Counter(dict.fromkeys(LABEL_NAMES, 0))
    for row in labels:
        lengths[row["label"]] += row["end_ms"] - row["start_ms"]
    return said | {"speech": lengths.most_common(1)[0][0]}


def _passed_over(unmade: Sequence[Unmade]) -> Iterator[str]:
    for (kind, reason), count in sorted(Counter((one.kind, one.reason) for one in unmade).items()):
        first = next(one for one in unmade if (one.kind, one.reason) == (kind, reason))
        example = ", ".join(word for word in (first.clip_id, first.detail) if word)
        yield f"{kind}: {count} not made, {reason}" + (f" ({example})" if example else "")


def _noticed(pulled: Pulled | None = None, pushed: Pushed | None = None) -> Iterator[str]:
    """What somebody should know of the answers that came and of the tasks that went."""
    if pulled:
        for reason, count in sorted(pulled.refused.items()):
            yield f"{count} answers put aside: {reason}"
        if pulled.missing:
            yield f"{len(pulled.missing)} answers are gone from the server; they are kept here and count"
    if pushed:
        told = {
            "restored": "tasks had been deleted on the server, and are there again",
            "mended": "tasks had been altered on the server, and are as they were",
            "doubled": "items had two tasks; one of each is closed, and answers to both count",
            "asked_again": "items have an answer that does not count, and are offered to a further person",
            "renewed": "disputes show the lead what annotators have changed since",
        }
        yield from (f"{len(keys)} {words}" for what, words in told.items() if (keys := getattr(pushed, what)))
        if pushed.waiting:
            yield f"{pushed.waiting} items wait until others are judged (review.outstanding)"
        if pushed.strange:
            yield f"{pushed.strange} tasks on the server are none of ours, and are left alone"
