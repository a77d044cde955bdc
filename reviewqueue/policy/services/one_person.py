"""Small teams: an administrator allows that a version is approved by whoever proposed it, and everything says so."""

from __future__ import annotations

import hashlib
import secrets

import rfc8785
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict, FieldProblem, Forbidden, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.policy.models import LONGEST_NOTE, OnePersonApproval
from reviewqueue.policy.rights import SWITCH_ONE_PERSON, actor_in
from reviewqueue.policy.services.held import hold_pipeline
from reviewqueue.transactions import service


class OnePersonNotInState(Conflict):
    code = "one_person_not_in_state"


@service
def allow_one_person_approval(*, pipeline: Pipeline, by: User, note: str) -> OnePersonApproval:
    """Until it is ended, proposers may approve their own versions; never one that loosens mandatory review.

    The note says why four eyes are not possible; the ledger holds its commitment.

    Raises Forbidden, Invalid, OnePersonNotInState.
    """
    _refuse_others(by)
    _check_note(note)
    hold_pipeline(pipeline.pk)
    if OnePersonApproval.objects.filter(pipeline=pipeline, ended_at__isnull=True).exists():
        raise OnePersonNotInState("One person may approve here already.")
    salt = secrets.token_bytes(32)
    entry = ledger.append(
        event="policy.one_person_allowed",
        actor=actor_in(pipeline, by),
        pipeline=pipeline.slug,
        note_commitment=hashlib.sha256(b"\x02" + salt + rfc8785.dumps(note)).digest(),
    )
    return OnePersonApproval.objects.create(
        pipeline=pipeline, note=note, salt=salt, allowed_by=by, allowed_at=timezone.now(), event_id=entry.id
    )


@service
def end_one_person_approval(*, pipeline: Pipeline, by: User) -> OnePersonApproval:
    """From now on it takes two again. What one person has approved keeps saying so. Raises Forbidden, and
    OnePersonNotInState when it was not allowed."""
    _refuse_others(by)
    hold_pipeline(pipeline.pk)
    allowed = OnePersonApproval.objects.filter(pipeline=pipeline, ended_at__isnull=True).first()
    if allowed is None:
        raise OnePersonNotInState("Two people have to agree here already.")
    entry = ledger.append(event="policy.one_person_ended", actor=actor_in(pipeline, by), pipeline=pipeline.slug)
    allowed.ended_at, allowed.ended_by, allowed.ended_event_id = timezone.now(), by, entry.id
    allowed.save(update_fields=["ended_at", "ended_by", "ended_event"])
    return allowed


def _refuse_others(by: User) -> None:
    if not has_role(by, SWITCH_ONE_PERSON):
        raise Forbidden("Only an administrator may do this.")


def _check_note(note: str) -> None:
    if not note.strip():
        raise Invalid([FieldProblem("/note", "required", "Say why two people are not possible here.")])
    if len(note) > LONGEST_NOTE or "\0" in note:
        raise Invalid([FieldProblem("/note", "text", f"At most {LONGEST_NOTE} characters, none of them NUL.")])
