"""A cluster of the workspace's own: for root too, and where no other account may enter."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from annotation.private import open_secrets
from annotation.server import postgres
from annotation.server.postgres import (
    Account,
    account_to_run_as,
    ensure_cluster,
    find_programs,
    own_database,
    postgres_service,
    separate_account,
)
from annotation.server.processes import end, free_port
from annotation.server.services import bring_up
from annotation.server.settings import Database
from schemas.errors import SystemicError, ToolMissing

pytestmark = pytest.mark.slow


@contextmanager
def running(root: Path, account: Account) -> Iterator[Database]:
    folder, port = ensure_cluster(root, print, account), free_port()
    service = postgres_service(root, folder, port, account)
    process = bring_up(service, print)
    try:
        yield own_database(root, folder, port)
    finally:
        assert end(process, service.ending)


def query(database: Database, sql: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_programs() / "psql", "-h", database.host, "-p", str(database.port), "-U", database.user, "-d",
         database.name, "-Atc", sql],
        env={**os.environ, "PGPASSWORD": database.password if password is None else password},
        capture_output=True, text=True,
    )  # fmt: skip


def test_a_cluster_in_a_folder_that_only_its_owner_may_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    account = account_to_run_as()
    with running(tmp_path, account) as database:
        assert query(database, "create table kept (n int); insert into kept values (7)").returncode == 0
    with running(tmp_path, account) as database:
        assert query(database, "select n from kept").stdout == "7\n"
        assert "password authentication failed" in query(database, "select 1", password="guess").stderr
        assert query(database, "show listen_addresses").stdout == "127.0.0.1\n"
        assert query(database, "show unix_socket_directories").stdout == "\n"
    owners = {path.stat().st_uid for path in (tmp_path / "review-server" / "postgres").rglob("*")}
    assert owners == {os.geteuid()}


def test_the_log_holds_no_statement(tmp_path: Path) -> None:
    with running(tmp_path, account_to_run_as()) as database:
        query(database, "create table t (token text unique); insert into t values ('sesame')")
        assert "sesame" in query(database, "insert into t values ('sesame')").stderr
        query(database, "select 'sesame'::int")
    log = (tmp_path / "review-server" / "logs" / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "insert into" not in log
    assert open_secrets(tmp_path).database not in log


def test_a_cluster_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = account_to_run_as()
    monkeypatch.setattr(postgres, "OWNER", "pg_forbidden")  # initdb refuses names that begin so
    with pytest.raises(SystemicError, match="initdb failed: .*pg_forbidden"):
        ensure_cluster(tmp_path, print, account)
    assert not list((tmp_path / "review-server").glob("*postgres*"))


NOBODY = pwd.getpwnam("nobody")
"""An account that every machine has, in the place of `postgres`."""


def ways() -> list[Account]:
    """As whom PostgreSQL can run here: root has two ways, everybody else one."""
    return [account_to_run_as(), *([separate_account(NOBODY)] if os.geteuid() == 0 else [])]


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What root is told where namespaces are forbidden; whoever asks."""
    monkeypatch.setattr(postgres.os, "geteuid", lambda: 0)
    monkeypatch.setattr(postgres, "_namespace", lambda _other: ())
    monkeypatch.setattr(postgres.shutil, "which", lambda name: f"/usr/bin/{name}")
    return monkeypatch


def test_everybody_but_root_runs_it_as_herself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(postgres.os, "getegid", lambda: 100)
    assert account_to_run_as() == Account((), 1000, 100)


def test_root_takes_the_account_where_namespaces_are_forbidden(as_root: pytest.MonkeyPatch) -> None:
    entry = pwd.struct_passwd(("postgres", "x", 104, 110, "", "/var/lib/postgresql", "/bin/bash"))
    as_root.setattr(postgres.pwd, "getpwall", lambda: [NOBODY, entry])
    account = account_to_run_as()
    assert account == separate_account(entry)
    assert (account.uid, account.gid, account.apart) == (104, 110, True)
    assert account.prefix[:3] == ("setpriv", "--reuid=104", "--regid=110")


def test_root_without_either_way_is_told_what_to_do(as_root: pytest.MonkeyPatch) -> None:
    as_root.setattr(postgres.pwd, "getpwall", lambda: [NOBODY])
    with pytest.raises(SystemicError, match="start as another user, make the account, or name a database"):
        account_to_run_as()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="clapper-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_cluster_goes_from_one_way_to_the_other_and_back(open_folder: Path) -> None:
    first, last = ways()[0], ways()[-1]
    with running(open_folder, first) as database:
        query(database, "create table kept (n int); insert into kept values (7)")
    for account in (last, first):
        with running(open_folder, account) as database:
            assert query(database, "select n from kept").stdout == "7\n"
        folder = open_folder / ("review-database" if account.apart else "review-server/postgres")
        assert folder.stat().st_uid == account.uid
        assert len(list(open_folder.glob("review*/**/PG_VERSION"))) == len(list(folder.rglob("PG_VERSION")))
        assert (open_folder / "review-server").stat().st_mode & 0o077 == 0


def test_a_folder_that_the_account_may_not_enter_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    # Root becomes the account and is kept out; everybody else cannot even become it.
    with pytest.raises(SystemicError, match="cannot be entered by the account nobody") as caught:
        ensure_cluster(tmp_path, print, separate_account(NOBODY))
    assert caught.value.item == str(tmp_path)
    assert "chmod o+x" in caught.value.action
    assert not (tmp_path / "review-database").exists()


def test_a_version_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = ensure_cluster(tmp_path, print, account_to_run_as())
    (folder / "PG_VERSION").write_text("9\n")
    with pytest.raises(ToolMissing, match="PostgreSQL 9: is not on this machine; here .*postgresql-9"):
        postgres_service(tmp_path, folder, 1, account_to_run_as())


def test_without_postgres_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path)
    with pytest.raises(ToolMissing, match="Debian: apt-get install postgresql"):
        find_programs()
