"""Which segments are measured follows what is watched, alone and in pairs, in every band."""

from __future__ import annotations

import random

import pytest
from django.utils import timezone

from calibration.evidence import LabelledClaim, Place, Subject
from calibration.heat import heat_tables
from calibration.models import BandStat
from calibration.proposing import proposals
from calibration.services import measure_pipeline
from reviewqueue.pipeline_settings import change_settings
from reviewqueue.policy.document import thawed
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.routing import place
from reviewqueue.policy.selectors import policy_of
from tests.services.calibration.test_slices import labelled
from tests.world import IDENTITY, MODEL, POLICY, World

PAIR = "category=pricing & language=de"


def watched(world: World, *declared: list[str]) -> None:
    change_settings(pipeline=world.pipeline, changes={"watched": list(declared)}, by=world.olga)
    world.pipeline.refresh_from_db()


def measured(world: World) -> set[str]:
    return set(BandStat.objects.exclude(segment="").values_list("segment", flat=True))


def test_what_is_watched_is_measured_anew_from_all_claims_there_are(world: World) -> None:
    for number in range(6):
        german = {"language": "de" if number % 2 else "en", "workflow": "qa"}
        labelled(world, correct=number != 3, category="pricing", segments=german)
    measure_pipeline(world.pipeline)
    assert measured(world) == {"category=pricing", "language=de", "language=en", "workflow=qa"}
    watched(world, ["language"], ["category", "language"])
    assert measure_pipeline(world.pipeline), "another declaration is a reason to measure"
    assert measured(world) == {"language=de", "language=en", PAIR, "category=pricing & language=en"}
    (table,) = heat_tables(world.pipeline, sort="name")
    row = next(each for each in table.rows if each.segment == PAIR)
    assert (row.n_labelled, row.accuracy) == (3, pytest.approx(2 / 3))
    cell = row.cells[-1]
    assert (cell.band, cell.n_labelled, cell.verdict) == ("0.90-1.00", 3, "few")
    watched(world)
    measure_pipeline(world.pipeline)
    assert PAIR not in measured(world)


def test_a_map_may_treat_a_pair_apart_and_routing_finds_its_offset(world: World) -> None:
    offsets = {PAIR: [0.0, -2.0]}
    entry = {**IDENTITY, "map": {"kind": "platt", "slope": 1.0, "intercept": 0.0, "eps": 1e-6, "offsets": offsets}}
    version = world.activate({**POLICY, "calibrators": [entry]})
    policy = policy_of(version.pk, version.document_hash)

    def calibrated(category: str, language: str) -> float:
        facts = Facts(
            **MODEL, category=category, segments={"language": language, "workflow": "qa"}, confidence=0.9, audit_u=0.5
        )
        found = place(facts, policy).calibrated
        assert found is not None
        return found

    assert calibrated("pricing", "en") == calibrated("general", "de") == pytest.approx(0.9)
    assert calibrated("pricing", "de") < 0.6


def claim(number: int, dice: random.Random) -> LabelledClaim:
    """German pricing and English generalities are hard; neither language nor category tells that alone."""
    language, category = dice.choice(["en", "de"]), dice.choice(["general", "pricing"])
    odd = (language == "de") == (category == "pricing")
    now = timezone.now()
    return LabelledClaim(
        place=Place(Subject(**MODEL), category, (("language", language),), dice.choice([0.7, 0.8])),
        correct=dice.random() < (0.45 if odd else 0.98),
        audit_u=0.5,
        audit_rate=1.0,
        fingerprint=number.to_bytes(4, "big"),
        received_at=now,
        settled_at=now,
    )


def test_a_calibrator_by_a_declared_pair_is_fitted_where_it_predicts_best(world: World) -> None:
    rows = [claim(number, random.Random(number)) for number in range(600)]
    policy = policy_of(world.policy.pk, world.policy.document_hash)
    (found,) = proposals(
        policy,
        rows,
        wanted={},
        attributes=[("category",), ("language",), ("category", "language")],
    )
    assert found.attribute == "category & language"
    assert set(thawed(found.map["offsets"])) == {
        f"category={category} & language={language}" for category in ("general", "pricing") for language in ("de", "en")
    }
