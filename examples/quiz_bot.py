"""The upstream system of the demo: a bot that answers yes/no questions, and how it turns an answer into a claim.

The answers are real outputs of language models (data/LICENSES.md says whose). What is the bot's own, as it would be in
any upstream system: the topic of a question, which it picks by plain keywords and sends as the claim's category.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

DATA = Path(__file__).resolve().parent / "data" / "yes-no-answers.csv.gz"
PIPELINE = "yes-no-answers"
PROMPT_VERSION = "reason-answer-confidence"

# The first topic with one of its words in the question is the topic. Crude on purpose: this is the bot's rule, and
# the measured accuracy per category shows what it is worth.
KEYWORDS: Mapping[str, frozenset[str]] = {
    topic: frozenset(words.split())
    for topic, words in {
        "health": """
            allergic allergy anesthesia antibiotic antibiotics aspirin bacteria bacterial blood bone bones brain
            calories cancer cells cholesterol contagious diabetes diet disease diseases disorder dna doctor doctors
            drug drugs fever flu health heart hepatitis herpes hiv hormone hospital ibuprofen infection infections
            influenza kidney liver lung lungs medical medicine muscle muscles nurse pain patient poisonous pregnancy
            pregnant skin sleep stomach surgery symptoms syndrome teeth thyroid toxic vaccine viral virus vitamin
        """,
        "law": """
            amendment attorney citizen citizens citizenship congress constitution constitutional contract copyright
            court courts crime criminal election felony firearm firearms governor gun illegal judge jury law laws
            lawyer legal legally legislation licence license marriage marry misdemeanor parliament passport patent
            permit police president prison rights senate senator sue supreme tax taxes treason visa vote voting
        """,
        "screen": """
            actor actress anime batman book books cast character characters disney dies ending episode episodes film
            films finale harry marvel movie movies netflix novel potter season sequel series show spinoff superman
            television thrones tv wars wizard
        """,
        "sport": """
            baseball basketball boxing championship coach cricket cup fifa football golf hockey league match medal
            mlb nba nfl nhl olympic olympics player players referee rugby scored soccer stadium team teams tennis
            wrestling
        """,
        "places": """
            africa airport america american asia australia border bordered britain california canada capital china
            city continent countries country england europe france india ireland island lake london mexico mountain
            ocean republic river scotland sea state states texas uk wales york
        """,
    }.items()
}
TOPICS = (*KEYWORDS, "general")
ANSWERS = {"true": "yes", "false": "no"}


@dataclass(frozen=True)
class Model:
    """`column` is the start of its column names in the data file."""

    name: str
    version: str
    column: str


GPT_4O = Model("gpt-4o", "unpinned", "gpt_4o")
HAIKU = Model("claude-3-haiku", "20240307", "claude_3_haiku")
LLAMA = Model("Meta-Llama-3.1-8B-Instruct", "3.1", "llama_3_1_8b")
MODELS = (GPT_4O, HAIKU, LLAMA)


@dataclass(frozen=True)
class Answer:
    """What one model said to one question: "true" or "false", how sure it said it was, and how sure its tokens were."""

    output: str
    confidence: float
    token_probability: float | None


@dataclass(frozen=True)
class Question:
    """One question with every usable answer to it. `truth` is "true" or "false"; the bot does not know it."""

    item: str
    text: str
    truth: str
    answers: Mapping[Model, Answer]

    def answered_right(self, model: Model) -> bool:
        return self.answers[model].output == self.truth


def read_questions(path: Path = DATA) -> list[Question]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [_question(row) for row in csv.DictReader(file)]


def _question(row: Mapping[str, str]) -> Question:
    answers = {model: _answer(row, model.column) for model in MODELS if row[f"{model.column}_answer"]}
    return Question(row["item"], row["question"], row["truth"], answers)


def _answer(row: Mapping[str, str], column: str) -> Answer:
    token = row.get(f"{column}_token_probability")
    return Answer(row[f"{column}_answer"], float(row[f"{column}_confidence"]), float(token) if token else None)


def topic_of(question: str) -> str:
    words = set(re.findall(r"[a-z]+", question.lower()))
    return next((topic for topic, keywords in KEYWORDS.items() if words & keywords), "general")


def claim_of(question: Question, model: Model, *, occurred_at: datetime) -> dict[str, Any]:
    """The body of `POST /api/v1/claims` for one model's answer to one question.

    Whoever posts it again has to pass the same `occurred_at`: it is part of the claim.
    """
    answer = question.answers[model]
    return {
        "pipeline": PIPELINE,
        "external_id": f"boolq-{question.item}/{model.name}",
        "model": model.name,
        "model_version": model.version,
        "prompt_version": PROMPT_VERSION,
        "category": topic_of(question.text),
        "segments": {"answer": ANSWERS[answer.output]},
        "input": question.text,
        "output": answer.output,
        "alternatives": _alternatives(question, model),
        "confidence": answer.confidence,
        "elicitation": "verbalized_after",
        "signals": {} if answer.token_probability is None else {"token_probability": answer.token_probability},
        "context": [_where_to_look(question.text)],
        "occurred_at": occurred_at.isoformat(),
    }


def _alternatives(question: Question, model: Model) -> list[dict[str, Any]]:
    """What other models answered to the same question."""
    others = (answer for other, answer in question.answers.items() if other != model)
    return [{"output": answer.output, "confidence": answer.confidence} for answer in others]


def _where_to_look(question: str) -> dict[str, Any]:
    """The questions were asked about Wikipedia, so that is where a reviewer can find the evidence."""
    return {
        "kind": "link",
        "title": "Search Wikipedia for this question",
        "url": f"https://en.wikipedia.org/w/index.php?search={quote_plus(question)}",
    }
