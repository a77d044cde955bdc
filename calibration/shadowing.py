"""What the version in shadow decides about the claims that come in: found and written by sweep, at no cost to intake.

Each claim is routed again from its stored facts, with the bands of the version in shadow in the state they are in.
Verifiers that this version has and the one that decided had not are run here, on what the claim said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from django.db import connection

from calibration.evidence import first_id, first_id_to_read_again
from calibration.models import ShadowDecision
from reviewqueue.claims.checking import checked_for
from reviewqueue.claims.selectors import contents_of
from reviewqueue.policy.document import Policy
from reviewqueue.policy.facts import facts_from_json
from reviewqueue.policy.models import BandState, ShadowRun
from reviewqueue.policy.routing import route
from reviewqueue.policy.selectors import Subject, policy_of
from reviewqueue.transactions import service

MOST_AT_ONCE: Final = 2_000

States = Mapping[Subject, Mapping[str, str]]


def replay_shadows() -> int:
    """Returns how many claims were decided in shadow."""
    runs = ShadowRun.objects.filter(stopped_at__isnull=True).select_related("version")
    return sum(replay_run(run) for run in runs)


@service
def replay_run(run: ShadowRun, *, at_most: int = MOST_AT_ONCE) -> int:
    """Decides the oldest claims since the run began that it has not decided yet."""
    policy = policy_of(run.version_id, run.version.document_hash)
    states = _states(run)
    waiting = _waiting(run, at_most)
    said = contents_of([claim_id for claim_id, _ in waiting]) if policy.checks else {}
    decided = [_decision(run, claim_id, facts, policy, states, said.get(claim_id)) for claim_id, facts in waiting]
    ShadowDecision.objects.bulk_create(decided, ignore_conflicts=True)
    return len(decided)


def _decision(
    run: ShadowRun,
    claim_id: UUID,
    stored: dict[str, Any],
    policy: Policy,
    states: States,
    content: dict[str, Any] | None,
) -> ShadowDecision:
    facts = checked_for(facts_from_json(stored), policy, content)
    subject = (facts.model, facts.model_version, facts.prompt_version)
    routing = route(replace(facts, band_states=states.get(subject, {}), audit_rates={}), policy)
    return ShadowDecision(
        run=run,
        claim_id=claim_id,
        route=routing.route,
        band=routing.band or "",
        reasons=list(routing.reasons),
        audit_sampled=routing.audit_sampled,
    )


def _states(run: ShadowRun) -> dict[Subject, dict[str, str]]:
    states: dict[Subject, dict[str, str]] = {}
    for row in BandState.objects.filter(policy_version=run.version_id):
        states.setdefault((row.model, row.model_version, row.prompt_version), {})[row.band] = row.state
    return states


_WAITING = """
    SELECT c.id, d.facts
      FROM claims_claim c
      JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1
     WHERE c.pipeline_id = %(pipeline)s AND c.id >= %(first)s AND c.received_at >= %(started)s
       AND NOT EXISTS (SELECT FROM calibration_shadowdecision s WHERE s.run_id = %(run)s AND s.claim_id = c.id)
     ORDER BY c.id
     LIMIT %(limit)s"""


def _waiting(run: ShadowRun, at_most: int) -> list[tuple[UUID, dict[str, Any]]]:
    named: dict[str, Any] = {
        "pipeline": run.pipeline_id,
        "first": _first_undecided(run),
        "started": run.started_at,
        "run": run.pk,
        "limit": at_most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, named)
        return [(claim_id, json.loads(facts)) for claim_id, facts in cursor.fetchall()]


def _first_undecided(run: ShadowRun) -> UUID:
    """Everything before it is decided: the last decided claim, and back by what may have been committed late."""
    start = first_id(run.started_at)
    last = ShadowDecision.objects.filter(run=run).order_by("-claim_id").values_list("claim_id", flat=True).first()
    return start if last is None else max(start, first_id_to_read_again(last))
