"""Two runs on the same version of a golden set: the same inputs, so that every change can be named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from calibration.core.paired import mcnemar_exact
from calibration.core.promote import PairedComparison, paired_comparison
from reviewqueue.errors import Conflict
from reviewqueue.golden.measuring import Answered, answers_of
from reviewqueue.golden.models import GoldenAnswerPayload, GoldenItem, GoldenRun

DELTA: Final = 0.025
"""On either side: together five in a hundred, as for the test of right and wrong."""

LEVEL: Final = 0.05
FLIPS_SHOWN: Final = 100

Verdict = Literal["better", "worse", "undecided"]


class NotComparable(Conflict):
    """The runs are of two versions of the set, or one of them is not finished, or has no answer."""

    code = "golden_runs_not_comparable"


@dataclass(frozen=True, slots=True)
class Flip:
    """An item that one run answered rightly and the other did not. Texts are None where they were erased."""

    key: str
    item_id: int
    segments: Sequence[str]
    right_now: bool
    confidence_before: float
    confidence_now: float
    input: Any = None
    known: Any = None
    note: str = ""
    output_before: Any = None
    output_now: Any = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`common` items were answered by both. `lost` were right before and are wrong now, `gained` the other way round.

    `log_loss` is the mean of now less before, so that below 0 is better; None where nothing is common.
    """

    run: GoldenRun
    before: GoldenRun
    common: int
    right_before: int
    right_now: int
    lost: int
    gained: int
    p_value: float
    log_loss: PairedComparison | None
    flips: list[Flip]

    @property
    def accuracy_before(self) -> float | None:
        return self.right_before / self.common if self.common else None

    @property
    def accuracy_now(self) -> float | None:
        return self.right_now / self.common if self.common else None

    @property
    def difference(self) -> float | None:
        return (self.right_now - self.right_before) / self.common if self.common else None

    @property
    def answers_verdict(self) -> Verdict:
        """Of being right."""
        if self.p_value > LEVEL:
            return "undecided"
        return "better" if self.gained > self.lost else "worse"

    @property
    def confidence_verdict(self) -> Verdict:
        """Of what the stated confidence is worth, by log loss."""
        if self.log_loss is None or not (self.log_loss.better or self.log_loss.worse):
            return "undecided"
        return "better" if self.log_loss.better else "worse"


def compare(run: GoldenRun, before: GoldenRun) -> Comparison:
    """On what both answered. Raises NotComparable."""
    if run.version_id != before.version_id or run.golden_set_id != before.golden_set_id:
        raise NotComparable("Only runs on the same version of the set are compared: other items are another measure.")
    if run.finished_at is None or before.finished_at is None:
        raise NotComparable("A run that is still open is not compared.")
    earlier = {row.item_id: row for row in answers_of(before).rows}
    pairs = [(earlier[row.item_id], row) for row in answers_of(run).rows if row.item_id in earlier]
    lost = sum(old.right and not new.right for old, new in pairs)
    gained = sum(new.right and not old.right for old, new in pairs)
    return Comparison(
        run=run,
        before=before,
        common=len(pairs),
        right_before=sum(old.right for old, _ in pairs),
        right_now=sum(new.right for _, new in pairs),
        lost=lost,
        gained=gained,
        p_value=mcnemar_exact(lost, gained),
        log_loss=_log_loss(pairs),
        flips=_flips(pairs),
    )


def _log_loss(pairs: Sequence[tuple[Answered, Answered]]) -> PairedComparison | None:
    """Each confidence against whether its own answer was right: how much of a surprise the truth was.

    `paired_comparison` compares two confidences of one answer. Of a wrong answer the confidence that it is wrong is
    taken, so that both are confidences in what was true.
    """
    if not pairs:
        return None
    return paired_comparison(
        [_in_the_truth(new) for _, new in pairs],
        [_in_the_truth(old) for old, _ in pairs],
        [1.0] * len(pairs),
        fingerprint=[new.fingerprint.hex() for _, new in pairs],
        delta=DELTA,
    )


def _in_the_truth(row: Answered) -> float:
    return row.confidence if row.right else 1 - row.confidence


def _flips(pairs: Iterable[tuple[Answered, Answered]]) -> list[Flip]:
    """What was lost first, and of either kind what was said most surely."""
    changed = [(old, new) for old, new in pairs if old.right != new.right]
    changed.sort(key=lambda pair: (pair[1].right, -max(pair[0].confidence, pair[1].confidence), pair[1].key))
    return [
        Flip(
            key=new.key,
            item_id=new.item_id,
            segments=[f"{name}={value}" for name, value in sorted(new.segments.items())],
            right_now=new.right,
            confidence_before=old.confidence,
            confidence_now=new.confidence,
        )
        for old, new in changed
    ]


def with_texts(flips: Sequence[Flip], run: GoldenRun, before: GoldenRun) -> list[Flip]:
    """The first of them with what was asked, known and answered: for those who may see known answers."""
    shown = flips[:FLIPS_SHOWN]
    ids = [flip.item_id for flip in shown]
    known = {
        item.pk: item.payload.content
        for item in GoldenItem.objects.filter(pk__in=ids, payload__isnull=False).select_related("payload__key")
    }
    answered = GoldenAnswerPayload.objects.filter(
        answer__run__in=[run.pk, before.pk], answer__item__in=ids, answer__item__payload__isnull=False
    )
    outputs = {
        (said.answer.run_id, said.answer.item_id): said.output
        for said in answered.select_related("answer__item__payload__key")
    }
    return [
        Flip(
            key=flip.key,
            item_id=flip.item_id,
            segments=flip.segments,
            right_now=flip.right_now,
            confidence_before=flip.confidence_before,
            confidence_now=flip.confidence_now,
            input=known.get(flip.item_id, {}).get("input"),
            known=known.get(flip.item_id, {}).get("answer"),
            note=known.get(flip.item_id, {}).get("note", ""),
            output_before=outputs.get((before.pk, flip.item_id)),
            output_now=outputs.get((run.pk, flip.item_id)),
        )
        for flip in shown
    ]
