"""Auditors see which keys draw the audit samples, and whether what was drawn is what chance gives."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.policy.models import SamplingEpoch
from reviewqueue.policy.services.epochs import turn_epochs
from reviewqueue.reports.sampling import drawn, epochs_drawn
from tests.services.ledger.cast import prepare_sealing
from tests.web.visitor import Visitor, text_of
from tests.world import World


@pytest.fixture
def key(world: World, settings: Settings, tmp_path: Path) -> VerifierKey:
    return prepare_sealing(settings, tmp_path)


@pytest.mark.django_db
def test_the_keys_of_this_month_and_the_next_are_committed_to(world: World, key: VerifierKey) -> None:
    ledger.seal()
    said = text_of(Visitor(world.ada).get("/ledger/samples/"))
    assert said.count("committed to") >= 2
    assert "Not counted yet." in said
    assert "leaf" in said


@pytest.mark.django_db
def test_a_key_that_is_out_of_use_is_shown_as_revealed_with_its_leaf(world: World, key: VerifierKey) -> None:
    turn_epochs(timezone.now() + timedelta(days=70))
    ledger.seal()
    [first, *_] = [each for each in epochs_drawn() if each.epoch.revealed_at]
    assert first.revealed_leaf is not None
    said = text_of(Visitor(world.ada).get("/ledger/samples/"))
    assert "revealed" in said
    assert "No band decided a claim." in said


@pytest.mark.django_db
def test_a_draw_that_chance_does_not_give_is_marked(world: World) -> None:
    SamplingEpoch.objects.update(counts={"100000": [10_000, 1_500], "50000": [10_000, 500]})
    said = text_of(Visitor(world.ada).get("/ledger/samples/"))
    assert "1,500 of 10,000 at 10.0 %" in said
    epoch = epochs_drawn()[0]
    assert [draw.is_likely for draw in epoch.draws] == [True, False]


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_keys(world: World) -> None:
    with CaptureQueriesContext(connection) as few:
        epochs_drawn()
    for months in range(1, 6):
        turn_epochs(timezone.now() + timedelta(days=31 * months))
    with CaptureQueriesContext(connection) as many:
        assert len(epochs_drawn()) > 5
    assert len(few) == len(many) == 1


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_range_of_chance_holds_what_is_expected(ppm: int, claims: int) -> None:
    found = drawn(ppm / 1_000_000, claims, 0)
    assert found.least - 1 < claims * ppm / 1_000_000 < found.most + 1
    assert 0 <= found.least <= found.most <= claims
