"""The demo's upstream bot: real answers, read from the file that ships with the project, as claims."""

from datetime import UTC, datetime

from examples.quiz_bot import DATA, GPT_4O, HAIKU, TOPICS, Question, claim_of, read_questions, topic_of
from reviewqueue.claims.submission import parse_submission

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
QUESTIONS = read_questions()


def right_share(questions: list[Question]) -> float:
    return sum(question.answered_right(GPT_4O) for question in questions) / len(questions)


def test_the_file_holds_every_usable_answer() -> None:
    assert len(QUESTIONS) == 3_247
    assert len({question.text for question in QUESTIONS}) == 3_247
    assert sum(HAIKU in question.answers for question in QUESTIONS) == 3_026
    assert round(right_share(QUESTIONS), 3) == 0.832


def test_the_licence_of_the_answers_lies_beside_them() -> None:
    licence = (DATA.parent / "LICENSES.md").read_text()
    assert DATA.name in licence
    assert "creativecommons.org/licenses/by-sa/3.0" in licence
    assert "Copyright (c) 2025 NoamMichael" in licence
    assert "THE SOFTWARE IS PROVIDED" in licence


def test_the_model_is_clearly_overconfident_when_it_answers_no() -> None:
    no = [question for question in QUESTIONS if question.answers[GPT_4O].output == "false"]
    stated = sum(question.answers[GPT_4O].confidence for question in no) / len(no)
    assert stated - right_share(no) > 0.15


def test_every_topic_occurs_and_what_fits_none_is_general() -> None:
    assert {topic_of(question.text) for question in QUESTIONS} == set(TOPICS)
    assert topic_of("is the flu vaccine legal in texas") == "health"
    assert topic_of("do red pandas like bamboo") == "general"


def test_every_answer_is_a_claim_that_intake_takes() -> None:
    for question in QUESTIONS:
        for model in (GPT_4O, HAIKU):
            if model in question.answers:
                parse_submission(claim_of(question, model, occurred_at=NOON), now=NOON)


def test_a_claim_says_what_the_model_said_and_not_what_is_true() -> None:
    question = next(each for each in QUESTIONS if each.item == "1")
    claim = claim_of(question, GPT_4O, occurred_at=NOON)
    assert claim["external_id"] == "boolq-1/gpt-4o"
    assert claim["input"] == "is house tax and property tax are same"
    assert (claim["output"], claim["confidence"]) == ("false", 0.8)
    assert claim["signals"] == {"token_probability": 0.99966465}
    assert claim["segments"] == {"answer": "no"}
    assert claim["category"] == "law"
    assert claim["alternatives"] == [{"output": "true", "confidence": 0.9}, {"output": "false", "confidence": 0.7}]
    assert not question.answered_right(GPT_4O)
