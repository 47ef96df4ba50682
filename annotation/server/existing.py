"""Accounts on a Label Studio that somebody else runs: over HTTP, as its administrator, by invitation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from annotation.private import Person
from annotation.server.people import ADMIN, Account, Accounts
from schemas.errors import ServiceError, SystemicError

_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def accounts_over_http(url: str, token: str) -> Accounts:
    """How annotation.server.people gets its accounts on an existing Label Studio.

    Whoever has an account there keeps her password, which we do not learn. Others are invited. An account cannot be
    closed over HTTP, only taken out of the organisation; its log-in still works, so the gateway must know who left.

    Args:
        token: the administrator's, of either kind that Label Studio has.
    """

    def make(here: Sequence[Person], gone: Sequence[Person]) -> dict[str, Account]:
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            client.headers["Authorization"] = _authorization(client, token)
            me = _ask(client, "GET", "/api/current-user/whoami").json()
            organization = f"/api/organizations/{me['active_organization']}/memberships"
            listed = _ask(client, "GET", "/api/users/").json()
            users = {user["email"].lower(): user["id"] for user in listed}
            accounts = {ADMIN: Account(me["id"], token)}
            for person in gone:
                if person.email in users:
                    _ask(client, "DELETE", f"{organization}/{users[person.email]}/", fine=(404,))
            for person in here:
                if person.role == "admin":
                    continue
                _require_member(person, listed)
                if person.email in users:
                    user = users[person.email]
                    accounts[person.email] = Account(user, person.token, own_password=person.user != user)
                else:
                    accounts[person.email] = _invite(client, url, person)
            return accounts

    return make


def _authorization(client: httpx.Client, token: str) -> str:
    """What a call carries. A personal access token, in three parts, must first be changed for one of five minutes."""
    if token.count(".") != 2:
        return f"Token {token}"
    return f"Bearer {_ask(client, 'POST', '/api/token/refresh/', json={'refresh': token}).json()['access']}"


def _require_member(person: Person, listed: Sequence[Mapping[str, Any]]) -> None:
    """Raises SystemicError for somebody who was taken out of the organisation; she is listed without an address."""
    taken_out = [user["id"] for user in listed if "@" not in user["email"]]
    if person.user in taken_out:
        raise SystemicError(
            person.email,
            "has an account on the review server that was taken out of the organisation",
            "give another address for this person; the server has no way back for this one",
        )


def _invite(client: httpx.Client, url: str, person: Person) -> Account:
    """Sign somebody up."""
    link = _ask(client, "GET", "/api/invite").json()["invite_url"]
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as session:
        found = _CSRF.search(_ask(session, "GET", link).text)
        form = {
            "email": person.email,
            "password": person.password,
            "csrfmiddlewaretoken": found[1] if found else "",
        }
        answer = _ask(session, "POST", link, data=form, headers={"Referer": url})
        if answer.status_code != 302:
            raise ServiceError(
                person.email, "was not signed up by the review server", "see its log", "refused"
            )
        user = _ask(session, "GET", "/api/current-user/whoami").json()["id"]
        token = _ask(session, "GET", "/api/current-user/token", fine=(401, 403, 404)).json()
    return Account(user, str(token.get("token") or ""))


def _ask(
    client: httpx.Client, method: str, path: str, fine: Sequence[int] = (), **what: Any
) -> httpx.Response:
    """One call. Neither the token nor the link is in what is raised.

    Raises:
        SystemicError: the token is refused.
        ServiceError: the server cannot be reached, or answers with an error.
    """
    host = str(client.base_url)
    place = path.split("?")[0]
    try:
        answer = client.request(method, path, **what)
    except httpx.HTTPError as error:
        raise ServiceError(
            host,
            f"cannot be reached: {type(error).__name__}",
            "see the address and that it runs",
            "unreachable",
        ) from None
    if answer.status_code in (401, 403) and answer.status_code not in fine:
        raise SystemicError(
            host,
            f"refuses the token with {answer.status_code} at {place}",
            "give an administrator's token that is valid",
        )
    if answer.status_code >= 400 and answer.status_code not in fine:
        raise ServiceError(host, f"answers {answer.status_code} at {place}", "see its log", "server_error")
    return answer
