"""Who labelled a version: machines, with what they are known to get wrong, and people, with how far they agree.

Plain sentences, for the datasheet in the card and for the fields of croissant.json alike.
"""

from __future__ import annotations

from schemas.forms import FORMS, words
from tasks.releases.account import Account, Checked
from tasks.releases.documents.facts import Facts
from tasks.releases.documents.measured import measured_errors, unmeasured
from tasks.releases.documents.text import count, listed, share

EVIDENCE = (
    "Audio-visual evidence is evident where the sound has visible, distinct causes, uniform where it flows "
    "without them (engines, wind, music beds), and missing where there is no sound, or nothing to see that "
    "makes it."
)
CONDITIONS = "Conditions are what holds of a clip as a whole."
LABELS = (
    "Every clip is divided into intervals: a talking head where there is speech and a mouth in view "
    "matches it, a voice-over where there is speech and no mouth in view matches it, cannot tell where a "
    "mouth could not be judged (too short, too still), and other in all other cases.",
    "Audio events are classes of AudioSet with their times.",
    EVIDENCE,
    CONDITIONS,
)


def in_brief(facts: Facts) -> str:
    """`talking heads 40 %, voice-overs 20 % of the time`."""
    total = facts.total
    return (
        f"talking heads {share(total.talking_head_ms, total.milliseconds)}, voice-overs "
        f"{share(total.voice_over_ms, total.milliseconds)} of the time"
    )


def by_machine(account: Account, facts: Facts) -> list[str]:
    """Which labels machines made, and who checked them."""
    reviewed = facts.tables.reviewed
    if reviewed:
        checked = (
            f"People have reviewed {count(reviewed.clips, 'clip')} of {facts.total.clips:,}; all "
            "other labels stand as the machines made them."
        )
    elif account.checked:
        checked = "People were asked about a sample of them, which measures them and changes none."
    else:
        checked = "No person has checked them."
    profile = account.recipe.profile
    clips, labels = facts.labelled
    return [
        f"Labels were made by machine, with the {profile} profile of Clapper. {checked}",
        *LABELS,
        f"A source list gave {count(labels, 'label')} to {count(clips, 'clip')} (list_label)."
        if clips
        else "",
    ]


def judge(account: Account, facts: Facts) -> list[str]:
    """The vision-language model that judged clips before people did, if the recipe asks one."""
    section, model = account.recipe.offscreen, account.recipe.model_for("offscreen")
    if section is None or model == "none":
        return []
    named = section.service_model if model == "gemini" else model
    points = ", ".join(f"{words(name)} {point:g}" for name, point in section.leave_out.model_dump().items())
    return [
        f"A vision-language model ({named}, prompt {section.prompt}) judged whether the source of the main "
        f"sound is in the picture, and named the scenario, in {count(facts.named, 'clip')}. What it was "
        f"sure is unfit is left out (from {points}); {100 * section.audit:g} % of that was put before "
        "people all the same."
    ]


def tools(facts: Facts) -> list[str]:
    """`faces: yunet, checksum ebafce4e3c118d65`."""
    return [
        f"{analysis}: {' with checksum '.join(model.split('@', 1))}"
        for analysis, model, _ in facts.tables.models
        if model != "none"
    ]


def errors(account: Account, facts: Facts) -> list[str]:
    """What is known of how wrong machine labels are: first on this version's clips, then on others."""
    models = [model for _, model, _ in facts.tables.models]
    unknown = unmeasured(models)
    return [
        *(
            f"On this data set, as people said: {_checked(one)}"
            for one in account.checked
            if one.measure != "alpha"
        ),
        *(f"On other clips: {sentence}" for sentence in measured_errors(models)),
        *([f"Never measured: {listed(unknown)}."] if unknown else []),
    ]


def measured_on(account: Account) -> str:
    """On what the errors of machine labels were measured."""
    if any(one.measure != "alpha" for one in account.checked):
        return (
            "People were asked about a sample of them, without being shown them; others were measured on "
            "other clips."
        )
    return (
        "None was measured on the clips of this version; what is known comes from other clips with known "
        "labels."
    )


def _checked(one: Checked) -> str:
    """`label talking head: precision 0.92 (95 % interval 0.85 to 0.96), 60 clips.`"""
    what = f"{words(one.question)} {words(one.of)}" if one.of else words(one.question)
    known = one.low is not None and one.high is not None
    interval = (
        f" (95 % interval {one.low:.2f} to {one.high:.2f})" if known else " (too few clips for an interval)"
    )
    measure = "Krippendorff's alpha among people" if one.measure == "alpha" else one.measure
    return f"{what[0].upper()}{what[1:]}: {measure} {one.value:.2f}{interval}, {count(one.clips, 'clip')}."


def by_people(account: Account, facts: Facts) -> list[str]:
    """Who judged clips, how, and how far they agree; a card must not let anybody think so who cannot."""
    reviewed, review = facts.tables.reviewed, account.recipe.review
    if reviewed is None:
        return ["No person has reviewed the clips of this version.", *_sample(account)]
    low, high = facts.judgements or (0, 0)
    each = f"{low}" if low == high else f"{low} to {high}"
    rest = facts.total.clips - reviewed.clips
    sentences = [
        f"{count(reviewed.people, 'person', 'people')} judged {count(reviewed.clips, 'clip')} of "
        f"{facts.total.clips:,} in Label Studio, each clip by {each} of them, each without seeing the "
        f"others' answers or the machine's: {count(reviewed.judgements, 'judgement')}.",
        *(
            [f"They were asked about {listed(_questions(review.form))}; {_RULES[review.rule]}."]
            if review
            else []
        ),
        *agreement(account, facts),
        f"A lead decided {count(reviewed.adjudicated, 'clip')} on which they did not agree."
        if reviewed.adjudicated
        else "",
        f"The other {count(rest, 'clip')} no person has reviewed." if rest else "",
    ]
    return [sentence for sentence in sentences if sentence]


def _sample(account: Account) -> list[str]:
    """What people were asked without deciding anything, and how far they agree in it."""
    if not account.checked:
        return []
    asked = listed(list(dict.fromkeys(words(one.question) for one in account.checked)))
    return [
        f"On a sample of clips people answered in Label Studio; what they were asked: {asked}.",
        *_beyond_chance(account),
    ]


def _beyond_chance(account: Account) -> list[str]:
    return [_checked(one) for one in account.checked if one.measure == "alpha"]


_RULES = {"majority": "the majority decides", "unanimity": "all must agree"}


def agreement(account: Account, facts: Facts) -> list[str]:
    """How far people agree: over all, for each question, and beyond chance where that was computed."""
    reviewed = facts.tables.reviewed
    if reviewed is None:
        return _beyond_chance(account)
    alike = {one.name: one.number for one in facts.unanimous}
    of_each = [
        f"{words(vote.question)} {share(alike.get(vote.question, 0), sum(vote.decided.values()))}"
        for vote in reviewed.votes
        if vote.decided
    ]
    sentences = [f"All votes were alike, by question: {', '.join(of_each)}."] if of_each else []
    if reviewed.agreement is not None:
        percent = f"{100 * reviewed.agreement:.0f} %"
        sentences.insert(0, f"Pairs of them agree in {percent} of the answers that decide.")
    return [*sentences, *_beyond_chance(account)]


def per_item(facts: Facts) -> str | None:
    """How many people judged one clip; None where nobody judged any."""
    if facts.judgements is None:
        return None
    low, high = facts.judgements
    return f"{low}" if low == high else f"{low} to {high}"


def demographics(facts: Facts) -> list[str]:
    if facts.tables.reviewed is None:
        return []
    return [
        "Annotators are known by pseudonyms (A1, A2 …; leads L1, L2 …). Nothing else about them is recorded."
    ]


def _questions(form: str) -> list[str]:
    return [words(question.name) for question in FORMS[form].questions]
