"""The accounts, keys and the pipeline of the demo, against the database."""

from __future__ import annotations

import json
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.test import RequestFactory, override_settings

from examples.quiz_bot import PIPELINE
from reviewqueue.accounts.models import ApiKey, Scope, Source, User
from reviewqueue.accounts.services import key_of
from reviewqueue.dev.demo import people as cast
from reviewqueue.dev.demo.facts import LogIn
from reviewqueue.dev.demo.pipeline import ensure_pipeline
from reviewqueue.dev.management.commands.demo import Command
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.policy.models import PolicyStatus
from reviewqueue.policy.selectors import active_policy

pytestmark = pytest.mark.django_db


def opens(name: str, log_in: LogIn) -> bool:
    return authenticate(RequestFactory().post("/login"), username=name, password=log_in["password"]) is not None


def everybody(known: dict[str, LogIn] | None = None) -> tuple[dict[str, User], dict[str, LogIn]]:
    made = {name: cast.user_with_log_in(name, role, (known or {}).get(name)) for name, role in cast.PEOPLE.items()}
    return {name: user for name, (user, _) in made.items()}, {name: log_in for name, (_, log_in) in made.items()}


def the_pipeline() -> Pipeline:
    people, _ = everybody()
    return ensure_pipeline(upstream=cast.source("quiz-bot", "Quiz bot"), people=people)


def test_everybody_gets_a_password_of_their_own_that_opens_the_door() -> None:
    _, log_ins = everybody()
    assert set(log_ins) == {"reviewer1", "reviewer2", "senior", "owner1", "owner2", "auditor", "admin"}
    assert len({log_in["password"] for log_in in log_ins.values()}) == 7
    assert all(len(log_in["password"]) >= 15 for log_in in log_ins.values())
    assert opens("reviewer1", log_ins["reviewer1"])


def test_a_known_password_stays_and_a_forgotten_one_is_replaced() -> None:
    _, first = everybody()
    _, again = everybody(first)
    assert again == first
    _, forgotten = everybody()
    assert forgotten["owner1"] != first["owner1"]
    assert opens("owner1", forgotten["owner1"])
    assert not opens("owner1", first["owner1"])
    assert User.objects.count() == 7
    assert Event.objects.filter(leaf__contains='"password.changed"').count() == 7


def test_a_known_key_stays_and_a_lost_one_is_revoked() -> None:
    bot = cast.source("quiz-bot", "Quiz bot")
    first = cast.key_text(bot, "demo: intake", [Scope.INTAKE, Scope.READ])
    assert cast.key_text(bot, "demo: intake", [Scope.INTAKE, Scope.READ], first) == first
    second = cast.key_text(bot, "demo: intake", [Scope.INTAKE, Scope.READ])
    assert key_of(first) is None
    assert key_of(second) is not None
    assert cast.source("quiz-bot", "Quiz bot") == bot


def test_a_key_with_other_scopes_does_not_pass_for_the_known_one() -> None:
    bot = cast.source("quiz-bot", "Quiz bot")
    reading = cast.key_text(bot, "demo: intake", [Scope.READ])
    posting = cast.key_text(bot, "demo: intake", [Scope.INTAKE, Scope.READ], reading)
    assert posting != reading
    assert ApiKey.objects.filter(revoked_at__isnull=True).count() == 1


def test_the_pipeline_starts_with_a_policy_that_two_people_stand_for() -> None:
    pipeline = the_pipeline()
    version = pipeline.policies.get(status=PolicyStatus.ACTIVE)
    assert (version.number, version.proposed_by, version.approved_by) == (1, pipeline.owner, pipeline.deputy)
    policy = active_policy(pipeline.pk)
    assert policy is not None
    assert [band.key for band in policy.policy.bands] == ["0.00-0.60", "0.60-0.85", "0.85-1.00"]
    assert policy.policy.mandatory.categories == ("health",)
    assert policy.policy.review.blind == "score"


def test_everybody_has_their_role() -> None:
    pipeline = the_pipeline()
    people = {user.username: user for user in User.objects.all()}
    for name in ("reviewer1", "reviewer2"):
        assert has_role(people[name], [Role.REVIEWER], pipeline_id=pipeline.pk)
    assert has_role(people["senior"], [Role.SENIOR], pipeline_id=pipeline.pk)
    assert has_role(people["owner2"], [Role.OWNER], pipeline_id=pipeline.pk)
    assert has_role(people["auditor"], [Role.AUDITOR])


def test_an_interrupted_start_is_completed_and_nothing_is_made_twice() -> None:
    pipeline = the_pipeline()
    people, _ = everybody()
    pipeline.policies.update(status=PolicyStatus.DRAFT, approved_by=None, approved_event=None, activated_event=None)
    again = ensure_pipeline(upstream=Source.objects.get(), people=people)
    assert again == pipeline
    assert pipeline.policies.get().status == PolicyStatus.ACTIVE


def test_empty_makes_one_administrator_and_says_how_to_go_on(tmp_path: Path) -> None:
    told = StringIO()
    with override_settings(LOCAL_DIR=tmp_path):
        call_command(Command(), "--empty", "--url", "http://127.0.0.1:8123", stdout=told)
    file = tmp_path / "demo.json"
    facts = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (facts["url"], facts["keys"], facts["pipeline"]) == ("http://127.0.0.1:8123", {}, None)
    assert facts["users"]["admin"]["roles"] == ["admin"]
    assert opens("admin", facts["users"]["admin"])
    assert has_role(User.objects.get(), [Role.ADMIN])
    assert not Pipeline.objects.filter(slug=PIPELINE).exists()
    assert "manage.py demo --url http://127.0.0.1:8123" in told.getvalue()
