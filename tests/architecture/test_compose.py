"""The compose file cannot be run in every place the tests run, so what it promises is read from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from reviewqueue.celery import SWEEPS
from reviewqueue.dev import postgres

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
APPLICATION = ["migrate", "scheduler", "sender", "web", "worker"]
SETTINGS = (ROOT / "reviewqueue" / "settings.py").read_text()
READ_BY_SETTINGS = set(re.findall(r"\benv(?:\.\w+)?\(\s*\"([A-Z_]+)\"", SETTINGS))
NEEDED_BY_SETTINGS = set(re.findall(r"\benv(?:\.\w+)?\(\s*\"([A-Z_]+)\"\s*\)", SETTINGS))


def test_it_runs_the_application_and_its_two_servers() -> None:
    assert sorted(SERVICES) == sorted([*APPLICATION, "postgres", "redis"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", APPLICATION)
def test_every_setting_it_gives_exists(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= READ_BY_SETTINGS


@pytest.mark.parametrize("name", APPLICATION)
def test_every_setting_without_a_default_is_given(name: str) -> None:
    assert NEEDED_BY_SETTINGS
    assert set(SERVICES[name]["environment"]) >= NEEDED_BY_SETTINGS


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_written_in_it(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"SECRET|PASSWORD|PEPPER|_KEY$", variable):
            assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), variable
        if password := re.search(r"://[^/@]*?:([^@]*)@", value):
            assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", password[1]), variable


def test_only_the_worker_can_sign_the_ledger() -> None:
    holders = {name for name, service in SERVICES.items() if "ledger_signing_key" in service.get("secrets", [])}
    told = {name for name, service in SERVICES.items() if "LEDGER_SIGNING_KEY_FILE" in service.get("environment", {})}
    assert holders == told == {"worker"}


def test_only_migrations_run_as_the_owner_of_the_tables() -> None:
    owners = {name for name in APPLICATION if postgres.OWNER in SERVICES[name]["environment"]["DATABASE_URL"]}
    assert owners == {"migrate"}
    assert SERVICES["migrate"]["environment"]["DATABASE_ROLE"] == ""
    assert not any("DATABASE_ROLE" in SERVICES[name]["environment"] for name in APPLICATION if name != "migrate")


@pytest.mark.parametrize("name", ["scheduler", "sender", "web", "worker"])
def test_the_application_waits_for_the_migrations(name: str) -> None:
    assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_the_servers_are_not_reachable_from_outside(name: str) -> None:
    assert "ports" not in SERVICES[name]
    assert SERVICES[name]["networks"] == ["data"]
    assert COMPOSE["networks"]["data"]["internal"] is True


def test_its_database_has_the_roles_of_the_embedded_one() -> None:
    script = (ROOT / "reviewqueue" / "dev" / "compose" / "roles.sh").read_text()
    made = dict(re.findall(r"^CREATE ROLE (\w+) ((?:NO)?LOGIN(?: CREATEROLE)?)", script, re.MULTILINE))
    assert made == postgres.ROLE_OPTIONS
    granted = {
        login: set(groups.split(", ")) for groups, login in re.findall(r"^GRANT (.+) TO (\w+)", script, re.MULTILINE)
    }
    expected = {login: set(groups) for login, groups in postgres.LOGIN_ROLES.items()}
    assert granted == {postgres.OWNER: set(postgres.GROUP_ROLES), **expected}


def test_every_queue_of_the_sweeps_has_a_worker() -> None:
    commands = [SERVICES["worker"]["command"], SERVICES["sender"]["command"]]
    consumed = {queue for found in re.findall(r"--queues (\S+)", " ".join(commands)) for queue in found.split(",")}
    by_one_command = (ROOT / "reviewqueue" / "dev" / "stack.py").read_text()
    [embedded] = re.findall(r'"--queues", "(\S+)"', by_one_command)
    assert {queue for _, _, queue in SWEEPS} == consumed == set(embedded.split(","))


def test_everything_the_image_copies_exists() -> None:
    dockerfile = (ROOT / SERVICES["web"]["build"]["dockerfile"]).read_text()
    copied = re.findall(r"^COPY (\S+) ", dockerfile, re.MULTILINE)
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_files_of_claims_are_kept_where_web_and_worker_both_find_them() -> None:
    for name in ("web", "worker"):
        assert f"attachments:{SERVICES[name]['environment']['ATTACHMENTS_DIR']}" in SERVICES[name]["volumes"]
    assert "attachments" in COMPOSE["volumes"]
