"""Cases: claims of which each answers the one before. At most one of them stands. These join the transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from reviewqueue.cascade.models import Attempt, StepEnd
from reviewqueue.cascade.selectors import CaseSoFar
from reviewqueue.cascade.services import steps
from reviewqueue.claims.copying import copy_rows
from reviewqueue.claims.models import Claim, ClaimStatus
from reviewqueue.claims.recording import NewClaim
from reviewqueue.errors import Conflict
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.events import Entry
from reviewqueue.transactions import joins_transaction

MOST_ATTEMPTS: Final = 100
"""A loop upstream that never ends must not make a case that never ends."""


class SupersededAlready(Conflict):
    """Another attempt came first: the newest one of a case is the only one that can be superseded."""

    code = "superseded_already"


class CaseFull(Conflict):
    code = "case_full"


def lock(claims: Collection[UUID]) -> None:
    """Holds claims that are to be superseded, in one order for everybody: of several superseders one goes first."""
    joins_transaction()
    if claims:
        list(Claim.objects.select_for_update(no_key=True).filter(pk__in=claims).order_by("pk").values_list("pk"))


def check(case: CaseSoFar, *, again: bool = False) -> None:
    """Raises SupersededAlready (also when the same batch supersedes the claim `again`), or CaseFull."""
    if again or not case.stands:
        raise SupersededAlready("A newer attempt supersedes this claim already.")
    if case.number >= MOST_ATTEMPTS:
        raise CaseFull(f"A case has at most {MOST_ATTEMPTS} attempts.")


def supersede(claims: Sequence[NewClaim], cases: Mapping[UUID, CaseSoFar], *, actor: Actor, now: datetime) -> None:
    """Lets new claims speak for their cases in the place of those that they supersede. No statement when none does.

    The superseded claims are locked. One that waited for this waits no longer; one that is with people stays with
    them, because upstream answers anew what it thinks is bad, and dropping that would bias every sample.
    """
    newcomers = [(claim, cases[claim.supersedes]) for claim in claims if claim.supersedes is not None]
    if not newcomers:
        return
    superseded = [case.claim_id for _, case in newcomers]
    ledger.append_many([_entry(claim, case, actor) for claim, case in newcomers])
    steps.close(superseded, StepEnd.ANSWERED, now=now)
    waiting = Claim.objects.filter(pk__in=superseded, status=ClaimStatus.AWAITING_STEP)
    waiting.update(status=ClaimStatus.DECIDED)
    Attempt.objects.filter(pk__in=superseded).update(standing=False)
    firsts = [_row(case.claim_id, case, 1, False, case.answers[0]) for _, case in newcomers if not case.in_chain]
    others = [
        _row(claim.id, case, case.number + 1, True, case.answer(claim.submission.output)) for claim, case in newcomers
    ]
    copy_rows(Attempt, [*firsts, *others])


def _entry(claim: NewClaim, case: CaseSoFar, actor: Actor) -> Entry:
    fields = {"superseded_by": claim.id, "case": case.case_id, "attempt": case.number + 1}
    return Entry("claim.superseded", actor, case.claim_id, fields)


def _row(claim_id: UUID, case: CaseSoFar, number: int, standing: bool, answer: bytes | None) -> dict[str, Any]:
    return {"claim_id": claim_id, "case_id": case.case_id, "number": number, "standing": standing, "answer": answer}
