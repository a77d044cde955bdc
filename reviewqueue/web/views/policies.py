"""Policy versions: read, compare, approve, reject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse

from calibration.selectors import band_table
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.policy import selectors, services
from reviewqueue.policy.difference import difference
from reviewqueue.web.access import action, page
from reviewqueue.web.charts import track_start
from reviewqueue.web.evidence import evidence_tables
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import APPROVING_ROLES
from reviewqueue.web.views.pipelines import MODELS_SHOWN

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline
    from reviewqueue.policy.models import PolicyVersion


@page
def policies(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    return show(request, "policies/policies.html", {"pipeline": pipeline, "versions": selectors.versions(pipeline)})


@page
def policy(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    version = selectors.version_for(pipeline, number)
    rules = selectors.policy_of(version.pk, version.document_hash)
    tables = band_table(pipeline, version=version)[:MODELS_SHOWN]
    context = {
        "pipeline": pipeline,
        "version": version,
        "title": f"Policy version {version.number}",
        "rules": rules,
        **_compared(pipeline, version),
        "evidence": evidence_tables(version.evidence),
        "measured": [{"name": f"measured-{place}", "table": table} for place, table in enumerate(tables)],
        "start": track_start(row.low for table in tables for row in table.rows),
        "may_decide": has_role(request.user, APPROVING_ROLES, pipeline_id=pipeline.pk),
        "is_own": version.proposed_by_id == request.user.pk,
    }
    return show(request, "policies/policy.html", context)


def _compared(pipeline: Pipeline, version: PolicyVersion) -> dict[str, Any]:
    """The difference to the version that decides now; for that version itself, to the one it replaced."""
    active = selectors.active_policy(pipeline.pk)
    if active and active.version_id != version.pk:
        before, number = active.policy, active.number
    elif version.based_on:
        before = selectors.policy_of(version.based_on_id, version.based_on.document_hash)
        number = version.based_on.number
    else:
        return {"changes": None, "compared_to": None}
    rules = selectors.policy_of(version.pk, version.document_hash)
    return {"changes": difference(before, rules), "compared_to": number}


@action
def activate(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, APPROVING_ROLES)
    version = selectors.version_for(pipeline, number)
    services.approve_and_activate(version=version, approver=request.user)
    messages.success(request, f"Version {number} decides from now on.")
    return go(request, "web:policy", slug=slug, number=number)


@action
def reject(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, APPROVING_ROLES)
    services.reject(version=selectors.version_for(pipeline, number), by=request.user)
    messages.success(request, f"Version {number} was rejected.")
    return go(request, "web:policies", slug=slug)
