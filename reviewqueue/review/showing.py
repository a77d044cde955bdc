"""What a reviewer gets to see of a claim, a decision and other people's labels.

`task_view` is all that pages and the API show of a task: what blindness hides is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from reviewqueue.claims.checking import Named, findings_behind
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.claims.selectors import instant
from reviewqueue.review.models import Blind, GoldDraw, Label, Lease, Purpose, ReviewTask, Verdict
from reviewqueue.review.picking import SHOWN_WHEN_BLIND
from reviewqueue.verifiers.notes import in_words

ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")

_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "mandatory_category": ("blocker", "Its category always goes to a person."),
    "mandatory_segment": ("blocker", "A segment it belongs to always goes to a person."),
    "mandatory_case": ("blocker", "An earlier attempt at the same case had to go to a person."),
    "band_unvalidated": ("blocker", "The accuracy of its band is not validated for this model version."),
    "uncalibrated_model": ("blocker", "The confidence of this model version has no calibration yet."),
    "drift_breaker": ("blocker", "Accuracy has moved here, so nothing passes without a person for now."),
    "signal_rule": ("blocker", "A rule of the policy asks for more care because of one of its signals."),
    "verifier_failed": ("blocker", "An automatic check of the output failed."),
    "verifier_passed": ("voucher", "Automatic checks passed it that may release claims of its band."),
    "audit_sample": ("voucher", "It was drawn at random to measure how often accepted outputs are right."),
    "step_timeout": ("blocker", "A next step was asked for and nothing came back in time."),
    "step_budget_spent": ("blocker", "It has had all the next steps the policy allows."),
    "no_policy": ("blocker", "The pipeline has no active policy, so everything goes to people."),
    "shadow_mode": ("blocker", "The policy is on trial and decides nothing by itself."),
}
_BAND: Final[Mapping[str, tuple[str, str]]] = {
    "accept": ("voucher", "Its band is accepted without a person."),
    "accept_flagged": ("voucher", "Its band is accepted first and looked at afterwards."),
    "review": ("blocker", "Its band goes to people."),
    "escalate": ("blocker", "Its band goes to senior reviewers."),
    "reject": ("blocker", "Its band is refused without a person."),
    "uncertain": ("blocker", "Its band is answered with a next step instead of an output."),
}


def task_view(lease: Lease) -> dict[str, Any]:
    """The task of a lease as the REST contract writes it. Expects a lease from `selectors.lease_for`."""
    task = lease.task
    blind = Blind(task.blind)
    view = {
        "id": str(task.pk),
        "purpose": shown_purpose(task),
        "blind": blind.value,
        "question": task.pipeline.question,
        "guideline": task.pipeline.guideline,
        "claim": _claim_view(task.claim, blind, shown_claim_id(task)),
        "context": task.claim.payload.content["context"],
        "form": task.form.document,
        "due_at": instant(task.due_at),
    }
    if task.purpose == Purpose.ADJUDICATION:
        view["labels"] = _labels_to_adjudicate(task)
    return {"task": view, "lease": {"id": str(lease.pk), "expires_at": instant(lease.expires_at)}}


def shown_purpose(task: ReviewTask) -> str:
    """Audit, gold and held claims look the same as long as the reviewer is to judge without knowing which is which."""
    return str(task.purpose if task.blind == Blind.NONE else SHOWN_WHEN_BLIND)


def shown_claim_id(task: ReviewTask) -> UUID:
    """The claim's own id tells when it came in, and would give away that its answer is known: gold has another one."""
    if task.purpose != Purpose.GOLD:
        return task.claim_id
    shown: UUID = GoldDraw.objects.values_list("shown_claim_id", flat=True).get(task=task)
    return shown


def _claim_view(claim: Claim, blind: Blind, shown_id: UUID) -> dict[str, Any]:
    """Names and metadata are upstream's words and could give a model or a score away, so blind tasks lack them too."""
    content = claim.payload.content
    view: dict[str, Any] = {
        "id": str(shown_id),
        "pipeline": claim.pipeline.slug,
        "category": claim.category or None,
        "segments": claim.segments,
        "input": content["input"],
    }
    if blind == Blind.ANSWER:
        return view
    view["output"] = content["output"]
    if blind == Blind.SCORE:
        return view | {"alternatives": [{"output": each["output"]} for each in content["alternatives"]]}
    return view | {
        "alternatives": content["alternatives"],
        "external_id": claim.external_id,
        "metadata": content["metadata"],
        "received_at": instant(claim.received_at),
        "elicitation": claim.elicitation,
        "signals": claim.signals,
        **_model_view(claim),
        "decision": _decision_view(_standing_decision(claim)),
    }


def _model_view(claim: Claim) -> dict[str, Any]:
    return {
        "model": claim.model,
        "model_version": claim.model_version,
        "prompt_version": claim.prompt_version or None,
        "confidence": claim.confidence,
    }


def _standing_decision(claim: Claim) -> Decision:
    return claim.decisions.select_related("policy_version").defer("policy_version__document").get(standing=True)


def _decision_view(decision: Decision) -> dict[str, Any]:
    return {
        "route": decision.route,
        "band": decision.band or None,
        "reasons": list(decision.reasons),
        "calibrated_confidence": decision.calibrated_confidence,
        "why": why_here(decision),
    }


def why_here(decision: Decision) -> list[dict[str, str]]:
    """What spoke for passing the claim on ("voucher") and what against it ("blocker"), in plain words.

    For unblinded tasks only: it speaks of the confidence.
    """
    found = findings_behind(decision)
    items = [("confidence", "voucher", _confidence_words(decision))]
    for code in decision.reasons:
        if code == "verifier_failed" and found:
            items += [(code, "blocker", _check_words(each)) for each in found if each.fails]
        else:
            items.append((code, *(_BAND[decision.route] if code == "band" else _REASONS.get(code, ("blocker", code)))))
    items += [("check", "voucher", _check_words(each)) for each in found if not each.fails]
    return [{"code": code, "kind": kind, "text": text} for code, kind, text in items]


def _check_words(each: Named) -> str:
    outcome, score, note = each.finding
    measured = "" if score is None else f" ({score:.0%})"
    if outcome == "pass":
        return f"The check “{each.name}” passed{measured}."
    said = "could not be made" if outcome == "unknown" else "failed"
    return f"The check “{each.name}” {said}: {in_words(note)}{measured}."


def _confidence_words(decision: Decision) -> str:
    stated, measured = decision.facts.get("confidence"), decision.calibrated_confidence
    if stated is None:
        return "The model stated no confidence."
    words = f"The model stated a confidence of {stated:.0%}"
    return f"{words}; measured against labels that is {measured:.0%}." if measured is not None else f"{words}."


def _labels_to_adjudicate(task: ReviewTask) -> list[dict[str, Any]]:
    """The labels of the claim that the senior is to settle, oldest first, without names."""
    labels = standing(
        Label.objects.filter(claim=task.claim_id)
        .exclude(task__purpose=Purpose.GOLD)
        .exclude(task=task)
        .order_by("task_id", "slot__number")
    )
    return [{"by": f"{ORDINALS[place % len(ORDINALS)]} reviewer", **_said(label)} for place, label in enumerate(labels)]


def standing(labels: Iterable[Label]) -> list[Label]:
    """Of every slot the last revision, in the order of the query."""
    last: dict[int, Label] = {}
    for label in labels:
        if label.slot_id not in last or label.revision > last[label.slot_id].revision:
            last[label.slot_id] = label
    return list(last.values())


def _said(label: Label) -> dict[str, Any]:
    return {
        "verdict": label.verdict,
        "output": label.output,
        "error_types": list(label.error_types),
        "note": label.note,
    }


def label_answer(label: Label) -> dict[str, Any]:
    """A person's own label as the REST contract writes it."""
    return {
        "id": str(label.pk),
        "task": str(label.task_id),
        "claim": str(shown_claim_id(label.task)),
        **_said(label),
        "answers": label.answers,
        "seconds": label.seconds,
        "revision": label.revision,
        "late": label.late,
        "created_at": instant(label.created_at),
    }


def standing_answer(lease: Lease) -> dict[str, Any] | None:
    """What was answered in a lease's slot; somebody else's answer only when the task takes no further ones."""
    labels = standing(Label.objects.filter(slot=lease.slot_id))
    if not labels:
        return None
    is_own = labels[0].reviewer_id == lease.reviewer_id
    if not is_own and lease.task.closed_at is None:
        return None
    return {"id": str(labels[0].pk), "by": "you" if is_own else "another reviewer", **_said(labels[0])}


def reveal_of(label: Label) -> dict[str, Any]:
    """What blindness hid, for the person whose label is in; the change of mind it causes is measured."""
    claim = label.claim
    decision = _standing_decision(claim)
    return {
        **_model_view(claim),
        "calibrated_confidence": decision.calibrated_confidence,
        "band": decision.band or None,
        "reasons": list(decision.reasons),
        "output": claim.payload.content["output"],
        "agreed": None if label.verdict == Verdict.CANNOT_JUDGE else label.verdict == Verdict.CORRECT,
    }
