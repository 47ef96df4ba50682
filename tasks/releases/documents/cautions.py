"""What a user of a version should know beforehand: its biases in numbers, its limits, and the people in it.

Plain sentences, for the datasheet in the card and for the fields of croissant.json alike.
"""

from __future__ import annotations

from schemas.leakage import Balance
from tasks.releases.account import Account
from tasks.releases.documents.collected import share_of_time
from tasks.releases.documents.facts import Facts
from tasks.releases.documents.text import count, length, listed, outside, share

USES = (
    "Training and measuring models that tell how far sound and picture are apart, by known offsets put "
    "into clips that are certified to have none of their own beyond their source's.",
    "Telling who is speaking, and where a voice has no mouth in view.",
    "Work on what is heard and seen together: audio events, audio-visual evidence.",
)
MISUSES = (
    "Finding out who somebody is by face or voice, or anything else about the people in the clips.",
    "As a truth against which to measure what its own labels were made with: they are machine labels, see "
    "their errors.",
)
IMPACT = (
    "Measures of synchronisation help to repair broadcasts and to find forged speech; the same measures "
    "can help to make forgeries that are harder to find. The people in the clips did not take part in "
    "making the data set."
)
SENSITIVE = (
    "People are seen and heard, with their faces and voices as they were broadcast: nothing is blurred or "
    "changed.",
    "Rows hold no names, titles or descriptions, but the ids and addresses of sources lead to pages that do.",
    "No one has looked for content that is offensive, or that tells of a person's health, beliefs or origin.",
)

_MOST_PARTS = 3
_NOTABLE = 0.1
"""A split whose measure is off by this share of the whole's is told."""


def personal(facts: Facts) -> list[str]:
    total = facts.total
    return [
        *SENSITIVE,
        f"A talking head is in view for {share(total.talking_head_ms, total.milliseconds)} of the time.",
    ]


def biases(account: Account, facts: Facts) -> list[str]:
    """Where the version is lopsided, computed."""
    return [
        _channels(facts),
        *_domains(facts),
        _lengths(facts),
        _sizes(facts),
        *_events(facts),
        _faceless(facts),
        _labels(facts),
        "Which languages are spoken, and by whom, is not known.",
        *uneven(account),
    ]


def uneven(account: Account) -> list[str]:
    """Measures in which a split differs notably from the whole, most first; at most three."""
    apart = sorted(
        (
            (_apart(one, value), one, split, value)
            for one in account.leakage.balance
            for split, value in one.splits.items()
        ),
        key=lambda found: (-found[0], found[1].measure, found[2]),
    )
    told = [
        f"{outside(one.measure)}: {_number(value, one.unit)} in {split}, "
        f"{_number(one.everywhere, one.unit)} everywhere"
        for by, one, split, value in apart[:_MOST_PARTS]
        if by >= _NOTABLE
    ]
    if not account.leakage.balance:
        return []
    if not told:
        return [f"No split differs from the whole by {100 * _NOTABLE:g} % or more in what was measured."]
    return [f"Splits differ most from the whole in {'; '.join(told)}."]


def limitations(account: Account, facts: Facts) -> list[str]:
    total, recipe = facts.total, account.recipe
    undone = [check.name.replace("_", " ") for check in account.leakage.checks if not check.done]
    return [
        "A clip is as well synchronised as its source, no better: certificates compare it with the "
        "source's own clock, and a source may have been published out of time.",
        *(
            [
                "Whether a mouth matches the sound could not be told for "
                f"{share(total.cannot_tell_ms, total.milliseconds)} of the time."
            ]
            if total.cannot_tell_ms
            else []
        ),
        "Machine labels have errors, which are told with them; evidence called evident does not check that "
        "the source of the sound is in the picture.",
        *_conditions(facts),
        *(
            ["Sources vanish: those who make the clips again will not get all of them."]
            if recipe.release.media == "reference"
            else []
        ),
        *([f"Not checked for leakage between splits: {listed(undone)}."] if undone else []),
    ]


def _channels(facts: Facts) -> str:
    channels, whole = facts.tables.channels, facts.total.milliseconds
    if facts.tables.channel_count == 1:
        return f"All of it comes from one channel, {outside(channels[0].name)}."
    largest = channels[: min(_MOST_PARTS, facts.tables.channel_count)]
    named = [f"{outside(one.name)} {share(one.milliseconds, whole)}" for one in largest]
    return (
        f"Time is spread over {count(facts.tables.channel_count, 'channel')}; the largest: "
        f"{', '.join(named)} of the time."
    )


def _domains(facts: Facts) -> list[str]:
    known = [one for one in facts.domains.listed if one.name is not None]
    if not known:
        return []
    named = [f"{outside(one.name or '')} {share_of_time(one, facts)}" for one in known[:_MOST_PARTS]]
    return [f"By domain: {', '.join(named)} of the time."]


def _lengths(facts: Facts) -> str:
    least, middle, most = facts.video_ms
    if least == most:
        return f"Of every source video {length(most)} are released."
    return (
        f"Of one source video {length(least)} to {length(most)} are released, of half of them at most "
        f"{length(middle)}: long sources weigh more."
    )


def _faceless(facts: Facts) -> str:
    if not facts.faceless.clips:
        return "In every clip a face was found."
    return (
        f"In {count(facts.faceless.clips, 'clip')} ({share_of_time(facts.faceless, facts)} of the time) no "
        "face was found."
    )


def _sizes(facts: Facts) -> str:
    sizes, rates = facts.tables.sizes, facts.tables.frame_rates
    return (
        f"Pictures are mostly {sizes[0].name} px ({share(sizes[0].number, facts.total.clips)} of clips), "
        f"and sources mostly at {rates[0].name} frames a second "
        f"({share(rates[0].number, facts.total.videos)} of videos); what was converted from other rates is "
        "told row by row."
    )


def _events(facts: Facts) -> list[str]:
    events = facts.tables.events[:_MOST_PARTS]
    if not events:
        return ["No audio event was found."]
    named = [f"{one.name} (in {share(one.clips, facts.total.clips)} of clips)" for one in events]
    return [f"The most frequent audio events are {listed(named)}."]


def _labels(facts: Facts) -> str:
    total = facts.total
    named = {
        "talking heads": total.talking_head_ms,
        "voice-overs": total.voice_over_ms,
        "not to be told": total.cannot_tell_ms,
        "other": total.other_ms,
    }
    parts = [f"{name} {share(part, total.milliseconds)}" for name, part in named.items()]
    return f"By machine label: {', '.join(parts)} of the time."


def _conditions(facts: Facts) -> list[str]:
    found = [
        f"{one.name.replace('_', ' ')} {share(one.number, facts.total.clips)}"
        for one in facts.tables.conditions[:_MOST_PARTS]
    ]
    return (
        [
            f"Some clips are kept with a fault that is named in their row; most often: {', '.join(found)} "
            "of clips."
        ]
        if found
        else []
    )


def _apart(one: Balance, value: float) -> float:
    """How far a split is from the whole, as a share of the whole's value."""
    return abs(value - one.everywhere) / abs(one.everywhere) if one.everywhere else 0.0


def _number(value: float, unit: str) -> str:
    return f"{100 * value:.1f} %" if unit == "share" else f"{value:.4g} {unit}"
