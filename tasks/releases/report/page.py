"""The report as one HTML file that opens offline, prints, and follows light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from markupsafe import Markup

from schemas.forms import words
from schemas.leakage import Check
from schemas.manifest import MANIFEST
from tasks.pages.templates import environment_of
from tasks.releases.account import Account
from tasks.releases.report import plots
from tasks.releases.report.choice import Moment, Sheet
from tasks.releases.report.previews import Preview
from tasks.releases.report.records import Shelf, Spread, Tables, Vote
from tasks.sources.identity import shown_url

HOUR_MS = 3_600_000

SHEETS = {
    "talking_head": "Talking heads: speech, and a mouth in the picture that matches it",
    "voice_over": "Voice-overs: speech, and no mouth in the picture that matches it",
    "cannot_tell": "Cannot tell: a mouth in the picture that could not be judged",
    "other": "Other: all else, speech with nobody in sight included",
    "least sure": "What the machine is least sure of",
    "scenarios": "One of each scenario",
    "sounds": "What is heard most",
    "conditions": "Conditions of a whole clip",
}

DRAWN_SPREADS = {
    "picture_skew_ms": "Picture: how far a source picture is from the frame that shows it",
    "sound_skew_ms": "Sound: how far a piece of sound is from its place",
    "source_start_skew_ms": "Against the source, at a clip's start",
    "source_end_skew_ms": "Against the source, at a clip's end",
}

NOTHING_TO_LEARN = 0.0005
"""A measure of balance that is smaller everywhere is not drawn: a share of nearly nothing says nothing."""

_TONES = {"talking_head": "c1", "voice_over": "c2", "cannot_tell": "c7", "other": "c8"}
_EVIDENCE_TONES = {"evident": "c3", "uniform": "c2", "missing": "c8"}
_VOTE_TONES = ("c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10")
_YOUTUBE = ("youtube.com", "youtu.be")


def html_of(
    account: Account, tables: Tables, sheets: Sequence[Sheet], previews: Mapping[Moment, Preview]
) -> str:
    """The page; all text from outside is escaped, and the same account gives the same page."""
    environment = environment_of(Path(__file__).parent)
    environment.filters |= {
        "words": words,
        "number": number,
        "hours": partial(hours, total_ms=tables.total.milliseconds),
        "lasting": lasting,
        "percent": percent,
        "clock": clock,
        "value": value,
        "measured": measured,
    }
    return environment.get_template("page.html").render(
        account=account,
        recipe=account.recipe,
        tables=tables,
        within=_within_bounds(tables.spreads),
        sheets=[(SHEETS[sheet.name], sheet) for sheet in sheets],
        previews=previews,
        tones=_TONES,
        links={moment: link for sheet in sheets for moment in sheet.moments if (link := source_link(moment))},
        plots={name: Markup(svg) for name, svg in _plots(account, tables)},
        meanings={field.name: field.metadata[b"description"].decode() for field in MANIFEST},
        checks=[(_outcome(check), check) for check in account.leakage.checks],
        evidence=_evidence(tables),
        wanted=any(one.wanted is not None for one in tables.shelves),
        shelves=_with_total(tables.shelves),
        votes=[_votes(vote) for vote in (tables.reviewed.votes if tables.reviewed else ())],
    )


def number(count: int) -> str:
    return f"{count:,}"


def hours(milliseconds: int, total_ms: int) -> str:
    """Hours, with as many digits as a small data set needs."""
    return f"{milliseconds / HOUR_MS:,.{2 if total_ms >= 10 * HOUR_MS else 3}f}"


def lasting(milliseconds: float) -> str:
    """A duration as people say it."""
    seconds = milliseconds / 1000
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:,.1f} h"


def percent(share: float | None) -> str:
    """A share; what is nearly all or nearly nothing does not read as all or nothing."""
    if share is None:
        return "–"
    if 0 < share < 0.01 or 0.99 < share < 1:
        return f"{min(99.99, max(0.01, 100 * share)):.2f} %"
    return f"{100 * share:.0f} %" if share in (0, 1) else f"{100 * share:.1f} %"


def clock(milliseconds: int) -> str:
    """A time in a clip or a source."""
    minutes, rest = divmod(milliseconds, 60_000)
    if minutes >= 60:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest / 1000:04.1f}"
    return f"{minutes}:{rest / 1000:04.1f}"


def value(measured: float | None) -> str:
    """A measurement to a thousandth; – where there is none."""
    if measured is None:
        return "–"
    text = f"{measured:,.3f}".rstrip("0").rstrip(".")
    return text.replace("-", "−") if text != "-0" else "0"


def measured(amount: float, unit: str) -> str:
    """A measure of balance in its unit."""
    return percent(amount) if unit == "share" else f"{value(amount)} {unit}"


def source_link(moment: Moment) -> str | None:
    """The page of the source at the moment's time; None for a local file, or for what is no address of a page."""
    try:
        if urlsplit(moment.url or "").scheme not in ("http", "https"):
            return None
        url = shown_url(moment.url)
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    seconds = (moment.source_start_ms + moment.shown_ms[0]) // 1000
    if any(host == site or host.endswith(f".{site}") for site in _YOUTUBE):
        return f"{url}{'&' if '?' in url else '?'}t={seconds}s"
    return f"{url}#t={seconds}"


def _within_bounds(spreads: Sequence[Spread]) -> tuple[int, int]:
    """How many times a clip exceeds a bound, and how many measurements have one."""
    bounded = [spread for spread in spreads if spread.bound is not None]
    return sum(spread.beyond for spread in bounded), sum(spread.known for spread in bounded)


def _plots(account: Account, tables: Tables) -> Iterator[tuple[str, str]]:
    """The plots there is something to show in; made here, with all their text escaped."""
    if len(tables.channels) > 1:
        yield "channels", plots.channels_plot(tables.channels, "Hours by channel and label")
    if tables.events:
        yield "events", plots.events_plot(tables.events, "The most frequent audio events")
    if tables.durations:
        yield "durations", plots.histogram_plot(tables.durations, "s", "clips", "Durations of clips")
    if tables.minutes and tables.total.videos > 1:
        yield (
            "minutes",
            plots.histogram_plot(tables.minutes, "min", "source videos", "Released of each source"),
        )
    yield "sizes", plots.counts_plot(tables.sizes, "clips", "Sizes of pictures")
    yield "rates", plots.counts_plot(tables.frame_rates, "source videos", "Frame rates of sources")
    if any(one.name != "unknown" for one in tables.published):
        yield "published", plots.years_plot(tables.published[-30:], "Years of publication")
    if any(one.probabilities for one in tables.labels):
        yield "labels", plots.labels_plot(tables.labels, "How sure the machine is of each label")
    if account.funnel:
        yield "funnel", plots.funnel_plot(account.funnel, "From discovered to released")
    for spread in tables.spreads:
        if spread.column in DRAWN_SPREADS and spread.histogram:
            title = DRAWN_SPREADS[spread.column]
            yield spread.column, plots.spread_plot(spread, spread.unit, title)
    balance = [one for one in account.leakage.balance if one.everywhere > NOTHING_TO_LEARN]
    if balance:
        yield "balance", plots.balance_plot(balance, "How each split compares with all")


def _outcome(check: Check) -> str:
    if not check.done:
        return "unclear"
    return "fail" if check.across else "pass"


def _evidence(tables: Tables) -> list[tuple[str, int, float, str]]:
    counts = {one.name: one.number for one in tables.evidence}
    ordered = {name: counts[name] for name in (*_EVIDENCE_TONES, *counts) if name in counts}
    return [
        (name, count, share, _EVIDENCE_TONES.get(name, "c5")) for name, count, share, _ in _parts(ordered)
    ]


def _with_total(shelves: Sequence[Shelf]) -> list[tuple[str, list[Shelf], int, int]]:
    """Scenarios and durations apart, each with its clips and how many are wanted in all."""
    kinds = {kind: [one for one in shelves if one.kind == kind] for kind in ("scenario", "duration")}
    return [
        (kind, those, sum(one.clips for one in those), sum(one.wanted or 0 for one in those))
        for kind, those in kinds.items()
        if those
    ]


def _parts(counts: Mapping[str, int]) -> list[tuple[str, int, float, str]]:
    """Name, number, share and colour of each part of a bar."""
    total = sum(counts.values())
    return [
        (name, count, count / total, _VOTE_TONES[place % len(_VOTE_TONES)])
        for place, (name, count) in enumerate(counts.items())
    ]


def _votes(vote: Vote) -> tuple[str, list, list]:
    """A question with the bars of what was answered and what was decided, an answer in one colour in both."""
    answers = dict.fromkeys([*vote.given, *vote.decided])
    tones = dict(zip(answers, [tone for _, _, _, tone in _parts(dict.fromkeys(answers, 1))], strict=True))
    given, decided = (
        [(name, count, share, tones[name]) for name, count, share, _ in _parts(counts)]
        for counts in (vote.given, vote.decided)
    )
    return vote.question, given, decided
