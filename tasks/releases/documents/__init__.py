"""The documents of a version: made from its data, not written by hand.

README.md is the dataset card with its datasheet, CHANGES.md says what each version changed, CITATION.bib how to cite
it, and croissant.json says it all to machines. All four follow from the account alone: same account, same bytes.
"""

from __future__ import annotations

from tasks.releases.account import Account
from tasks.releases.documents.card import dataset_card
from tasks.releases.documents.changes import FILE as CHANGES_FILE
from tasks.releases.documents.changes import change_log
from tasks.releases.documents.citation import citation_entry
from tasks.releases.documents.croissant import croissant_json
from tasks.releases.documents.facts import read_facts
from tasks.releases.report.records import Tables

__all__ = ["write_documents"]


def write_documents(account: Account, tables: Tables | None = None) -> None:
    """Write README.md, CHANGES.md, CITATION.bib and croissant.json into the account's folder.

    The tables of the version must be written; croissant.json names their checksums.

    Args:
        tables: of the report, where they are at hand; making them takes most of the time.

    Raises:
        ReleaseError: CHANGES.md of the version before is gone; or mlcroissant finds the description wrong.
    """
    facts, folder = read_facts(account, tables), account.folder
    (folder / "README.md").write_text(dataset_card(account, facts), encoding="utf-8")
    (folder / CHANGES_FILE).write_bytes(change_log(account, facts))
    (folder / "CITATION.bib").write_text(citation_entry(account), encoding="utf-8")
    (folder / "croissant.json").write_text(croissant_json(account, facts), encoding="utf-8")
