"""The learning loop: labels become measured bands, measured bands and a better calibrator become a draft policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from calibration.core.segments import Attributes
from calibration.evidence import LabelledClaim, atoms, fitting_times, labelled_claims
from calibration.measuring import Measured, measure
from calibration.models import BandStat, Calibrator, CalibratorStatus, Measurement
from calibration.proposing import GROWTH_WHEN_DECIDED, GROWTH_WHEN_UNDECIDED, Proposal, proposals
from calibration.tallying import forget_cells, is_resting, tally
from reviewqueue.claims.services import millionths
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.watched import every_attribute
from reviewqueue.policy import services as policies
from reviewqueue.policy.document import policy_hash
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from reviewqueue.policy.selectors import policy_of
from reviewqueue.transactions import service

LIVING = [PolicyStatus.DRAFT, PolicyStatus.APPROVED, PolicyStatus.ACTIVE]
SYSTEM = Actor.system("calibration")

KEY = ("policy_version", "model", "model_version", "prompt_version", "segment", "band")
VALUES = [field.attname for field in BandStat._meta.concrete_fields if field.name not in {"id", *KEY}]


def measure_bands() -> int:
    """Measures every pipeline in which something changed since its last measurement. Returns how many there were."""
    pipelines = Pipeline.objects.order_by("id")
    return sum(measure_pipeline(pipeline) for pipeline in pipelines if not is_resting(pipeline))


def measure_pipeline(pipeline: Pipeline, *, now: datetime | None = None) -> bool:
    """Recomputes the bands of every living policy version from claims and labels; False when nothing had changed."""
    tallied = tally(pipeline)
    if not tallied.complete:
        return False
    now = now or timezone.now()
    seen = _seen(pipeline, tallied.changes, now)
    if Measurement.objects.filter(pipeline=pipeline, seen=seen).exists():
        return False
    found = atoms(pipeline.pk)
    fitted = fitting_times(pipeline)
    for version in PolicyVersion.objects.filter(pipeline=pipeline, status__in=LIVING).select_related("pipeline"):
        policy = policy_of(version.pk, version.document_hash)
        _store(version, measure(policy, found, fitted=fitted, now=now, watched=_attributes(pipeline)))
    Measurement.objects.update_or_create(pipeline=pipeline, defaults={"seen": seen, "measured_at": now})
    return True


def _seen(pipeline: Pipeline, changes: int, now: datetime) -> str:
    """Changes whenever a number of this pipeline may change (and once an hour, because numbers age)."""
    versions = PolicyVersion.objects.filter(pipeline=pipeline, status__in=LIVING).order_by("number")
    living = ",".join(f"{number}{status}" for number, status in versions.values_list("number", "status"))
    return f"{changes}|{living}|{now:%Y-%m-%dT%H}"


@service
def _store(version: PolicyVersion, measured: Sequence[Measured]) -> None:
    """Replaces the statistics of a version and tells the policy what its bands may do from now on."""
    before = {_key(row): row for row in BandStat.objects.filter(policy_version=version)}
    rows = {_key(row): row for row in (_row(version, each) for each in measured)}
    changed = [row for key, row in rows.items() if key not in before or _values(row) != _values(before[key])]
    BandStat.objects.bulk_create(changed, update_conflicts=True, unique_fields=[*KEY], update_fields=VALUES)
    BandStat.objects.filter(pk__in=[row.pk for key, row in before.items() if key not in rows]).delete()
    for each in measured:
        if each.band and not each.segment and each.required is not None:
            policies.set_band_state(
                version=version,
                **each.subject._asdict(),
                band=each.band,
                state=each.state,
                figures={
                    "labelled": each.gate.labels,
                    "right": each.gate.labels - each.gate.errors,
                    "upper_ppm": _ppm(each.error_upper),
                    "required_ppm": _ppm(each.required),
                },
            )


def _key(row: BandStat) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in KEY[1:])


def _values(row: BandStat) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in VALUES)


def _ppm(share: float) -> int:
    return millionths(share) or 0


def _row(version: PolicyVersion, each: Measured) -> BandStat:
    return BandStat(
        policy_version=version,
        pipeline_id=version.pipeline_id,
        **each.subject._asdict(),
        segment=each.segment,
        band=each.band,
        n_routed=each.claims,
        n_sampled=each.sampled,
        n_labelled=each.labelled,
        n_right=each.right,
        n_apart=each.apart.claims,
        apart_labelled=each.apart.labelled,
        apart_right=each.apart.right,
        mean_confidence=each.mean_confidence,
        accuracy=each.estimate.est,
        low=each.estimate.lo,
        high=each.estimate.hi,
        level=0.95,
        unlabelled_share=each.unlabelled_share,
        error_upper=each.error_upper,
        gate_labels=each.gate.labels,
        required=each.required,
        state=each.state,
        method=each.estimate.method,
        newest_outcome_at=each.newest_at,
    )


def fit_calibrators() -> int:
    """Fits and judges wherever enough new labels have come in. Returns how many calibrators were fitted."""
    return sum(fit_pipeline(pipeline) for pipeline in Pipeline.objects.order_by("id"))


def fit_pipeline(pipeline: Pipeline) -> int:
    """Fits, judges and, where a candidate is better beyond doubt, proposes. Fitting happens outside any transaction."""
    active = PolicyVersion.objects.filter(pipeline=pipeline, status=PolicyStatus.ACTIVE).first()
    if active is None:
        return 0
    rebase_drafts(pipeline, active)
    labels = labelled_claims(pipeline.pk)
    wanted = {
        (row.model, row.model_version, row.prompt_version): _labels_for_next_fit(row)
        for row in Calibrator.objects.filter(pipeline=pipeline).order_by("number")
    }
    policy = policy_of(active.pk, active.document_hash)
    found = proposals(policy, labels, wanted=wanted, attributes=_attributes(pipeline))
    for proposal in found:
        _record(pipeline, active, proposal, labels)
    return len(found)


def _labels_for_next_fit(last: Calibrator) -> float:
    undecided = last.status == CalibratorStatus.FITTED
    growth = GROWTH_WHEN_UNDECIDED if undecided else GROWTH_WHEN_DECIDED
    return growth * (last.fit_labels + last.judged_labels)


def _attributes(pipeline: Pipeline) -> list[Attributes]:
    """Each attribute alone, whatever is watched, and the declared pairs."""
    alone = [(each,) for each in every_attribute(pipeline.categories, pipeline.segment_values)]
    return [*alone, *(tuple(each) for each in pipeline.watched if len(each) > 1)]


@service
def _record(
    pipeline: Pipeline, active: PolicyVersion, proposal: Proposal, labels: Sequence[LabelledClaim]
) -> Calibrator:
    """Stores a fitted calibrator; one that is better beyond doubt goes into a draft policy in the same transaction."""
    Pipeline.objects.select_for_update(no_key=True).get(pk=pipeline.pk)
    number = Calibrator.objects.filter(pipeline=pipeline).count() + 1
    name = f"{proposal.kind}-{number}"
    now = timezone.now()
    entry = ledger.append(
        event="calibrator.fitted",
        actor=SYSTEM,
        pipeline=pipeline.slug,
        calibrator=name,
        kind=proposal.kind,
        method=proposal.method,
        params_hash=policy_hash(proposal.map),
        labels=proposal.fit_labels,
        window_from_us=_microseconds(labels[0].settled_at),
        window_to_us=_microseconds(max(row.settled_at for row in labels)),
        **proposal.subject._asdict(),
    )
    calibrator = Calibrator(
        pipeline=pipeline,
        number=number,
        name=name,
        **proposal.subject._asdict(),
        kind=proposal.kind,
        map=proposal.map,
        fit_labels=proposal.fit_labels,
        judged_labels=proposal.judged_labels,
        last_outcome_at=max(row.settled_at for row in labels),
        figures=proposal.figures,
        status=proposal.status,
        fitted_at=now,
        event_id=entry.id,
    )
    if proposal.status == "proposed":
        calibrator.proposed_in = _draft(pipeline, active, calibrator)
    calibrator.save()
    return calibrator


def _draft(pipeline: Pipeline, active: PolicyVersion, calibrator: Calibrator) -> PolicyVersion:
    """The active policy with this calibrator in it, as a draft; what open drafts of the sweep add is carried over."""
    entry = {
        "model": calibrator.model,
        "model_version": calibrator.model_version,
        "prompt_version": calibrator.prompt_version,
        "name": calibrator.name,
        "map": calibrator.map,
    }
    additions = [entry]
    for old in _open_drafts(pipeline):
        additions = _additions(old) + additions
        policies.withdraw(version=old)
    return policies.propose_within(
        pipeline=pipeline,
        document=_with_calibrators(active, additions),
        proposer=None,
        note=(
            f"{calibrator.name} describes {calibrator.model} {calibrator.model_version} better than what is in use, "
            f"beyond doubt, on {calibrator.judged_labels} labels it was not fitted on."
        ),
        evidence=_evidence(calibrator),
    )


def _open_drafts(pipeline: Pipeline) -> list[PolicyVersion]:
    """Drafts of the sweep that nobody has decided about yet, oldest first."""
    drafts = PolicyVersion.objects.filter(pipeline=pipeline, status=PolicyStatus.DRAFT, proposed_by__isnull=True)
    return list(drafts.select_related("pipeline", "based_on").order_by("number"))


def _additions(draft: PolicyVersion) -> list[dict[str, Any]]:
    """The calibrators that a draft has and the version it was based on has not."""
    before = draft.based_on.document["calibrators"] if draft.based_on else []
    return [entry for entry in draft.document["calibrators"] if entry not in before]


def _with_calibrators(active: PolicyVersion, additions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The active document with these calibrators, the last one of a subject winning."""
    document = dict(active.document)
    by_subject = {
        (entry["model"], entry["model_version"], entry["prompt_version"]): entry
        for entry in [*document["calibrators"], *additions]
    }
    document["calibrators"] = list(by_subject.values())
    return document


@service
def rebase_drafts(pipeline: Pipeline, active: PolicyVersion) -> None:
    """A draft of the sweep that was based on what is no longer active is made anew on what is."""
    for old in _open_drafts(pipeline):
        if old.based_on_id == active.pk:
            continue
        policies.withdraw(version=old)
        document = _with_calibrators(active, _additions(old))
        if document != active.document:
            policies.propose_within(
                pipeline=pipeline, document=document, proposer=None, note=old.note, evidence=old.evidence
            )


def _evidence(calibrator: Calibrator) -> Mapping[str, Any]:
    return {
        "calibrator": calibrator.name,
        "kind": calibrator.kind,
        "model": calibrator.model,
        "model_version": calibrator.model_version,
        "prompt_version": calibrator.prompt_version,
        "fit_labels": calibrator.fit_labels,
        "judged_labels": calibrator.judged_labels,
        **calibrator.figures,
    }


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def forget_derived(pipeline: Pipeline) -> None:
    """Deletes every derived row of a pipeline; the next sweep makes the same ones again from claims and labels."""
    forget_cells(pipeline)
    BandStat.objects.filter(pipeline=pipeline).delete()
    Measurement.objects.filter(pipeline=pipeline).delete()
