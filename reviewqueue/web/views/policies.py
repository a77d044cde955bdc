"""Policy versions: the list, one of them, and one as a specification to print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.utils import timezone

from calibration.selectors import band_table
from reviewqueue.erasure.selectors import retention_of
from reviewqueue.errors import NotFound
from reviewqueue.golden.due import sets_in_use
from reviewqueue.ledger.selectors import latest_checkpoint
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.policy import selectors
from reviewqueue.policy.difference import difference
from reviewqueue.policy.rights import PROPOSE
from reviewqueue.reports.remeasurement import remeasurements
from reviewqueue.web.access import page
from reviewqueue.web.charts import track_start
from reviewqueue.web.evidence import evidence_tables
from reviewqueue.web.policy_life import life_of
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.views.pipelines import MODELS_SHOWN

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline
    from reviewqueue.policy.models import PolicyVersion


@page
def policies(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    context = {
        "pipeline": pipeline,
        "versions": selectors.versions(pipeline),
        "shadow": selectors.version_in_shadow(pipeline),
        "open_breakers": selectors.open_breakers(pipeline),
        "allowed": selectors.one_person_approval(pipeline),
        "may_propose": has_role(request.user, PROPOSE, pipeline_id=pipeline.pk),
    }
    return show(request, "policies/policies.html", context)


@page
def policy(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    version = selectors.version_for(pipeline, number)
    tables = band_table(pipeline, version=version)[:MODELS_SHOWN]
    context = {
        "pipeline": pipeline,
        "version": version,
        "title": f"Policy version {version.number}",
        "rules": selectors.policy_of(version.pk, version.document_hash),
        **_compared(pipeline, version, request.GET.get("against", "")),
        "evidence": evidence_tables(version.evidence),
        "measured": [{"name": f"measured-{place}", "table": table} for place, table in enumerate(tables)],
        "start": track_start(row.low for table in tables for row in table.rows),
        "life": life_of(version, request.user, pipeline),
    }
    return show(request, "policies/policy.html", context)


def _compared(pipeline: Pipeline, version: PolicyVersion, against: str) -> dict[str, Any]:
    """The difference to the version asked for, else to the one that decides now, else to the one it replaced."""
    others = [each for each in selectors.versions(pipeline) if each.pk != version.pk]
    before = selectors.version_before(others, version, against)
    found: dict[str, Any] = {"others": others, "changes": None, "compared_to": None}
    if before is None:
        return found
    rules = selectors.policy_of(version.pk, version.document_hash)
    earlier = selectors.policy_of(before.pk, before.document_hash)
    return {**found, "changes": difference(earlier, rules), "compared_to": before.number}


@page
def specification(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    return _specified(request, pipeline, selectors.version_for(pipeline, number))


@page
def active_specification(request: PersonRequest, slug: str) -> HttpResponse:
    """That of the version that decides now: an address that stays."""
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    active = selectors.active_policy(pipeline.pk)
    if active is None:
        raise NotFound("No policy is active here: every claim goes to people.")
    return _specified(request, pipeline, selectors.version_for(pipeline, active.number))


def _specified(request: PersonRequest, pipeline: Pipeline, version: PolicyVersion) -> HttpResponse:
    context = {
        "pipeline": pipeline,
        "version": version,
        "title": f"Specification of policy version {version.number}",
        "rules": selectors.policy_of(version.pk, version.document_hash),
        "allowed": selectors.one_person_approval(pipeline),
        "breakers": selectors.open_breakers(pipeline),
        "sets": sets_in_use([pipeline]),
        "again": remeasurements([pipeline], now=timezone.now()).get(pipeline.pk, []),
        "retention": retention_of(pipeline),
        "checkpoint": latest_checkpoint(),
        "printed_at": timezone.now(),
    }
    return show(request, "policies/specification.html", context)
