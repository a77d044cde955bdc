"""What goes wrong on our side is told without details, and the log has them."""

from __future__ import annotations

import importlib
import logging
import pkgutil

import pytest
from django.db import OperationalError, connection

import calibration
import reviewqueue
from reviewqueue.api.problems import KINDS, without_long_quotes
from reviewqueue.errors import Conflict, DomainError
from reviewqueue.transfers.refusals import FileUnreadable, NotPossible
from tests.api.caller import Caller, assert_problem, row_counts
from tests.world import World


def fail_statements(error: Exception):
    """Every statement about claims fails, as with a bug or a lost database."""

    def wrapper(execute, sql, params, many, context):
        if "claims_claim" in sql:
            raise error
        return execute(sql, params, many, context)

    return connection.execute_wrapper(wrapper)


def test_an_unexpected_error_is_500_without_details_and_logged_with_them(
    helpdesk: Caller, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    before = row_counts()
    with fail_statements(RuntimeError("secret canary")):
        response = helpdesk.post("/claims", world.claim_body(), idempotency_key="k-1")
    assert_problem(response, 500, "internal_error")
    assert b"canary" not in response.content
    assert b"RuntimeError" not in response.content
    logged = [record for record in caplog.records if record.name == "reviewqueue.api.problems"]
    assert response["X-Request-ID"] in logged[0].getMessage()
    assert logged[0].exc_info[1].args == ("secret canary",)
    assert row_counts() == before
    assert helpdesk.post("/claims", world.claim_body(), idempotency_key="k-1").status_code == 201


def test_a_database_that_is_not_there_is_503_with_a_time_to_come_back(
    helpdesk: Caller, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    with fail_statements(OperationalError("connection to 10.0.0.7 lost")):
        response = helpdesk.get("/claims")
    assert_problem(response, 503, "unavailable")
    assert response["Retry-After"] == "2"
    assert b"10.0.0.7" not in response.content


def test_a_refusal_without_a_row_of_its_own_is_answered_like_its_kind(
    helpdesk: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Novel(Conflict):
        code = "novel_conflict"

    def refuse(**_: object) -> None:
        raise Novel("Never seen before.", secret="canary")

    monkeypatch.setattr("reviewqueue.api.views.claims.claims_page", refuse)
    helpdesk.checked = False  # no document could know it
    problem = assert_problem(helpdesk.get("/claims"), 409, "novel_conflict")
    assert problem["detail"] == "Never seen before."
    assert "secret" not in problem


def test_every_state_a_service_can_name_has_a_status() -> None:
    def kinds(kind: type[DomainError]) -> set[type[DomainError]]:
        return {kind}.union(*(kinds(special) for special in kind.__subclasses__()))

    for package in (reviewqueue, calibration):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not {"management", "dev"} & set(module.name.split(".")):
                importlib.import_module(module.name)
    product = {kind for kind in kinds(DomainError) if kind.__module__.startswith(("reviewqueue.", "calibration."))}
    product -= kinds(NotPossible) | kinds(FileUnreadable)  # of commands alone, which have no status
    unlisted = {kind.code for kind in product} - set(KINDS) - {DomainError.code}
    assert unlisted == set(), "give each code its row in reviewqueue/api/problems.py"


def test_quoted_input_is_cut_and_prose_is_not() -> None:
    prose = "This pipeline doesn't know the reviewer's words, and says so in a sentence that is rather long."
    assert without_long_quotes(prose) == prose
    assert without_long_quotes(f"Invalid value '{'x' * 64}'.") == f"Invalid value '{'x' * 64}'."
    assert "x" * 65 not in without_long_quotes(f"Invalid value '{'x' * 200}'.")
    assert "x" * 65 not in without_long_quotes("Unknown field `" + "x" * 200)
