"""The page of signals, as owners and auditors see it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reviewqueue.pipeline_settings import change_settings, declare_signals
from tests.services.review.steps import RIGHT, WRONG, label_next
from tests.web.visitor import Visitor, text_of
from tests.world import SETUP, World

SIGNALS = "/pipelines/support-answers/signals/"
RISK = {"family": "input_risk", "elicitation": "classifier", "higher_is": "riskier", "description": "How odd it is."}


def words_of(response: Any) -> str:
    page = text_of(response)
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main") :]).split())


@pytest.fixture
def risky(world: World) -> World:
    """Forty labelled claims; a tenth of them, where risk is high, are wrong."""
    declare_signals(pipeline=world.pipeline, signals={"risk": RISK}, actor=SETUP)
    for place in range(40):
        wrong = place % 8 == 0
        world.claim(confidence=0.7, signals={"risk": 0.9 if wrong else 0.2, "length": 0.5})
        label_next(world.rita, WRONG if wrong else RIGHT)
    return world


def test_an_idle_pipeline_says_how_signals_come(world: World, olga: Visitor) -> None:
    page = words_of(olga.get(SIGNALS))
    assert "Signals come with claims" in page
    assert "Nothing to look at yet" in page


def test_a_signal_that_ranks_and_one_that_says_nothing(risky: World, olga: Visitor) -> None:
    page = words_of(olga.get(SIGNALS))
    assert "risk How odd it is. 1.00" in page
    assert "100 % Risk of the input a classifier; higher is riskier" in page
    assert "ranks right above wrong" in page
    assert "100 % not declared no rule can use it; declare it : length" in page
    assert "length 0.50" in page
    assert "not shown to be better than a coin" in page


def test_a_signal_that_changes_nothing_is_named_as_such(risky: World, olga: Visitor) -> None:
    assert words_of(olga.get(SIGNALS)).count("Nothing. no rule of the active policy names it") == 2


def test_too_few_labels_are_said_and_no_number_is_shown(world: World, olga: Visitor) -> None:
    world.claim(confidence=0.7)
    label_next(world.rita)
    page = words_of(olga.get(SIGNALS))
    assert "too few labels 1 of at least 30, 5 right and 5 wrong" in page


def test_mixed_elicitation_in_one_model_version_is_a_warning(risky: World, olga: Visitor) -> None:
    assert "Confidence of several kinds" not in words_of(olga.get(SIGNALS))
    for _ in range(10):
        risky.claim(elicitation="logprob")
    page = words_of(olga.get(SIGNALS))
    assert "Confidence of several kinds in one model version" in page
    assert "said by the model after it answered 80 %, token probabilities 20 %" in page


def test_confidence_that_is_not_obtained_as_declared_is_marked(risky: World, olga: Visitor) -> None:
    assert "not as declared" not in words_of(olga.get(SIGNALS))
    change_settings(pipeline=risky.pipeline, changes={"elicitation": "logprob"}, by=risky.olga)
    assert "Said by the model after it answered 100 % not as declared" in words_of(olga.get(SIGNALS))


def test_the_pictures_are_in_tables_too(risky: World, olga: Visitor) -> None:
    page = text_of(olga.get(SIGNALS))
    assert 'aria-label="Where right and wrong outputs lie on this scale; the numbers are in the table below."' in page
    assert "Share of the wrong" in page
    main = page[page.index("<main") : page.index("</main>")]
    assert " style=" not in main
    assert "<script" not in main


def test_a_hostile_name_is_text_with_its_tricks_made_visible(world: World, olga: Visitor) -> None:
    world.claim(signals={"<b>x</b>\u202e": 0.5})
    page = text_of(olga.get(SIGNALS))
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert page.count("\u202e") == page.count('data-mark="RLO"><i>\u202e</i>') > 0


def test_an_auditor_is_told_who_declares_signals(world: World, ada: Visitor) -> None:
    assert "An owner of the pipeline says in the settings" in words_of(ada.get(SIGNALS))
