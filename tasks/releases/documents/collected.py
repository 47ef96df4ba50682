"""What a version says of its clips: what they are, where they come from, and what is missing.

Plain sentences, for the datasheet in the card and for the fields of croissant.json alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from schemas.recipe import Recipe
from schemas.sections import ListSource, YtdlpSource
from tasks.releases.account import Account
from tasks.releases.documents.facts import Amount, Amounts, Facts
from tasks.releases.documents.text import count, length, listed, outside, share, size, span
from tasks.releases.report.records import Spread

MOST_NAMED = 5
"""At most so many names stand in a sentence."""


def purpose(recipe: Recipe) -> list[str]:
    return [
        f"{outside(recipe.title)} is for work on audio-visual synchronisation: telling how far the sound "
        "and the picture of a clip are apart, who of those in view is speaking, and what is heard and seen "
        "together.",
        *([f"Its recipe follows {outside(recipe.cites, 400)}"] if recipe.cites else []),
    ]


def made_by(recipe: Recipe) -> str:
    names = [outside(name) for name in recipe.release.creators]
    return (
        f"{listed(names)}, with Clapper." if names else "The recipe names nobody; it was made with Clapper."
    )


def size_of_it(recipe: Recipe, facts: Facts) -> str:
    """How much there is, in one sentence."""
    total, channels = facts.total, facts.tables.channel_count
    on_disk = "" if recipe.release.media == "reference" else f" ({size(facts.bytes)})"
    return (
        f"{count(total.clips, 'clip')} of {count(total.videos, 'source video')} of "
        f"{count(channels, 'channel')}, {length(total.milliseconds)} in all{on_disk}."
    )


def instances(recipe: Recipe, facts: Facts) -> list[str]:
    """What one row is."""
    shortest, middle, longest = facts.clip_ms
    lengths = (
        f"They all last {length(middle)}."
        if shortest == longest
        else f"They last {length(shortest)} to {length(longest)}, half of them at most {length(middle)}."
    )
    if recipe.moments:
        how = (
            f"cut around what is seen and heard at once, {span(recipe.moments.min_length)} to "
            f"{span(recipe.moments.max_length)} long"
        )
    else:
        how = f"one after the other, each of {span(recipe.media.clip_length)} or, at a source's end, less"
    return [
        f"Clips are parts of source videos, {how}. {lengths}",
        f"Each is H.264 at 25 frames a second, its shortest side {recipe.media.short_side} px, with AAC-LC "
        "sound, one channel at 16 kHz, and has one row with its source, times, labels and sync certificate.",
        _FORMS[recipe.release.media],
    ]


_FORMS = {
    "path": "The clips lie as files beside the tables; the rows name them.",
    "inside": "The clips are inside the tables.",
    "reference": "The clips are not part of this version: the rows name their sources and times, from "
    "which they can be made again for as long as the sources exist.",
}


def sources(recipe: Recipe) -> str:
    """Where the videos were looked for, without paths of this machine."""
    kinds = Counter(type(source) for source in recipe.sources)
    web, lists = kinds[YtdlpSource], kinds[ListSource]
    local = len(recipe.sources) - web - lists
    named = [
        *([count(web, "address") + " of videos, playlists or channels"] if web else []),
        *([count(lists, "list") + " of segments"] if lists else []),
        *([count(local, "folder or file", "folders or files") + " on disk"] if local else []),
    ]
    return f"The recipe names {listed(named)}." if named else "The recipe itself names no sources."


def fetched(facts: Facts) -> list[str]:
    """With what the videos were fetched, and when they were published."""
    tools = [tool for tool in facts.tools.listed if tool.name is not None]
    on_disk = sum(tool.videos for tool in facts.tools.listed if tool.name is None)
    told = [f"{_named(tool)} ({count(tool.videos, 'video')})" for tool in tools[:MOST_NAMED]]
    if len(tools) > MOST_NAMED:
        told.append(count(len(tools) - MOST_NAMED, "other program"))
    sentences = [f"Fetched with {listed(told)}."] if told else []
    if on_disk:
        sentences.append(f"{count(on_disk, 'video')} lay on disk already and {_was(on_disk)} not fetched.")
    return [*sentences, published(facts)]


def timeframe(account: Account, facts: Facts) -> list[str]:
    """When the sources were collected, with what, and when they were published."""
    if account.collected is None:
        return fetched(facts)
    first, last = account.collected
    when = f"on {first}" if first == last else f"between {first} and {last}"
    return [f"Sources were collected {when}.", *fetched(facts)]


def published(facts: Facts) -> str:
    if facts.published is None:
        return "No source states when it was published."
    first, last = facts.published
    when = f"on {first}" if first == last else f"between {first} and {last}"
    rest = f"; {count(facts.undated, 'video')} state no day" if facts.undated > 1 else ""
    rest = "; 1 video states no day" if facts.undated == 1 else rest
    return f"By what their sites state, the sources were published {when}{rest}."


def admission(recipe: Recipe) -> str:
    """Which videos were taken."""
    rules = recipe.admission
    asked = [
        *([f"of at least {span(rules.min_duration)}"] if rules.min_duration else []),
        *([f"of at most {span(rules.max_duration)}"] if rules.max_duration else []),
        *([f"at least {rules.min_height} px high"] if rules.min_height else []),
        *(
            [f"under the licences {listed([outside(one) for one in rules.licences])}"]
            if rules.licences
            else []
        ),
        *([f"up to {span(rules.max_per_channel)} of a channel"] if rules.max_per_channel else []),
    ]
    return (
        f"Videos were taken {', '.join(asked)}." if asked else "Every video that the sources list was taken."
    )


def missing(account: Account) -> list[str]:
    """What was seen and is not here, by the funnel."""
    steps = dict(account.funnel)
    found, taken = steps.get("videos discovered"), steps.get("videos taken")
    sentences = []
    if found is not None and taken is not None:
        part = f"Of {count(found, 'video')} that the sources list, {taken:,} {_was(taken)} taken."
        sentences.append("Every video that the sources list was taken." if found == taken else part)
    lost = sum(loss.items for loss in account.losses)
    if lost:
        reasons = len({(loss.stage, loss.reason) for loss in account.losses})
        sentences.append(
            f"{count(lost, 'video, clip or part', 'videos, clips or parts')} of them "
            f"({length(sum(loss.milliseconds for loss in account.losses))}) {_was(lost)} left out on the "
            f"way, for {count(reasons, 'reason')}."
        )
    else:
        sentences.append("Nothing was left out on the way.")
    return sentences


def losses(account: Account) -> list[tuple[str, str, str, int, str]]:
    """What was left out: station, outcome, reason, items, length (– where it is not known); longest first."""
    ordered = sorted(
        account.losses, key=lambda loss: (-loss.milliseconds, -loss.items, loss.stage, loss.reason)
    )
    return [
        (one.stage, one.outcome, one.reason, one.items, length(one.milliseconds) if one.milliseconds else "–")
        for one in ordered
    ]


def preprocessing(account: Account) -> list[str]:
    """What was done to the sources, in order."""
    recipe = account.recipe
    clapper = account.provenance.get("clapper")
    version = clapper.get("version") if isinstance(clapper, Mapping) else clapper
    dropped = sorted({loss.stage for loss in account.losses if loss.outcome == "dropped"})
    return [
        "Each source was brought to 25 frames a second and 16 kHz on its own clock (a frame shows the "
        "picture nearest in time; a gap in the sound becomes silence of its length), cut, encoded, and "
        "every finished clip decoded again for its certificate.",
        f"What the recipe does not want was left out at {listed(dropped)}." if dropped else "",
        "Clips that are nearly the same as an earlier one were looked for over all clips by picture and "
        "sound."
        if recipe.duplicates
        else "",
        f"It was done with Clapper{f' {version}' if version else ''}; provenance.json names code, libraries "
        "and models, and recipe.yaml every setting.",
    ]


def absent(facts: Facts) -> list[str]:
    """What rows lack."""
    sentences = []
    none = next((one for one in facts.licences.listed if one.name is None), None)
    if none:
        sentences.append(
            f"For {count(none.videos, 'video')} ({length(none.milliseconds)}) no licence is stated."
        )
    if facts.undated:
        sentences.append(f"For {count(facts.undated, 'video')} no day of publication is stated.")
    return sentences


def sync(facts: Facts) -> list[str]:
    """What the certificates say, in a sentence for picture and sound each."""
    spreads = {spread.column: spread for spread in facts.tables.spreads}
    told = [
        _spread("the picture", spreads["picture_skew_ms"]),
        _spread("the sound", spreads["sound_skew_ms"]),
    ]
    found = [sentence for sentence in told if sentence]
    if not found:
        return ["No clip has a sync certificate."]
    return [
        "Every clip has a sync certificate that was measured on the finished file: where its picture and "
        "its sound are on the source's own clock.",
        f"In all clips {listed(found)}.",
        *(
            [f"In {count(facts.repeated, 'clip')} frames are shown again where the source has none."]
            if facts.repeated
            else []
        ),
        *(
            [f"In {count(facts.silenced, 'clip')} silence stands where the source has no sound."]
            if facts.silenced
            else []
        ),
    ]


def _spread(what: str, spread: Spread) -> str | None:
    if not spread.known:
        return None
    beyond = f"{count(spread.beyond, 'clip')} beyond" if spread.beyond else "no clip beyond"
    return (
        f"{what} is within {abs(spread.most):.3g} ms of its place (median {spread.median:.3g} ms; bound "
        f"{spread.bound:g} ms, {beyond})"
    )


def licences(amounts: Amounts) -> list[tuple[str, int, int, str]]:
    """Licences of the sources: licence, videos, clips, length."""
    return [
        ("none stated" if one.name is None else one.name, one.videos, one.clips, length(one.milliseconds))
        for one in amounts.listed
    ]


def share_of_time(amount: Amount, facts: Facts) -> str:
    return share(amount.milliseconds, facts.total.milliseconds)


def _named(amount: Amount) -> str:
    return outside(amount.name or "")


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
