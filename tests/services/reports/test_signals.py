"""What signals are worth: carried, ranking, deciding, or nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calibration.core.ranking import ranking
from reviewqueue.cascade.services.steps import expire_steps
from reviewqueue.pipeline_settings import declare_signals
from reviewqueue.reports.signals import SignalReport, SignalRow, signal_report
from tests.services.cascade.steps import cascading, time_passes, unsure
from tests.services.review.steps import RIGHT, WRONG, label_next
from tests.world import IDENTITY, POLICY, SETUP, World

RISK = {"family": "input_risk", "elicitation": "classifier", "higher_is": "riskier"}


def report(world: World, **later: float) -> SignalReport:
    world.pipeline.refresh_from_db()
    return signal_report(world.pipeline, timezone.now() + timedelta(**later))


def rows(world: World) -> dict[str, SignalRow]:
    return {row.name: row for row in report(world).signals}


@pytest.fixture
def risky(world: World) -> World:
    """Forty labelled claims; risk is high where they are wrong, and `length` is carried by half of them."""
    declare_signals(pipeline=world.pipeline, signals={"risk": RISK, "unused": RISK}, actor=SETUP)
    for place in range(40):
        wrong = place % 4 == 0
        signals = {"risk": 0.9 - place / 100 if wrong else place / 100}
        world.claim(confidence=0.7, signals={**signals, "length": 0.5} if place % 2 else signals)
        label_next(world.rita, WRONG if wrong else RIGHT)
    return world


def test_a_signal_is_read_the_way_it_points(risky: World) -> None:
    row = rows(risky)["risk"]
    values = [0.9 - place / 100 if place % 4 == 0 else place / 100 for place in range(40)]
    plain = ranking([1 - value for value in values], [place % 4 != 0 for place in range(40)])
    assert plain is not None
    assert row.ranking is not None
    assert row.ranking.value == pytest.approx(plain.value)
    assert row.ranking.finding == "ranks"
    assert (row.carried, row.labels, row.declared) == (1.0, 40, {**RISK, "description": ""})


def test_undeclared_names_are_listed_and_declared_ones_that_nobody_sends_are_too(risky: World) -> None:
    found = rows(risky)
    assert list(found) == ["risk", "unused", "length"]
    assert (found["length"].declared, found["length"].carried) == (None, 0.5)
    assert (found["unused"].carried, found["unused"].labels, found["unused"].histogram) == (0.0, 0, [])


def test_too_few_labels_are_no_figure(risky: World) -> None:
    assert rows(risky)["length"].labels == 20
    assert rows(risky)["length"].ranking is None


def test_the_histogram_counts_labels_and_shares_by_kind(risky: World) -> None:
    histogram = rows(risky)["risk"].histogram
    assert sum(each.right for each in histogram) == 30
    assert sum(each.wrong for each in histogram) == 10
    assert sum(each.right_share for each in histogram) == pytest.approx(1)
    assert sum(each.wrong_share for each in histogram) == pytest.approx(1)


def test_confidence_stands_first_with_how_it_was_obtained(risky: World) -> None:
    risky.claim(elicitation="logprob")
    found = report(risky)
    assert (found.claims, found.labels, found.confidence.labels) == (41, 40, 40)
    [mix] = found.mixes
    assert mix.is_mixed
    assert [way for way, _ in mix.ways] == ["verbalized_after", "logprob"]
    assert found.bands_differ


def test_a_label_counts_for_as_many_claims_as_it_stands_for(world: World) -> None:
    """Accepted claims are sampled with chance 0.2: each of their labels weighs five."""
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    world.validate_band()
    sampled = 0
    for _ in range(60):
        claim = world.claim(confidence=0.95)
        if claim.decisions.get(standing=True).audit_sampled:
            label_next(world.rita, WRONG)
            sampled += 1
    for place in range(40):
        world.claim(confidence=0.1 if place % 2 else 0.3)
        label_next(world.rita, RIGHT if place % 2 else WRONG)
    assert 5 < sampled < 30
    found = report(world).confidence.ranking
    assert found is not None
    assert found.value == pytest.approx(0.0)


def test_a_claim_that_was_handed_back_measures_nothing(world: World) -> None:
    world.activate(cascading("ask"))
    time_passes(unsure(world), hours=2)
    expire_steps()
    label_next(world.rita)
    assert (report(world).claims, report(world).labels) == (1, 0)


def test_an_empty_pipeline_is_a_report_too(world: World) -> None:
    found = report(world)
    assert (found.claims, found.labels, found.signals, found.mixes) == (0, 0, [], [])
    assert found.confidence.ranking is None


def test_a_flood_of_made_up_names_is_cut(world: World) -> None:
    for place in range(3):
        world.claim(signals={f"made-up-{place}-{n}": 0.5 for n in range(15)})
    found = report(world)
    assert (len(found.signals), found.not_shown) == (30, 15)


def test_three_queries_whatever_there_is(risky: World, django_assert_max_num_queries: Any) -> None:
    risky.pipeline.refresh_from_db()
    with django_assert_max_num_queries(4):
        signal_report(risky.pipeline, timezone.now())
