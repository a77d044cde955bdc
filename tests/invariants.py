"""What holds of the whole product at rest, whatever happened before: read from the tables, against what clients saw.

A client notes each thing it asked for with what it knows of the end: done ("ok", with the answer), certainly not done
("fail"), or neither ("unknown": no answer came). Nothing here asks the code that is being judged, but for the pure
functions that anybody can compute again: the route, the audit draw, the hash of a policy.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from django.conf import settings
from django.db.models import Count, Q
from scipy.stats import binom

from reviewqueue.claims.models import Claim, Decision, Outcome
from reviewqueue.erasure.models import Erasure
from reviewqueue.ledger.models import Event, Leaf, Pending
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.verify import verify
from reviewqueue.policy.facts import Facts, facts_from_json
from reviewqueue.policy.routing import Routing, no_policy, route
from reviewqueue.policy.sampling import audit_number, epoch_key
from reviewqueue.policy.selectors import policy_of
from reviewqueue.review.models import Label, Lease

BY_PEOPLE: Final = frozenset({"review", "escalate"})
CERTAIN: Final = 0.99999
"""How surely a draw that is sound passes."""
REPLAYED: Final = (
    "route", "next_step", "band_state", "calibrator", "calibrated_confidence", "mandatory", "audit_rate",
    "audit_sampled", "inclusion_probability",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """`key` names what it was about: of a claim or an outcome the external_id, of a label its lease, of an erasure the
    claim. `made` is the id that the answer named, where one came."""

    what: Literal["claim", "label", "outcome", "erasure"]
    key: str
    state: Literal["ok", "fail", "unknown"]
    made: str | None = None


def violations(done: Sequence[Operation], *, keys: Sequence[VerifierKey] = ()) -> list[str]:
    """Everything that does not hold, in words; call it when nothing is under way and all is sealed."""
    return [
        *_of_claims(_by_key(done, "claim")),
        *_of_labels(_by_key(done, "label")),
        *_of_outcomes(_by_key(done, "outcome")),
        *_of_erasures(_by_key(done, "erasure")),
        *_of_leases(),
        *_of_reviewers(),
        *_of_mandatory_claims(),
        *_of_routes(),
        *_of_draws(),
        *_of_the_tree(keys),
    ]


# --- what was acknowledged is there once, what was refused is not there -----------------------------------------------


def _by_key(done: Sequence[Operation], what: str) -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = defaultdict(list)
    for each in done:
        if each.what == what:
            found[each.key].append(each)
    return found


def _acknowledged(about: Iterable[Operation]) -> set[str]:
    """What the answers named; several names for one thing are one too many."""
    return {str(each.made) for each in about if each.state == "ok"}


def _held_against(what: str, asked: Mapping[str, list[Operation]], rows: Mapping[str, list[str]]) -> Iterator[str]:
    """`rows` are the ids that the tables have, by the same key."""
    for key, about in asked.items():
        names, found = _acknowledged(about), rows.get(key, [])
        if len(found) > 1:
            yield f"{what} {key}: is there {len(found)} times"
        if names - set(found):
            yield f"{what} {key}: was acknowledged as {sorted(names)}, there is {sorted(found) or 'none'}"
        if len(names) > 1:
            yield f"{what} {key}: was acknowledged under several names, {sorted(names)}"
        if found and all(each.state == "fail" for each in about):
            yield f"{what} {key}: was refused and is there"
    for key in sorted(rows.keys() - asked.keys()):
        yield f"{what} {key}: is there, and nobody asked for it"


def _events(kind: str, field: str = "") -> Counter[str]:
    """How many entries of a kind there are, by what they are about: the claim, or the value of a field."""
    kinds = Event.objects.filter(kind=kind)
    if not field:
        return Counter(str(claim) for claim in kinds.values_list("subject", flat=True))
    leaves = kinds.values_list("leaf", flat=True).iterator()
    return Counter(str(json.loads(leaf)["body"].get(field)) for leaf in leaves)


def _once_in_the_ledger(what: str, ids: Iterable[str], events: Counter[str]) -> Iterator[str]:
    wanted = Counter(list(ids))
    for key in sorted(wanted.keys() | events.keys()):
        if wanted[key] != events[key]:
            yield f"{what} {key}: {wanted[key]} rows and {events[key]} entries"


def _of_claims(asked: Mapping[str, list[Operation]]) -> Iterator[str]:
    rows: dict[str, list[str]] = defaultdict(list)
    for key, claim in Claim.objects.values_list("external_id", "id"):
        rows[key].append(str(claim))
    yield from _held_against("claim", asked, rows)
    ids = [claim for found in rows.values() for claim in found]
    yield from _once_in_the_ledger("claim", ids, _events("claim.decided"))
    behind = Claim.objects.annotate(n=Count("decisions", filter=Q(decisions__standing=True))).exclude(n=1)
    yield from (f"claim {claim}: has no one decision that stands" for claim in behind.values_list("id", flat=True))


def _of_labels(asked: Mapping[str, list[Operation]]) -> Iterator[str]:
    rows: dict[str, list[str]] = defaultdict(list)
    for lease, label in Label.objects.filter(revision=0).values_list("lease", "id"):
        rows[str(lease)].append(str(label))
    yield from _held_against("label of lease", asked, rows)
    submitted = _events("label.submitted", "label") + _events("label.amended", "label")
    yield from _once_in_the_ledger("label", (str(key) for key in Label.objects.values_list("id", flat=True)), submitted)


def _of_outcomes(asked: Mapping[str, list[Operation]]) -> Iterator[str]:
    """Outcomes follow from labels too, so there are more of them than were reported."""
    named = {str(key): claim for key, claim in Outcome.objects.values_list("id", "claim__external_id")}
    for key, about in asked.items():
        for name in _acknowledged(about):
            if named.get(name) != key:
                yield f"outcome of {key}: {name} was acknowledged and is not there"
    yield from _once_in_the_ledger("outcome", named, _events("outcome.final", "outcome"))


def _of_erasures(asked: Mapping[str, list[Operation]]) -> Iterator[str]:
    rows: dict[str, list[str]] = defaultdict(list)
    for erasure, claim in Erasure.objects.filter(claim__isnull=False, event__isnull=False).values_list("id", "claim"):
        rows[str(claim)].append(str(erasure))
    yield from _held_against("erasure of claim", asked, rows)
    readable = Claim.objects.filter(pk__in=rows, payload__isnull=False)
    yield from (f"claim {claim}: is erased and has a text" for claim in readable.values_list("id", flat=True))
    claims = {str(key) for key in Claim.objects.values_list("id", flat=True)}
    entries = Counter({key: n for key, n in _events("payload.erased", "payload").items() if key in claims})
    yield from _once_in_the_ledger("erasure of claim", rows, entries)


# --- leases, labels, mandatory review ---------------------------------------------------------------------------------


def _of_leases() -> Iterator[str]:
    """At any moment at most one lease of a slot is live."""
    of_slot: dict[int, list[Lease]] = defaultdict(list)
    for lease in Lease.objects.order_by("slot", "lease_no"):
        of_slot[lease.slot_id].append(lease)
    for slot, leases in of_slot.items():
        for before, after in pairwise(leases):
            if before.ended_at is None or min(before.ended_at, before.expires_at) > after.granted_at:
                yield f"slot {slot}: lease {after.lease_no} was granted while {before.lease_no} was live"


def _of_reviewers() -> Iterator[str]:
    """A label is its lease's reviewer's, and nobody had the slot in between."""
    for label in Label.objects.select_related("lease"):
        if label.reviewer_id != label.lease.reviewer_id:
            yield f"label {label.pk}: was given by somebody else than had the lease"
        later = Lease.objects.filter(slot=label.slot_id, lease_no__gt=label.lease.lease_no)
        if label.revision == 0 and later.filter(granted_at__lte=label.created_at).exists():
            yield f"label {label.pk}: somebody else had taken over before"


def _of_mandatory_claims() -> Iterator[str]:
    for decision in Decision.objects.filter(mandatory=True).exclude(route__in=BY_PEOPLE):
        yield f"claim {decision.claim_id}: is under mandatory review and went to {decision.route}"
    by_people = Outcome.objects.filter(standing=True, basis="labels", claim__decisions__mandatory=True).distinct()
    labelled = by_people.annotate(n=Count("claim__labels__slot", distinct=True)).filter(n=0)
    for claim in labelled.values_list("claim", flat=True):
        yield f"claim {claim}: is under mandatory review and was settled without a label"


# --- what can be computed again ---------------------------------------------------------------------------------------


def _of_routes() -> Iterator[str]:
    """The first decision of a claim is what the policy makes of the facts that are kept with it."""
    first = Decision.objects.filter(number=1).select_related("policy_version")
    for decision in first.iterator():
        facts, version = facts_from_json(decision.facts), decision.policy_version
        again = route(facts, policy_of(version.pk, version.document_hash)) if version else no_policy(facts)
        if _differs(decision, again):
            yield f"claim {decision.claim_id}: its facts give {again.route}, recorded is {decision.route}"
        if not _is_own_draw(decision, facts):
            yield f"claim {decision.claim_id}: its audit number is not that of its epoch"


def _differs(decision: Decision, again: Routing) -> bool:
    told = (tuple(decision.reasons), decision.band or None, *(getattr(decision, name) for name in REPLAYED))
    return told != (again.reasons, again.band, *(getattr(again, name) for name in REPLAYED))


def _is_own_draw(decision: Decision, facts: Facts) -> bool:
    if not facts.epoch:
        return True
    key = epoch_key(settings.SAMPLING_SECRET.encode(), decision.pipeline.slug, facts.epoch)
    return audit_number(key, decision.claim_id) == facts.audit_u == decision.audit_u


def _of_draws() -> Iterator[str]:
    """Of the claims that nobody holds, about as many are drawn as the rates say."""
    decided = Decision.objects.filter(number=1, audit_rate__gt=0).exclude(route__in=(*BY_PEOPLE, "uncertain"))
    rates = decided.values("audit_rate").annotate(n=Count("id"), drawn=Count("id", filter=Q(audit_sampled=True)))
    for rate, n, drawn in rates.order_by().values_list("audit_rate", "n", "drawn"):
        low, high = binom.interval(CERTAIN, n, rate)
        if not low <= drawn <= high:
            yield f"of {n} claims {drawn} were drawn, at a rate of {rate}"


def _of_the_tree(keys: Sequence[VerifierKey]) -> Iterator[str]:
    """Each entry has one leaf, the leaves have no gap, every checkpoint is the root of its leaves, rows fit entries."""
    yield from (finding.message for finding in verify(keys=keys, with_rows=True).findings)
    events, leaves, waiting = Event.objects.count(), Leaf.objects.count(), Pending.objects.count()
    if waiting or events != leaves:
        yield f"{events} entries have {leaves} leaves, {waiting} wait"
