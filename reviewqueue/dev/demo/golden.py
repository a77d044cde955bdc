"""The demo's golden set: questions with known answers, and two models measured by them, all over the REST API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from examples.client import Conflict, Json, ReviewQueue
from examples.quiz_bot import GPT_4O, LLAMA, PIPELINE, PROMPT_VERSION, Model, Question, topic_of
from reviewqueue.dev.demo.plan import Plan, chance

NAME: Final = "encyclopedia"
ITEMS: Final = 400
MEASURED: Final = (LLAMA, GPT_4O)
"""In this order. What the third model is worth, which has claims too, is due to be measured."""

DESCRIPTION: Final = "Yes/no questions whose answers the authors of BoolQ found in Wikipedia."


def ensure_golden_set(*, owner: ReviewQueue, bot: ReviewQueue, plan: Plan, questions: Sequence[Question]) -> bool:
    """The set, published, with a complete run of each model. False when all of that was there."""
    chosen = golden_questions(plan, questions)
    made = _published(owner, chosen)
    measured = {run["model"] for run in bot.golden_runs(PIPELINE, NAME) if run["state"] == "complete"}
    missing = [model for model in MEASURED if model.name not in measured]
    for model in missing:
        _measure(bot, model, chosen)
    return made or bool(missing)


def golden_questions(plan: Plan, questions: Sequence[Question]) -> list[Question]:
    """Questions that no claim of the demo is about, and that both models answered."""
    posted = {question.item for question, _ in (*plan.reviewed, *plan.left_open)}
    free = [each for each in questions if each.item not in posted and set(MEASURED) <= each.answers.keys()]
    return sorted(free, key=lambda question: chance(question, "golden"))[:ITEMS]


def item_of(question: Question) -> Json:
    """What the owner knows of a question."""
    return {
        "key": f"boolq-{question.item}",
        "input": question.text,
        "answer": question.truth,
        "comparison": "text",
        "category": topic_of(question.text),
    }


def answer_of(question: Question, model: Model) -> Json:
    """What a model said to it."""
    answer = question.answers[model]
    signals = {} if answer.token_probability is None else {"token_probability": answer.token_probability}
    return {
        "key": f"boolq-{question.item}",
        "output": answer.output,
        "confidence": answer.confidence,
        "signals": signals,
    }


def _published(owner: ReviewQueue, chosen: Sequence[Question]) -> bool:
    known = {each["name"]: each for each in owner.golden_sets(PIPELINE)["results"]}
    if NAME not in known:
        _unless_done(lambda: owner.make_golden_set(PIPELINE, NAME, description=DESCRIPTION, every_days=30))
    elif known[NAME]["version"] is not None:
        return False
    owner.put_golden_items(PIPELINE, NAME, [item_of(question) for question in chosen])
    owner.publish_golden_set(PIPELINE, NAME)
    return True


def _unless_done(make: Callable[[], object]) -> None:
    """Another start of the demo may have been quicker."""
    try:
        make()
    except Conflict:
        return


def _measure(bot: ReviewQueue, model: Model, chosen: Sequence[Question]) -> None:
    run = bot.start_golden_run(
        PIPELINE,
        NAME,
        {
            "model": model.name,
            "model_version": model.version,
            "prompt_version": PROMPT_VERSION,
            "elicitation": "verbalized_after",
        },
    )
    bot.answer_golden_run(PIPELINE, NAME, run["id"], [answer_of(question, model) for question in chosen])
