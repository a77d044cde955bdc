"""One claim from its arrival to its outcome, for whoever may see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.cascade.selectors import AttemptRow, attempts_of
from reviewqueue.claims.models import Claim, Decision, Outcome
from reviewqueue.erasure.models import Erasure
from reviewqueue.erasure.selectors import erasure_of
from reviewqueue.errors import Forbidden, NotFound
from reviewqueue.ledger.selectors import LedgerEntry, life_of_claim
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.review.models import Blind, Label, Purpose, ReviewTask
from reviewqueue.viewing.models import BreakGlass
from reviewqueue.viewing.selectors import glasses_of, open_glass

SEES_EVERY_CLAIM = frozenset({Role.SENIOR, Role.OWNER, Role.AUDITOR, Role.ADMIN})
WORKS = frozenset({Role.REVIEWER, Role.SENIOR})
SEES_TEXT = frozenset({Role.SENIOR, Role.OWNER, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class ClaimLife:
    """`content` is None where the text was erased, or is not for this person.

    An admin sees the record but not the text: whoever keeps the house does not read the letters, but for a moment and
    a reason (`glass`).
    """

    claim: Claim
    content: dict[str, Any] | None
    erasure: Erasure | None
    decisions: list[Decision]
    tasks: list[ReviewTask]
    labels: list[Label]
    outcomes: list[Outcome]
    entries: list[LedgerEntry]
    attempts: list[AttemptRow]
    may_read_text: bool
    hides_entries: bool
    glass: BreakGlass | None = None
    glasses: list[BreakGlass] = field(default_factory=list)
    may_break_glass: bool = False

    @property
    def decision(self) -> Decision:
        return next(decision for decision in self.decisions if decision.standing)

    @property
    def outcome(self) -> Outcome | None:
        return next((outcome for outcome in self.outcomes if outcome.standing), None)


def claim_life(user: User, claim_id: UUID) -> ClaimLife:
    """Seniors, owners, auditors and admins see any claim in their reach, reviewers those they have labelled,
    but for gold tasks: what is known of those stays unknown to whoever they measure.

    Raises:
        NotFound: there is none, or it is not this person's to see.
        Forbidden: this person may yet be the one to review it blind, or may still change what they said blind.
    """
    claims = Claim.objects.select_related("pipeline", "source", "payload__key", "event")
    claim = claims.filter(pk=claim_id).first()
    if claim is None:
        raise NotFound("There is no such claim.")
    labels = list(claim.labels.select_related("reviewer", "task").order_by("created_at"))
    sees_all = has_role(user, SEES_EVERY_CLAIM, pipeline_id=claim.pipeline_id)
    own = [label for label in labels if label.reviewer_id == user.pk and label.task.purpose != Purpose.GOLD]
    if not sees_all and not own:
        raise NotFound("There is no such claim.")
    tasks = list(claim.tasks.order_by("created_at"))
    works_here = has_role(user, WORKS, pipeline_id=claim.pipeline_id)
    if works_here and not own and any(task.closed_at is None and task.blind != Blind.NONE for task in tasks):
        raise Forbidden("This claim waits for a blind review that may be yours, so it stays closed until then.")
    if works_here and len(own) < len(labels) and any(_may_change(label) for label in own):
        raise Forbidden("You can still change your answer, so what others said opens in a moment.")
    reads_by_role = bool(own) or has_role(user, SEES_TEXT, pipeline_id=claim.pipeline_id)
    glass = None if reads_by_role else open_glass(user, claim.pk, now=timezone.now())
    may_read_text = reads_by_role or glass is not None
    entries = life_of_claim(claim.pk) if sees_all else []
    shown = _shown(entries, user, tasks) if works_here else entries
    return ClaimLife(
        claim=claim,
        content=_content(claim) if may_read_text else None,
        erasure=erasure_of(claim.pk) if not hasattr(claim, "payload") else None,
        decisions=list(claim.decisions.select_related("policy_version").order_by("number")),
        tasks=tasks,
        labels=[label for label in labels if _may_see(label, user, sees_all=sees_all)],
        outcomes=list(claim.outcomes.order_by("number")),
        entries=shown,
        attempts=attempts_of(claim.pk) if sees_all else [],
        may_read_text=may_read_text,
        hides_entries=len(shown) < len(entries),
        glass=glass,
        glasses=glasses_of(claim.pk) if sees_all else [],
        may_break_glass=not may_read_text and has_role(user, [Role.ADMIN]) and hasattr(claim, "payload"),
    )


def _may_change(label: Label) -> bool:
    """Whether a blind answer is still in its undo window: what others said must not change it."""
    closes = label.created_at + timedelta(seconds=label.task.undo_seconds)
    return label.blind != Blind.NONE and timezone.now() < closes


def _content(claim: Claim) -> dict[str, Any] | None:
    payload = getattr(claim, "payload", None)
    return payload.content if payload else None


def _shown(entries: list[LedgerEntry], user: User, tasks: list[ReviewTask]) -> list[LedgerEntry]:
    """All, but for other people's labels of tasks that this person may still have to label."""
    hidden = {str(task.pk) for task in tasks if task.closed_at is None}
    return [
        entry
        for entry in entries
        if not entry.kind.startswith("label.")
        or entry.body.get("task") not in hidden
        or entry.body.get("reviewer") == str(user.pseudonym)
    ]


def _may_see(label: Label, user: User, *, sees_all: bool) -> bool:
    """Who may still label the claim sees nobody else's judgement before the task is closed."""
    works_here = has_role(user, WORKS, pipeline_id=label.task.pipeline_id)
    if label.reviewer_id == user.pk or (sees_all and not works_here):
        return True
    return label.task.closed_at is not None
