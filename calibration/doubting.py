"""Which of a pipeline's labels deserve a second look: those that the model, or most other labels, contradict."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np
from django.db import connection

from calibration.core.calibrators import fit_calibrator
from calibration.core.cleaning import fold_numbers, improbable, self_confidence
from calibration.core.intervals import FloatArray
from calibration.core.ranking import ranking
from calibration.evidence import Subject
from reviewqueue.ledger.quick_canonical import quick_canonical
from reviewqueue.payloads.selectors import contents

NEWEST: Final = 20_000
"""How many labels a search looks at, at most."""
FOLDS: Final = 5
FEWEST_OTHERS: Final = 2
"""Other labels, by as many people, that a consensus takes."""


class Labelled(NamedTuple):
    """A claim with the truth that people gave it. `open`: it may be looked at again."""

    claim_id: UUID
    outcome_id: UUID
    slot_id: int | None
    subject: Subject
    confidence: float
    correct: bool
    fingerprint: bytes
    open: bool


class Vote(NamedTuple):
    """A standing label: of which input and output, in which slot, by whom, and what it says."""

    about: tuple[bytes, str]
    slot_id: int
    reviewer_id: int
    correct: bool


@dataclass(frozen=True, slots=True)
class Suspect:
    """`why`: "model" or "consensus". `probability`: of the label, for whoever doubts it."""

    row: Labelled
    why: str
    probability: float


@dataclass(frozen=True, slots=True)
class SubjectSearch:
    """What became of the labels of one model version. `reason` says why its confidence was not asked, or is empty."""

    subject: Subject
    labels: int
    suspects: int
    reason: str


# --- the model --------------------------------------------------------------------------------------------------------


def doubted_by_model(rows: Sequence[Labelled], *, seed: int) -> tuple[list[Suspect], list[SubjectSearch]]:
    """Confident learning with the classes right and wrong, for every model version apart; widest margin first. Pure.

    Each label is judged by a calibrator that saw neither it nor another label of the same input.
    """
    by_subject: dict[Subject, list[Labelled]] = defaultdict(list)
    for row in rows:
        by_subject[row.subject].append(row)
    suspects: list[Suspect] = []
    searches = []
    for subject, own in sorted(by_subject.items(), key=lambda item: (-len(item[1]), item[0])):
        reason = _reason_not_to_ask(own)
        found = [] if reason else [each for each in _improbable(own, seed) if each.row.open]
        suspects += found
        searches.append(SubjectSearch(subject, len(own), len(found), reason))
    return sorted(suspects, key=lambda each: each.probability), searches


def _reason_not_to_ask(rows: Sequence[Labelled]) -> str:
    found = ranking(
        [row.confidence for row in rows],
        [row.correct for row in rows],
        fingerprint=[row.fingerprint.hex() for row in rows],
    )
    if found is None:
        return "too_few_labels"
    return "" if found.finding == "ranks" else "score_not_informative"


def _improbable(rows: Sequence[Labelled], seed: int) -> list[Suspect]:
    right = _out_of_sample(rows, seed)
    labels, p = np.array([int(row.correct) for row in rows]), np.column_stack([1 - right, right])
    own = self_confidence(labels, p)
    return [Suspect(rows[place], "model", float(own[place])) for place in improbable(labels, p)]


def _out_of_sample(rows: Sequence[Labelled], seed: int) -> FloatArray:
    c, y = np.array([row.confidence for row in rows]), np.array([float(row.correct) for row in rows])
    prints = np.array([row.fingerprint.hex() for row in rows])
    fold, p = fold_numbers(prints, folds=FOLDS, seed=seed), np.empty(len(rows))
    for number in range(FOLDS):
        seen, held_out = fold != number, fold == number
        fitted = fit_calibrator(c[seen], y[seen], fingerprint=prints[seen], seed=seed)
        p[held_out] = fitted.calibrator.predict(c[held_out])
    return p


# --- the consensus ----------------------------------------------------------------------------------------------------


def doubted_by_consensus(
    rows: Sequence[Labelled], about: Mapping[UUID, tuple[bytes, str]], votes: Iterable[Vote]
) -> list[Suspect]:
    """Labels that most other labels of the same input and output contradict, by two people or more. Pure.

    The label that settled the claim has no vote about itself.
    """
    heard: dict[tuple[bytes, str], list[Vote]] = defaultdict(list)
    for vote in votes:
        heard[vote.about].append(vote)
    suspects = []
    for row in rows:
        others = [vote for vote in heard[about[row.claim_id]] if vote.slot_id != row.slot_id] if row.open else []
        against = sum(vote.correct != row.correct for vote in others)
        if len({vote.reviewer_id for vote in others}) >= FEWEST_OTHERS and 2 * against > len(others):
            suspects.append(Suspect(row, "consensus", 1 - against / len(others)))
    return sorted(suspects, key=lambda each: each.probability)


def both(by_consensus: Sequence[Suspect], by_model: Sequence[Suspect]) -> list[Suspect]:
    """Every suspect once; what people contradict comes before what a model finds improbable."""
    named = {suspect.row.outcome_id for suspect in by_consensus}
    return [*by_consensus, *(suspect for suspect in by_model if suspect.row.outcome_id not in named)]


def drawn(rows: Sequence[Labelled], suspects: Sequence[Suspect], *, seed: int) -> list[Labelled]:
    """The labels that nothing speaks against, in an order drawn with the seed. Pure."""
    doubted = {suspect.row.outcome_id for suspect in suspects}
    agreeing = [row for row in rows if row.open and row.outcome_id not in doubted]
    return [agreeing[place] for place in np.random.default_rng(seed).permutation(len(agreeing))]


# --- reading ----------------------------------------------------------------------------------------------------------

_NEWEST: Final = """
    SELECT o.id, o.claim_id, o.label_id, o.correct, o.standing, o.created_at
      FROM claims_outcome o
     WHERE o.pipeline_id = %(pipeline)s AND o.measures AND o.correct IS NOT NULL
     ORDER BY o.created_at DESC LIMIT %(newest)s"""

_LABELLED: Final = f"""
    SELECT c.id, o.id, l.slot_id, c.model, c.model_version, c.prompt_version, c.confidence, o.correct, c.fingerprint,
           o.standing AND o.created_at < %(settled_before)s
           AND EXISTS (SELECT FROM claims_claimpayload p WHERE p.claim_id = c.id)
           AND NOT EXISTS (SELECT FROM review_reviewtask t
                            WHERE t.claim_id = c.id AND (t.closed_at IS NULL OR t.purpose = 'relabel'))
      FROM ({_NEWEST}) o
      JOIN claims_claim c ON c.id = o.claim_id
      LEFT JOIN review_label l ON l.id = o.label_id
     ORDER BY c.id"""  # noqa: S608 - both parts are constants

_VOTES: Final = f"""
    SELECT l.claim_id, l.slot_id, l.reviewer_id, l.verdict = 'correct'
      FROM review_label l
     WHERE l.claim_id IN (SELECT claim_id FROM ({_NEWEST}) o)
       AND l.verdict <> 'cannot_judge'
       AND NOT EXISTS (SELECT FROM review_label later WHERE later.slot_id = l.slot_id AND later.revision > l.revision)
     ORDER BY l.id"""  # noqa: S608


def labelled(pipeline_id: int, *, settled_before: datetime) -> list[Labelled]:
    """Oldest claim first. What was settled later than that may still be undone."""
    found = _read(_LABELLED, {"pipeline": pipeline_id, "newest": NEWEST, "settled_before": settled_before})
    return [_labelled(row) for row in found]


def contradicted(pipeline_id: int, rows: Sequence[Labelled]) -> list[Suspect]:
    """Outputs are read only of inputs that have enough labels for a consensus."""
    said = _read(_VOTES, {"pipeline": pipeline_id, "newest": NEWEST})
    input_of = {row.claim_id: row.fingerprint for row in rows}
    heard: dict[bytes, int] = defaultdict(int)
    for claim_id, *_ in said:
        heard[input_of.get(claim_id, b"")] += 1
    asked = {claim_id for claim_id, print_ in input_of.items() if heard[print_] > FEWEST_OTHERS}
    outputs = {claim_id: _digest(content["output"]) for claim_id, content in contents(asked)}
    about = {claim_id: (input_of[claim_id], output) for claim_id, output in outputs.items()}
    votes = [Vote(about[claim_id], *rest) for claim_id, *rest in said if claim_id in about]
    return doubted_by_consensus([row for row in rows if row.claim_id in about], about, votes)


def _digest(output: object) -> str:
    return hashlib.sha256(quick_canonical(output)).hexdigest()


def _labelled(row: tuple[Any, ...]) -> Labelled:
    claim_id, outcome_id, slot_id, model, model_version, prompt_version, confidence, correct, fingerprint, is_open = row
    subject = Subject(model, model_version, prompt_version)
    return Labelled(claim_id, outcome_id, slot_id, subject, confidence, correct, bytes(fingerprint), is_open)


def _read(statement: str, values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
