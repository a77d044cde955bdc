"""The page of signals, as owners and auditors see it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from calibration.models import Calibrator
from reviewqueue.pipeline_settings import change_settings, declare_signals
from reviewqueue.web.wording import odds, quartiles
from tests.services.calibration.rows import at, fitted
from tests.services.review.steps import RIGHT, WRONG, label_next
from tests.web.visitor import Visitor, text_of
from tests.world import MODEL, POLICY, SETUP, World

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


# --- models of several signals ----------------------------------------------------------------------------------------

COMBINED: dict[str, Any] = {
    "kind": "combined",
    "slope": 0.6,
    "eps": 0.02,
    "intercept": 0.2,
    "signals": {"risk": {"slope": -0.8, "eps": 0.02, "centre": -1.4, "missing": 0.1, "higher_is": "riskier"}},
}
OF_CONFIDENCE = {"odds": 1.42, "low": 0.7, "high": 0.7, "usual_odds": 1.0, "missing_odds": None, "carried": 1.0}
OF_RISK = {"odds": 0.59, "low": 0.2, "high": 0.35, "usual_odds": 0.4, "missing_odds": 2.5, "carried": 0.93}


def model_of(world: World, *, kind: str = "combined", status: str = "proposed") -> Calibrator:
    made = fitted(world, at(0), kind=kind)
    tried = {"name": "combined", "log_loss": 0.401, "without": "platt_0.02", "log_loss_without": 0.4375}
    inputs = [
        {"name": "confidence", **OF_CONFIDENCE, "loss": 0.0012, "standard_error": 0.001, "share": 0.02},
        {"name": "risk", **OF_RISK, "loss": 0.0365, "standard_error": 0.006, "share": 0.64},
    ]
    made.map = COMBINED if kind == "combined" else {"kind": kind}
    made.figures = {"with_signals": tried, **({"contributions": inputs} if kind == "combined" else {})}
    made.fit_labels, made.status = 1_250, status
    made.save()
    return made


def test_a_model_that_looks_at_signals_says_what_each_adds(risky: World, olga: Visitor) -> None:
    model_of(risky)
    page = words_of(olga.get(SIGNALS))
    assert "acme-lm 2026-10-01 prompt v14 proposed combined-1 was fitted on 1,250 labels." in page
    assert "its log loss is 0.4010; without signals it is 0.4375 at best" in page
    assert "Confidence raises the odds by 42 % both 0.7000 none does +0.0012 ± 0.0010, may be chance 2 % 100 %" in page
    assert (
        "risk lowers the odds by 41 % divides the odds by 2.5 0.20 to 0.35 multiplies the odds by 2.5 against one "
        "at the middle +0.0365 ± 0.0060 64 % 93 %"
    ) in page
    assert "What would be lost without each: confidence 2% what it knows; risk 64% what it knows." in (
        text_of(olga.get(SIGNALS)).replace("\xa0", "").replace(" %", "%")
    )


def test_the_model_in_use_is_marked_and_the_newest_stands_beside_it(risky: World, olga: Visitor) -> None:
    first = model_of(risky)
    risky.activate({**POLICY, "calibrators": [{"name": first.name, "map": COMBINED, **MODEL}]})
    assert "prompt v14 in use combined-1 was fitted" in words_of(olga.get(SIGNALS))
    model_of(risky, kind="platt", status="fitted")
    page = words_of(olga.get(SIGNALS))
    assert "prompt v14 signals tried, not taken Of 1,250 labels" in page
    assert "the simpler platt-2 was taken, because the difference may be chance" in page
    assert "prompt v14 in use combined-1 was fitted" in page


def test_the_figures_are_given_away_as_files(risky: World, olga: Visitor) -> None:
    model_of(risky)
    figures = olga.get(f"{SIGNALS}?as=json").json()
    assert [each["name"] for each in figures["models"][0]["inputs"]] == ["confidence", "risk"]
    rows = text_of(olga.get(f"{SIGNALS}?as=csv")).splitlines()
    assert any(row.startswith("models.inputs,") and ",risk," in row and ",0.59," in row for row in rows)
    assert 'href="?as=csv"' in text_of(olga.get(SIGNALS))


def test_before_any_calibrator_looked_at_signals_it_says_when_one_will(risky: World, olga: Visitor) -> None:
    page = words_of(olga.get(SIGNALS))
    assert "No calibrator has looked at signals yet." in page
    assert "fitted on 120 labels, with every declared signal that at least 30 of them carry" in page


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (1.0, "leaves the odds as they are"),
        (1.42, "raises the odds by 42\u00a0%"),
        (3.49, "multiplies the odds by 3.5"),
        (5e6, "multiplies the odds by more than 1,000"),
        (0.59, "lowers the odds by 41\u00a0%"),
        (0.25, "divides the odds by 4.0"),
        (1e-9, "divides the odds by more than 1,000"),
    ],
)
def test_factors_are_said_in_words(factor: float, said: str) -> None:
    assert odds(factor) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.2, 0.35, "0.20 to 0.35"),
        (0.98, 0.9999, "0.98 to 1.00"),
        (0.999998629, 1.0, "0.999999 to 1.000000"),
        (0.9, 0.9, "0.9000"),
        (0.1, 0.1 + 1e-9, "0.10000000 to 0.10000000"),
    ],
)
def test_quartiles_have_the_decimals_that_tell_them_apart(low: float, high: float, said: str) -> None:
    assert quartiles(low, high) == said
