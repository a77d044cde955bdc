"""Golden runs: started, answered in batches that may be sent again, and finished. Nothing of them is ever a claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from calibration.core import metrics
from calibration.core.cells import cells_of
from calibration.core.intervals import wilson
from calibration.core.report import FEWEST_FOR_ERRORS
from reviewqueue.accounts.models import Source
from reviewqueue.claims.keys import submission_key
from reviewqueue.claims.redaction import keyed
from reviewqueue.claims.services import millionths, payload_commitment
from reviewqueue.errors import Conflict, DomainError, FieldProblem, Invalid
from reviewqueue.golden import measuring, texts
from reviewqueue.golden.comparing import is_right
from reviewqueue.golden.models import GoldenAnswer, GoldenAnswerPayload, GoldenItem, GoldenRun, GoldenSet, RunState
from reviewqueue.golden.selectors import answers_digest, version_in_use, with_texts
from reviewqueue.golden.services.sets import GoldenSetNotInUse
from reviewqueue.golden.submission import Answer, NewRun, parse_answer, run_problems
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.policy.selectors import active_policy
from reviewqueue.redaction.masking import Redaction
from reviewqueue.redaction.rules import Rules, rules_for
from reviewqueue.transactions import joins_transaction, service

MOST_AT_ONCE: Final = 1_000
MOST_OPEN: Final = 20
"""So many runs of a set may wait for answers at a time: who starts and never ends them is stopped."""


class TooManyAnswers(DomainError):
    """A batch is longer than batches may be."""

    code = "too_large"


class TooManyRuns(Conflict):
    code = "too_many_runs"


class RunFinished(Conflict):
    code = "golden_run_finished"


class AnswerConflict(Conflict):
    """The item is answered otherwise in this run."""

    code = "golden_answer_conflict"


@dataclass(frozen=True, slots=True)
class AnswerResult:
    """What became of one answer of a batch: taken (201), there already (200), or the error that it alone got."""

    index: int
    status: int
    error: DomainError | None = None


@service
def start_run(*, golden_set: GoldenSet, source: Source, run: NewRun, now: datetime) -> GoldenRun:
    """A run on the version that is in use.

    Raises:
        Invalid: names that no claim could have.
        GoldenSetNotInUse: the set is retired, or nothing of it is published.
        TooManyRuns: as many as may be are open.
    """
    problems = run_problems(run)
    if problems:
        raise Invalid(problems)
    locked = GoldenSet.objects.select_for_update(no_key=True).select_related("pipeline").get(pk=golden_set.pk)
    version = version_in_use(locked)
    if locked.retired_at is not None or version is None:
        raise GoldenSetNotInUse("Nothing is measured by this golden set: it is retired, or not published yet.")
    if locked.runs.filter(state=RunState.OPEN).count() >= MOST_OPEN:
        raise TooManyRuns(f"{MOST_OPEN} runs of this set are open. Close those that get no more answers.")
    # What was erased cannot be compared any more, so no answer to it is asked for.
    size = version.items.filter(payload__isnull=False).count()
    if not size:
        raise GoldenSetNotInUse("The answers of this version were erased.")
    new = GoldenRun(
        pipeline=locked.pipeline,
        golden_set=locked,
        version=version,
        source=source,
        model=run.model,
        model_version=run.model_version,
        prompt_version=run.prompt_version or "",
        elicitation=run.elicitation,
        size=size,
        started_at=now,
    )
    new.event_id = ledger.append(
        event="golden.run_started", actor=Actor.source(source.slug), **_named(new), elicitation=new.elicitation,
        size=size,
    ).id  # fmt: skip
    new.save(force_insert=True)
    return new


@service
def answer_batch(*, run: GoldenRun, bodies: Sequence[object], now: datetime) -> tuple[list[AnswerResult], GoldenRun]:
    """Takes answers in. Each stands or falls alone, in the order given; with the last one missing, the run is complete.

    Safe to send again: what is there already is 200, the same item answered otherwise 409. Raises TooManyAnswers.
    """
    if len(bodies) > MOST_AT_ONCE:
        raise TooManyAnswers(f"A batch may have {MOST_AT_ONCE:,} answers.")
    parsed = [_parsed(body) for body in bodies]
    held = _lock(run)
    keys = {each.key for each in parsed if isinstance(each, Answer)}
    items = {item.key: item for item in with_texts(held.version.items.filter(key__in=keys))}
    known = {
        item_id: bytes(content_hash)
        for item_id, content_hash in held.answers.filter(item__in=items.values()).values_list("item", "content_hash")
    }
    results: list[AnswerResult] = []
    new: list[tuple[GoldenItem, Answer]] = []
    for index, answer in enumerate(parsed):
        result = _judged(index, answer, held, items, known)
        if result.status == 201 and isinstance(answer, Answer):
            new.append((items[answer.key], answer))
            known[items[answer.key].pk] = _kept_hash(answer)
        results.append(result)
    if new:
        _write(held, new, known, now)
        if held.answered == held.size:
            _finish(held, RunState.COMPLETE, now)
    return results, held


@service
def close_run(*, run: GoldenRun, now: datetime) -> GoldenRun:
    """Ends a run with the answers that are in; the missing ones are counted. A finished one stays as it is."""
    held = _lock(run)
    if held.state == RunState.OPEN:
        _finish(held, RunState.CLOSED, now)
    return held


def _lock(run: GoldenRun) -> GoldenRun:
    """Batches of one run go one after the other."""
    joins_transaction()
    return (
        GoldenRun.objects.select_for_update(of=("self",), no_key=True)
        .select_related("version", "golden_set", "pipeline", "source")
        .get(pk=run.pk)
    )


def _parsed(body: object) -> Answer | Invalid:
    try:
        return parse_answer(body)
    except Invalid as error:
        return error.with_traceback(None)


def _judged(
    index: int,
    answer: Answer | Invalid,
    run: GoldenRun,
    items: Mapping[str, GoldenItem],
    known: Mapping[int, bytes],
) -> AnswerResult:
    if isinstance(answer, Invalid):
        return AnswerResult(index, 422, answer)
    item = items.get(answer.key)
    if item is None:
        return AnswerResult(index, 422, Invalid([FieldProblem("/key", "unknown", "The set has no item of this key.")]))
    if not hasattr(item, "payload"):
        erased = FieldProblem("/key", "erased", "The known answer of this item was erased.")
        return AnswerResult(index, 422, Invalid([erased]))
    if item.pk in known:
        if known[item.pk] in (_kept_hash(answer), answer.content_hash):  # the latter: from before hashes had a key
            return AnswerResult(index, 200)
        return AnswerResult(index, 409, AnswerConflict("This item is answered otherwise in this run."))
    if run.state != RunState.OPEN:
        return AnswerResult(index, 409, RunFinished("This run is finished and takes no more answers."))
    return AnswerResult(index, 201)


def _kept_hash(answer: Answer) -> bytes:
    return keyed(answer.content_hash, submission_key())


def _write(
    run: GoldenRun, answers: Sequence[tuple[GoldenItem, Answer]], hashes: Mapping[int, bytes], now: datetime
) -> None:
    """`hashes` are those kept of the answers, by their item."""
    rules = rules_for(run.pipeline.redaction)
    said = [texts.new_answer(_masked(answer.output, rules)) for _, answer in answers]
    rows = [
        GoldenAnswer(
            run=run,
            item=item,
            confidence=answer.confidence + 0.0,  # minus zero is zero
            signals=answer.signals,
            right=is_right(
                item.comparison,  # type: ignore[arg-type]  # stored by drafts.py alone
                item.payload.content["answer"],
                answer.output,
                tolerance=item.tolerance,
            ),
            content_hash=hashes[item.pk],
            commitment=payload_commitment(salted.salt, {"output": salted.output}),
            answered_at=now,
        )
        for (item, answer), salted in zip(answers, said, strict=True)
    ]
    GoldenAnswer.objects.bulk_create(rows)
    GoldenAnswerPayload.objects.bulk_create(
        GoldenAnswerPayload(
            answer=row, ciphertext=texts.close_answer(row.item.payload.key.opened, salted, answer_id=row.pk)
        )
        for row, salted in zip(rows, said, strict=True)
    )
    run.answered += len(rows)
    run.right += sum(row.right for row in rows)
    run.save(update_fields=["answered", "right"])


def _masked(output: Any, rules: Rules) -> Any:
    """As the output of a claim would be kept. It was compared before."""
    return Redaction(rules).content({"output": output})["output"] if rules else output


def _finish(run: GoldenRun, state: RunState, now: datetime) -> None:
    """The figures of now, with the policy of now; bootstrap intervals are added by a sweep."""
    answers, active = measuring.answers_of(run), active_policy(run.pipeline_id)
    promises = measuring.promises(answers, run, active)
    run.report = {
        **measuring.measured(answers, draws=0),
        "promises": promises,
        "policy_version": active.number if active else None,
    }
    run.state, run.finished_at = state, now
    run.exact_report = not len(answers)
    run.finished_event_id = ledger.append(
        event="golden.run_completed",
        actor=Actor.source(run.source.slug),
        **_named(run),
        answered=run.answered,
        right=run.right,
        missing=run.missing,
        size=run.size,
        state=state.value,
        policy_version=run.report["policy_version"],
        worse_bands=[promise["band"] for promise in promises if promise["worse"]],
        digest=answers_digest(run),
        **_in_millionths(answers),
    ).id
    run.save(update_fields=["state", "finished_at", "report", "exact_report", "finished_event"])


def _named(run: GoldenRun) -> dict[str, Any]:
    return {
        "pipeline": run.pipeline.slug,
        "golden_set": run.golden_set.name,
        "golden_version": run.version.number,
        "run": run.pk,
        "model": run.model,
        "model_version": run.model_version,
        "prompt_version": run.prompt_version,
    }


def _in_millionths(answers: measuring.Answers) -> dict[str, Any]:
    """The headline figures, for the ledger; nothing where there is no answer."""
    n = len(answers)
    if not n:
        return {}
    right = int(answers.right.sum())
    low, high = wilson(right, n)
    cells = cells_of(answers.confidence, answers.right)
    enough = len(set(answers.fingerprint)) >= FEWEST_FOR_ERRORS
    return {
        "accuracy_ppm": millionths(right / n),
        "lower_ppm": millionths(float(low)),
        "upper_ppm": millionths(float(high)),
        "brier_ppm": millionths(metrics.brier(cells)),
        "smooth_ece_ppm": millionths(metrics.smooth_ece(cells)) if enough else None,
    }
