"""What is exported of claims, labels and outcomes: their columns, and the queries that fill them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    Exists,
    ExpressionWrapper,
    FilteredRelation,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast

from reviewqueue.claims.models import Claim, Outcome
from reviewqueue.ledger.selectors import latest_checkpoint
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.models import Label, RelabelResult
from reviewqueue.strict_json import MAX_INTEGER
from reviewqueue.transfers.columns import Column, Kind

FETCHED_AT_ONCE: Final = 50
"""Rows; each may be some hundred kilobytes long."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` on, and before `until`."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """`paths` lead from a row of `query` to the value of each column."""

    paths: Mapping[Column, str]
    query: Callable[[Pipeline], QuerySet[Any]]
    moment: str

    @property
    def columns(self) -> list[Column]:
        return list(self.paths)

    def chosen(self, pipeline: Pipeline, span: Span) -> QuerySet[Any]:
        """In the order in which they came."""
        bounds = {f"{self.moment}__gte": span.since, f"{self.moment}__lt": span.until}
        given = {lookup: bound for lookup, bound in bounds.items() if bound is not None}
        return self.query(pipeline).filter(**given).order_by("id")

    def rows(self, chosen: QuerySet[Any]) -> Iterator[list[Any]]:
        """One value per column, from a cursor of the database. JSON comes as text and is read here."""
        is_json = [column.kind in (Kind.JSON, Kind.ANSWER) and column.name not in _ARRAYS for column in self.paths]
        paths = [
            Cast(path, TextField()) if as_text else path
            for path, as_text in zip(self.paths.values(), is_json, strict=True)
        ]
        named = {f"column_{place}": path for place, path in enumerate(paths) if not isinstance(path, str)}
        names = [path if isinstance(path, str) else f"column_{place}" for place, path in enumerate(paths)]
        for row in chosen.annotate(**named).values_list(*names).iterator(FETCHED_AT_ONCE):
            yield [_read(value) if as_text else _given(value) for value, as_text in zip(row, is_json, strict=True)]


_ARRAYS: Final = frozenset({"decision.reasons", "error_types"})
"""JSON in an export, but arrays of the database."""


def _claims(pipeline: Pipeline) -> QuerySet[Claim]:
    return Claim.objects.filter(pipeline=pipeline).annotate(
        decided=FilteredRelation("decisions", condition=Q(decisions__standing=True)),
        settled=FilteredRelation("outcomes", condition=Q(outcomes__standing=True)),
        erased=ExpressionWrapper(Q(payload__isnull=True), output_field=BooleanField()),
    )


def _labels(pipeline: Pipeline) -> QuerySet[Label]:
    later = Label.objects.filter(slot=OuterRef("slot"), revision__gt=OuterRef("revision"))
    return Label.objects.filter(task__pipeline=pipeline).annotate(revised=Exists(later))


def _outcomes(pipeline: Pipeline) -> QuerySet[Outcome]:
    return Outcome.objects.filter(pipeline=pipeline)


def _cleaned(pipeline: Pipeline) -> QuerySet[Claim]:
    """Claims with a truth. Of second looks that are open nothing is told: somebody is to judge them blind."""
    checkpoint = latest_checkpoint()
    return Claim.objects.annotate(
        settled=FilteredRelation("outcomes", condition=Q(outcomes__standing=True)),
        measured=FilteredRelation("outcomes", condition=Q(outcomes__measures=True)),
        again=FilteredRelation("relabel", condition=Q(relabel__settled_at__isnull=False)),
        is_corrected=Case(When(again__result=RelabelResult.OVERTURNED, then=True), default=False),
        signed_size=Value(checkpoint.tree_size if checkpoint else None, output_field=BigIntegerField()),
        signed_root=Value(bytes(checkpoint.root).hex() if checkpoint else None, output_field=TextField()),
    ).filter(pipeline=pipeline, settled__correct__isnull=False)


# What every row about a claim begins with.
_OF_CLAIM: Final = {
    Column("id"): "id",
    Column("source"): "source__slug",
    Column("pipeline"): "pipeline__slug",
    Column("external_id"): "external_id",
    Column("model"): "model",
    Column("model_version"): "model_version",
    Column("prompt_version"): "prompt_version",
    Column("category"): "category",
    Column("segments", Kind.JSON): "segments",
    Column("input", Kind.ANSWER): "payload__content__input",
}
CONTENTS: Final = {
    "claims": Content(
        {
            **_OF_CLAIM,
            Column("output", Kind.ANSWER, always=True): "payload__content__output",
            Column("alternatives", Kind.JSON): "payload__content__alternatives",
            Column("confidence", Kind.NUMBER): "confidence",
            Column("elicitation"): "elicitation",
            Column("signals", Kind.JSON): "signals",
            Column("context", Kind.JSON): "payload__content__context",
            Column("supersedes"): "supersedes_id",
            Column("occurred_at", Kind.INSTANT): "occurred_at",
            Column("callback_url"): "callback_url",
            Column("metadata", Kind.JSON): "payload__content__metadata",
            Column("received_at", Kind.INSTANT): "received_at",
            Column("status"): "status",
            Column("erased", Kind.FLAG): "erased",
            Column("attempt.case"): "attempt__case_id",
            Column("attempt.number", Kind.COUNT): "attempt__number",
            Column("attempt.standing", Kind.FLAG): "attempt__standing",
            Column("decision.number", Kind.COUNT): "decided__number",
            Column("decision.route"): "decided__route",
            Column("decision.next_step"): "decided__next_step",
            Column("decision.reasons", Kind.JSON): "decided__reasons",
            Column("decision.band"): "decided__band",
            Column("decision.band_state"): "decided__band_state",
            Column("decision.calibrated_confidence", Kind.NUMBER): "decided__calibrated_confidence",
            Column("decision.calibrator"): "decided__calibrator",
            Column("decision.policy_version", Kind.COUNT): "decided__policy_version__number",
            Column("decision.mandatory", Kind.FLAG): "decided__mandatory",
            Column("decision.audit_rate", Kind.NUMBER): "decided__audit_rate",
            Column("decision.audit_sampled", Kind.FLAG): "decided__audit_sampled",
            Column("decision.inclusion_probability", Kind.NUMBER): "decided__inclusion_probability",
            Column("decision.decided_at", Kind.INSTANT): "decided__decided_at",
            Column("outcome.correct", Kind.FLAG): "settled__correct",
            Column("outcome.output", Kind.ANSWER): "settled__output",
            Column("outcome.basis"): "settled__basis",
            Column("outcome.measures", Kind.FLAG): "settled__measures",
            Column("outcome.created_at", Kind.INSTANT): "settled__created_at",
        },
        _claims,
        "received_at",
    ),
    "labels": Content(
        {
            Column("id"): "id",
            Column("claim"): "claim_id",
            Column("source"): "claim__source__slug",
            Column("pipeline"): "task__pipeline__slug",
            Column("external_id"): "claim__external_id",
            Column("task"): "task_id",
            Column("purpose"): "task__purpose",
            Column("blind"): "blind",
            Column("reviewer"): "reviewer__pseudonym",
            Column("revision", Kind.COUNT): "revision",
            Column("revised", Kind.FLAG): "revised",
            Column("verdict"): "verdict",
            Column("output", Kind.ANSWER): "output",
            Column("error_types", Kind.JSON): "error_types",
            Column("answers", Kind.JSON): "answers",
            Column("note"): "note",
            Column("seconds", Kind.NUMBER): "seconds",
            Column("late", Kind.FLAG): "late",
            Column("created_at", Kind.INSTANT): "created_at",
        },
        _labels,
        "created_at",
    ),
    "outcomes": Content(
        {
            Column("id"): "id",
            Column("claim"): "claim_id",
            Column("source"): "claim__source__slug",
            Column("pipeline"): "pipeline__slug",
            Column("external_id"): "claim__external_id",
            Column("number", Kind.COUNT): "number",
            Column("standing", Kind.FLAG): "standing",
            Column("correct", Kind.FLAG): "correct",
            Column("output", Kind.ANSWER): "output",
            Column("basis"): "basis",
            Column("measures", Kind.FLAG): "measures",
            Column("label"): "label_id",
            Column("told_by"): "told_by",
            Column("observed_at", Kind.INSTANT): "observed_at",
            Column("created_at", Kind.INSTANT): "created_at",
        },
        _outcomes,
        "created_at",
    ),
    "cleaned": Content(
        {
            **_OF_CLAIM,
            Column("output", Kind.ANSWER): "payload__content__output",
            Column("confidence", Kind.NUMBER): "confidence",
            Column("received_at", Kind.INSTANT): "received_at",
            Column("first.correct", Kind.FLAG): "measured__correct",
            Column("first.output", Kind.ANSWER): "measured__output",
            Column("first.outcome"): "measured__id",
            Column("first.label"): "measured__label_id",
            Column("cleaned.correct", Kind.FLAG): "settled__correct",
            Column("cleaned.output", Kind.ANSWER): "settled__output",
            Column("cleaned.outcome"): "settled__id",
            Column("cleaned.basis"): "settled__basis",
            Column("corrected", Kind.FLAG): "is_corrected",
            Column("look.why"): "again__why",
            Column("look.result"): "again__result",
            Column("look.task"): "again__task_id",
            Column("look.round", Kind.COUNT): "again__round__number",
            Column("look.settled_at", Kind.INSTANT): "again__settled_at",
            Column("checkpoint.size", Kind.COUNT): "signed_size",
            Column("checkpoint.root"): "signed_root",
        },
        _cleaned,
        "received_at",
    ),
}


def _given(value: Any) -> Any:
    """Where a text may be left out, the database has an empty one."""
    return None if value == "" else value


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text, parse_int=_integer)


def _integer(text: str) -> int | float:
    """The database writes 1e22 as an integer that no strict reader takes: it goes back to what it was."""
    number = int(text)
    return number if abs(number) <= MAX_INTEGER else float(text)
