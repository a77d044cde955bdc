"""What becomes a gold task, and what stops being one."""

from __future__ import annotations

import pytest

from reviewqueue.errors import Invalid, NotFound
from reviewqueue.review.gold import GoldItem
from reviewqueue.review.services import gold_set
from reviewqueue.review.services.gold_set import KeyNotSettled, Known
from tests.services.review.golden import gold_claims
from tests.services.review.steps import RIGHT, WRONG, label_next, ledger_kinds, review_terms, undo_windows_pass
from tests.world import World


def candidates(world: World) -> list[object]:
    return list(gold_set.settled_beyond_one_opinion(world.pipeline).values_list("claim", flat=True))


def test_one_opinion_is_no_key(world: World) -> None:
    claim = world.claim()
    label_next(world.rita)
    assert candidates(world) == []
    with pytest.raises(KeyNotSettled):
        gold_set.add_settled(pipeline=world.pipeline, claim_ids=[claim.pk], by=world.olga)


def test_two_people_who_agree_are_one(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    claim = world.claim()
    label_next(world.rita, WRONG)
    label_next(world.ravi, WRONG)
    assert candidates(world) == [claim.pk]
    assert gold_set.add_settled(pipeline=world.pipeline, claim_ids=[claim.pk], by=world.olga) == 1
    item = GoldItem.objects.get()
    assert (item.correct, item.output, item.origin) == (False, WRONG.output, "settled")
    assert ledger_kinds(claim.pk)[-1] == "gold.added"
    assert candidates(world) == []


def test_a_majority_with_a_dissenting_voice_is_none(world: World) -> None:
    world.activate(review_terms(labels_needed=2, max_labels=3))
    world.claim()
    label_next(world.rita, WRONG)
    label_next(world.ravi, RIGHT)
    undo_windows_pass()
    label_next(world.sam, RIGHT)
    assert candidates(world) == []


def test_what_a_senior_settled_is_one(world: World) -> None:
    world.activate(review_terms(labels_needed=2, max_labels=2))
    claim = world.claim()
    label_next(world.rita, WRONG)
    label_next(world.ravi, RIGHT)
    undo_windows_pass()
    label_next(world.sam, RIGHT)
    assert candidates(world) == [claim.pk]


def test_answers_known_from_elsewhere_are_imported_all_or_none(world: World) -> None:
    claim = world.claim()
    known = [Known(claim.external_id, True), Known("nobody-sent-this", True), Known(claim.external_id, False)]
    with pytest.raises(Invalid) as refused:
        gold_set.import_known(pipeline=world.pipeline, known=known, by=world.olga)
    assert [problem.pointer for problem in refused.value.problems] == ["/1", "/2"]
    assert not GoldItem.objects.exists()


def test_what_is_gold_already_is_not_imported_again(world: World) -> None:
    [claim] = gold_claims(world, 1)
    with pytest.raises(Invalid):
        gold_set.import_known(pipeline=world.pipeline, known=[Known(claim.external_id, False)], by=world.olga)


def test_a_retired_one_can_be_declared_void_and_replaced(world: World) -> None:
    [claim] = gold_claims(world, 1)
    item = GoldItem.objects.get()
    gold_set.retire(pipeline=world.pipeline, item_id=item.pk, by=world.olga)
    gold_set.retire(pipeline=world.pipeline, item_id=item.pk, by=world.olga, void=True)
    gold_set.retire(pipeline=world.pipeline, item_id=item.pk, by=world.olga, void=True)
    item.refresh_from_db()
    assert item.void
    assert ledger_kinds(claim.pk).count("gold.retired") == 2
    gold_set.import_known(pipeline=world.pipeline, known=[Known(claim.external_id, False)], by=world.olga)
    assert GoldItem.objects.count() == 2


def test_what_is_not_there_cannot_be_retired(world: World) -> None:
    [claim] = gold_claims(world, 1)
    with pytest.raises(NotFound):
        gold_set.retire(pipeline=world.pipeline, item_id=claim.pk, by=world.olga)


@pytest.mark.parametrize("wrong", [{"rate": 0.6}, {"rate": -0.1}, {"bar": 1.0}, {"fewest": 4}])
def test_terms_out_of_range_are_refused(world: World, wrong: dict[str, float]) -> None:
    usual = {"rate": 0.03, "bar": 0.8, "fewest": 20}
    with pytest.raises(Invalid):
        gold_set.change_terms(pipeline=world.pipeline, by=world.olga, **{**usual, **wrong})


@pytest.mark.parametrize("rows", [0, gold_set.MOST_AT_ONCE + 1])
def test_none_or_too_many_at_once_are_refused(world: World, rows: int) -> None:
    with pytest.raises(Invalid):
        gold_set.import_known(pipeline=world.pipeline, known=[Known("x", True)] * rows, by=world.olga)
