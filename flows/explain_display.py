"""A clip's explanation on one screen: 80 columns, and as a rule no more than 50 lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.explain import MOST_NAMED, Explanation
from schemas.plain import plain
from schemas.tables import LABEL_NAMES
from tasks.workspace.stage import Row

MARKS = {"talking_head": "T", "voice_over": "V", "cannot_tell": "?", "other": "·"}
MOST_EVENTS = 6
BAR = 50
"""Characters that stand for the length of a clip."""

PICTURE_BOUND_MS, SOUND_BOUND_MS = 20, 2

Line = tuple[str, str]
"""A heading, empty for a further line of the same, and text in rich's markup."""


def show_explanation(out: Console, found: Explanation) -> None:
    """Print what is known of a clip."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for heading, text in lines(found):
        grid.add_row(Text.from_markup(heading), Text.from_markup(text))
    out.print(_title(found), highlight=False)
    out.print(grid, width=min(out.width, 100))


def lines(found: Explanation) -> Iterator[Line]:
    """Headings and texts, top down; what is not known is not there."""
    if found.row is None:
        yield from _why_not(found)
        return
    row = found.row
    if found.taken_down:
        yield "[red]gone[/]", f"[red]taken down on {found.taken_down}: no later version has it[/]"
    yield from _source(found, row)
    yield from _clip(found, row)
    yield from _sync(row)
    yield from _timeline(row)
    yield from _condition(found, row)
    yield from _judged(found, row)
    yield from _reviewed(row)
    yield from _made(found, row)
    yield from _placed(found, row)


def as_json(found: Explanation) -> dict[str, Any]:
    """The same and more, JSON-able, without paths of this machine."""
    told = asdict(found)
    told["release"] = None if found.release is None else f"{found.dataset} {found.release.version}"
    told["recipe"] = None if found.recipe is None else found.recipe.name
    told["ledger"] = [{k: v for k, v in asdict(last).items() if k != "folder"} for last in found.ledger]
    return told


def timed_url(url: str, start_ms: int) -> str:
    """The page of a source at the time at which a clip begins."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    seconds = start_ms // 1000
    return f"{url}&t={seconds}s" if host == "youtube.com" and "?" in url else f"{url}#t={seconds}"


def timeline(spans: Sequence[tuple[int, int, str]], duration_ms: int, width: int = BAR) -> str:
    """Spans, ms with a mark, as a line of so many characters; a character has the mark that covers most of it."""
    drawn = []
    for place in range(width):
        low, high = place * duration_ms / width, (place + 1) * duration_ms / width
        covered: dict[str, float] = {}
        for start, end, mark in spans:
            covered[mark] = covered.get(mark, 0) + max(0.0, min(end, high) - max(start, low))
        mark = max(covered, key=lambda each: covered[each], default=" ")
        drawn.append(mark if covered.get(mark, 0) >= (high - low) / 4 else " ")
    return "".join(drawn)


def _title(found: Explanation) -> str:
    if found.release is None:
        return f"[bold]{plain(found.clip_id)}[/]  [yellow]in no version[/]"
    place = f"{found.dataset} {found.release.version} · {found.row['split']}"
    return f"[bold]{plain(found.clip_id)}[/]  [green]{plain(place)}[/]"


def _why_not(found: Explanation) -> Iterator[Line]:
    for heading, reason in zip(("why", *[""] * len(found.reasons)), found.reasons, strict=False):
        yield heading, plain(reason)
    done = [last.stage for last in found.ledger if last.outcome == "done"]
    if done:
        yield "passed", ", ".join(dict.fromkeys(done))
    if found.ledger:
        yield "last seen", f"{found.ledger[-1].tried_at} at {found.ledger[-1].stage}"


def _source(found: Explanation, row: Row) -> Iterator[Line]:
    named = f"“{plain(found.name)}”" if found.name else "a local file"
    yield (
        "source",
        plain(timed_url(row["source_url"], row["source_start_ms"])) if row["source_url"] else named,
    )
    span = f"{_clock(row['source_start_ms'])} – {_clock(row['source_end_ms'])} of it"
    form = f"{_rate(row['source_frame_rate'])} fps, {row['source_sample_rate']} Hz"
    yield "", f"{span}, channel {plain(row['channel'])}, {form}"
    facts = [row["source_licence"], row["source_published"], row["downloader"]]
    if any(facts):
        yield "", ", ".join(plain(fact) for fact in facts if fact)
    yield "sha256", row["source_sha256"]


def _clip(found: Explanation, row: Row) -> Iterator[Line]:
    size = f"{row['width']}×{row['height']} px, {row['bytes'] / 1000:.0f} kB"
    yield "clip", f"{row['duration_ms'] / 1000:g} s: {row['frames']} frames, {row['samples']} samples; {size}"
    yield "sha256", row["sha256"]
    yield "decoded", f"frames {row['frames_xxh3'][:16]}…, samples {row['samples_xxh3'][:16]}… (XXH3-128)"
    if found.file_matches is not None:
        yield "file", "[green]has these bytes[/]" if found.file_matches else "[red]has other bytes[/]"


def _sync(row: Row) -> Iterator[Line]:
    held = row["picture_skew_ms"] <= PICTURE_BOUND_MS and row["sound_skew_ms"] <= SOUND_BOUND_MS
    mark = "[green]kept[/]" if held else "[red]not kept[/]"
    yield (
        "sync",
        f"{mark}: no picture further than {row['picture_skew_ms']:.2f} ms from its source time (at most "
        f"{PICTURE_BOUND_MS}), no sound further than {row['sound_skew_ms']:.2f} ms (at most {SOUND_BOUND_MS})",
    )
    drift = row["source_drift_ms_per_hour"]
    drifts = "too short to tell a drift" if drift is None else f"drifts {drift:+.1f} ms an hour"
    start, end = _against(row["source_start_skew_ms"]), _against(row["source_end_skew_ms"])
    yield "", f"sound against picture: {start} at its start, {end} at its end; {drifts}"
    mended = {
        "frames shown again": row["repeated_frames"],
        "pictures passed over": row["dropped_pictures"],
        "ms of silence put in": row["inserted_silence_ms"],
        "ms of sound left away": row["removed_sound_ms"],
        "samples clipped": row["clipped_samples"],
    }
    told = ", ".join(f"{round(number, 1):g} {what}" for what, number in mended.items() if number)
    yield "", told or "no frame repeated, no picture passed over, no silence put in"


def _against(skew_ms: float | None) -> str:
    if skew_ms is None:
        return "unknown"
    return "level" if abs(skew_ms) < 0.05 else f"{abs(skew_ms):.1f} ms {'early' if skew_ms > 0 else 'late'}"


def _timeline(row: Row) -> Iterator[Line]:
    length = row["duration_ms"]
    marks = [(span["start_ms"], span["end_ms"], MARKS[span["label"]]) for span in row["labels"] or ()]
    end = f"{length / 1000:g} s"
    yield "", f"[dim]0{end.rjust(BAR - 1)}[/]"
    yield "labels", timeline(marks, length)
    yield "", _totals(row)
    speech = [(span["start_ms"], span["end_ms"], "━") for span in row["speech"] or ()]
    if speech:
        yield "speech", timeline(speech, length)
    named: dict[str, list[Row]] = {}
    for event in row["audio_events"] or ():
        named.setdefault(event["name"], []).append(event)
    ordered = sorted(named.items(), key=lambda each: -sum(e["end_ms"] - e["start_ms"] for e in each[1]))
    for heading, (name, events) in zip(("events", *[""] * len(named)), ordered[:MOST_EVENTS], strict=False):
        spans = [(event["start_ms"], event["end_ms"], "━") for event in events]
        score = max(event["score"] for event in events)
        yield heading, f"{timeline(spans, length)} {plain(name)} {score:.2f}"
    if len(named) > MOST_EVENTS:
        yield "", f"and {len(named) - MOST_EVENTS} more classes"


def _totals(row: Row) -> str:
    told = [
        f"{MARKS[name]} {name.replace('_', ' ')} {row[f'{name}_ms'] / 1000:.1f}"
        for name in LABEL_NAMES
        if row[f"{name}_ms"]
    ]
    return ", ".join(told) + " s"


def _condition(found: Explanation, row: Row) -> Iterator[Line]:
    why = ""
    if found.evidence:
        why = f" ({found.evidence['reason'].replace('_', ' ')}, {found.evidence['score']:.2f})"
    loud = "silent" if row["loudness_lufs"] is None else f"{row['loudness_lufs']:g} LUFS"
    yield "evidence", f"{row['evidence']}{why}; {loud}, heard up to {row['bandwidth_hz'] or 0} Hz"
    if row["conditions"]:
        yield "holds", ", ".join(row["conditions"])


def _judged(found: Explanation, row: Row) -> Iterator[Line]:
    judged, answer = found.judgement, found.answer
    if judged is None or judged["source"] is None:
        if row["sound_source"] or row["scenario"]:
            yield "source of", f"the sound: {row['sound_source']}; scenario {row['scenario']}"
        elif judged is not None:
            yield "judge", f"no model judged it ({judged['reason']})"
        return
    who = f"{answer.model}, prompt {answer.prompt}" if answer else "a model"
    yield (
        "judge",
        f"{plain(who)}: sound {judged['source']} ({judged['source_confidence']:.2f}), "
        f"“{plain(judged['source_name'] or '?')}”; {judged['scenario']} ({judged['scenario_confidence']:.2f}); "
        f"mismatch {judged['mismatch']}, audio {judged['audio']}",
    )
    yield "", f"“{plain(judged['evidence'] or '')}”"
    asked = f", asked {answer.asked_at[:10]}" if answer else ""
    yield "", f"answer {judged['answer_key'][:16]}…{asked}"


def _reviewed(row: Row) -> Iterator[Line]:
    if not row["reviewers"]:
        return
    votes: dict[str, list[str]] = {}
    for vote in row["review_votes"] or ():
        votes.setdefault(vote["question"], []).append(f"{vote['annotator']} {vote['answer']}")
    agreed = row["review_agreement"]
    alike = "" if agreed is None else f", pairs agree in {agreed:.0%}"
    lead = f"; {row['adjudicator']} decided" if row["adjudicator"] else ""
    yield "people", f"{row['reviewers']} judged it, each alone{alike}{lead}"
    for finding in row["review_findings"] or ():
        by = "the lead" if finding["adjudicated"] else f"{finding['votes']} of {finding['of']}"
        given = ", ".join(votes.get(finding["question"], ()))
        yield "", f"{finding['question']}: [bold]{plain(finding['answer'])}[/] by {by} — {plain(given)}"


def _made(found: Explanation, row: Row) -> Iterator[Line]:
    used = [(name, model) for name, model in row["models"].items() if model != "none"]
    yield "models", ", ".join(plain(f"{name} {model}") for name, model in used)
    if found.recipe is not None:
        yield "recipe", f"{found.recipe.name} ({found.recipe.profile}), digest {found.recipe_digest[:16]}…"
        yield "", _deciding(found)
    code = found.provenance.get("clapper")
    if code:
        revision = f", revision {code['revision'][:12]}" if code.get("revision") else ""
        changed = " and changes" if code.get("changed") else ""
        prompt = found.provenance.get("prompt")
        asked = f"; prompt {prompt['version']} ({prompt['sha256'][:12]}…)" if prompt else ""
        yield "code", f"Clapper {code['version']}{revision}{changed}{asked}"
    yield "", f"decoded by {plain(row['decoder'])}; encoded by {plain(row['encoder'])}"


def _deciding(found: Explanation) -> str:
    """What of the recipe decided this clip, in its own terms."""
    recipe = found.recipe
    moments, media = recipe.moments, recipe.media
    cut = f"cut every {media.clip_length / 1000:g} s"
    if moments:
        cut = f"cut around moments, {moments.min_length / 1000:g}–{moments.max_length / 1000:g} s"
    parts = [
        cut,
        f"labels ≥ {recipe.labels.min_probability:g}",
        f"events ≥ {recipe.events.threshold:g}",
        "copies left out" if recipe.duplicates and recipe.duplicates.leave_out else "",
        f"off screen ≥ {recipe.offscreen.leave_out.off_screen:g} left out" if recipe.offscreen else "",
        f"people: {recipe.review.rule}" if recipe.review and recipe.review.decides else "",
        f"splits {recipe.splits.train:.0%}/{recipe.splits.dev:.0%}/{recipe.splits.test:.0%}",
    ]
    return ", ".join(part for part in parts if part)


def _placed(found: Explanation, row: Row) -> Iterator[Line]:
    why = "by its own video alone"
    if found.kin:
        more = " …" if len(found.kin) > MOST_NAMED else ""
        why = f"together with what its video is like: {', '.join(found.kin[:MOST_NAMED])}{more}"
    yield "split", f"{row['split']}, {plain(why)}; for ever"
    for number, alike in enumerate(found.likenesses):
        both = {"both": "picture and sound"}.get(alike.kind, alike.kind)
        lasts = f", {alike.overlap_ms / 1000:.1f} s" if alike.overlap_ms else ""
        yield "" if number else "alike", f"{plain(alike.clip_id)} ({both}{lasts})"
    told = [
        f"{step.version} {step.change}" + (f" ({plain(step.reason)})" if step.reason else "")
        for step in found.history
    ]
    yield "versions", " · ".join(told)


def _clock(milliseconds: int) -> str:
    """Time on the source's clock, as players show it, with milliseconds."""
    whole = str(timedelta(seconds=abs(milliseconds) // 1000)).removeprefix("0:")
    return f"{'−' if milliseconds < 0 else ''}{whole}.{abs(milliseconds) % 1000:03d}"


def _rate(fraction: str | None) -> str:
    if not fraction:
        return "?"
    top, _, bottom = fraction.partition("/")
    return f"{int(top) / int(bottom or 1):.5g}"
