"""The gold tasks of a pipeline: its owner chooses them, retires them, and says how often they come."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Claim, Outcome, OutcomeBasis
from reviewqueue.claims.services import millionths
from reviewqueue.errors import Conflict, FieldProblem, Invalid, NotFound
from reviewqueue.ledger import services as ledger
from reviewqueue.payloads.words import with_keys
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.rights import actor_in
from reviewqueue.review.gold import GoldItem, GoldOrigin, GoldTerms
from reviewqueue.review.models import Label, Purpose
from reviewqueue.transactions import service

MOST_AT_ONCE: Final = 500
HIGHEST_RATE: Final = 0.5
FEWEST_JUDGED: Final = 5


class KeyNotSettled(Conflict):
    """No truth of enough weight stands for the claim."""

    code = "gold_not_settled"


@dataclass(frozen=True, slots=True)
class Known:
    """The known answer of a claim, as it is imported: by the name its source gave it."""

    external_id: str
    correct: bool
    output: object = None


def settled_beyond_one_opinion(pipeline: Pipeline) -> QuerySet[Outcome]:
    """Outcomes that a senior settled, or several people without a dissenting voice; not of claims that are gold."""
    labels = Label.objects.filter(claim=OuterRef("claim")).exclude(task__purpose=Purpose.GOLD)
    people = labels.order_by().values("claim").annotate(n=Count("reviewer", distinct=True)).values("n")
    dissent = Q(Exists(labels.exclude(verdict="correct")), correct=True) | Q(
        Exists(labels.filter(verdict="correct")), correct=False
    )
    return (
        Outcome.objects.filter(pipeline=pipeline, standing=True, correct__isnull=False, claim__payload__isnull=False)
        .filter(~Exists(GoldItem.objects.filter(claim=OuterRef("claim"), retired_at__isnull=True)))
        .annotate(people=Subquery(people))
        .filter(Q(basis=OutcomeBasis.ADJUDICATION) | Q(~dissent, basis=OutcomeBasis.LABELS, people__gte=2))
    )


@service
def add_settled(*, pipeline: Pipeline, claim_ids: Sequence[UUID], by: User, onboarding: bool = False) -> int:
    """Makes gold tasks of settled claims; returns how many.

    Raises:
        KeyNotSettled: one of them is gold already, or was settled by one opinion alone.
    """
    _check_number(claim_ids)
    keys = {
        outcome.claim_id: (bool(outcome.correct), outcome.output)
        for outcome in with_keys(settled_beyond_one_opinion(pipeline).filter(claim__in=claim_ids))
    }
    if set(claim_ids) - set(keys):
        raise KeyNotSettled("A gold task needs a claim that several people or a senior settled, and that is none yet.")
    return _add(pipeline, keys, by, GoldOrigin.SETTLED, onboarding=onboarding)


@service
def import_known(*, pipeline: Pipeline, known: Sequence[Known], by: User, onboarding: bool = False) -> int:
    """Makes gold tasks of claims whose answer is known from elsewhere; returns how many. All of them, or none.

    Raises:
        Invalid: a name that no claim or several claims of the pipeline have, that comes twice, or that is gold already.
    """
    _check_number(known)
    names = [each.external_id for each in known]
    found: dict[str, list[UUID]] = {}
    for name, claim_id in (
        Claim.objects.filter(pipeline=pipeline, external_id__in=names, payload__isnull=False)
        .exclude(gold__in=GoldItem.objects.filter(pipeline=pipeline, retired_at__isnull=True))
        .values_list("external_id", "pk")
    ):
        found.setdefault(name, []).append(claim_id)
    problems = [
        FieldProblem(f"/{row}", "claim", f"“{name}” is not the name of exactly one claim here that is not gold yet.")
        for row, name in enumerate(names)
        if len(found.get(name, ())) != 1 or names.index(name) != row
    ]
    if problems:
        raise Invalid(problems)
    keys = {found[each.external_id][0]: (each.correct, each.output) for each in known}
    return _add(pipeline, keys, by, GoldOrigin.IMPORTED, onboarding=onboarding)


def _check_number(rows: Sequence[object]) -> None:
    if not 0 < len(rows) <= MOST_AT_ONCE:
        raise Invalid([FieldProblem("", "count", f"From 1 to {MOST_AT_ONCE} claims at a time.")])


def _add(
    pipeline: Pipeline,
    keys: Mapping[UUID, tuple[bool, object]],
    by: User,
    origin: GoldOrigin,
    *,
    onboarding: bool,
) -> int:
    now, actor = timezone.now(), actor_in(pipeline, by)
    for claim_id in sorted(keys):  # in one order, so that two owners never wait for each other
        claim, (correct, output) = claims.lock_claim(claim_id), keys[claim_id]
        if GoldItem.objects.filter(claim=claim, retired_at__isnull=True).exists():
            raise KeyNotSettled("One of these claims became a gold task at this very moment.")
        item = GoldItem(
            pipeline=pipeline,
            claim=claim,
            correct=correct,
            origin=origin,
            onboarding=onboarding,
            added_by=by,
            added_at=now,
        )
        item.output = None if correct else output
        salt = secrets.token_bytes(32)
        item.event_id = ledger.append(
            event="gold.added",
            actor=actor,
            claim=claim_id,
            pipeline=pipeline.slug,
            item=item.pk,
            correct=correct,
            origin=origin.value,
            onboarding=onboarding,
            commitment=claims.payload_commitment(salt, item.output),
        ).id
        item.save(force_insert=True)
    return len(keys)


@service
def retire(*, pipeline: Pipeline, item_id: UUID, by: User, void: bool = False) -> None:
    """It is given to nobody any more. `void`: its key was wrong, and no answer to it counts. Twice is once.

    Raises:
        NotFound: the pipeline has no such gold task.
    """
    item = GoldItem.objects.select_for_update().filter(pk=item_id, pipeline=pipeline).first()
    if item is None:
        raise NotFound("There is no such gold task.")
    if item.retired_at is not None and (item.void or not void):
        return
    claims.lock_claim(item.claim_id)
    ledger.append(
        event="gold.retired", actor=actor_in(pipeline, by), claim=item.claim_id, pipeline=pipeline.slug, item=item.pk,
        void=void,
    )  # fmt: skip
    item.retired_at, item.void = item.retired_at or timezone.now(), void
    item.save(update_fields=["retired_at", "void"])


@service
def change_terms(*, pipeline: Pipeline, rate: float, bar: float, fewest: int, by: User) -> GoldTerms:
    """How often gold comes, what accuracy is expected, and after how many judged ones somebody may be paused.

    Raises:
        Invalid: out of range.
    """
    problems = []
    if not 0 <= rate <= HIGHEST_RATE:
        problems.append(FieldProblem("/rate", "range", "From 0 (never) to 50 %."))
    if not 0 <= bar < 1:
        problems.append(FieldProblem("/bar", "range", "From 0 (nobody is paused) to less than 100 %."))
    if not FEWEST_JUDGED <= fewest <= 1_000:
        problems.append(FieldProblem("/fewest", "range", f"From {FEWEST_JUDGED} to 1,000."))
    if problems:
        raise Invalid(problems)
    entry = ledger.append(
        event="gold.terms_changed",
        actor=actor_in(pipeline, by),
        pipeline=pipeline.slug,
        rate_ppm=millionths(rate),
        bar_ppm=millionths(bar),
        fewest=fewest,
    )
    values = {"rate": rate, "bar": bar, "fewest": fewest, "event_id": entry.id}
    return GoldTerms.objects.update_or_create(pipeline=pipeline, defaults=values)[0]
