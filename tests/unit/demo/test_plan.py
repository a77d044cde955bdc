"""The demo's day: the same at every start, and reviewers who know the truth."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from examples.quiz_bot import GPT_4O, HAIKU, read_questions
from reviewqueue.dev.demo.plan import HOURS, LEFT_OPEN, REVIEWED, UNMEASURED, Reviewers, plan_of

QUESTIONS = read_questions()
PLAN = plan_of(QUESTIONS)
EVENING = datetime(2026, 11, 22, 18, tzinfo=UTC)


def test_no_question_is_posted_twice() -> None:
    posts = [*PLAN.reviewed, *PLAN.left_open]
    assert len({question.item for question, _ in posts}) == len(posts) == REVIEWED + LEFT_OPEN + UNMEASURED


def test_a_model_that_nobody_measured_waits_among_the_open_claims() -> None:
    assert {model for _, model in PLAN.reviewed} == {GPT_4O}
    assert Counter(model for _, model in PLAN.left_open) == {GPT_4O: LEFT_OPEN, HAIKU: UNMEASURED}


def test_an_interrupted_day_continues_as_the_same_day() -> None:
    again = plan_of(list(reversed(QUESTIONS)))
    assert again.claims(ends_at=EVENING) == PLAN.claims(ends_at=EVENING)


def test_the_claims_are_spread_over_the_day_that_just_ended() -> None:
    reviewed, left_open = PLAN.claims(ends_at=EVENING)
    times = [datetime.fromisoformat(claim["occurred_at"]) for claim in [*reviewed, *left_open]]
    assert times == sorted(times)
    assert times[0] == EVENING - timedelta(hours=HOURS)
    assert times[-1] < EVENING


def test_reviewers_answer_by_the_truth_and_slip_about_once_in_a_hundred() -> None:
    reviewers = Reviewers(PLAN)
    slips = 0
    for question, model in PLAN.reviewed:
        judgement = reviewers.judge(question.text, question.answers[model].output)
        assert judgement is not None
        slips += (judgement.verdict == "correct") != question.answered_right(model)
        assert 1 < judgement.seconds < 60
    assert 0 < slips < 25


def test_reviewers_leave_the_open_claims_to_the_newcomer() -> None:
    reviewers = Reviewers(PLAN)
    assert all(reviewers.judge(question.text, "true") is None for question, _ in PLAN.left_open)
