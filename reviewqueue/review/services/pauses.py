"""A reviewer whose gold answers are surely below the bar gets no tasks until a senior has looked at it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

import rfc8785
from django.db.models import Count, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from calibration.core.intervals import cp_upper
from reviewqueue.accounts.models import User
from reviewqueue.claims.services import millionths
from reviewqueue.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.policy.rights import actor_in
from reviewqueue.review.gold import USUAL_BAR, USUAL_FEWEST, GoldDraw, GoldTerms, ReviewerPause
from reviewqueue.review.services.tasks import SYSTEM
from reviewqueue.transactions import service

LONGEST_TEXT: Final = 5_000


class PauseDecided(Conflict):
    """Nothing is left to say or to decide."""

    code = "pause_decided"


def pause_reviewers() -> int:
    """Pauses everybody whose accuracy on gold lies below the bar beyond doubt; returns how many that were.

    What counts: answers that cannot be undone any more, to keys that are not void, given after a senior last decided
    to let the person go on. Running twice pauses nobody twice.
    """
    terms = {each.pipeline_id: (each.bar, each.fewest) for each in GoldTerms.objects.all()}
    paused = 0
    for row in _counts():
        bar, fewest = terms.get(row["pipeline_id"], (USUAL_BAR, USUAL_FEWEST))
        upper = float(cp_upper(row["was_right"], row["judged"]))
        if row["judged"] >= fewest and upper < bar:
            paused += _pause(row, bar=bar, upper=upper)
    return paused


def _counts() -> Iterable[Any]:
    """Judged and right gold answers of everybody who is not paused."""
    pauses = ReviewerPause.objects.filter(pipeline=OuterRef("pipeline"), reviewer=OuterRef("reviewer"))
    answers = GoldDraw.objects.filter(right__isnull=False, item__void=False, answered_at__lte=Now() - _undo())
    return (
        answers.exclude(Exists(pauses.filter(ended_at__isnull=True)))
        .exclude(Exists(pauses.filter(ended_at__gte=OuterRef("answered_at"))))
        .order_by()
        .values("pipeline_id", "reviewer_id")
        .annotate(judged=Count("id"), was_right=Count("id", filter=Q(right=True)))
    )


def _undo() -> Any:
    return ExpressionWrapper(F("task__undo_seconds") * Value(timedelta(seconds=1)), output_field=DurationField())


@service
def _pause(row: Mapping[str, Any], *, bar: float, upper: float) -> int:
    pipeline, person = Pipeline.objects.get(pk=row["pipeline_id"]), User.objects.get(pk=row["reviewer_id"])
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    if ReviewerPause.objects.filter(pipeline=pipeline, reviewer=person, ended_at__isnull=True).exists():
        return 0
    entry = ledger.append(
        event="reviewer.paused",
        actor=SYSTEM,
        pipeline=pipeline.slug,
        user=person.pseudonym,
        gold=row["judged"],
        right=row["was_right"],
        upper_ppm=millionths(upper),
        bar_ppm=millionths(bar),
    )
    ReviewerPause.objects.create(
        pipeline=pipeline,
        reviewer=person,
        began_at=timezone.now(),
        judged=row["judged"],
        right=row["was_right"],
        upper=upper,
        bar=bar,
        event_id=entry.id,
    )
    return 1


@service
def appeal(*, reviewer: User, pause_id: int, text: str) -> None:
    """Says to the seniors why the pause is wrong; once for each decision.

    Raises:
        NotFound: not a pause of this person.
        PauseDecided: it is over, or the seniors have not answered the last appeal yet.
        Invalid: no text, or one that cannot be stored.
    """
    pause = ReviewerPause.objects.select_for_update().filter(pk=pause_id, reviewer=reviewer).first()
    if pause is None:
        raise NotFound("There is no such pause.")
    _check_text("/text", text, "Say what the seniors should know.")
    if pause.ended_at or (pause.waits_for_answer):
        raise PauseDecided("The pause is over, or your appeal waits for an answer already.")
    ledger.append(
        event="reviewer.appealed",
        actor=Actor.user(reviewer.pseudonym, role="reviewer"),
        pipeline=pause.pipeline.slug,
        user=reviewer.pseudonym,
        note_commitment=_commitment(text),
    )
    pause.appeal, pause.appealed_at = text, timezone.now()
    pause.save(update_fields=["appeal", "appealed_at"])


@service
def decide(*, by: User, pipeline: Pipeline, pause_id: int, lifted: bool, note: str) -> None:
    """A senior lets the person go on, or keeps the pause, and says why. Nobody decides about their own.

    Raises:
        Forbidden: no senior, or their own pause.
        NotFound: the pipeline has no such pause.
        PauseDecided: it is over.
        Invalid: no note.
    """
    if not has_role(by, [Role.SENIOR], pipeline_id=pipeline.pk):
        raise Forbidden("This is for senior reviewers.")
    _check_text("/note", note, "Say why.")
    pause = ReviewerPause.objects.select_for_update().filter(pk=pause_id, pipeline=pipeline).first()
    if pause is None:
        raise NotFound("There is no such pause.")
    if pause.reviewer_id == by.pk:
        raise Forbidden("Another senior decides about your own pause.")
    if pause.ended_at:
        raise PauseDecided("This pause is over.")
    ledger.append(
        event="reviewer.pause_decided",
        actor=actor_in(pipeline, by),
        pipeline=pipeline.slug,
        user=pause.reviewer.pseudonym,
        lifted=lifted,
        note_commitment=_commitment(note),
    )
    now = timezone.now()
    pause.decided_by, pause.decided_at, pause.note = by, now, note
    pause.ended_at = now if lifted else None
    pause.save(update_fields=["decided_by", "decided_at", "note", "ended_at"])


def _check_text(pointer: str, text: str, missing: str) -> None:
    if not text.strip():
        raise Invalid([FieldProblem(pointer, "required", missing)])
    if len(text) > LONGEST_TEXT or "\0" in text:
        raise Invalid([FieldProblem(pointer, "text", f"At most {LONGEST_TEXT:,} characters, none of them NUL.")])


def _commitment(text: str) -> bytes:
    return hashlib.sha256(b"\x02" + secrets.token_bytes(32) + rfc8785.dumps(text)).digest()
