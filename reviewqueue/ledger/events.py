"""The catalogue of what may be written: every kind of event with the fields it must and may carry. Pure.

A field that is not listed is refused, so that a typing mistake cannot become permanent. Values are identifiers, codes,
counts and hashes: no free text, no names, no model output. Shares and confidences are whole millionths (`…_ppm`),
times whole microseconds (`…_us`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

from reviewqueue.ledger.actors import Actor

MAX_TEXT = 300
_COUNTED = ("_ppm", "_us")
RESERVED = frozenset({"event", "actor", "claim", "claim_seq", "claim_prev"})
EVERYWHERE = frozenset({"pipeline", "source", "request", "key", "reason", "reasons"})


class EventRefused(ValueError):
    """An event that the catalogue does not know in this form: a mistake in the calling code."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What an event of one kind looks like. One `about_claim` must name its claim, any other may."""

    must: frozenset[str]
    may: frozenset[str]
    about_claim: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to be appended."""

    event: str
    actor: Actor
    claim: UUID | None = None
    fields: Mapping[str, object] = field(default_factory=dict)


def _shape(must: str = "", may: str = "") -> Shape:
    return Shape(frozenset(must.split()), frozenset(may.split()) | EVERYWHERE, about_claim=False)


def _about_claim(must: str = "", may: str = "") -> Shape:
    return Shape(frozenset(must.split()), frozenset(may.split()) | EVERYWHERE, about_claim=True)


_DECISION = """model model_version prompt_version elicitation confidence_ppm calibrated_ppm band band_state next_step
    mandatory category segments status step steps supersedes policy_version policy_hash calibrator audit_u
    audit_rate_ppm audit_sampled inclusion_ppm content_commitment labels_needed due_us rule from_route redacted
    epoch"""
_LEASE = "task lease_no reviewer expires_us until_us purpose slot late renewals expiries note_commitment"
_TASK = "purpose labels_needed priority due_us blind gold slot state labels seconds commitment outcome"
_LABEL = """lease lease_no reviewer verdict late commitment seconds blind gold right purpose error_types supersedes
    note_commitment form"""
_ADJUDICATION = """adjudication task label labels lease reviewer verdict outcome correct agreement_ppm commitment"""
_OUTCOME = """correct basis verdict label labels task commitment supersedes superseded_by observed_us route band"""
_WEBHOOK = "delivery endpoint outcome attempt status failures dead"
_ENDPOINT = "url_hash events scheme payload overlap_until_us deliveries from_us to_us"
_VERIFICATION = "host delivery attempt status"
_NAMED_HOST = "ports plain_http ca_hash"
_POLICY = """policy_hash approved_by proposed_by activated_by parent policy_from stricter band_count bands state
    document_commitment note_commitment supersedes one_person loosens_mandatory approvals since_us"""
_CALIBRATOR = """kind method params_hash labels window window_from_us window_to_us model model_version prompt_version
    segment policy_version from_calibrator metrics shadow verdict looks judged"""
_BAND = """policy_version policy_hash model model_version prompt_version category segment state_from labelled right
    accuracy_ppm upper_ppm lower_ppm required_ppm level_ppm window_from_us window_to_us finding snapshot"""
_DRIFT = """finding detector model model_version prompt_version band segment statistic threshold labelled right
    calibrator champion wrong allowed_ppm recent_labelled recent_wrong direction looks difference_millionths
    baseline_ppm observed_ppm window_from_us window_to_us severity action state note_commitment"""
_BREAKER = """model model_version prompt_version cause claims_before claims_now psi_thousandths distance_ppm
    window_from_us window_to_us tripped_us suspected_swap band calibrator labelled wrong allowed_ppm recent_labelled
    recent_wrong statistic threshold"""
_SNAPSHOT = "pipeline model model_version prompt_version leaf_from leaf_to bands labelled right result_hash"
_PERSON = "user role role_from role_to active granted_by note_commitment"
_KEY = "scopes expires_us environment owner user replaces overlap_until_us requests_per_minute"
_SOURCE = "slug owner changed settings_hash active"
_PIPELINE = "slug owner deputy changed settings_hash categories mandatory_categories segments form form_hash active"
_GOLDEN_TERMS = "owner every_days within_days active"
_GOLDEN_RUN = """elicitation size state missing accuracy_ppm lower_ppm upper_ppm brier_ppm smooth_ece_ppm digest
    policy_version worse_bands"""
_EXPORT = "export format rows filters leaf_from leaf_to tree_size manifest_hash payloads since_us until_us"

CATALOGUE: Mapping[str, Shape] = {
    "claim.decided": _about_claim("pipeline route", _DECISION),
    "claim.rerouted": _about_claim("pipeline route", _DECISION),
    "claim.superseded": _about_claim("superseded_by case attempt"),
    "task.opened": _about_claim("task", _TASK),
    "task.closed": _about_claim("task", _TASK),
    "task.changed": _about_claim("task slot change", "priority priority_from kept_for until_us"),
    "lease.granted": _about_claim("lease task lease_no reviewer", _LEASE),
    "lease.renewed": _about_claim("lease", _LEASE),
    "lease.held": _about_claim("lease", _LEASE),
    "lease.handed_over": _about_claim("lease reviewer", _LEASE),
    "lease.expired": _about_claim("lease", _LEASE),
    "lease.released": _about_claim("lease", _LEASE),
    "label.submitted": _about_claim("label task", _LABEL),
    "label.amended": _about_claim("label task", _LABEL),
    "label.returned": _about_claim("label task", _LABEL),
    "label.upheld": _about_claim("label task", _LABEL),
    "adjudication.opened": _about_claim("", _ADJUDICATION),
    "adjudication.decided": _about_claim("", _ADJUDICATION),
    "relabel.started": _shape("pipeline round seed", "labels suspects picked drawn"),
    "gold.added": _about_claim("item correct", "origin onboarding commitment"),
    "gold.retired": _about_claim("item", "void"),
    "gold.answered": _about_claim("task label", "item right"),
    "gold.terms_changed": _shape("pipeline rate_ppm bar_ppm fewest"),
    "golden.set_created": _shape("pipeline golden_set", _GOLDEN_TERMS),
    "golden.set_changed": _shape("pipeline golden_set", _GOLDEN_TERMS),
    "golden.published": _shape("pipeline golden_set golden_version size digest"),
    "golden.run_started": _shape(
        "pipeline golden_set golden_version run model model_version prompt_version", _GOLDEN_RUN
    ),
    "golden.run_completed": _shape(
        "pipeline golden_set golden_version run model model_version prompt_version answered right", _GOLDEN_RUN
    ),
    "golden.overdue": _shape("pipeline golden_set model model_version prompt_version due_us", "owner"),
    "reviewer.paused": _shape("pipeline user", "gold right upper_ppm bar_ppm"),
    "reviewer.appealed": _shape("pipeline user", "note_commitment"),
    "reviewer.pause_decided": _shape("pipeline user lifted", "note_commitment"),
    "outcome.final": _about_claim("outcome", _OUTCOME),
    "outcome.superseded": _about_claim("outcome", _OUTCOME),
    "webhook.delivered": _shape("", _WEBHOOK),
    "webhook.failed": _shape("", _WEBHOOK),
    "webhook.disabled": _shape("", _WEBHOOK),
    "webhook.registered": _shape("endpoint source", _ENDPOINT),
    "webhook.changed": _shape("endpoint source", _ENDPOINT),
    "webhook.removed": _shape("endpoint source", _ENDPOINT),
    "webhook.challenged": _shape("endpoint source", _VERIFICATION),
    "webhook.verified": _shape("endpoint source", _VERIFICATION),
    "webhook.secret_rotated": _shape("endpoint", _ENDPOINT),
    "webhook.paused": _shape("endpoint", _WEBHOOK),
    "webhook.resumed": _shape("endpoint", _WEBHOOK),
    "webhook.replayed": _shape("endpoint deliveries", f"delivery {_ENDPOINT}"),
    "webhook.host_named": _shape("host", _NAMED_HOST),
    "webhook.host_withdrawn": _shape("host", _NAMED_HOST),
    "policy.proposed": _shape("pipeline policy_version policy_hash", _POLICY),
    "policy.approved": _shape("pipeline policy_version policy_hash", _POLICY),
    "policy.rejected": _shape("pipeline policy_version", _POLICY),
    "policy.activated": _shape("pipeline policy_version policy_hash", _POLICY),
    "policy.retired": _shape("pipeline policy_version", _POLICY),
    "policy.shadow_started": _shape("pipeline policy_version policy_hash", _POLICY),
    "policy.shadow_stopped": _shape("pipeline policy_version policy_hash", _POLICY),
    "policy.one_person_allowed": _shape("pipeline note_commitment"),
    "policy.one_person_ended": _shape("pipeline"),
    "breaker.tripped": _shape("pipeline model model_version prompt_version cause", _BREAKER),
    "breaker.reset": _shape("pipeline model model_version prompt_version reason", _BREAKER),
    "calibrator.fitted": _shape("pipeline calibrator", _CALIBRATOR),
    "calibrator.judged": _shape("pipeline calibrator verdict", _CALIBRATOR),
    "calibrator.activated": _shape("pipeline calibrator", _CALIBRATOR),
    "calibrator.retired": _shape("pipeline calibrator", _CALIBRATOR),
    "band.state_changed": _shape("pipeline band state_to", _BAND),
    "slice.dismissed": _shape("pipeline slice"),
    "slice.brought_back": _shape("pipeline slice"),
    "drift.alarm": _shape("pipeline", _DRIFT),
    "drift.acknowledged": _shape("pipeline", _DRIFT),
    "accuracy.snapshot": _shape(_SNAPSHOT),
    "sample.epoch_committed": _shape("epoch commitment", "from_us to_us"),
    "sample.rates_changed": _shape(
        "pipeline policy_version band rates", "model model_version prompt_version rates_from"
    ),
    "sample.epoch_revealed": _shape("pipeline epoch secret commitment", "from_us to_us"),
    "user.created": _shape("user", _PERSON),
    "user.disabled": _shape("user", _PERSON),
    "user.enabled": _shape("user", _PERSON),
    "role.changed": _shape("user", _PERSON),
    "skills.changed": _shape("user pipeline skills skills_from"),
    "password.changed": _shape("user"),
    "password.link_issued": _shape("user"),
    "mfa.changed": _shape("user", "method enabled"),
    "login.failed_limit": _shape("", "user attempts address_commitment"),
    "apikey.created": _shape("key", _KEY),
    "apikey.rotated": _shape("key", _KEY),
    "apikey.revoked": _shape("key", _KEY),
    "apikey.limited": _shape("key", _KEY),
    "source.created": _shape("source", _SOURCE),
    "source.changed": _shape("source", _SOURCE),
    "pipeline.created": _shape("pipeline", _PIPELINE),
    "pipeline.changed": _shape("pipeline", _PIPELINE),
    "pipeline.alarm": _shape("pipeline code state", "subject tone since_us"),
    "attachment.stored": _shape("attachment source commitment", "media_type"),
    "form.changed": _shape("pipeline form form_hash"),
    "payload.viewed": _shape("", "payload user purpose break_glass note_commitment"),
    "payload.break_glass": _about_claim("break_glass until_us", "payload note_commitment"),
    "payload.erased": _shape("payload", "basis second_approver commitment erasure golden_set"),
    "person.erased": _shape("user basis", "second_approver erasure"),
    "erasure.requested": _shape("erasure basis", "user golden_set payload"),
    "erasure.refused": _shape("erasure basis", "user golden_set payload"),
    "retention.changed": _shape("pipeline days", "days_from"),
    "export.created": _shape("", _EXPORT),
    "verification.run": _shape("result", "tree_size findings root unsealed"),
    "key.rotated": _shape("key_from key_to", "overlap_until_us"),
    "key.retired": _shape("key_from key_to"),
    "ledger.restarted": _shape("origin_from origin_to", "tree_size root lost last_size last_root countersignature"),
    "config.changed": _shape("changed", "settings_hash"),
}


def body_of(entry: Entry) -> dict[str, object]:
    """The body without its place in the claim's chain. Raises EventRefused where the catalogue does not fit."""
    _check_fields(entry)
    body: dict[str, object] = {"event": str(entry.event), "actor": entry.actor.as_body()}
    if entry.claim is not None:
        body["claim"] = str(entry.claim)
    for name, value in entry.fields.items():
        body[name] = value if _is_plain(value, name) else _plain(value, name, entry.event)
    return body


def _check_fields(entry: Entry) -> None:
    """Which names fit an event is worked out once: a batch has a thousand entries with the same ones."""
    problem = _names_problem(entry.event, tuple(entry.fields))
    if problem:
        raise EventRefused(problem)
    if CATALOGUE[entry.event].about_claim and entry.claim is None:
        raise EventRefused(f"{entry.event} must name its claim")


@lru_cache(maxsize=1024)
def _names_problem(event: str, names: tuple[str, ...]) -> str | None:
    shape, given = CATALOGUE.get(event), set(names)
    if shape is None:
        return f"no event of the kind {event!r} in the catalogue"
    if missing := shape.must - given:
        return f"{event} lacks {', '.join(sorted(missing))}"
    if unknown := given - shape.must - shape.may:
        return f"{event} has no field {', '.join(sorted(unknown))}"
    return None


def _is_plain(value: object, name: str) -> bool:
    """Whether `_plain` would give the value back as it is: most of them are short texts, counts, yes and no."""
    if type(value) is str:
        return len(value) <= MAX_TEXT and value.isprintable() and not name.endswith(_COUNTED)
    if type(value) is int or type(value) is bool:
        return not name.endswith(_COUNTED) or _is_count(value, name)
    return value is None


def _plain(value: object, name: str, event: str) -> object:
    """Ids and hashes as text; refuses what is no millionth in a `…_ppm` field and what reads like free text."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{name}/{key}", event) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{name}/{index}", event) for index, item in enumerate(value)]
    if isinstance(value, str) and (len(value) > MAX_TEXT or not value.isprintable()):
        raise EventRefused(f"{event}: {name} is no identifier or code (more than {MAX_TEXT} or unprintable characters)")
    if name.endswith(_COUNTED) and not _is_count(value, name):
        raise EventRefused(f"{event}: {name} is {value!r}, not a whole number in its range")
    return value


def _is_count(value: object, name: str) -> bool:
    if value is None:
        return True
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 0 <= value <= 1_000_000 if name.endswith("_ppm") else True
