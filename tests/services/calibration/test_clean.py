"""Labels that deserve a second look: finding them, and starting it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from calibration import cleaning
from calibration.cleaning import last_search, search_again, search_all, search_pipeline, start
from calibration.doubting import Labelled, Vote, both, doubted_by_consensus, doubted_by_model, drawn
from calibration.evidence import Subject
from calibration.models import SuspectSearch
from calibration.selectors import band_table
from calibration.services import measure_pipeline
from reviewqueue.accounts.models import User
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Outcome, OutcomeBasis
from reviewqueue.ledger.actors import Actor
from reviewqueue.review.models import Relabel
from reviewqueue.review.services.second_looks import NothingToLookAt
from reviewqueue.transactions import one_transaction
from tests.services.review.steps import (
    RIGHT,
    WRONG,
    label_next,
    newcomer,
    review_terms,
    submit,
    taken,
    undo_windows_pass,
)
from tests.services.review.test_revise_label import outcomes
from tests.world import World

SUBJECT = Subject("acme-lm", "2026-10-01", "v14")
OTHER = Subject("acme-lm", "2026-11-01", "v14")


def row(confidence: float, correct: bool, subject: Subject = SUBJECT, **changes: object) -> Labelled:
    made = Labelled(uuid4(), uuid4(), 1, subject, confidence, correct, uuid4().bytes, True)
    return made._replace(**changes)


def plausible(count: int = 60, subject: Subject = SUBJECT) -> list[Labelled]:
    """Stated 0.95 and nearly always right, stated 0.3 and nearly always wrong."""
    high = [row(0.95, place % 20 != 0, subject) for place in range(count)]
    return high + [row(0.3, place % 20 == 0, subject) for place in range(count)]


# --- the model --------------------------------------------------------------------------------------------------------


def test_labels_that_contradict_a_confidence_that_ranks_well_are_suspects_either_way() -> None:
    rows = plausible()
    suspects, searches = doubted_by_model(rows, seed=1)
    assert {suspect.row for suspect in suspects} == {each for each in rows if each.correct != (each.confidence > 0.5)}
    assert all(suspect.why == "model" and suspect.probability < 0.2 for suspect in suspects)
    assert [(each.subject, each.labels, each.suspects, each.reason) for each in searches] == [(SUBJECT, 120, 6, "")]


def test_the_least_probable_label_of_all_model_versions_comes_first() -> None:
    suspects, searches = doubted_by_model([*plausible(), *plausible(200, OTHER)], seed=1)
    assert [suspect.probability for suspect in suspects] == sorted(suspect.probability for suspect in suspects)
    assert {suspect.row.subject for suspect in suspects} == {SUBJECT, OTHER}
    assert [each.subject for each in searches] == [OTHER, SUBJECT]


def test_a_label_is_judged_by_a_calibrator_that_never_saw_its_input() -> None:
    """Nine labels of one input that all contradict the rest do not talk the model round about themselves."""
    repeated = [row(0.97, False, fingerprint=b"the same input") for _ in range(9)]
    suspects, _ = doubted_by_model([*plausible(200), *repeated], seed=1)
    assert {suspect.row for suspect in suspects} >= set(repeated)


def test_what_may_not_be_looked_at_again_teaches_the_model_and_is_no_suspect() -> None:
    rows = [each._replace(open=each.correct) for each in plausible()]
    suspects, _ = doubted_by_model(rows, seed=1)
    assert {suspect.row for suspect in suspects} == {each for each in rows if each.correct and each.confidence < 0.5}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([row(0.9, True), row(0.2, False)], "too_few_labels"),
        ([row(0.9, True) for _ in range(80)], "too_few_labels"),
        ([row(0.9, place % 3 > 0) for place in range(90)], "score_not_informative"),
        ([row(0.3 if place % 3 else 0.9, place % 3 > 0) for place in range(90)], "score_not_informative"),
    ],
    ids=["few", "one class", "constant", "reversed"],
)
def test_a_confidence_that_tells_nothing_doubts_nothing(rows: list[Labelled], reason: str) -> None:
    suspects, searches = doubted_by_model(rows, seed=1)
    assert suspects == []
    assert [search.reason for search in searches] == [reason]


def test_nothing_labelled_is_nothing_searched() -> None:
    assert doubted_by_model([], seed=1) == ([], [])


# --- the consensus ----------------------------------------------------------------------------------------------------

ABOUT = (b"input", "output")


def votes(*said: bool, about: tuple[bytes, str] = ABOUT) -> list[Vote]:
    return [Vote(about, 10 + place, 10 + place, correct) for place, correct in enumerate(said)]


def contradicted(truth: bool, heard: list[Vote]) -> list[float]:
    one = row(0.9, truth)
    return [suspect.probability for suspect in doubted_by_consensus([one], {one.claim_id: ABOUT}, heard)]


def test_most_other_labels_of_the_same_input_and_output_make_a_consensus() -> None:
    assert contradicted(True, votes(False, False)) == [0]
    assert contradicted(True, votes(False, False, True)) == [pytest.approx(1 / 3)]
    assert contradicted(False, votes(True, True, True)) == [0]


def test_no_majority_one_voice_alone_or_another_output_is_no_consensus() -> None:
    assert contradicted(True, votes(True, True)) == []
    assert contradicted(True, votes(False, True)) == []
    assert contradicted(True, votes(False)) == []
    assert contradicted(True, [each._replace(reviewer_id=3) for each in votes(False, False)]) == []
    assert contradicted(True, votes(False, False, about=(b"input", "another output"))) == []


def test_the_label_that_settled_a_claim_has_no_vote_about_itself() -> None:
    assert contradicted(True, [Vote(ABOUT, 1, 5, True), *votes(False, False)]) == [0]


def test_people_come_before_the_model_and_nobody_is_named_twice() -> None:
    rows = plausible()
    by_model, _ = doubted_by_model(rows, seed=1)
    one = by_model[3].row
    by_consensus = doubted_by_consensus([one], {one.claim_id: ABOUT}, votes(not one.correct, not one.correct))
    found = both(by_consensus, by_model)
    assert (found[0].row, found[0].why, len(found)) == (one, "consensus", len(by_model))


def test_the_seed_draws_the_order_of_the_labels_nothing_speaks_against() -> None:
    rows = [*plausible(), row(0.9, True, open=False)]
    suspects, _ = doubted_by_model(rows, seed=1)
    order = drawn(rows, suspects, seed=5)
    assert order == drawn(rows, suspects, seed=5)
    assert order != drawn(rows, suspects, seed=6)
    assert set(order) == set(rows[:-1]) - {suspect.row for suspect in suspects}


# --- the sweep --------------------------------------------------------------------------------------------------------


def labelled_answers(world: World, count: int = 30) -> None:
    """As `plausible`, with real claims: rita calls one of `count` sure answers wrong and one of the doubtful right."""
    for confidence, right in ((0.95, True), (0.3, False)):
        for place in range(count):
            world.claim(confidence=confidence)
            label_next(world.rita, RIGHT if right != (place == 0) else WRONG)


def side_with_the_model(person: User) -> None:
    lease = taken(person)
    submit(lease, RIGHT if lease.task.claim.confidence > 0.5 else WRONG)


def later(**passed: float) -> object:
    return timezone.now() + timedelta(**passed)


def test_a_sweep_finds_suspects_that_are_past_every_undo_window(world: World) -> None:
    labelled_answers(world)
    assert search_pipeline(world.pipeline)
    assert last_search(world.pipeline).labels == 0
    assert search_pipeline(world.pipeline, now=later(hours=2))
    found = last_search(world.pipeline)
    assert (found.labels, found.suspects, found.by_consensus) == (60, 2, 0)
    assert len(found.drawn) == 58
    wrong = Outcome.objects.filter(claim__confidence=0.95, correct=False) | Outcome.objects.filter(
        claim__confidence=0.3, correct=True
    )
    assert {outcome for _, outcome, *_ in found.doubted} == {str(outcome.pk) for outcome in wrong}


def test_a_pipeline_is_searched_once_an_hour_unless_somebody_asks(world: World) -> None:
    labelled_answers(world, 2)
    assert [search_all(), search_all()] == [1, 0]
    world.claim()
    label_next(world.rita)
    assert search_all() == 0
    search_again(world.pipeline)
    assert search_all() == 1


def test_other_labels_of_the_same_input_and_output_are_heard(world: World) -> None:
    world.activate(review_terms(undo_seconds=0))
    same = [world.claim(input="What does it cost?") for _ in range(4)]
    for person, answer in ((world.rita, WRONG), (world.ravi, RIGHT), (newcomer(world, "rudi"), RIGHT)):
        label_next(person, answer)
    world.claim(input="What does it cost?", output="17 EUR")
    search_pipeline(world.pipeline, now=later(hours=1))
    found = last_search(world.pipeline)
    assert [(claim, why, probability) for claim, _, why, probability in found.doubted] == [
        (str(same[0].pk), "consensus", 0.0)
    ]


def test_a_search_asks_the_database_the_same_few_questions_whatever_there_is(
    world: World, django_assert_max_num_queries: object
) -> None:
    labelled_answers(world, 40)
    with django_assert_max_num_queries(12):
        search_pipeline(world.pipeline, now=later(hours=1))


# --- starting ---------------------------------------------------------------------------------------------------------


def test_an_owner_starts_as_many_random_second_looks_as_doubted_ones(world: World) -> None:
    labelled_answers(world)
    search_pipeline(world.pipeline, now=later(hours=1))
    round_ = start(pipeline=world.pipeline, by=world.olga, wanted=25)
    assert (round_.labels, round_.suspects) == (60, 2)
    looks = Relabel.objects.order_by("sample")
    assert [look.sample for look in looks] == ["random", "random", "suspect", "suspect"]
    stored = SuspectSearch.objects.get()
    assert {str(look.claim_id) for look in looks if look.sample == "random"} == {each[0] for each in stored.drawn[:2]}


def test_what_had_its_second_look_is_no_suspect_in_the_next_search(world: World) -> None:
    labelled_answers(world)
    search_pipeline(world.pipeline, now=later(hours=1))
    start(pipeline=world.pipeline, by=world.olga, wanted=25)
    search_pipeline(world.pipeline, now=later(hours=3))
    found = last_search(world.pipeline)
    assert (found.suspects, found.labels) == (0, 56)
    with pytest.raises(NothingToLookAt):
        start(pipeline=world.pipeline, by=world.olga, wanted=25)


def test_nothing_is_started_before_anything_was_searched(world: World) -> None:
    with pytest.raises(NothingToLookAt):
        start(pipeline=world.pipeline, by=world.olga, wanted=5)


def test_corrections_do_not_pull_the_measured_accuracy_towards_the_model(world: World) -> None:
    labelled_answers(world)
    measure_pipeline(world.pipeline)
    before = [(each.n_labelled, each.n_right) for each in band_table(world.pipeline)[0].rows]
    search_pipeline(world.pipeline, now=later(hours=1))
    start(pipeline=world.pipeline, by=world.olga, wanted=25)
    for _ in range(4):
        side_with_the_model(world.ravi)
    undo_windows_pass()
    for _ in range(2):
        label_next(world.sam, RIGHT)
    assert sorted(Relabel.objects.values_list("sample", "result")).count(("random", "confirmed")) == 2
    measure_pipeline(world.pipeline)
    assert [(each.n_labelled, each.n_right) for each in band_table(world.pipeline)[0].rows] == before
    overturned = Relabel.objects.get(result="overturned", outcome__correct=False)
    assert outcomes(overturned.claim_id) == [(False, False, True), (True, True, False)]


def test_an_outcome_from_outside_is_not_doubted(world: World) -> None:
    labelled_answers(world)
    for outcome in Outcome.objects.all():
        with one_transaction():
            claims.settle(
                claim=claims.lock_claim(outcome.claim_id),
                correct=outcome.correct,
                output=None,
                basis=OutcomeBasis.EXTERNAL,
                actor=Actor.system("tests"),
            )
    search_pipeline(world.pipeline, now=later(hours=1))
    assert cleaning.last_search(world.pipeline).labels == 0
