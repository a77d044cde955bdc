"""Stopping automation, by a sweep or a person, and allowing it again, by a person alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict, FieldProblem, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.times import microseconds
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import Breaker, BreakerCause
from reviewqueue.policy.rights import actor_in
from reviewqueue.policy.selectors import EVERY_MODEL, Subject
from reviewqueue.policy.services.band_states import end_breaches
from reviewqueue.policy.services.held import SWEEP, hold_pipeline
from reviewqueue.transactions import joins_transaction, service

NAMES: Final = ("model", "model_version", "prompt_version")
LONGEST_NAME: Final = 120
TRIP_REASONS: Final = ("incident", "complaints", "upstream_change", "precaution")
RESET_REASONS: Final = ("examined", "cause_removed", "measured_again", "false_alarm")


class BreakerNotOpen(Conflict):
    """Somebody else reset it first."""

    code = "breaker_not_open"


@service
def stop_automation(*, pipeline: Pipeline, by: User, reason: str, subject: Subject = EVERY_MODEL) -> Breaker:
    """A person stops automation for one model, model version and prompt version, or for every model. Twice is once.

    Raises Invalid.
    """
    problems = [*_reason_problems(reason, TRIP_REASONS), *_subject_problems(subject)]
    if problems:
        raise Invalid(problems)
    return _trip(pipeline, subject, BreakerCause.MANUAL, by=by, reason=reason)


def trip_breaker(
    *,
    pipeline: Pipeline,
    subject: Subject,
    figures: Mapping[str, Any],
    cause: BreakerCause = BreakerCause.DRIFT,
    now: datetime | None = None,
) -> Breaker:
    """A sweep has seen drift. Joins the caller's transaction; tripping an open breaker changes nothing.

    `figures` hold what the ledger event `breaker.tripped` names.
    """
    joins_transaction()
    return _trip(pipeline, subject, cause, figures=figures, now=now)


def _trip(
    pipeline: Pipeline,
    subject: Subject,
    cause: BreakerCause,
    *,
    by: User | None = None,
    reason: str = "",
    figures: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> Breaker:
    hold_pipeline(pipeline.pk)
    names: dict[str, Any] = dict(zip(NAMES, subject, strict=True))
    open_one = Breaker.objects.filter(pipeline=pipeline, reset_at__isnull=True, **names).first()
    if open_one is not None:
        return open_one
    entry = ledger.append(
        event="breaker.tripped",
        actor=actor_in(pipeline, by) if by else SWEEP,
        pipeline=pipeline.slug,
        cause=cause.value,
        reason=reason or None,
        **names,
        **(figures or {}),
    )
    return Breaker.objects.create(
        pipeline=pipeline,
        cause=cause,
        reason=reason,
        figures=dict(figures or {}),
        tripped_at=now or timezone.now(),
        tripped_by=by,
        event_id=entry.id,
        **names,
    )


@service
def reset_breaker(*, breaker: Breaker, by: User, reason: str) -> Breaker:
    """From the next claim on the bands decide again what they have earned. Never done by a sweep.

    A band that was found in breach is provisional until it is measured again. Raises Invalid, BreakerNotOpen.
    """
    if problems := list(_reason_problems(reason, RESET_REASONS)):
        raise Invalid(problems)
    locked = Breaker.objects.select_for_update(of=("self",), no_key=True).select_related("pipeline").get(pk=breaker.pk)
    if not locked.is_open:
        raise BreakerNotOpen("Automation is allowed again already.")
    entry = ledger.append(
        event="breaker.reset",
        actor=actor_in(locked.pipeline, by),
        pipeline=locked.pipeline.slug,
        model=locked.model,
        model_version=locked.model_version,
        prompt_version=locked.prompt_version,
        cause=locked.cause,
        reason=reason,
        tripped_us=microseconds(locked.tripped_at),
    )
    locked.reset_at, locked.reset_by, locked.reset_reason = timezone.now(), by, reason
    locked.reset_event_id = entry.id
    locked.save(update_fields=["reset_at", "reset_by", "reset_reason", "reset_event"])
    end_breaches(locked.pipeline, (locked.model, locked.model_version, locked.prompt_version))
    return locked


def _reason_problems(reason: str, reasons: Sequence[str]) -> Iterator[FieldProblem]:
    if reason not in reasons:
        yield FieldProblem("/reason", "choice", "The reason is one of: " + ", ".join(reasons) + ".")


def _subject_problems(subject: Subject) -> Iterator[FieldProblem]:
    """A model is named with its version; nothing named is every model."""
    model, model_version, prompt_version = subject
    for name, value in zip(NAMES, subject, strict=True):
        if not value.isprintable() or len(value) > LONGEST_NAME:
            yield FieldProblem(f"/{name}", "text", f"At most {LONGEST_NAME} printable characters.")
    if model and not model_version:
        yield FieldProblem("/model_version", "required", "Name the version of the model as well, or no model at all.")
    if not model and (model_version or prompt_version):
        yield FieldProblem("/model", "required", "Name the model as well, or nothing for every model.")
