"""Cells: counted once, kept up by whatever changes, and always those of the rows."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calibration.evidence import BEGINNING, UNITS, Atom, Subject, atoms
from calibration.history import cells_as_of
from calibration.models import Cell, CellMark, CellState, Score
from calibration.services import measure_bands, measure_pipeline
from calibration.tallying import forget_cells, is_resting, rest, tally
from reviewqueue.claims.models import Outcome
from tests.services.calibration.rows import at, claim_of, fitted, settle, withdraw
from tests.world import World


def stored(world: World) -> list[tuple[object, ...]]:
    names = [field.attname for field in Cell._meta.concrete_fields if field.attname != "id"]
    return sorted(Cell.objects.filter(pipeline=world.pipeline).values_list(*names), key=repr)


def counted(world: World) -> list[Atom]:
    tally(world.pipeline)
    return atoms(world.pipeline.pk)


def only(world: World) -> Atom:
    (found,) = counted(world)
    return found


def test_claims_alike_are_one_cell_and_their_labels_another(world: World) -> None:
    for _ in range(3):
        claim_of(world, received_at=at(0))
    for correct in (True, False):
        settle(claim_of(world, received_at=at(0), audit_u=0.4), correct)
    found = counted(world)
    numbers = {
        (each.level, each.claims, each.sampled, each.labelled, each.right) for each in found if not each.labelled
    }
    assert numbers == {(None, 3, 3, 0, 0)}
    assert sum(each.labelled for each in found) == 2
    assert sum(each.right for each in found) == 1


def test_a_claim_nobody_can_judge_is_in_no_cell(world: World) -> None:
    settle(claim_of(world, received_at=at(0)), None)
    assert counted(world) == []


def test_equal_confidences_have_exactly_themselves_as_their_mean(world: World) -> None:
    for _ in range(3):
        claim_of(world, received_at=at(0), confidence=0.57)
    assert only(world).place.confidence == 0.57
    assert Cell.objects.get().sum_confidence == 3 * 57 * UNITS // 100


def test_days_are_added_up_unless_some_of_them_are_asked_for(world: World) -> None:
    for day in (0, 1, 1, 5):
        claim_of(world, received_at=at(day))
    assert only(world).claims == 4
    (some,) = atoms(world.pipeline.pk, since=date(2026, 3, 2), until=date(2026, 3, 2))
    assert some.claims == 2
    assert atoms(world.pipeline.pk, subject=Subject("another", "one", "")) == []


def test_only_the_days_that_changed_are_counted_again(world: World) -> None:
    claims = [claim_of(world, received_at=at(day)) for day in range(4)]
    tally(world.pipeline)
    before = dict(Cell.objects.values_list("part", "id"))
    settle(claims[2], True)
    assert list(CellMark.objects.values_list("part", flat=True)) == [date(2026, 3, 3)]
    tally(world.pipeline)
    after = dict(Cell.objects.values_list("part", "id"))
    assert {part for part in after if after[part] != before[part]} == {date(2026, 3, 3)}


def test_of_repeated_inputs_the_first_labelled_claim_counts_whenever_its_label_comes(world: World) -> None:
    first, second = (claim_of(world, received_at=at(day), question="the same", audit_u=0.3) for day in (0, 1))
    settle(second, True)
    assert [each.fresh for each in counted(world) if each.labelled] == [True]
    settle(first, False)
    fresh = {each.right: each.fresh for each in counted(world) if each.labelled}
    assert fresh == {0: True, 1: False}, "the earlier claim, though its label is the later one"
    withdraw(first)
    assert [each.fresh for each in counted(world) if each.labelled] == [True]


def test_the_same_input_of_another_version_is_another_input(world: World) -> None:
    for version in ("1", "2"):
        settle(claim_of(world, received_at=at(0), question="the same", model_version=version), True)
    assert [each.fresh for each in counted(world)] == [True, True]


def test_a_new_audit_rate_tells_old_labels_apart_anew(world: World) -> None:
    for u in (0.1, 0.6):
        settle(claim_of(world, received_at=at(0), audit_u=u), True)
    assert {each.level for each in counted(world)} == {1.0}
    claim_of(world, received_at=at(9), route="accept", audit_rate=0.2, audit_u=0.5)
    assert {each.level: each.labelled for each in counted(world) if each.labelled} == {0.2: 1, 1.0: 1}


def test_an_era_begins_with_every_fit(world: World) -> None:
    for hour in (10, 14):
        claim_of(world, received_at=at(0, hour))
    assert {each.era for each in counted(world)} == {BEGINNING}
    fitted(world, at(0, 12))
    assert {each.era: each.claims for each in counted(world)} == {BEGINNING: 1, at(0, 12): 1}


def test_what_rules_or_verifiers_held_is_told_apart(world: World) -> None:
    claim_of(world, received_at=at(0), reasons=("band_unvalidated", "signal_rule"))
    claim_of(world, received_at=at(0), reasons=("verifier_failed",))
    claim_of(world, received_at=at(0), reasons=("band_unvalidated",))
    assert {each.held: each.claims for each in counted(world)} == {True: 2, False: 1}


def test_scores_are_cells_of_their_own_and_follow_what_they_are_changed_to(world: World) -> None:
    claim = claim_of(world, received_at=at(0))
    settle(claim, True)
    tally(world.pipeline)
    score = Score.objects.create(claim=claim, calibrator=fitted(world, at(1), name="signals-1"), p=0.81)
    found = {each.scored_by: each.place.confidence for each in counted(world)}
    assert found == {"": 0.95, "signals-1": 0.81}
    score.p = 0.5
    score.save()
    assert {each.scored_by: each.place.confidence for each in counted(world)} == {"": 0.95, "signals-1": 0.5}
    score.delete()
    assert {each.scored_by for each in counted(world)} == {""}


def test_deleting_every_cell_and_counting_again_gives_the_same_cells(world: World) -> None:
    for day in range(3):
        for u in (0.05, 0.6):
            claim = claim_of(world, received_at=at(day), audit_u=u, question="repeated" if u < 0.5 else "")
            settle(claim, day != 1)
    claim_of(world, received_at=at(4), route="accept", audit_rate=0.1, audit_u=0.5)
    tally(world.pipeline)
    before = stored(world)
    forget_cells(world.pipeline)
    assert not Cell.objects.exists()
    tally(world.pipeline)
    assert stored(world) == before


def test_what_a_killed_run_left_undone_the_next_one_does(world: World) -> None:
    for day in range(3):
        claim_of(world, received_at=at(day))
    assert not tally(world.pipeline, seconds=-1).complete
    assert only(world).claims == 3


def test_a_pipeline_in_which_nothing_happened_costs_as_many_small_questions_however_old_it_is(world: World) -> None:
    asked = []
    for days in (1, 30):
        for day in range(days):
            claim_of(world, received_at=at(day))
        measure_pipeline(world.pipeline)
        with CaptureQueriesContext(connection) as queries:
            assert not measure_pipeline(world.pipeline)
        asked.append(len(queries))
    assert asked[0] == asked[1] < 20


def test_after_a_long_run_the_sweep_leaves_the_pipeline_alone_for_ten_times_as_long(world: World) -> None:
    claim_of(world, received_at=at(0))
    tally(world.pipeline)
    rest(world.pipeline, after=0.1)
    assert not is_resting(world.pipeline)
    rest(world.pipeline, after=3.0)
    assert is_resting(world.pipeline)
    assert CellState.objects.get().rests_until > timezone.now() + timedelta(seconds=25)
    assert measure_bands() == 0


def test_a_past_moment_is_counted_by_what_was_known_then(world: World) -> None:
    claims = [claim_of(world, received_at=at(0)) for _ in range(3)]
    for claim in claims:
        settle(claim, True)
    then, before = timezone.now(), sorted(counted(world), key=repr)
    settle(claims[0], False)
    withdraw(claims[1])
    settle(claims[2], False, may_measure=False)
    settle(claims[2], None)
    assert sum(each.labelled for each in counted(world)) == 1
    assert sorted(cells_as_of(world.pipeline, then), key=repr) == before
    assert sorted(cells_as_of(world.pipeline, timezone.now()), key=repr) == sorted(counted(world), key=repr)


def test_an_outcome_says_since_when_it_measures_no_more(world: World) -> None:
    claim = claim_of(world, received_at=at(0))
    settle(claim, True)
    settle(claim, False)
    first, second = Outcome.objects.order_by("number")
    assert first.unmeasured_at == second.created_at
    assert (second.measures, second.unmeasured_at) == (True, None)
