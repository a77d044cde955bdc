"""Second looks, as those who answer for a pipeline see and start them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from calibration.cleaning import search_all, search_pipeline
from reviewqueue.review.models import Relabel
from tests.services.calibration.test_clean import labelled_answers, later, side_with_the_model
from tests.services.review.steps import RIGHT, label_next, undo_windows_pass
from tests.web.visitor import Visitor, text_of
from tests.world import World

PAGE = "/pipelines/support-answers/cleaning/"


def words_of(response: Any) -> str:
    page = text_of(response)
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main") :]).split())


@pytest.fixture
def searched(world: World) -> World:
    labelled_answers(world)
    search_pipeline(world.pipeline, now=later(hours=1))
    return world


def test_before_the_first_search_the_page_says_what_will_come(world: World, olga: Visitor) -> None:
    assert "Nothing searched yet" in words_of(olga.get(PAGE))


def test_an_owner_sees_how_many_and_why_before_starting(searched: World, olga: Visitor) -> None:
    page = words_of(olga.get(PAGE))
    assert "labels searched 60 suspects 2" in page
    assert "acme-lm 2026-10-01 prompt v14 : 2 of 60 labels are improbable" in page
    assert "Start second looks" in page


def test_a_model_version_that_was_not_asked_says_why(world: World, olga: Visitor) -> None:
    world.claim()
    label_next(world.rita)
    search_pipeline(world.pipeline, now=later(hours=1))
    page = text_of(olga.get(PAGE))
    assert "not asked; too few labels, or nearly all alike" in " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert "disabled" in page


def test_starting_puts_both_halves_into_the_queue(searched: World, olga: Visitor) -> None:
    response = olga.post(PAGE, {"do": "start", "wanted": "2"})
    assert (response.status_code, response["Location"]) == (303, PAGE)
    assert Relabel.objects.count() == 4
    page = words_of(olga.get(PAGE))
    assert "Round 1 is in the queue" in page
    assert re.search(
        r"Round 1, suspects 2 found among 60 labels; started .* by Olga 2 2 0 0 0 Round 1, drawn at random 2 2 0 0 0",
        page,
    )
    assert "No label of the half drawn at random is judged yet" in page


@pytest.mark.parametrize("wanted", ["", "0", "101", "many"])
def test_a_number_that_is_none_is_refused_beside_the_field(searched: World, olga: Visitor, wanted: str) -> None:
    response = olga.post(PAGE, {"do": "start", "wanted": wanted})
    assert response.status_code == 422
    assert 'aria-invalid="true"' in text_of(response)
    assert not Relabel.objects.exists()


def test_nothing_left_to_look_at_is_said_beside_the_field(searched: World, olga: Visitor) -> None:
    olga.post(PAGE, {"do": "start", "wanted": "2"})
    response = olga.post(PAGE, {"do": "start", "wanted": "2"})
    assert response.status_code == 422
    assert "There is nothing to look at again now" in text_of(response)


def test_an_owner_can_have_the_next_search_at_once(searched: World, olga: Visitor) -> None:
    assert search_all() == 0
    assert olga.post(PAGE, {"do": "search"}).status_code == 303
    assert search_all() == 1


def test_who_may_not_start_is_told_who_may(searched: World, ada: Visitor) -> None:
    page = text_of(ada.get(PAGE))
    assert "An owner of the pipeline or an admin starts them." in page
    assert "Start second looks" not in page


def test_results_stand_by_half_and_only_the_random_half_has_an_interval(searched: World, olga: Visitor) -> None:
    olga.post(PAGE, {"do": "start", "wanted": "2"})
    for _ in range(4):
        side_with_the_model(searched.ravi)
    undo_windows_pass()
    for _ in range(2):
        label_next(searched.sam, RIGHT)
    page = words_of(olga.get(PAGE))
    assert re.search(r"of labels that nothing spoke against 0\.0 % 0\.0–65\.8 %, 2 looked at", page)
    assert "of suspects, overturned 1 of 2" in page
    assert re.search(r"ticket-1 round 1 Incorrect Correct The calibrated confidence contradicts it", page)
    assert re.search(r"suspects 2 found .* by Olga 2 0 1 1 0 Round 1, drawn at random 2 0 2 0 0", page)


def test_of_open_looks_the_page_names_no_claim(searched: World, olga: Visitor, sam: Visitor) -> None:
    """Sam may be the one to judge them blind."""
    olga.post(PAGE, {"do": "start", "wanted": "2"})
    page = text_of(sam.get(PAGE))
    for look in Relabel.objects.select_related("claim"):
        assert str(look.claim_id) not in page
        assert f"{look.claim.external_id}<" not in page


def test_the_page_asks_the_database_the_same_few_questions_whatever_there_is(
    searched: World, olga: Visitor, django_assert_max_num_queries: Any
) -> None:
    olga.post(PAGE, {"do": "start", "wanted": "2"})
    olga.get(PAGE)
    with django_assert_max_num_queries(12):
        olga.get(PAGE)
