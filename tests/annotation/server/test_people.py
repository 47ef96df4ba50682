"""Lists of people, and the pseudonyms that stay with them."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.private import Person, read_people
from annotation.server.people import (
    ADMIN,
    Account,
    Newcomer,
    ensure_people,
    new_password,
    plan,
    read_list,
    write_logins,
)
from schemas.errors import SystemicError

ANN, BEN = Newcomer("ann@example.com", "Ann", "annotator"), Newcomer("ben@example.com", "Ben", "lead")

CSV = "email,name,role\nAnn@Example.com, Ann ,annotator\nben@example.com,Ben,Lead\n"
YAML = """\
- {email: ann@example.com, name: Ann, role: annotator}
- {email: ben@example.com, name: Ben, role: lead}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("people.csv", CSV),
        ("people.csv", "\ufeff" + CSV.replace("\n", "\r\n")),
        (
            "people.csv",
            "role,email,name,notes\nannotator,ann@example.com,Ann,x\nlead,ben@example.com,Ben,\n,,,\n",
        ),
        ("people.yaml", YAML),
        ("people.yml", YAML),
    ],
)
def test_a_list_in_either_form(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert read_list(tmp_path / name) == [ANN, BEN]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("ann,Ann,annotator", "'ann' is no email address"),
        ("ann@localhost,Ann,annotator", "no email address"),
        ("../../etc@passwd/x.org,Ann,annotator", "no email address"),
        ("a..b@example.com,Ann,annotator", "no email address"),
        (f"{'a' * 200}@example.com,Ann,annotator", "no email address"),
        ("ann@example.com,Ann,boss", "'boss'; annotator and lead are known"),
        ("ann@example.com,Ann,", "''; annotator and lead are known"),
        ("ann@example.com,Ann,admin", "'admin'; annotator and lead are known"),
        ("BEN@example.com,Ann,lead", "ben@example.com stands in row 2 already"),
        (f"ann@example.com,{'x' * 101},lead", "101 characters"),
        ("ann@example.com,An\x07n,lead", "printable"),
        (f"{ADMIN},Ann,lead", "the administrator's"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, fault: str) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"email,name,role\nben@example.com,Ben,lead\n{row}\n", encoding="utf-8")
    with pytest.raises(SystemicError) as caught:
        read_list(path)
    assert "row 3: " in caught.value.problem
    assert fault in caught.value.problem


def test_every_bad_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("email,name,role\nx,X,lead\nben@example.com,Ben,lead\ny@example.com,Y,chief\n")
    with pytest.raises(SystemicError, match="row 2: 'x' .*; row 4: the role of y@example.com") as caught:
        read_list(path)
    assert "row 3" not in caught.value.problem


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("people.csv", b"email;name;role\n", "lacks the columns email, name, role"),
        ("people.csv", b"email,name,role\n", "names nobody"),
        ("people.csv", b"", "lacks the columns"),
        ("people.csv", b"email,name,role\nann@example.com,\xff\xfe,lead\n", "cannot be read"),
        ("people.yaml", b"people: [", "is no YAML"),
        ("people.yaml", b"ann@example.com", "is no list"),
        ("people.yaml", b"- ann@example.com", "is no list"),
        ("missing.csv", None, "cannot be read"),
    ],
)
def test_a_bad_list_is_refused(tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SystemicError, match=problem):
        read_list(tmp_path / name)


lists = st.lists(
    st.lists(st.integers(0, 9), unique=True, max_size=8).map(
        lambda numbers: [
            Newcomer(f"p{number}@example.com", "", "lead" if number < 3 else "annotator")
            for number in numbers
        ]
    ),
    min_size=1,
    max_size=6,
)


@given(lists)
def test_a_pseudonym_is_never_changed_or_given_to_another(history: list[list[Newcomer]]) -> None:
    people: list[Person] = []
    given_to: dict[str, str] = {}
    for newcomers in history:
        people = plan(people, newcomers)
        for person in people:
            assert given_to.setdefault(person.pseudonym, person.email) == person.email
        assert len({person.email for person in people}) == len(people) == len(given_to)
        active = {person.email for person in people if person.active} - {ADMIN}
        assert active == {newcomer.email for newcomer in newcomers}
        assert all(bool(person.password) == person.active for person in people)
        for person in people:
            assert person.pseudonym[0] == {"lead": "L", "annotator": "A", "admin": "a"}[person.role]


def test_pseudonyms_count_from_one_in_the_order_of_the_list() -> None:
    people = plan([], [ANN, BEN, Newcomer("cy@example.com", "", "annotator")])
    assert [(person.email, person.pseudonym) for person in people] == [
        (ADMIN, "admin"),
        ("ann@example.com", "A1"),
        ("ben@example.com", "L1"),
        ("cy@example.com", "A2"),
    ]


def test_who_comes_back_has_her_pseudonym_and_another_password() -> None:
    first = plan([], [ANN, BEN])
    left = plan(first, [BEN])
    assert [person.active for person in left] == [True, False, True]
    assert plan(left, None) == left
    back = plan(left, [ANN, BEN])
    assert back[1].pseudonym == "A1"
    assert back[1].active
    assert back[1].password not in ("", first[1].password)
    assert back[2] == first[2]


def test_a_role_is_not_changed() -> None:
    with pytest.raises(SystemicError, match=r"is an annotator \(A1\) and would become a lead"):
        plan(plan([], [ANN]), [Newcomer("ann@example.com", "Ann", "lead")])


def test_nobody_changes_without_a_list() -> None:
    people = plan([], [ANN, BEN])
    assert plan(people, None) == people


@given(st.integers(0, 50))
def test_passwords_are_long_and_plain(_: int) -> None:
    password = new_password()
    assert len(password.replace("-", "")) == 12
    assert not set("lo01") & set(password)


def accounts(here: Sequence[Person], gone: Sequence[Person]) -> dict[str, Account]:
    return {
        person.email: Account(number, f"token{number}") for number, person in enumerate(here, start=1)
    } | {person.email: Account(90 + number) for number, person in enumerate(gone)}


def test_accounts_and_log_ins_are_kept_from_others(tmp_path: Path) -> None:
    people = ensure_people(tmp_path, [ANN, BEN], accounts)
    assert people == read_people(tmp_path)
    assert [(person.user, person.token) for person in people] == [(1, "token1"), (2, "token2"), (3, "token3")]
    path = write_logins(tmp_path, people, "http://127.0.0.1:8080")
    for private in (path, path.with_name("people.json")):
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
    table = path.read_text(encoding="utf-8")
    assert all(person.password in table for person in people[1:])
    assert people[0].password not in table
    assert "token" not in table


def test_the_log_ins_may_have_a_note(tmp_path: Path) -> None:
    people = ensure_people(tmp_path, [ANN, BEN], accounts)
    plain = write_logins(tmp_path, people, "http://192.0.2.7:8080").read_text(encoding="utf-8")
    noted = write_logins(tmp_path, people, "http://192.0.2.7:8080", "Mind the gap.").read_text(
        encoding="utf-8"
    )
    assert noted == f"{plain}\nMind the gap.\n"


def test_whose_account_was_there_before_has_a_password_of_her_own(tmp_path: Path) -> None:
    def found(here: Sequence[Person], gone: Sequence[Person]) -> dict[str, Account]:
        return {**accounts(here, gone), ANN.email: Account(7, own_password=True)}

    for _ in range(2):
        people = ensure_people(tmp_path, [ANN, BEN], found)
        assert (people[1].user, people[1].password, people[1].active) == (7, "", True)
    table = write_logins(tmp_path, people, "http://127.0.0.1:8080").read_text(encoding="utf-8")
    assert ANN.email not in table and BEN.email in table
    assert not ensure_people(tmp_path, [BEN], found)[1].active


def test_who_is_not_on_the_list_is_closed_out(tmp_path: Path) -> None:
    ensure_people(tmp_path, [ANN, BEN], accounts)
    people = ensure_people(tmp_path, [BEN], accounts)
    shown = [(person.pseudonym, person.active, person.token, bool(person.password)) for person in people]
    assert shown == [
        ("admin", True, "token1", True),
        ("A1", False, "", False),
        ("L1", True, "token2", True),
    ]
    assert ANN.email not in write_logins(tmp_path, people, "http://127.0.0.1:8080").read_text()


def test_a_start_that_is_cut_short_makes_no_password_that_nobody_knows(tmp_path: Path) -> None:
    told = []

    def cut_short(here: Sequence[Person], gone: Sequence[Person]) -> dict[str, Account]:
        told.append([person.password for person in here])
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            ensure_people(tmp_path, [ANN, BEN], cut_short)
    assert told[0] == told[1]
