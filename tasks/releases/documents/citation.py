"""CITATION.bib of a version: one valid entry of BibTeX, whatever stands in the recipe."""

from __future__ import annotations

from tasks.releases.account import Account
from tasks.releases.documents.text import bibtex, bibtex_url, outside

LONGEST_NOTE = 400


def citation_entry(account: Account) -> str:
    """An entry `@misc` whose key is the name of the data set and the version."""
    recipe, today = account.recipe, account.today
    fields = {
        "title": f"{{{bibtex(outside(recipe.title))}}}",
        # Each name in braces stands as it is written: it may be an institute's, or hold the word `and`.
        "author": " and ".join(f"{{{bibtex(outside(name))}}}" for name in recipe.release.creators),
        # Without an author the entry is sorted, and named, by this.
        "key": "" if recipe.release.creators else bibtex(outside(recipe.title)),
        "year": f"{today.year}",
        "month": f"{today.month}",
        "version": account.version,
        "howpublished": "Data set",
        "url": bibtex_url(recipe.release.homepage or ""),
        "note": _note(account),
    }
    lines = [f"  {name} = {{{value}}},\n" for name, value in fields.items() if value]
    return f"@misc{{{recipe.name}-{account.version},\n{''.join(lines)}}}\n"


def _note(account: Account) -> str:
    made = f"Version {account.version}, made with Clapper"
    cites = bibtex(outside(account.recipe.cites, LONGEST_NOTE))
    return f"{made}. Follows: {cites}" if cites else made
