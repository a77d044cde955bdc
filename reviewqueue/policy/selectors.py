from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.db import connection

from calibration.core.segments import single_names
from reviewqueue.errors import FieldProblem, NotFound
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.queue_rules import NO_RULES, QueueRules, rules_in
from reviewqueue.policy.document import Policy, policy_hash
from reviewqueue.policy.keys import sampling_key
from reviewqueue.policy.models import Breaker, OnePersonApproval, PolicyStatus, PolicyVersion, ShadowRun
from reviewqueue.policy.parsing import parse_policy
from reviewqueue.redaction.rules import NO_REDACTION, Rules
from reviewqueue.redaction.rules import rules_in as redaction_in

NO_EPOCH: Final = "none"
"""The sampling epoch where no policy names one."""

Subject = tuple[str, str, str]
"""What band states and breakers are kept for: model, model version and prompt version."""

EVERY_MODEL: Final[Subject] = ("", "", "")
"""The subject of a breaker that stops a whole pipeline."""


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """The policy that decides now: its version and its parsed document."""

    version_id: int
    number: int
    document_hash: str
    policy: Policy


def active_policy(pipeline_id: int) -> ActivePolicy | None:
    """One narrow query; the document is read and parsed once per version and process."""
    row = (
        PolicyVersion.objects.filter(pipeline_id=pipeline_id, status=PolicyStatus.ACTIVE)
        .values_list("id", "number", "document_hash")
        .first()
    )
    return ActivePolicy(*row, policy=policy_of(row[0], row[2])) if row else None


class PolicyForged(RuntimeError):
    """A stored policy is not what its hash, and so the ledger, says. Nothing may be routed by it."""


@lru_cache(maxsize=256)
def policy_of(version_id: int, document_hash: str) -> Policy:
    """The parsed document of a version, kept for the life of the process: what a hash names never changes."""
    versions = PolicyVersion.objects.filter(pk=version_id, document_hash=document_hash)
    document: dict[str, Any] = versions.values_list("document", flat=True).get()
    if policy_hash(document) != document_hash:
        raise PolicyForged(f"The document of policy version {version_id} is not the one that was approved.")
    return parse_policy(document)


@dataclass(frozen=True, slots=True)
class PipelineTerms:
    """All that intake judges a pipeline's claims by: the names it knows, its policy, and what the bands have earned."""

    pipeline_id: int
    slug: str
    categories: Collection[str]
    segment_values: Mapping[str, Collection[str]]
    form_id: UUID
    review_form: Mapping[str, Any]
    policy: ActivePolicy | None
    sampling_key: bytes
    epoch: str
    states: Mapping[Subject, Mapping[str, str]]
    breakers: Collection[Subject] = ()
    queue_rules: QueueRules = NO_RULES
    rates: Mapping[Subject, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    redaction: Rules = NO_REDACTION

    def unknown_names(self, category: str | None, segments: Mapping[str, str]) -> list[FieldProblem]:
        problems = []
        if category is not None and category not in self.categories:
            problems.append(FieldProblem("/category", "unknown", "This pipeline has no such category."))
        for key, value in segments.items():
            if value not in self.segment_values.get(key, ()):
                problems.append(FieldProblem("/segments", "unknown", "This pipeline has no such segment."))
        return problems

    def band_states(self, subject: Subject) -> Mapping[str, str]:
        """State by band key. A band that is not in here has never been measured."""
        return self.states.get(subject, {})

    def audit_rates(self, subject: Subject, category: str | None, segments: Mapping[str, str]) -> dict[str, float]:
        """By band key the highest rate that was worked out for claims like this one."""
        own = self.rates.get(subject)
        if not own:
            return {}
        names = ("", *single_names(category, segments))
        return {band: max(rates.get(name, 0.0) for name in names) for band, rates in own.items()}

    def broken(self, subject: Subject) -> bool:
        """Whether a breaker stops automation for this subject, or for every model of the pipeline."""
        return bool(self.breakers) and (subject in self.breakers or EVERY_MODEL in self.breakers)


def terms_of_source(
    source_id: int, *, pipelines: Collection[str], subjects: Collection[Subject]
) -> dict[str, PipelineTerms]:
    """The terms, as they are now, of those of the named pipelines that the source may post to. One statement."""
    models, model_versions, prompt_versions = (list(set(names)) for names in zip(*subjects, strict=True))
    with connection.cursor() as cursor:
        names = [models, model_versions, prompt_versions]
        cursor.execute(_TERMS, [*names, *names, source_id, list(set(pipelines))])
        return {row[1]: _terms(row) for row in cursor.fetchall()}


_TERMS: Final = """
    SELECT pipeline.id, pipeline.slug, pipeline.categories, pipeline.segment_values, form.id, form.document_text,
           pipeline.queue_rules, pipeline.redaction,
           version.id, version.number, version.document_hash,
           (SELECT jsonb_agg(jsonb_build_array(model, model_version, prompt_version, band, state))
              FROM policy_bandstate
             WHERE policy_version_id = version.id
               AND model = ANY(%s) AND model_version = ANY(%s) AND prompt_version = ANY(%s)),
           (SELECT jsonb_agg(jsonb_build_array(model, model_version, prompt_version, band, rates))
              FROM policy_auditrates
             WHERE policy_version_id = version.id
               AND model = ANY(%s) AND model_version = ANY(%s) AND prompt_version = ANY(%s)),
           (SELECT jsonb_agg(jsonb_build_array(model, model_version, prompt_version))
              FROM policy_breaker WHERE pipeline_id = pipeline.id AND reset_at IS NULL),
           (SELECT jsonb_agg(jsonb_build_array(base, name) ORDER BY starts_at, id) FROM policy_samplingepoch
             WHERE pipeline_id = pipeline.id AND revealed_at IS NULL AND starts_at <= clock_timestamp())
      FROM pipelines_pipeline AS pipeline
      JOIN pipelines_reviewform AS form ON form.id = pipeline.form_id
      JOIN pipelines_pipeline_sources AS posts ON posts.pipeline_id = pipeline.id AND posts.source_id = %s
      LEFT JOIN policy_policyversion AS version ON version.pipeline_id = pipeline.id AND version.status = 'active'
     WHERE pipeline.slug = ANY(%s)"""


def _terms(row: tuple[Any, ...]) -> PipelineTerms:
    pipeline_id, slug, categories, segment_values, form_id, review_form, queue_rules, redaction, *version = row[:-4]
    measured, worked_out, broken, epochs = row[-4:]
    version_id, number, document_hash = version
    policy = ActivePolicy(version_id, number, document_hash, policy_of(version_id, document_hash)) if number else None
    states: dict[Subject, dict[str, str]] = {}
    for model, model_version, prompt_version, band, state in json.loads(measured or "[]"):
        states.setdefault((model, model_version, prompt_version), {})[band] = state
    rates: dict[Subject, dict[str, dict[str, float]]] = {}
    for model, model_version, prompt_version, band, by_segment in json.loads(worked_out or "[]"):
        rates.setdefault((model, model_version, prompt_version), {})[band] = by_segment
    epoch = _epoch(policy, json.loads(epochs or "[]"))
    return PipelineTerms(
        pipeline_id=pipeline_id,
        slug=slug,
        categories=categories,
        segment_values=json.loads(segment_values),
        form_id=form_id,
        review_form=json.loads(review_form),
        queue_rules=rules_in(queue_rules),
        redaction=redaction_in(redaction),
        policy=policy,
        sampling_key=sampling_key(slug, epoch or NO_EPOCH),
        epoch=epoch,
        states=states,
        rates=rates,
        breakers=frozenset((model, version, prompt) for model, version, prompt in json.loads(broken or "[]")),
    )


def _epoch(policy: ActivePolicy | None, begun: Sequence[tuple[str, str]]) -> str:
    """The last one that has begun and whose key was committed to; without a policy nothing is drawn."""
    if policy is None:
        return ""
    base = policy.policy.sampling.epoch
    return next((name for of, name in reversed(begun) if of == base), base)


_PEOPLE: Final = ("proposed_by", "approved_by", "second_approved_by")


def versions(pipeline: Pipeline) -> list[PolicyVersion]:
    """Newest first, with the people who proposed and approved them."""
    return list(pipeline.policies.select_related(*_PEOPLE, "based_on").order_by("-number"))


def version_for(pipeline: Pipeline, number: int) -> PolicyVersion:
    """Raises NotFound."""
    version = pipeline.policies.select_related("pipeline", *_PEOPLE, "based_on").filter(number=number).first()
    if version is None:
        raise NotFound("There is no such policy version.")
    return version


def version_before(others: Sequence[PolicyVersion], version: PolicyVersion, against: str = "") -> PolicyVersion | None:
    """Which of the others a version is compared with: the one asked for, the active one, or the one it rests on."""
    asked = next((each for each in others if str(each.number) == against), None)
    active = next((each for each in others if each.status == PolicyStatus.ACTIVE), None)
    return asked or active or next((each for each in others if each.pk == version.based_on_id), None)


def open_breakers(pipeline: Pipeline) -> list[Breaker]:
    """What stops automation here at the moment, newest first."""
    found = pipeline.breakers.select_related("tripped_by").filter(reset_at__isnull=True)
    return list(found.order_by("-tripped_at"))


PAST_BREAKERS: Final = 200


def breakers(pipeline: Pipeline) -> list[Breaker]:
    """Open ones first, then those that were reset, newest first."""
    past = pipeline.breakers.select_related("tripped_by", "reset_by").filter(reset_at__isnull=False)
    return [*open_breakers(pipeline), *past.order_by("-tripped_at")[:PAST_BREAKERS]]


def breaker_for(pipeline: Pipeline, breaker_id: int) -> Breaker:
    """Raises NotFound."""
    breaker = pipeline.breakers.select_related("tripped_by", "reset_by").filter(pk=breaker_id).first()
    if breaker is None:
        raise NotFound("There is no such breaker.")
    return breaker


def one_person_approval(pipeline: Pipeline) -> OnePersonApproval | None:
    """The permission in force, if proposers may approve their own versions here."""
    return pipeline.one_person_approvals.select_related("allowed_by").filter(ended_at__isnull=True).first()


def version_in_shadow(pipeline: Pipeline) -> int | None:
    """The id of the version that decides beside the active one."""
    running = pipeline.shadow_runs.filter(stopped_at__isnull=True)
    return running.values_list("version_id", flat=True).first()


def shadow_runs(pipeline: Pipeline) -> list[ShadowRun]:
    """Newest first; the one that runs now, if there is one, is the first."""
    found = pipeline.shadow_runs.select_related("version", "version__pipeline", "started_by", "stopped_by")
    return list(found.order_by("-started_at")[:20])
