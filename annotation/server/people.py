"""Who labels: the list that somebody hands in, and the accounts and pseudonyms that come of it."""

from __future__ import annotations

import csv
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from annotation.private import Person, Role, private_folder, read_people, write_people
from schemas.errors import SystemicError

ADMIN = "admin@clapper.invalid"
"""The administrator's account: for calls of ours, for no person."""

FIRST_LETTER: Mapping[Role, str] = {"annotator": "A", "lead": "L"}

# What Label Studio's log-in page takes: words with single dots, and a host with a dot.
_WORD = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(rf"{_WORD}(?:\.{_WORD})*@(?:{_LABEL}\.)+[a-z][a-z0-9-]{{0,20}}[a-z0-9]", re.IGNORECASE)
_LONGEST_EMAIL = 200
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Newcomer:
    """A row of the list. `email` is in lower case: the same address in other letters is the same person."""

    email: str
    name: str
    role: Role


@dataclass(frozen=True)
class Account:
    """What somebody has on the server.

    Attributes:
        user: her number.
        token: empty where we do not know it.
        own_password: whether the account was there before us, so that its password is hers and not the planned one.
    """

    user: int
    token: str = ""
    own_password: bool = False


Accounts = Callable[[Sequence[Person], Sequence[Person]], Mapping[str, Account]]
"""Makes accounts for the first, closes those of the second; by email. Who never had one and left has none."""


def read_list(path: Path) -> list[Newcomer]:
    """The people of a list: CSV with the columns email, name, role, or YAML with a list of such entries.

    Raises:
        SystemicError: it cannot be read, or has bad rows; every bad row is named with its number.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SystemicError(
            str(path), f"cannot be read: {error}", "give a CSV or YAML file in UTF-8"
        ) from error
    rows = _yaml_rows(path, text) if path.suffix in (".yaml", ".yml") else _csv_rows(path, text)
    people, faults, seen = [], [], {}
    for number, row in rows:
        fault = _fault(row)
        email = str(row.get("email") or "").strip().lower()
        if fault is None and email in seen:
            fault = f"{email} stands in row {seen[email]} already"
        if fault is not None:
            faults.append(f"row {number}: {fault}")
            continue
        seen[email] = number
        people.append(Newcomer(email, str(row.get("name") or "").strip(), str(row["role"]).strip().lower()))  # type: ignore[arg-type]
    if faults:
        raise SystemicError(str(path), "; ".join(faults), "correct these rows; nobody was added")
    if not people:
        raise SystemicError(
            str(path), "names nobody", "give email, name and role (annotator or lead) of each"
        )
    return people


def ensure_people(root: Path, newcomers: Sequence[Newcomer] | None, accounts: Accounts) -> list[Person]:
    """Bring the accounts to what the list says; people.json then has everybody, also those who have left.

    Args:
        newcomers: the whole list; who is not on it any more is closed out. None: everybody stays as she is.

    Raises:
        SystemicError: somebody would change her role.
    """
    known = read_people(root)
    planned = plan(known, newcomers)
    # Passwords are kept before the accounts exist: a start that is cut short must not make one that nobody knows.
    if planned != known:
        write_people(root, planned)
    here = [person for person in planned if person.active]
    gone = [person for person in planned if not person.active]
    made = accounts(here, gone)
    people = [_with_account(person, made.get(person.email)) for person in planned]
    if people != planned:
        write_people(root, people)
    return people


def plan(known: Sequence[Person], newcomers: Sequence[Newcomer] | None) -> list[Person]:
    """What people.json should hold: known people in their order, then new ones. Pseudonyms are never given twice.

    Raises:
        SystemicError: somebody would change her role; her answers stand under a pseudonym of the old one.
    """
    if not any(person.role == "admin" for person in known):
        known = [Person(ADMIN, "admin", "admin", 0, password=new_password()), *known]
    if newcomers is None:
        return list(known)
    listed = {newcomer.email: newcomer for newcomer in newcomers}
    planned = [_as_listed(person, listed.pop(person.email, None)) for person in known]
    for newcomer in newcomers:
        if newcomer.email in listed:
            pseudonym = next_pseudonym(planned, newcomer.role)
            planned.append(
                Person(newcomer.email, newcomer.role, pseudonym, 0, newcomer.name, password=new_password())
            )
    return planned


def next_pseudonym(people: Sequence[Person], role: Role) -> str:
    letter = FIRST_LETTER[role]
    taken = [
        int(person.pseudonym[1:]) for person in people if re.fullmatch(f"{letter}[0-9]+", person.pseudonym)
    ]
    return f"{letter}{max(taken, default=0) + 1}"


def new_password() -> str:
    """Twelve letters and digits that are not mistaken for one another, in three groups: 58 bits."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(3))


def write_logins(root: Path, people: Sequence[Person], address: str, note: str = "") -> Path:
    """Write the table of log-ins to hand out, readable by the owner only; where it lies.

    Args:
        note: stands below the table, for whoever hands them out.
    """
    path = private_folder(root) / "log-ins.txt"
    rows = [("address", "email", "password", "pseudonym", "role", "name")]
    rows += [
        (address, person.email, person.password, person.pseudonym, person.role, person.name)
        for person in people
        if person.role != "admin" and person.active and person.password
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines += ["", note] if note else []
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _as_listed(person: Person, newcomer: Newcomer | None) -> Person:
    if person.role == "admin":
        return person
    if newcomer is None:
        return replace(person, token="", password="", active=False)
    if newcomer.role != person.role:
        raise SystemicError(
            newcomer.email,
            f"is {_article(person.role)} ({person.pseudonym}) and would become {_article(newcomer.role)}",
            "give the new role to another address, so that it stays clear who answered what",
        )
    password = person.password if person.active else new_password()
    return replace(person, name=newcomer.name, password=password, active=True)


def _with_account(person: Person, account: Account | None) -> Person:
    if account is None:
        return person
    password = "" if account.own_password else person.password
    return replace(person, user=account.user, token=account.token, password=password)


def _article(role: Role) -> str:
    return f"{'a' if role == 'lead' else 'an'} {role}"


def _fault(row: Mapping[str, Any]) -> str | None:
    email, role = str(row.get("email") or "").strip(), str(row.get("role") or "").strip()
    name = str(row.get("name") or "").strip()
    if not _EMAIL.fullmatch(email) or len(email) > _LONGEST_EMAIL:
        return f"{email!r} is no email address"
    if email.lower() == ADMIN:
        return f"{email} is the administrator's"
    if role.lower() not in FIRST_LETTER:
        return f"the role of {email} is {role!r}; annotator and lead are known"
    if len(name) > _LONGEST_NAME or not (name.isprintable() or not name):
        return f"the name of {email} has {len(name)} characters; printable ones, up to {_LONGEST_NAME}"
    return None


def _csv_rows(path: Path, text: str) -> list[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = [str(name).strip().lower() for name in reader.fieldnames or []]
    missing = [name for name in ("email", "name", "role") if name not in columns]
    if missing:
        raise SystemicError(
            str(path), f"lacks the columns {', '.join(missing)}", "begin with a line email,name,role"
        )
    reader.fieldnames = columns
    return [(reader.line_num, row) for row in reader if any(value for value in row.values())]


def _yaml_rows(path: Path, text: str) -> list[tuple[int, Mapping[str, Any]]]:
    try:
        rows = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SystemicError(
            str(path), f"is no YAML: {error}", "give a list of entries with email, name, role"
        ) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SystemicError(
            str(path), "is no list of entries", "give a list of entries with email, name, role"
        )
    return list(enumerate(rows, start=1))
