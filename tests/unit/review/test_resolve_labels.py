"""What a set of labels adds up to: every case by name."""

from typing import Any

import pytest

from reviewqueue.review.resolution import Resolution, Step, looked_at_again, resolve, shared_correction, strict_majority

R, W, P, C = "correct", "incorrect", "partially_correct", "cannot_judge"


def after(*verdicts: str, **changes: Any) -> Resolution:
    plain: dict[str, Any] = {"purpose": "review", "waiting": False, "labels_needed": 2, "max_labels": 3}
    return resolve(verdicts, **{**plain, **changes})


def test_nothing_follows_while_labels_are_missing() -> None:
    assert after(R, waiting=True).step == Step.WAIT
    assert after().step == Step.WAIT


@pytest.mark.parametrize(("verdict", "correct"), [(R, True), (W, False), (P, False)])
def test_a_single_label_settles(verdict: str, correct: bool) -> None:
    assert after(verdict, labels_needed=1) == Resolution(Step.SETTLE, correct)


def test_a_single_reviewer_who_cannot_judge_escalates() -> None:
    assert after(C, labels_needed=1).step == Step.ESCALATE


@pytest.mark.parametrize("purpose", ["escalation", "adjudication"])
def test_a_senior_who_cannot_judge_settles_that_nobody_can_tell(purpose: str) -> None:
    assert after(C, labels_needed=1, purpose=purpose) == Resolution(Step.SETTLE, None)


def test_agreement_settles_at_once() -> None:
    assert after(R, R) == Resolution(Step.SETTLE, True)
    assert after(W, P) == Resolution(Step.SETTLE, False)


@pytest.mark.parametrize("pair", [(R, W), (R, C), (C, C), (P, R)])
def test_disagreement_asks_for_one_more_label(pair: tuple[str, str]) -> None:
    assert after(*pair).step == Step.ANOTHER_LABEL


def test_with_a_further_label_a_strict_majority_settles() -> None:
    assert after(R, W, R) == Resolution(Step.SETTLE, True)
    assert after(R, W, P) == Resolution(Step.SETTLE, False)
    assert after(R, C, R) == Resolution(Step.SETTLE, True)


@pytest.mark.parametrize("three", [(R, W, C), (C, C, R), (C, C, C)])
def test_without_a_majority_at_the_most_labels_a_senior_adjudicates(three: tuple[str, str, str]) -> None:
    assert after(*three).step == Step.ADJUDICATE


def test_a_first_round_that_disagrees_is_not_settled_by_majority_while_more_may_be_asked() -> None:
    assert after(R, R, W, labels_needed=3, max_labels=5).step == Step.ANOTHER_LABEL
    assert after(R, R, W, labels_needed=3, max_labels=3) == Resolution(Step.SETTLE, True)


def test_a_closed_task_takes_no_further_label() -> None:
    assert after(R, W, closed=True).step == Step.ADJUDICATE


def test_a_gold_task_says_nothing_about_the_claim() -> None:
    assert after(W, purpose="gold", labels_needed=1) == Resolution(Step.CLOSE)


def test_a_majority_is_more_than_half_of_all_labels() -> None:
    assert strict_majority([True, False], of=2) is None
    assert strict_majority([True], of=2) is None
    assert strict_majority([True, True, False], of=3) is True
    assert strict_majority([False], of=1) is False


def test_a_correction_counts_when_all_who_gave_one_gave_the_same() -> None:
    assert shared_correction([None, "15 EUR", "15 EUR"]) == "15 EUR"
    assert shared_correction([{"a": 1, "b": 2}, {"b": 2, "a": 1}]) == {"a": 1, "b": 2}
    assert shared_correction(["15 EUR", "12 EUR"]) is None
    assert shared_correction([None, None]) is None


def test_a_number_that_the_database_writes_out_may_be_a_correction() -> None:
    """Submitted as 3.6e16, read back as an integer beyond what JSON programs hold exactly."""
    assert shared_correction([[36302735756303370], None]) == [36302735756303370]


SECOND = {"labels_needed": 1, "max_labels": 1}


@pytest.mark.parametrize(
    ("purpose", "verdict", "agrees", "expected"),
    [
        ("relabel", R, True, Resolution(Step.CLOSE, True)),
        ("relabel", W, True, Resolution(Step.CLOSE, False)),
        ("relabel", R, False, Resolution(Step.ADJUDICATE)),
        ("relabel", C, False, Resolution(Step.ESCALATE)),
        ("adjudication", R, True, Resolution(Step.CLOSE, True)),
        ("adjudication", R, False, Resolution(Step.SETTLE, True)),
        ("escalation", W, False, Resolution(Step.SETTLE, False)),
        ("adjudication", C, False, Resolution(Step.CLOSE, None)),
        ("escalation", C, False, Resolution(Step.CLOSE, None)),
    ],
)
def test_a_second_look_confirms_or_asks_a_senior_and_only_a_senior_overturns(
    purpose: str, verdict: str, agrees: bool, expected: Resolution
) -> None:
    assert looked_at_again(after(verdict, purpose=purpose, **SECOND), purpose=purpose, agrees=agrees) == expected
