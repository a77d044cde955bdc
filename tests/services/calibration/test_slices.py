"""The search for bad slices: when it runs, what it rests on, and what an owner does about what it found."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from calibration import slicing
from calibration.models import DismissedSlice, SliceSearch
from calibration.recent import recent_labels
from calibration.slicing import (
    NothingToWatch,
    attributes_in,
    bring_back,
    dismiss,
    search_pipeline,
    slice_name,
    watch,
)
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import OutcomeBasis
from reviewqueue.errors import Forbidden, Invalid, NotFound
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.models import Event
from reviewqueue.pipeline_settings import change_settings
from reviewqueue.reports.segments import segment_page
from reviewqueue.transactions import one_transaction
from tests.world import World

REVIEWERS = Actor.system("tests")
PAIR = [["category", "pricing"], ["segment:language", "de"]]


def labelled(world: World, *, correct: bool, **changes: object) -> None:
    answer = world.submit(**changes).answer
    with one_transaction():
        claim = claims.lock_claim(answer["id"])
        claims.settle(claim=claim, correct=correct, output=None, basis=OutcomeBasis.LABELS, actor=REVIEWERS)


def answers(world: World, count: int) -> None:
    """German answers are stated surer than English ones and are wrong far more often."""
    dice = random.Random(7)
    for _ in range(count):
        german = dice.random() < 0.4
        confidence = dice.choice([0.92, 0.94]) if german else dice.choice([0.82, 0.84])
        labelled(
            world,
            correct=dice.random() < (0.5 if german else 0.95),
            confidence=confidence,
            segments={"language": "de" if german else "en", "workflow": "qa"},
            category=dice.choice(["general", "pricing"]),
        )


@pytest.fixture
def german(world: World) -> World:
    answers(world, 300)
    search_pipeline(world.pipeline)
    return world


def found(world: World, facts: list[list[str]]) -> SliceSearch:
    """A search that found this slice."""
    one = {
        **{"facts": facts, "kind": "errors", "inputs": 80, "confidence": 0.9, "accuracy": 0.6, "value": 0.4},
        **{"low": 0.3, "high": 0.5, "rest": 0.1, "p": 0.001, "name": slice_name(facts)},
    }
    return SliceSearch.objects.create(
        pipeline=world.pipeline,
        searched_at=timezone.now(),
        next_at=timezone.now() + timedelta(hours=1),
        seen="|[]",
        outcomes=400,
        labels=400,
        looked_at=30,
        tested=2,
        slices=[one],
        inversions=[],
    )


def test_the_bad_language_is_found_and_its_inversion_is_said_in_words(german: World) -> None:
    page = segment_page(german.pipeline)
    language = next(each for each in page.proposals if each.words == "language=de")
    assert language.is_watched, "each attribute is watched alone until something is declared"
    assert any(
        each.words.startswith("In language=de the model is surer than in language=en") for each in page.inversions
    )
    search = SliceSearch.objects.get()
    assert search.labels == 300
    assert search.looked_at > search.tested > 0
    before = SliceSearch.objects.values("slices", "inversions", "looked_at", "tested").get()
    SliceSearch.objects.all().delete()
    assert search_pipeline(german.pipeline)
    assert SliceSearch.objects.values("slices", "inversions", "looked_at", "tested").get() == before


def test_it_searches_once_an_hour_and_only_what_is_new(world: World) -> None:
    now = timezone.now()
    assert search_pipeline(world.pipeline, now=now)
    assert not search_pipeline(world.pipeline, now=now + timedelta(hours=2)), "nothing is new"
    labelled(world, correct=True)
    assert not search_pipeline(world.pipeline, now=now + timedelta(minutes=30))
    assert search_pipeline(world.pipeline, now=now + timedelta(hours=2))


def test_it_searches_sooner_while_labels_grow_fast(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    assert search_pipeline(world.pipeline, now=now)
    labelled(world, correct=True)
    labelled(world, correct=True)
    assert not search_pipeline(world.pipeline, now=now), "of few labels half as many again are still few"
    monkeypatch.setattr(slicing, "FEWEST_OF_MODEL", 1)
    assert search_pipeline(world.pipeline, now=now)


def test_it_searches_at_once_when_something_else_is_watched(world: World) -> None:
    assert search_pipeline(world.pipeline)
    change_settings(pipeline=world.pipeline, changes={"watched": [["language"]]}, by=world.olga)
    world.pipeline.refresh_from_db()
    assert search_pipeline(world.pipeline)
    assert not search_pipeline(world.pipeline)


def test_two_queries_read_what_a_search_rests_on(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        labelled(world, correct=True)
    with django_assert_num_queries(1):
        assert len(recent_labels(world.pipeline.pk)) == 3
    labelled(world, correct=True)
    with django_assert_num_queries(1):
        assert len(recent_labels(world.pipeline.pk)) == 4


def test_an_outcome_from_outside_is_no_label_to_search(world: World) -> None:
    answer = world.submit().answer
    with one_transaction():
        claim = claims.lock_claim(answer["id"])
        claims.settle(claim=claim, correct=False, output=None, basis=OutcomeBasis.EXTERNAL, actor=REVIEWERS)
    assert len(recent_labels(world.pipeline.pk)) == 0


def test_an_owner_has_a_pair_watched_and_what_was_watched_stays_so(world: World) -> None:
    found(world, PAIR)
    assert watch(pipeline=world.pipeline, name=slice_name(PAIR), by=world.olga) == ("category", "language")
    world.pipeline.refresh_from_db()
    assert world.pipeline.watched == [["category"], ["language"], ["workflow"], ["category", "language"]]
    assert Event.objects.filter(kind="pipeline.changed").exists()
    assert segment_page(world.pipeline).proposals[0].is_watched
    watch(pipeline=world.pipeline, name=slice_name(list(reversed(PAIR))), by=world.olga)
    assert Event.objects.filter(kind="pipeline.changed").count() == 1


def test_a_full_declaration_takes_no_more(world: World) -> None:
    found(world, PAIR)
    six = [["category"], ["language"], ["workflow"], ["category", "workflow"], ["language", "workflow"]]
    change_settings(pipeline=world.pipeline, changes={"watched": six}, by=world.olga)
    world.pipeline.refresh_from_db()
    watch(pipeline=world.pipeline, name=slice_name(PAIR), by=world.olga)
    world.pipeline.refresh_from_db()
    assert len(world.pipeline.watched) == 6
    with pytest.raises(Invalid):
        change_settings(
            pipeline=world.pipeline, changes={"watched": [*world.pipeline.watched, ["category"]]}, by=world.olga
        )


def test_a_slice_of_a_model_version_is_measured_apart_already(world: World) -> None:
    facts = [["model", "acme-lm 2026-10-01"]]
    found(world, facts)
    assert attributes_in(facts) == ()
    with pytest.raises(NothingToWatch):
        watch(pipeline=world.pipeline, name=slice_name(facts), by=world.olga)


def test_a_dismissed_slice_is_not_shown_again_until_it_is_brought_back(world: World) -> None:
    found(world, PAIR)
    for _ in range(2):
        dismiss(pipeline=world.pipeline, name=slice_name(PAIR), by=world.olga)
    page = segment_page(world.pipeline)
    assert page.proposals == []
    assert [words for _, words in page.dismissed] == ["category=pricing & language=de"]
    bring_back(pipeline=world.pipeline, name=slice_name(PAIR), by=world.otto)
    assert len(segment_page(world.pipeline).proposals) == 1
    kinds = Event.objects.filter(kind__startswith="slice.").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["slice.dismissed", "slice.brought_back"]


def test_only_owners_and_administrators_decide_about_slices_that_were_found(world: World) -> None:
    found(world, PAIR)
    for person in (world.rita, world.sam, world.ada):
        for decide in (dismiss, bring_back, watch):
            with pytest.raises(Forbidden):
                decide(pipeline=world.pipeline, name=slice_name(PAIR), by=person)
    with pytest.raises(NotFound):
        dismiss(pipeline=world.pipeline, name=slice_name([["category", "nobody"]]), by=world.olga)
    with pytest.raises(NotFound):
        bring_back(pipeline=world.pipeline, name=slice_name(PAIR), by=world.olga)
    assert not DismissedSlice.objects.exists()
