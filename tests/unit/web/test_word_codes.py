"""Every code of the domain has its word."""

from __future__ import annotations

from reviewqueue.ledger.events import CATALOGUE
from reviewqueue.pipelines.signals import DIRECTIONS, ELICITATIONS, FAMILIES
from reviewqueue.policy.document import LADDER, NEXT_STEPS
from reviewqueue.reports.tier_costs import ORDER
from reviewqueue.review.answers import VERDICTS
from reviewqueue.web import wording


def test_routes_steps_and_verdicts_have_words() -> None:
    assert set(wording.ROUTES) == set(LADDER)
    assert set(wording.NEXT_STEPS) == set(NEXT_STEPS)
    assert set(wording.VERDICTS) == set(VERDICTS)


def test_what_is_declared_of_signals_and_every_tier_have_words() -> None:
    assert set(wording.SIGNAL_FAMILIES) == set(FAMILIES)
    assert set(wording.ELICITATIONS) == set(ELICITATIONS)
    assert set(wording.DIRECTIONS) == set(DIRECTIONS)
    assert set(wording.TIERS) == {*ORDER, "label"}


def test_only_events_that_exist_have_words() -> None:
    assert set(wording.EVENTS) <= set(CATALOGUE)


def test_a_code_without_a_word_is_shown_readably() -> None:
    assert wording.words("config.changed", "event") == "config.changed"
    assert wording.words("some_new_route", "route") == "some new route"
    assert wording.band_state("brand_new").word == "Brand new"


def test_no_state_is_told_by_colour_alone() -> None:
    assert len({state.word for state in wording.BAND_STATES.values()}) == len(wording.BAND_STATES)
    assert all(state.icon and state.meaning for state in wording.BAND_STATES.values())


def test_gold_and_audit_carry_no_name_of_their_own_on_the_task_page() -> None:
    assert wording.words("gold", "purpose") == wording.words("review", "purpose")
