"""What is exported of claims, labels and outcomes: their columns, and the queries that fill them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from reviewqueue.payloads.models import CONTENT
from reviewqueue.payloads.vault import known_key
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
class Sealed:
    """A part of what is encrypted under the key of the row's claim: of its payload, or of the words of the row `at`."""

    part: str
    kind: str = CONTENT
    at: str = ""
    empty: Any = None

    def columns(self, claim: str) -> tuple[str, str]:
        """The ciphertext, and the id of the row that it is bound to."""
        if self.kind == CONTENT:
            return f"{claim}payload__ciphertext", f"{claim}payload__claim_id"
        return f"{self.at}words", f"{self.at}id"


@dataclass(frozen=True, slots=True)
class Content:
    """`paths` lead from a row of `query` to the value of each column, `claim` to the claim it is about."""

    paths: Mapping[Column, str | Sealed]
    query: Callable[[Pipeline], QuerySet[Any]]
    moment: str
    claim: str = ""

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
        plain = [(column, path) for column, path in self.paths.items() if isinstance(path, str)]
        as_text = [column.kind in (Kind.JSON, Kind.ANSWER) and column.name not in _ARRAYS for column, _ in plain]
        named = {f"column_{place}": Cast(plain[place][1], TextField()) for place, cast in enumerate(as_text) if cast}
        names = [f"column_{place}" if as_text[place] else path for place, (_, path) in enumerate(plain)]
        sealed = self._sealed()
        read = [*names, *self._of_key(), *(each for pair in sealed for each in pair)]
        for row in chosen.annotate(**named).values_list(*read).iterator(FETCHED_AT_ONCE):
            given = (_read(value) if cast else _given(value) for value, cast in zip(row, as_text, strict=False))
            values = dict(zip((column for column, _ in plain), given, strict=True))
            opened = _opened(row[len(plain) :], sealed)
            yield [
                values[column] if isinstance(path, str) else _part(opened[path.columns(self.claim)], path)
                for column, path in self.paths.items()
            ]

    def _sealed(self) -> dict[tuple[str, str], str]:
        """The pairs of columns that are opened, and of what kind each is."""
        return {path.columns(self.claim): path.kind for path in self.paths.values() if isinstance(path, Sealed)}

    def _of_key(self) -> list[str]:
        return [f"{self.claim}id", *(f"{self.claim}payload__key__{column}" for column in ("wrapped", "salt", "master"))]


def _opened(row: Sequence[Any], sealed: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], dict[str, Any]]:
    """What each ciphertext of a row holds; nothing where the claim's key is gone."""
    claim_id, wrapped, salt, master, *closed = row
    key = known_key(claim_id, bytes(wrapped), bytes(salt), master) if wrapped is not None else None
    found = zip(sealed.items(), closed[::2], closed[1::2], strict=True)
    return {
        pair: {} if key is None or text is None else json.loads(key.open(bytes(text), kind=kind, row=row_id))
        for (pair, kind), text, row_id in found
    }


def _part(said: Mapping[str, Any], wanted: Sealed) -> Any:
    value = said.get(wanted.part)
    return wanted.empty if value is None else value


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
_OF_CLAIM: Final[dict[Column, str | Sealed]] = {
    Column("id"): "id",
    Column("source"): "source__slug",
    Column("pipeline"): "pipeline__slug",
    Column("external_id"): "external_id",
    Column("model"): "model",
    Column("model_version"): "model_version",
    Column("prompt_version"): "prompt_version",
    Column("category"): "category",
    Column("segments", Kind.JSON): "segments",
    Column("input", Kind.ANSWER): Sealed("input"),
}
CONTENTS: Final = {
    "claims": Content(
        {
            **_OF_CLAIM,
            Column("output", Kind.ANSWER, always=True): Sealed("output"),
            Column("alternatives", Kind.JSON): Sealed("alternatives"),
            Column("confidence", Kind.NUMBER): "confidence",
            Column("elicitation"): "elicitation",
            Column("signals", Kind.JSON): "signals",
            Column("context", Kind.JSON): Sealed("context"),
            Column("supersedes"): "supersedes_id",
            Column("occurred_at", Kind.INSTANT): "occurred_at",
            Column("callback_url"): "callback_url",
            Column("metadata", Kind.JSON): Sealed("metadata"),
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
            Column("outcome.output", Kind.ANSWER): Sealed("output", Outcome.KIND, "settled__"),
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
            Column("output", Kind.ANSWER): Sealed("output", Label.KIND),
            Column("error_types", Kind.JSON): "error_types",
            Column("answers", Kind.JSON): Sealed("answers", Label.KIND, empty={}),
            Column("note"): Sealed("note", Label.KIND),
            Column("seconds", Kind.NUMBER): "seconds",
            Column("late", Kind.FLAG): "late",
            Column("created_at", Kind.INSTANT): "created_at",
        },
        _labels,
        "created_at",
        "claim__",
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
            Column("output", Kind.ANSWER): Sealed("output", Outcome.KIND),
            Column("basis"): "basis",
            Column("measures", Kind.FLAG): "measures",
            Column("label"): "label_id",
            Column("told_by"): "told_by",
            Column("observed_at", Kind.INSTANT): "observed_at",
            Column("created_at", Kind.INSTANT): "created_at",
        },
        _outcomes,
        "created_at",
        "claim__",
    ),
    "cleaned": Content(
        {
            **_OF_CLAIM,
            Column("output", Kind.ANSWER): Sealed("output"),
            Column("confidence", Kind.NUMBER): "confidence",
            Column("received_at", Kind.INSTANT): "received_at",
            Column("first.correct", Kind.FLAG): "measured__correct",
            Column("first.output", Kind.ANSWER): Sealed("output", Outcome.KIND, "measured__"),
            Column("first.outcome"): "measured__id",
            Column("first.label"): "measured__label_id",
            Column("cleaned.correct", Kind.FLAG): "settled__correct",
            Column("cleaned.output", Kind.ANSWER): Sealed("output", Outcome.KIND, "settled__"),
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
