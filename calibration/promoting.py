"""Candidates for a place in the policy: fitted, judged, proposed in a draft or rejected; and the way back.

While no band of a subject decides by itself, a calibrator is judged at once, on the half of the inputs it was not
fitted on. Whatever would replace one by which a band decides goes into shadow first and is judged on labels that came
after its fit (docs/decisions/0040).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from calibration.core.promote import DELTA
from calibration.core.segments import Attributes
from calibration.drafting import draft_of, draft_with, entry_in, entry_of, rebase_drafts, subject_of
from calibration.evidence import LabelledClaim, Labels, Subject, atoms, fitting_times, labelled_claims
from calibration.findings import calibrators_in_doubt
from calibration.measuring import measure
from calibration.models import Calibrator, CalibratorStatus, Finding, FindingKind
from calibration.proposing import (
    GROWTH,
    GROWTH_WHEN_UNDECIDED,
    LOOKS,
    Judgement,
    Proposal,
    judgement,
    judging_labels,
    looks_due,
    proposals,
    reversal,
)
from calibration.streams import Placed, replaced_by
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.signals import directions_of
from reviewqueue.pipelines.watched import every_attribute
from reviewqueue.policy.document import CalibratorEntry, Policy, policy_hash
from reviewqueue.policy.models import BandState, PolicyStatus, PolicyVersion
from reviewqueue.policy.selectors import policy_of
from reviewqueue.transactions import service

SYSTEM: Final = Actor.system("calibration")
PROBATION: Final = timedelta(days=14)
"""How long the calibrator that was replaced goes on being compared with the one that took its place."""


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
    policy = policy_of(active.pk, active.document_hash)
    _judge_those_in_shadow(pipeline, active, policy, labels)
    _watch_those_that_took_over(pipeline, active, labels)
    last = {subject_of(row): row for row in Calibrator.objects.filter(pipeline=pipeline).order_by("number")}
    doubted = calibrators_in_doubt(pipeline)
    wanted: dict[tuple[str, str, str], float] = dict.fromkeys(_in_drafts(pipeline, policy), float("inf"))
    for subject, row in last.items():
        wanted.setdefault(subject, _labels_for_next_fit(row, doubted.get(subject)))
    found = proposals(
        policy,
        labels,
        wanted=wanted,
        attributes=attributes_of(pipeline),
        higher_is=directions_of(pipeline.signals),
        looks={subject: row.looks for subject, row in last.items() if row.status == CalibratorStatus.FITTED},
        deciding=_deciding(active),
    )
    for proposal in found:
        _record(pipeline, active, proposal, labels)
    return len(found)


def _deciding(active: PolicyVersion) -> set[Subject]:
    """Subjects of which a band decides by itself now."""
    states = BandState.objects.filter(policy_version=active, state="validated")
    return {Subject(*each) for each in states.values_list("model", "model_version", "prompt_version")}


def _in_drafts(pipeline: Pipeline, policy: Policy) -> set[Subject]:
    """Subjects about whose calibrator people have yet to decide: a draft has another one than is in use."""
    waiting = PolicyVersion.objects.filter(pipeline=pipeline, status__in=[PolicyStatus.DRAFT, PolicyStatus.APPROVED])
    in_use = {entry.name for entry in policy.calibrators}
    return {
        Subject(entry["model"], entry["model_version"], entry["prompt_version"])
        for document in waiting.values_list("document", flat=True)
        for entry in document["calibrators"]
        if entry["name"] not in in_use
    }


def _labels_for_next_fit(last: Calibrator, doubted_at: datetime | None) -> float:
    """Never while another one is in shadow; at once where labels have shown since that the one in use does not hold."""
    if last.status == CalibratorStatus.SHADOW:
        return float("inf")
    if doubted_at is not None and doubted_at > last.fitted_at:
        return 0
    growth = GROWTH_WHEN_UNDECIDED if last.status == CalibratorStatus.FITTED else GROWTH
    return growth * 2 * last.fit_labels


def attributes_of(pipeline: Pipeline) -> list[Attributes]:
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
        champion=proposal.champion,
        looks=proposal.looks,
        judged_at=now if proposal.judged_labels else None,
        fitted_at=now,
        event_id=entry.id,
    )
    if proposal.judged_labels:
        _tell_judgement(calibrator)
    if proposal.status == "proposed":
        calibrator.proposed_in = draft_with(calibrator, active)
    calibrator.save()
    return calibrator


# --- in shadow -------------------------------------------------------------------------------------------------


def _judge_those_in_shadow(
    pipeline: Pipeline, active: PolicyVersion, policy: Policy, labels: Sequence[LabelledClaim]
) -> None:
    """One look at each step of `LOOKS`, whatever happens in between."""
    for candidate in Calibrator.objects.filter(pipeline=pipeline, status=CalibratorStatus.SHADOW):
        subject = subject_of(candidate)
        champion = policy.calibrator_of.get(subject)
        if champion is None or champion.name != candidate.champion:
            names = {"candidate": candidate.figures["candidate"], "champion": candidate.figures["champion"]}
            outdated = {**names, "verdict": "reject", "reasons": ["champion_replaced"]}
            _decided(candidate, active, Judgement("rejected", outdated), judged_labels=0, looks=candidate.looks)
            continue
        judge = judging_labels(labels, subject, candidate.fitted_at)
        if looks_due(len(judge)) > candidate.looks:
            judged = _judged(candidate, champion, active, policy, judge)
            _decided(candidate, active, judged, judged_labels=len(judge), looks=looks_due(len(judge)))


def _judged(
    candidate: Calibrator,
    champion: CalibratorEntry,
    active: PolicyVersion,
    policy: Policy,
    judge: Labels,
) -> Judgement:
    place_in = Placed(policy)
    bands = [place_in.band_of(row.place) for row in judge.rows]
    return judgement(
        candidate.map,
        candidate.figures["candidate"]["name"],
        champion,
        judge,
        attributes_of(candidate.pipeline),
        delta=DELTA / len(LOOKS),
        regions=[band.key if band and band.automates else "" for band in bands],
        recertified=lambda: _keeps_its_bands(candidate, active, policy),
    )


def _keeps_its_bands(candidate: Calibrator, active: PolicyVersion, policy: Policy) -> bool:
    """Whether every band that decides now has labels enough, and right ones, to decide under the candidate."""
    subject = subject_of(candidate)
    states = BandState.objects.filter(policy_version=active, state="validated", **subject._asdict())
    deciding = set(states.values_list("band", flat=True))
    if not deciding:
        return True
    measured = measure(
        with_calibrator(policy, candidate),
        atoms(candidate.pipeline_id, subject=subject),
        fitted={**fitting_times(candidate.pipeline), candidate.name: candidate.fitted_at},
        now=timezone.now(),
    )
    certified = {each.band for each in measured if each.band and each.state == "validated"}
    return deciding <= certified


def with_calibrator(policy: Policy, candidate: Calibrator) -> Policy:
    """The policy in which this one has its subject's place."""
    entry = CalibratorEntry(**entry_of(candidate))
    others = [each for each in policy.calibrators if each.subject != entry.subject]
    return replace(policy, calibrators=(*others, entry))


@service
def _decided(
    candidate: Calibrator, active: PolicyVersion, judged: Judgement, *, judged_labels: int, looks: int
) -> None:
    """Stores a look and what follows from it; a draft is made in the same transaction."""
    Pipeline.objects.select_for_update(no_key=True).get(pk=candidate.pipeline_id)
    candidate.status, candidate.looks, candidate.judged_labels = judged.status, looks, judged_labels
    candidate.judged_at = timezone.now()
    candidate.figures = {**candidate.figures, **judged.figures}
    _tell_judgement(candidate)
    if judged.status == CalibratorStatus.PROPOSED:
        candidate.proposed_in = draft_with(candidate, active)
    candidate.save()


def _tell_judgement(candidate: Calibrator) -> None:
    compared = candidate.figures.get("comparison", {})
    ledger.append(
        event="calibrator.judged",
        actor=SYSTEM,
        pipeline=candidate.pipeline.slug,
        calibrator=candidate.name,
        from_calibrator=candidate.champion or None,
        verdict=candidate.figures["verdict"],
        looks=candidate.looks,
        judged=candidate.judged_labels,
        metrics={
            f"{name}_millionths": round(compared[name] * 1_000_000)
            for name in ("log_loss_difference", "low", "high")
            if name in compared
        },
        **subject_of(candidate)._asdict(),
    )


# --- after it took over, and the way back ----------------------------------------------------------------------


def _watch_those_that_took_over(pipeline: Pipeline, active: PolicyVersion, labels: Sequence[LabelledClaim]) -> None:
    """For two weeks a calibrator that replaced another one may lose its place again: when a band breaks its promise, or
    when the one before would have done better beyond doubt."""
    now = timezone.now()
    for old, new, since in replaced_by(pipeline):
        row = Calibrator.objects.filter(pipeline=pipeline, name=new.name, rolled_back_in=None).first()
        if row is None or now - since > PROBATION:
            continue
        subject = Subject(*new.subject)
        broken = Finding.objects.filter(
            pipeline=pipeline, kind=FindingKind.OUTCOME, calibrator=new.name, found_at__gt=since, **subject._asdict()
        )
        if broken.exists():
            _take_back(row, active, old, {"reason": "promise_broken"})
            continue
        judge = Labels([each for each in labels if each.place.subject == subject and each.settled_at > since])
        due = looks_due(len(judge))
        if due > row.reverse_looks:
            comparison = reversal(old, new, judge)
            Calibrator.objects.filter(pk=row.pk).update(reverse_looks=due)
            if comparison.better:
                found: dict[str, Any] = {
                    "labelled": comparison.n,
                    "difference_millionths": round(-comparison.mean * 1_000_000),
                }
                _take_back(row, active, old, {**found, "looks": due}, since=since)


@service
def _take_back(
    row: Calibrator,
    active: PolicyVersion,
    old: CalibratorEntry,
    figures: dict[str, Any],  # whole numbers and codes, as the ledger holds them
    *,
    since: datetime | None = None,
) -> None:
    """A draft with the calibrator before it. What broke a promise is a finding already; a better predecessor is one."""
    Pipeline.objects.select_for_update(no_key=True).get(pk=row.pipeline_id)
    if since is not None:
        window: dict[str, Any] = {"window_from_us": _microseconds(since), "window_to_us": _microseconds(timezone.now())}
        entry = ledger.append(
            event="drift.alarm",
            actor=SYSTEM,
            pipeline=row.pipeline.slug,
            detector=FindingKind.REVERSE.value,
            calibrator=row.name,
            champion=old.name,
            **subject_of(row)._asdict(),
            **figures,
            **window,
        )
        Finding.objects.create(
            pipeline=row.pipeline,
            kind=FindingKind.REVERSE,
            **subject_of(row)._asdict(),
            calibrator=row.name,
            figures={**figures, **window, "champion": old.name},
            event_id=entry.id,
        )
    why = "a band broke its promise" if since is None else f"{old.name} would have done better, beyond doubt"
    row.rolled_back_in = draft_of(
        row.pipeline,
        active,
        entry_in(old),
        note=f"Back to {old.name}: since {row.name} took over, {why}.",
        evidence={"calibrator": old.name, "replaces": row.name, **figures},
    )
    row.save(update_fields=["rolled_back_in"])


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
