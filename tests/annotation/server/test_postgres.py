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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may run PostgreSQL as another account")
class TestForRootWithoutNamespaces:
    """The way for a container that forbids user namespaces: the account `postgres`."""

    @pytest.fixture
    def account(self) -> Account:
        return separate_account(pwd.getpwnam("postgres"))

    @pytest.fixture
    def open_folder(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(prefix="clapper-open-"))
        folder.chmod(0o755)
        yield folder
        shutil.rmtree(folder)

    def test_it_is_taken_where_namespaces_are_forbidden(
        self, monkeypatch: pytest.MonkeyPatch, account: Account
    ) -> None:
        monkeypatch.setattr(postgres, "_namespace", lambda _other: ())
        assert account_to_run_as() == account

    def test_without_either_way_the_error_says_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgres, "_namespace", lambda _other: ())
        monkeypatch.setattr(postgres.pwd, "getpwall", list)
        with pytest.raises(
            SystemicError, match="start as another user, make the account, or name a database"
        ):
            account_to_run_as()

    def test_a_cluster_of_the_other_way_is_taken_over_and_back(
        self, open_folder: Path, account: Account
    ) -> None:
        with running(open_folder, account_to_run_as()) as database:
            query(database, "create table kept (n int); insert into kept values (7)")
        with running(open_folder, account) as database:
            assert query(database, "select n from kept").stdout == "7\n"
        assert (open_folder / "review-database").stat().st_uid == account.uid
        assert (open_folder / "review-server").stat().st_mode & 0o077 == 0
        with running(open_folder, account_to_run_as()) as database:
            assert query(database, "select n from kept").stdout == "7\n"

    def test_a_folder_that_it_may_not_enter_is_named(self, tmp_path: Path, account: Account) -> None:
        tmp_path.chmod(0o700)
        with pytest.raises(SystemicError, match="cannot be entered by the account postgres") as caught:
            ensure_cluster(tmp_path, print, account)
        assert caught.value.item == str(tmp_path)
        assert "chmod o+x" in caught.value.action


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
