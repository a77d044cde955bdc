"""Erasing by two persons: one asks with a reason, another one agrees or refuses."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from reviewqueue.accounts.models import ApiKey, User
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Claim
from reviewqueue.erasure import golden, outside, selectors
from reviewqueue.erasure.forgetting import forget_claim, forget_words_of
from reviewqueue.erasure.models import BY_PEOPLE, Basis, Erasure, ErasureState, because
from reviewqueue.errors import Conflict, FieldProblem, Forbidden, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.payloads.models import ClaimPayload
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.review.services.leaving import let_run_out
from reviewqueue.transactions import joins_transaction, service


class ErasureDecided(Conflict):
    """It was asked for, carried out or refused already."""

    code = "erasure_decided"


# --- asking -----------------------------------------------------------------------------------------------------------


@service
def ask_for_claim(*, by: User, claim_id: UUID, basis: str) -> Erasure:
    """Raises Forbidden, NotFound, Invalid, ErasureDecided."""
    selectors.require_asker(by)
    _check_basis(basis)
    claim = claims.lock_claim(selectors.claim_for_erasure(by, claim_id).pk)
    _check_new(Erasure.objects.filter(claim=claim))
    return _asked(by, basis, claim=claim)


@service
def ask_for_person(*, by: User, username: str, basis: str) -> Erasure:
    """Who was this becomes unknown; what they did stays, under the pseudonym. Raises as `ask_for_claim`, and
    ErasureDecided where the person still owns a pipeline."""
    selectors.require_asker(by)
    _check_basis(basis)
    person = selectors.person_for_erasure(username)
    User.objects.select_for_update().get(pk=person.pk)
    if person == by:
        raise Forbidden("Nobody erases themselves: ask another admin.")
    _check_owns_nothing(person)
    _check_new(Erasure.objects.filter(person=person))
    return _asked(by, basis, person=person)


@service
def ask_for_golden_item(*, by: User, golden_set: str, key: str, basis: str) -> Erasure:
    """Of all versions of the set "pipeline/name", with what models answered. Raises as `ask_for_claim`."""
    selectors.require_asker(by)
    _check_basis(basis)
    item = golden.held(by, golden_set=golden_set, key=key)
    _check_new(golden.wishes_about(item).filter(state=ErasureState.PENDING))
    return _asked(by, basis, golden_item=item)


def _check_basis(basis: str) -> None:
    if basis not in BY_PEOPLE:
        raise Invalid([FieldProblem("/basis", "choice", "Choose why it is to be erased.")])


def _check_new(erasures: object) -> None:
    if erasures.exclude(state=ErasureState.REFUSED).exists():  # type: ignore[attr-defined]
        raise ErasureDecided("Its erasure was asked for already, or is done.")


def _check_owns_nothing(person: User) -> None:
    owned = Pipeline.objects.filter(Q(owner=person) | Q(deputy=person)).order_by("slug").first()
    if owned is not None:
        raise ErasureDecided(f"This person answers for the pipeline {owned.name}: name somebody else there first.")


def _asked(by: User, basis: str, **about: Any) -> Erasure:
    """`about` is the claim, the person or the golden item."""
    erasure = Erasure(basis=basis, requested_by=by, requested_at=timezone.now(), **about)
    _append("erasure.requested", erasure, Actor.user(by.pseudonym, role=Role.ADMIN.value))
    erasure.save(force_insert=True)
    return erasure


# --- deciding ---------------------------------------------------------------------------------------------------------


@service
def decide(*, by: User, erasure_id: UUID, approve: bool) -> Erasure:
    """By an auditor, or a senior of the pipeline, who is not the person that asked, nor the one in question.

    Raises Forbidden, NotFound, ErasureDecided.
    """
    seen = selectors.erasure_for(by, erasure_id)
    role = selectors.require_approver(by, seen)
    claim = claims.lock_claim(seen.claim_id) if seen.claim_id else None
    related = ("requested_by", "person", "golden_item__version__golden_set__pipeline")
    erasure = Erasure.objects.select_for_update(of=("self",)).select_related(*related).get(pk=seen.pk)
    if erasure.state != ErasureState.PENDING:
        raise ErasureDecided("This was decided meanwhile.")
    erasure.decided_by, erasure.decided_at = by, timezone.now()
    if not approve:
        _refuse(erasure, Actor.user(by.pseudonym, role=role.value))
    else:
        _erase(erasure, claim)
    return erasure


def _refuse(erasure: Erasure, actor: Actor) -> None:
    _append("erasure.refused", erasure, actor)
    erasure.state = ErasureState.REFUSED
    erasure.save(update_fields=["state", "decided_by", "decided_at"])


def _append(event: str, erasure: Erasure, actor: Actor) -> None:
    about: dict[str, Any] = {"user": erasure.person.pseudonym} if erasure.person else {}
    if erasure.golden_item:
        about = golden.named(erasure.golden_item)
    ledger.append(event=event, actor=actor, claim=erasure.claim_id, erasure=erasure.pk, basis=erasure.basis, **about)


def _erase(erasure: Erasure, claim: Claim | None) -> None:
    """What it is about: a claim (which the caller holds), a golden item or a person."""
    asked_by, decided_by = erasure.requested_by, erasure.decided_by
    assert asked_by is not None
    assert decided_by is not None
    actor = Actor.user(asked_by.pseudonym, role=Role.ADMIN.value)
    approver = str(decided_by.pseudonym)
    if claim is not None:
        erase_payload(claim, erasure, actor=actor, second_approver=approver)
    elif erasure.golden_item is not None:
        golden.erase_item(erasure.golden_item, erasure, actor=actor, second_approver=approver)
    elif erasure.person is not None:
        _check_owns_nothing(erasure.person)
        erase_person(erasure.person, erasure, actor=actor, second_approver=approver)


def erase_payload(
    claim: Claim, erasure: Erasure, *, actor: Actor, second_approver: str | None, reason: str = ""
) -> None:
    """Joins the caller's transaction, which has locked the claim. The row comes first: the database asks for it."""
    joins_transaction()
    now = erasure.decided_at or timezone.now()
    terms = {"basis": erasure.basis, "second_approver": second_approver, "erasure": erasure.pk}
    erased = partial(ledger.append, event="payload.erased", actor=actor, claim=claim.pk, **terms)
    entry = erased(payload=claim.pk, **because(reason))
    erasure.state, erasure.event_id = ErasureState.ERASED, entry.id
    erasure.save()
    for file in forget_claim(claim, actor=actor, now=now):
        erased(payload=file)
    outside.remember(kind="payload", subject=claim.pk, basis=erasure.basis, event=entry.uuid, at=now)


# --- persons ----------------------------------------------------------------------------------------------------------


def erase_person(
    person: User, erasure: Erasure, *, actor: Actor, second_approver: str | None, reason: str = ""
) -> None:
    """Joins the caller's transaction."""
    joins_transaction()
    now = erasure.decided_at or timezone.now()
    username = person.get_username()
    entry = ledger.append(
        event="person.erased",
        actor=actor,
        user=person.pseudonym,
        basis=erasure.basis,
        second_approver=second_approver,
        erasure=erasure.pk,
        **because(reason),
    )
    for key in ApiKey.objects.filter(user=person, revoked_at__isnull=True):
        ledger.append(event="apikey.revoked", actor=actor, key=key.prefix, user=str(person.pseudonym), reason="erased")
    ApiKey.objects.filter(user=person, revoked_at__isnull=True).update(revoked_at=now)
    ApiKey.objects.filter(user=person).update(name="")
    person.username, person.email = person.name_when_erased, ""
    person.first_name = person.last_name = ""
    person.key_bindings, person.last_login = {}, None
    person.is_active = person.is_staff = person.is_superuser = False
    person.set_unusable_password()
    person.save()
    let_run_out(reviewer=person)
    selectors.forget_log_ins(username)
    forget_words_of(person)
    erasure.state, erasure.event_id = ErasureState.ERASED, entry.id
    erasure.save()
    outside.remember(kind="person", subject=person.pseudonym, basis=erasure.basis, event=entry.uuid, at=now)


# --- retention --------------------------------------------------------------------------------------------------------

ERASED_AT_ONCE: Final = 50
RETENTION: Final = Actor.system("retention")


def sweep_retention() -> int:
    """Erases what was kept for as long as its pipeline keeps it; some claims of each rule in one run."""
    return sum(
        _erase_old(pipeline_id=pipeline_id, category=category, days=days, others=others)
        for pipeline_id, category, days, others in selectors.retention_rules()
    )


@service
def _erase_old(*, pipeline_id: int, category: str, days: int, others: list[str]) -> int:
    now = timezone.now()
    old = selectors.past_retention(
        pipeline_id, category=category, others=others, before=now - timedelta(days=days), limit=ERASED_AT_ONCE
    )
    for claim in old:
        erase_by_itself(claim, basis=Basis.RETENTION, actor=RETENTION, now=now)
    return len(old)


def erase_by_itself(claim: Claim, *, basis: str, actor: Actor, now: datetime, reason: str = "") -> None:
    """Without two persons: they agreed before, or set the time. A wish that waits is answered by this."""
    erasure = Erasure.objects.filter(claim=claim).exclude(state=ErasureState.REFUSED).first()
    erasure = erasure or Erasure(claim=claim, requested_at=now)
    erasure.basis, erasure.decided_at = basis, now
    erase_payload(claim, erasure, actor=actor, second_approver=None, reason=reason)


def still_there(claim_id: UUID) -> bool:
    return ClaimPayload.objects.filter(pk=claim_id).exists()
