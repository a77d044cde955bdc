"""What the signals of a pipeline are worth, over REST."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from reviewqueue.pipeline_settings import declare_signals
from tests.api.caller import Caller
from tests.services.review.steps import RIGHT, WRONG, label_next
from tests.web.test_signals import COMBINED, RISK, model_of
from tests.world import MODEL, POLICY, SETUP, World

SIGNALS = "/pipelines/support-answers/signals"


def test_an_idle_pipeline_has_figures_of_nothing(helpdesk: Caller, world: World) -> None:
    assert helpdesk.get(SIGNALS).json() == {
        "claims": 0,
        "labels": 0,
        "confidence": None,
        "signals": [],
        "not_shown": 0,
        "models": [],
    }


def test_signals_come_with_their_ranking_and_what_they_add(helpdesk: Caller, world: World) -> None:
    declare_signals(pipeline=world.pipeline, signals={"risk": RISK}, actor=SETUP)
    for place in range(40):
        wrong = place % 8 == 0
        world.claim(confidence=0.7, signals={"risk": 0.9 if wrong else 0.2})
        label_next(world.rita, WRONG if wrong else RIGHT)
    made = model_of(world)
    world.activate({**POLICY, "calibrators": [{"name": made.name, "map": COMBINED, **MODEL}]})
    answer = helpdesk.get(SIGNALS).json()
    assert (answer["claims"], answer["labels"]) == (40, 40)
    assert answer["confidence"]["finding"] == "unclear"
    (risk,) = answer["signals"]
    assert (risk["name"], risk["declared"], risk["derived"], risk["carried"]) == ("risk", RISK, False, 1)
    assert risk["ranking"]["auroc"] == 1
    assert sum(each["right"] + each["wrong"] for each in risk["histogram"]) == 40
    (model,) = answer["models"]
    assert {name: model[name] for name in MODEL} == MODEL
    assert (model["calibrator"], model["kind"], model["standing"]) == ("combined-1", "combined", "in_use")
    assert (model["log_loss"], model["without"], model["log_loss_without"]) == (0.401, "platt_0.02", 0.4375)
    assert [(each["name"], each["odds"], each["missing_odds"]) for each in model["inputs"]] == [
        ("confidence", 1.42, None),
        ("risk", 0.59, 2.5),
    ]


def test_the_statements_do_not_grow_with_the_calibrators(helpdesk: Caller, world: World) -> None:
    model_of(world)
    helpdesk.get(SIGNALS)
    with CaptureQueriesContext(connection) as few:
        helpdesk.get(SIGNALS)
    for _ in range(4):
        model_of(world)
    with CaptureQueriesContext(connection) as many:
        helpdesk.get(SIGNALS)
    assert len(many) == len(few)
