"""Laws of resolution, for every set of labels."""

from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.review.answers import VERDICTS
from reviewqueue.review.resolution import Resolution, Step, resolve

VERDICT = st.sampled_from(VERDICTS)
PURPOSE = st.sampled_from(["review", "audit", "flagged", "escalation"])
TERMS = st.tuples(st.integers(1, 5), st.integers(0, 4)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(VERDICT, min_size=1, max_size=9), PURPOSE, TERMS, st.booleans(), st.randoms())
def test_the_order_in_which_people_answered_changes_nothing(verdicts, purpose, terms, closed, random) -> None:
    shuffled = random.sample(verdicts, len(verdicts))
    first, second = (
        resolve(order, purpose=purpose, waiting=False, labels_needed=terms[0], max_labels=terms[1], closed=closed)
        for order in (verdicts, shuffled)
    )
    assert first == second


@given(st.data(), PURPOSE, TERMS)
def test_every_task_ends_after_its_most_labels_and_never_asks_beyond(data, purpose, terms) -> None:
    needed, most = terms
    verdicts = [data.draw(VERDICT) for _ in range(needed)]
    while (step := _after(verdicts, purpose, terms).step) == Step.ANOTHER_LABEL:
        verdicts.append(data.draw(VERDICT))
        assert len(verdicts) <= most
    assert step in (Step.SETTLE, Step.ADJUDICATE, Step.ESCALATE)


@given(st.lists(VERDICT, min_size=1, max_size=9), PURPOSE, TERMS)
def test_what_settles_is_what_most_said(verdicts, purpose, terms) -> None:
    resolution = _after(verdicts, purpose, terms)
    if resolution.step == Step.SETTLE and resolution.correct is not None:
        agreeing = [verdict for verdict in verdicts if (verdict == "correct") is resolution.correct]
        assert 2 * len([verdict for verdict in agreeing if verdict != "cannot_judge"]) > len(verdicts)
    if resolution.step == Step.SETTLE and resolution.correct is None:
        assert set(verdicts) == {"cannot_judge"}


@given(st.lists(VERDICT, min_size=1, max_size=9), PURPOSE, TERMS)
def test_turning_every_judgement_round_turns_the_outcome_round(verdicts, purpose, terms) -> None:
    turned = [{"correct": "incorrect", "cannot_judge": "cannot_judge"}.get(each, "correct") for each in verdicts]
    before, after = _after(verdicts, purpose, terms), _after(turned, purpose, terms)
    assert before.step == after.step
    if before.correct is not None:
        assert after.correct is not before.correct


def _after(verdicts: list[str], purpose: str, terms: tuple[int, int]) -> Resolution:
    return resolve(verdicts, purpose=purpose, waiting=False, labels_needed=terms[0], max_labels=terms[1])
