"""How the processes of the embedded stack find each other, from its directory alone."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import environ
import pytest

from reviewqueue.dev import embedded, log_ins, up
from reviewqueue.dev.demo import facts
from reviewqueue.dev.demo.facts import Facts

LONGEST_SOCKET_PATH = 107


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "a project + with spaces" / ".local"
    directory.mkdir(mode=0o700, parents=True)
    yield directory
    sockets = embedded.socket_directory(directory)
    if sockets.is_symlink():
        sockets.unlink()
    elif sockets.exists():
        sockets.rmdir()


def test_the_settings_read_the_socket_out_of_the_address() -> None:
    address = embedded.database_url(Path("/tmp/A dir+é"), user="reviewqueue_web")
    parsed = environ.Env.db_url_config(address)
    assert (parsed["HOST"], parsed["USER"], parsed["NAME"]) == ("/tmp/A dir+é", "reviewqueue_web", "reviewqueue")


def test_a_socket_fits_however_long_the_project_path_is(tmp_path: Path) -> None:
    local = tmp_path / ("x" * 200) / ".local"
    assert len(str(embedded.database_socket_directory(local) / ".s.PGSQL.5432.lock")) < LONGEST_SOCKET_PATH
    assert len(str(embedded.broker_socket(local))) < LONGEST_SOCKET_PATH


def test_two_projects_have_different_sockets(tmp_path: Path) -> None:
    assert embedded.socket_directory(tmp_path / "one") != embedded.socket_directory(tmp_path / "two")


def test_a_socket_directory_put_there_by_somebody_else_is_refused(local: Path, tmp_path: Path) -> None:
    embedded.socket_directory(local).symlink_to(tmp_path)
    with pytest.raises(RuntimeError, match="belongs to somebody else"):
        embedded.make_socket_directory(local)


def test_a_socket_directory_others_may_write_is_refused(local: Path) -> None:
    embedded.make_socket_directory(local).chmod(0o777)
    with pytest.raises(RuntimeError, match="belongs to somebody else"):
        embedded.make_socket_directory(local)


def test_secrets_are_drawn_once_and_only_their_owner_reads_them(local: Path) -> None:
    drawn = embedded.stored_secrets(local)
    assert embedded.stored_secrets(local) == drawn
    assert len(drawn["SECRET_KEY"]) >= 50
    assert len(set(drawn.values())) == len(drawn)
    assert (local / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_every_process_of_one_stack_shares_its_secrets(local: Path) -> None:
    secrets = embedded.stored_secrets(local)
    for role in ("owner", "web", "worker"):
        assert secrets.items() <= embedded.embedded_environment(local, role=role).items()


def test_only_the_worker_learns_where_the_signing_key_is(local: Path) -> None:
    told = {
        role: "LEDGER_SIGNING_KEY_FILE" in embedded.embedded_environment(local, role=role)
        for role in ("owner", "web", "worker")
    }
    assert told == {"owner": False, "web": False, "worker": True}


def test_migrations_run_as_the_login_and_the_application_as_its_group_role(local: Path) -> None:
    assert embedded.embedded_environment(local, role="owner")["DATABASE_ROLE"] == ""
    assert embedded.embedded_environment(local, role="web")["DATABASE_ROLE"] == "app_web"


@pytest.fixture
def bare_environment(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in embedded.embedded_environment(local, role="worker") | embedded.embedded_environment(
        local, role="owner"
    ):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("REVIEWQUEUE_LOCAL", str(local))


@pytest.mark.usefixtures("bare_environment")
def test_a_second_terminal_joins_the_running_stack(local: Path) -> None:
    (local / "run.json").write_text(json.dumps({"url": "http://127.0.0.1:8123"}))
    embedded.join_running_stack(Path("/nowhere"), "shell")
    assert os.environ["PUBLIC_URL"] == "http://127.0.0.1:8123"
    expected = embedded.embedded_environment(local, role="worker")
    assert expected.items() <= os.environ.items()


@pytest.mark.usefixtures("bare_environment")
def test_a_database_named_by_the_environment_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://me@example.test/mine")
    embedded.join_running_stack(Path("/nowhere"), "shell")
    assert os.environ["DATABASE_URL"] == "postgres://me@example.test/mine"


@pytest.mark.usefixtures("bare_environment")
def test_nothing_is_set_where_no_stack_was_ever_started(local: Path) -> None:
    (local / "secrets.json").unlink()
    embedded.join_running_stack(Path("/nowhere"), "shell")
    assert "DATABASE_URL" not in os.environ


def test_a_busy_port_is_refused_in_one_sentence_with_another_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REVIEWQUEUE_LOCAL", str(tmp_path / "local"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert up.main(tmp_path, ["--port", str(port)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"manage.py up: Port {port} on 127.0.0.1 is in use; try `python3 manage.py up --port ")
    assert said.count("\n") == 1
    assert [entry.name for entry in (tmp_path / "local").iterdir()] == ["lock"]


def test_a_second_start_in_the_same_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REVIEWQUEUE_LOCAL", str(tmp_path))
    with up.only_start_in(tmp_path):
        assert up.main(tmp_path, []) == 1
    assert capsys.readouterr().err == f"manage.py up: Review Queue already runs from {tmp_path}.\n"


def test_the_demo_file_follows_the_address_of_the_latest_start(local: Path) -> None:
    before = Facts("http://127.0.0.1:8000", users={"rita": {"password": "word", "roles": ["reviewer"]}})
    facts.write(local, before)
    log_ins.update_address(local, before, "http://127.0.0.1:9000")
    assert log_ins.known(local) == Facts("http://127.0.0.1:9000", users=before.users)


def test_a_start_ends_with_the_address_the_log_ins_and_the_keys(local: Path) -> None:
    found = Facts("", keys={"intake": "hrq_1"}, users={"rita": {"password": "word", "roles": ["reviewer"]}})
    facts.write(local, found)
    said = log_ins.summary(local, "http://127.0.0.1:8000")
    for fact in ("http://127.0.0.1:8000", "rita", "word", "reviewer", "intake", "hrq_1", str(local / "demo.json")):
        assert fact in said
