"""What the codes of the domain are called on pages. A code that is missing here is shown as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from reviewqueue.deliveries.selectors import ERROR_TEXTS
from reviewqueue.web import administration_wording, audit_wording, owner_wording, task_wording

ROUTES: Final = {
    "accept": "Accepted",
    "accept_flagged": "Accepted, checked within a day",
    "review": "Held for review",
    "escalate": "Held for a senior",
    "reject": "Rejected",
    "uncertain": "Not sure, next step asked",
}

PURPOSES: Final = {
    "review": "Review",
    "audit": "Audit sample",
    "flagged": "Flagged",
    "escalation": "Escalation",
    "adjudication": "Adjudication",
    "gold": "Review",  # a reviewer must not be able to tell
    "relabel": "Second look",
}

VERDICTS: Final = {
    "correct": "Correct",
    "incorrect": "Incorrect",
    "partially_correct": "Partly correct",
    "cannot_judge": "Cannot judge",
}

SKIP_REASONS: Final = {
    "need_context": "I need more context",
    "outside_skill": "Outside my skill or language",
    "conflict_of_interest": "Conflict of interest",
    "broken": "Broken or unreadable",
    "policy_unclear": "The policy is unclear",
    "other": "Another reason",
}

HOLDS: Final = {30: "30 minutes", 60: "1 hour", 240: "4 hours", 1440: "1 day"}

REVISION_REASONS: Final = {
    "slip": "I pressed the wrong key",
    "second_thought": "I thought again",
    "after_reveal": "What was hidden changed my mind",
    "returned": "A senior returned it",
    "other": "Another reason",
}

POLICY_STATUS: Final = {
    "draft": "Draft",
    "approved": "Approved",
    "active": "Active",
    "retired": "Retired",
    "rejected": "Rejected",
}

BLINDNESS: Final = {
    "none": "Nothing in held claims",
    "score": "The confidence",
    "answer": "The output, until they have answered",
}

MODES: Final = {
    "active": "Active",
    "shadow": "On trial: everything is held",
}

TRIP_REASONS: Final = {
    "incident": "An incident",
    "complaints": "Complaints",
    "upstream_change": "Something changed upstream",
    "precaution": "As a precaution",
}

RESET_REASONS: Final = {
    "examined": "Examined: the outputs are as good as before",
    "cause_removed": "The cause is removed",
    "measured_again": "Measured again",
    "false_alarm": "A false alarm",
}

WORK: Final = {
    "review": "Review of held claims",
    "escalate": "Review by a senior",
    "flagged": "Check of flagged claims",
    "audit": "Audit sample",
}

CLAIM_STATUS: Final = {
    "decided": "Decided",
    "awaiting_step": "Waiting for a next step",
    "in_review": "In review",
    "settled": "Settled",
    "erased": "Erased",
}

BASES: Final = {
    "labels": "by the labels of reviewers",
    "adjudication": "by a senior",
    "external": "as reported from outside",
}

NEXT_STEPS: Final = {
    "retry": "try again",
    "ask": "ask the user",
    "retrieve": "look for evidence",
    "verify": "verify",
    "secondary": "ask a second model",
    "abstain": "give no answer",
}

FORM_KINDS: Final = {
    "judgement": "Is the output right?",
    "choice": "Which answer is right? (options)",
    "text": "Is the output right, and if not, what would be?",
    "json": "Is every field of the JSON output right?",
}

QUESTION_WORDS: Final = {
    "choice": "One of several",
    "several": "Any of several",
    "number": "A number",
    "span": "A passage of the text",
    "text": "A text",
}

WEBHOOK_EVENTS: Final = {
    "outcome.settled": "First outcome of a claim",
    "outcome.superseded": "Outcome that replaces another one",
    "step.expired": "Next step that nobody answered in time",
    "band.breached": "Band that no longer keeps its promise",
    "breaker.tripped": "Breaker that stopped a model",
    "golden.overdue": "Measurement by a golden set that did not come in time",
    "golden.worse_than_promised": "Golden run that is worse than the policy promises",
    "report.made": "Audit report of a pipeline, made",
    "pipeline.alarm": "Alarm about a pipeline: when it opens, daily while it stands, and when it is over",
    "endpoint.challenge": "Challenge",
}

DELIVERY_STATES: Final = {
    "waiting": "Waits for its host to answer a challenge",
    "pending": "To be sent",
    "delivered": "Delivered",
    "dead": "Given up",
}

ENDPOINT_REASONS: Final = {
    "challenge": "nothing is told before it has answered",
    "asked": "by a person; what happens meanwhile is kept",
    "dead_letter": "after a delivery was given up; what happens meanwhile is kept",
    "gone": "its receiver said that it is gone",
    "removed": "it was removed",
}

CHECKS: Final = {
    "json_schema": "JSON Schema",
    "pattern": "regular expression",
    "number_range": "number and unit",
    "arithmetic": "arithmetic",
    "allowed_values": "allowed values",
    "evidence_coverage": "words borne out by the context",
    "citations": "citations that point at something",
    "length": "length",
    "language": "language",
}

SIGNAL_FAMILIES: Final = {
    "internal": "The model itself",
    "agreement": "Agreement of several answers",
    "evidence": "Support by sources",
    "process": "How the answer was made",
    "input_risk": "Risk of the input",
}

ELICITATIONS: Final = {
    "logprob": "Token probabilities",
    "verbalized_before": "Said by the model before it answered",
    "verbalized_after": "Said by the model after it answered",
    "self_consistency": "Agreement of several samples",
    "verifier": "A verifier",
    "classifier": "A classifier",
    "other": "Another way",
}

CONTENT_VIEWS: Final = {
    "auto": "by its shape: objects and lists as tree, table or conversation, texts as they are",
    "text": "plain text",
    "markdown": "Markdown",
}
REDACTIONS: Final = {
    "email": "E-mail addresses",
    "card": "Card numbers, with a check digit that fits (in whole numbers too)",
    "iban": "IBANs, with check digits that fit",
    "phone": "Phone numbers",
    "ip": "IP addresses",
}
VIEW_RECORDING: Final = {
    "off": "not recorded",
    "auditors": "of auditors, and of administrators",
    "everybody": "of everybody without a lease on the claim",
}
IMAGE_CARE: Final = {
    "plain": "as they are",
    "blurred": "blurred until one points at them",
    "grey": "without colour",
    "blurred_grey": "blurred, and without colour",
}
SOUND_CARE: Final = {"plain": "as it is", "muted": "muted at first"}
DIRECTIONS: Final = {
    "better": "Higher is better",
    "riskier": "Higher is riskier",
}

TIERS: Final = {
    "accept": "Accepted at once",
    "accept_flagged": "Accepted, checked within a day",
    "verified": "Released by verifiers",
    "reject": "Rejected at once",
    "retry": "Asked to try again",
    "ask": "Asked to ask the user",
    "retrieve": "Asked to look for evidence",
    "verify": "Asked to verify",
    "secondary": "Asked a second model",
    "abstain": "Asked to give no answer",
    "review": "Reviewed by a person",
    "escalate": "Reviewed by a senior",
    "adjudication": "Settled by a senior after dissent",
    "label": "one label",
}

HANDLER_CALLS: Final = {
    "status": "it refused",
    "bad_answer": "the answer is not what was asked for",
    "too_large": "the answer is too long",
    "wrong_model": "another model answered",
    "refused": "the answer is no valid claim",
    "overtaken": "another answer came first",
    "name_taken": "the source has another claim of that name",
    "not_repeated": "it did not repeat the challenge",
    "secret_unreadable": "its secret cannot be decrypted: set a new one",
    "target_refused": "the address is not one that is called",
    "address_refused": "the name leads to an address that is not public",
    "unresolvable": "the name has no address",
    "tls": "the certificate was not accepted",
    "timeout": "no answer in time",
    "connection": "no connection, or it broke off",
    "broken_answer": "the answer was not HTTP",
}

EVENTS: Final = {
    "claim.decided": "Claim received and routed",
    "claim.rerouted": "Claim routed again",
    "claim.superseded": "Answered by a newer attempt",
    "task.opened": "Review asked for",
    "task.closed": "Review finished",
    "task.changed": "Moved in the queue",
    "lease.granted": "Taken by a reviewer",
    "lease.renewed": "Hold extended",
    "lease.held": "Kept for later",
    "lease.handed_over": "Handed to a colleague",
    "lease.expired": "Hold ran out",
    "lease.released": "Put back",
    "label.submitted": "Labelled",
    "label.returned": "Label returned to its reviewer",
    "label.upheld": "Reviewer stood by the label",
    "label.amended": "Label changed",
    "relabel.started": "Second looks started",
    "slice.dismissed": "Slice dismissed",
    "slice.brought_back": "Dismissed slice brought back",
    "gold.added": "Made a gold task",
    "gold.retired": "No gold task any more",
    "gold.answered": "Gold task answered",
    "gold.terms_changed": "Terms of gold tasks changed",
    "golden.set_created": "Golden set made",
    "golden.set_changed": "Golden set changed",
    "golden.published": "Golden set published",
    "golden.run_started": "Golden run started",
    "golden.run_completed": "Golden run finished",
    "golden.overdue": "Golden run overdue",
    "pipeline.alarm": "Alarm about the pipeline",
    "reviewer.paused": "Reviewer paused",
    "reviewer.appealed": "Reviewer appealed",
    "reviewer.pause_decided": "Pause decided",
    "outcome.final": "Outcome stands",
    "outcome.superseded": "Outcome replaced",
    "policy.proposed": "Policy proposed",
    "policy.approved": "Policy approved",
    "policy.rejected": "Policy rejected",
    "policy.activated": "Policy activated",
    "policy.retired": "Policy retired",
    "policy.shadow_started": "Policy runs in shadow",
    "policy.shadow_stopped": "Shadow run ended",
    "policy.one_person_allowed": "One-person approval allowed",
    "policy.one_person_ended": "One-person approval ended",
    "breaker.tripped": "Automation stopped",
    "breaker.reset": "Automation allowed again",
    "calibrator.fitted": "Calibrator fitted",
    "calibrator.judged": "Calibrator judged",
    "drift.alarm": "Monitor raised an alarm",
    "band.state_changed": "Band changed state",
    "sample.epoch_committed": "Audit key committed",
    "sample.epoch_revealed": "Audit key revealed",
    "accuracy.snapshot": "Accuracy stated",
    "sample.rates_changed": "Audit rates changed",
    "user.created": "Account created",
    "user.disabled": "Account closed",
    "user.enabled": "Account opened again",
    "password.changed": "Password changed",
    "password.link_issued": "Link to choose a password issued",
    "role.changed": "Role given or taken",
    "skills.changed": "Skills changed",
    "apikey.created": "Key issued",
    "apikey.revoked": "Key revoked",
    "source.created": "Source created",
    "pipeline.created": "Pipeline created",
    "pipeline.changed": "Pipeline changed",
    "form.changed": "Review form changed",
    "webhook.registered": "Webhook endpoint registered",
    "webhook.changed": "Webhook endpoint changed",
    "webhook.removed": "Webhook endpoint removed",
    "webhook.challenged": "Webhook challenge sent",
    "webhook.verified": "Webhook address verified",
    "webhook.secret_rotated": "Webhook secret rotated",
    "webhook.paused": "Webhooks paused",
    "webhook.resumed": "Webhooks resumed",
    "webhook.disabled": "Webhooks stopped: receiver gone",
    "webhook.delivered": "Webhook delivered",
    "webhook.failed": "Webhook given up",
    "webhook.replayed": "Webhooks sent again",
    "webhook.host_named": "Webhook host allowed",
    "webhook.host_withdrawn": "Webhook host withdrawn",
    "verification.run": "Ledger verified",
    "key.rotated": "Signing key changed",
    "key.retired": "Old signing key dropped",
    "ledger.restarted": "Ledger restarted under another name",
    "attachment.stored": "File uploaded",
    "payload.erased": "Text erased",
    "payload.viewed": "Text read",
    "payload.break_glass": "Right to read taken by break-glass",
    "person.erased": "Person erased",
    "erasure.requested": "Erasure asked for",
    "erasure.refused": "Erasure refused",
    "retention.changed": "Retention changed",
}

RELABEL_WHY: Final = {
    "model": "The calibrated confidence contradicts it",
    "consensus": "Most other labels contradict it",
    "random": "Drawn at random",
}

NOT_ASKED: Final = {
    "too_few_labels": "too few labels, or nearly all alike",
    "score_not_informative": "its confidence does not tell right from wrong",
}

MODEL_STANDINGS: Final = {
    "in_use": "in use",
    "proposed": "proposed",
    "in_judgement": "in judgement",
    "rejected": "rejected",
    "not_better": "signals tried, not taken",
}

COMPARISONS: Final = {
    "exact": "The same JSON value",
    "text": "The same text",
    "number": "A number within a tolerance",
    "one_of": "One of several",
}

GOLDEN_RUN_STATES: Final = {"open": "Open", "complete": "Complete", "closed": "Closed with answers missing"}

DUE_REASONS: Final = {
    "new_version": "new in traffic, and not measured yet",
    "schedule": "again, by schedule",
}

NO_FIGURE: Final = {
    "no_labels": "no answers",
    "too_few_labels": "from 200 inputs on",
    "one_class": "all right, or all wrong",
    "no_full_bin": "no bin has 30 answers",
    "not_distinguishable": "not distinguishable from calibrated",
}

KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "task_state": task_wording.TASK_STATES,
    "why_not": task_wording.WHY_NOT,
    "kept_because": task_wording.KEPT_BECAUSE,
    "route": ROUTES,
    "gold_origin": {"settled": "settled here", "imported": "known from elsewhere"},
    "purpose": PURPOSES,
    "verdict": VERDICTS,
    "skip": SKIP_REASONS,
    "policy": POLICY_STATUS,
    "claim": CLAIM_STATUS,
    "basis": BASES,
    "step": NEXT_STEPS,
    "check": CHECKS,
    "webhook": WEBHOOK_EVENTS,
    "delivery": DELIVERY_STATES,
    "endpoint_reason": ENDPOINT_REASONS,
    "delivery_error": ERROR_TEXTS,
    "call": HANDLER_CALLS,
    "event": EVENTS,
    "role": administration_wording.ROLE_NAMES,
    "scope": administration_wording.SCOPE_NAMES,
    "key_state": administration_wording.KEY_STATES,
    "family": SIGNAL_FAMILIES,
    "elicitation": ELICITATIONS,
    "direction": DIRECTIONS,
    "content_view": CONTENT_VIEWS,
    "view_recording": VIEW_RECORDING,
    "redaction": REDACTIONS,
    "image_care": IMAGE_CARE,
    "sound_care": SOUND_CARE,
    "tier": TIERS,
    "trip": TRIP_REASONS,
    "reset": RESET_REASONS,
    "work": WORK,
    "relabel_why": RELABEL_WHY,
    "not_asked": NOT_ASKED,
    **owner_wording.KINDS,
    **audit_wording.KINDS,
    "standing": MODEL_STANDINGS,
    "comparison": COMPARISONS,
    "golden_run": GOLDEN_RUN_STATES,
    "golden_due": DUE_REASONS,
    "no_figure": NO_FIGURE,
}


class BandState(NamedTuple):
    """A state in words, the tone of its colour, and its icon: never one of them alone."""

    word: str
    tone: str
    icon: str
    meaning: str


BAND_STATES: Final = {
    "measured": BandState("Measured", "none", "check", "Measured well enough to be believed; decides nothing."),
    "validated": BandState("Validated", "good", "check", "Measured well enough: this band may decide by itself."),
    "provisional": BandState("Provisional", "wait", "clock", "Measured, but not enough yet to rest anything on."),
    "unmeasured": BandState("Not measured", "none", "circle", "No label yet: every claim goes to people."),
    "unvalidated": BandState("Not validated", "none", "circle", "Not measured well enough: claims go to people."),
    "failed": BandState("Failed", "bad", "cross", "Measured, and worse than required: every claim goes to people."),
    "breach": BandState("Breach", "bad", "cross", "Worse than promised: every claim goes to people."),
    "stale": BandState("Stale", "wait", "clock", "The figures are too old or of another version."),
}
UNKNOWN_STATE: Final = BandState("Unknown", "none", "circle", "")


def words(code: object, kind: str) -> str:
    """The word for a code; an unknown one with spaces for underscores."""
    return KINDS[kind].get(str(code)) or str(code).replace("_", " ")


def odds(factor: float) -> str:
    """What a factor does to the odds of being right, as the end of a sentence."""
    if 0.995 <= factor < 1.005:
        return "leaves the odds as they are"
    if factor >= 1_000:
        return "multiplies the odds by more than 1,000"
    if factor >= 2:
        return f"multiplies the odds by {factor:.1f}"
    if factor > 1:
        return f"raises the odds by {factor - 1:.0%}".replace("%", "\u00a0%")
    if factor >= 0.5:
        return f"lowers the odds by {1 - factor:.0%}".replace("%", "\u00a0%")
    return f"divides the odds by {1 / factor:.1f}" if factor >= 0.001 else "divides the odds by more than 1,000"


def quartiles(low: float, high: float) -> str:
    """Both with as many decimals as tell them apart, two at least; one number where they are equal."""
    if low == high:
        return f"{low:.4f}"
    decimals = next((n for n in range(2, 8) if f"{low:.{n}f}" != f"{high:.{n}f}"), 8)
    return f"{low:.{decimals}f} to {high:.{decimals}f}"


def band_state(code: object) -> BandState:
    return BAND_STATES.get(str(code)) or UNKNOWN_STATE._replace(word=str(code).replace("_", " ").capitalize())
