"""The settings of a pipeline: typed, checked, saved once, and never lost."""

from __future__ import annotations

import html
import re
from typing import Any

from reviewqueue.pipeline_settings import change_settings, declare_signals
from reviewqueue.pipelines.models import Pipeline
from tests.web.visitor import Visitor, text_of
from tests.world import POLICY, SETUP, World

ADDRESS = "/pipelines/support-answers/settings/"
RISK = {"family": "input_risk", "elicitation": "classifier", "higher_is": "riskier", "description": "How odd."}


def form_in(page: str) -> dict[str, str]:
    """What a browser would send back untouched."""
    form = page[page.index('<form method="post" action="/pipelines/') :]
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form):
        named = dict(re.findall(r'(\w[\w-]*)="([^"]*)"', tag))
        if named.get("type") != "checkbox" and "name" in named:
            fields[named["name"]] = html.unescape(named.get("value", ""))
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        fields[name] = html.unescape(text.removeprefix("\n"))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    return fields


def sent(visitor: Visitor, **changes: Any) -> Any:
    return visitor.post(ADDRESS, {**form_in(text_of(visitor.get(ADDRESS))), **changes})


def now(world: World) -> Pipeline:
    return Pipeline.objects.get(pk=world.pipeline.pk)


def test_a_form_sent_back_untouched_changes_nothing(world: World, olga: Visitor) -> None:
    declare_signals(pipeline=world.pipeline, signals={"risk": RISK}, actor=SETUP)
    costs = {"currency": "EUR", "review": 1.2, "error": 1e-7, "steps": {"retry": 0.002}}
    change_settings(pipeline=world.pipeline, changes={"costs": costs, "guideline": "One.\nTwo."}, by=world.olga)
    before = now(world).__dict__
    assert sent(olga).status_code == 303
    assert "Nothing was changed." in text_of(olga.get(ADDRESS))
    after = now(world).__dict__
    assert {name: after[name] for name in after if name != "_state"} == {
        name: before[name] for name in before if name != "_state"
    }


def test_everything_can_be_changed_at_once(world: World, olga: Visitor) -> None:
    new_signal = {f"signal-0-{name}": value for name, value in {"name": "risk", **RISK}.items()}
    response = sent(
        olga,
        question="Is it right?",
        elicitation="logprob",
        deputy="",
        categories="general\r\npricing\r\n\r\nrefunds\r\nnews ",
        currency="eur",
        review="1.20",
        step_retry="0.002",
        **new_signal,
    )
    assert response.status_code == 303
    saved = now(world)
    assert (saved.question, saved.elicitation, saved.deputy) == ("Is it right?", "logprob", None)
    assert saved.categories == ["general", "pricing", "refunds", "news"]
    assert saved.signals == {"risk": RISK}
    assert saved.costs == {"currency": "EUR", "review": 1.2, "error": None, "steps": {"retry": 0.002}}


def test_a_signal_is_removed_by_its_box(world: World, olga: Visitor) -> None:
    declare_signals(pipeline=world.pipeline, signals={"risk": RISK}, actor=SETUP)
    assert sent(olga, **{"signal-0-DELETE": "on"}).status_code == 303
    assert now(world).signals == {}


def test_more_rows_are_given_without_saving_and_without_losing_a_word(world: World, olga: Visitor) -> None:
    page = text_of(sent(olga, question="Half a thought", more="1"))
    assert "Half a thought" in page
    assert page.count("<fieldset") == 4
    assert "errors" not in page
    assert now(world).question == world.pipeline.question


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_saved(world: World, olga: Visitor) -> None:
    response = sent(
        olga,
        question="Changed?",
        review="-1",
        error="40",
        **{"signal-0-name": "attempt_agreement", "signal-0-family": "agreement"},
    )
    page = text_of(response)
    assert response.status_code == 422
    assert "Not saved." in page
    assert re.search(r'id="id_review-errors" role="alert"><ul class="errors"><li>Ensure this value is greater', page)
    assert 'value="attempt_agreement"' in page
    assert now(world).question == world.pipeline.question


def test_what_only_the_service_knows_stands_beside_its_field_too(world: World, olga: Visitor) -> None:
    given = {"signal-0-name": "attempt_agreement", "signal-0-family": "agreement"}
    response = sent(olga, categories="général", currency="euros", step_ask="1", **given)
    page = text_of(response)
    assert response.status_code == 422
    for field in ("categories", "currency", "signal-0-name", "signal-0-elicitation", "signal-0-higher_is"):
        assert f'id="id_{field}-errors"' in page, field


def test_a_category_that_has_to_stay_is_named_with_the_reason(world: World, olga: Visitor) -> None:
    page = text_of(sent(olga, categories="general"))
    assert 'id="id_categories-errors"' in page
    assert "refunds stays: policy version 1 names it." in page


def test_a_name_given_twice_is_refused(world: World, olga: Visitor) -> None:
    declare_signals(pipeline=world.pipeline, signals={"risk": RISK}, actor=SETUP)
    twice = {f"signal-1-{name}": value for name, value in {"name": "risk", **RISK}.items()}
    assert "This signal is named twice." in text_of(sent(olga, **twice))


def test_who_saves_over_somebody_else_sees_both_and_decides(world: World, olga: Visitor, otto: Visitor) -> None:
    mine = form_in(text_of(olga.get(ADDRESS)))
    assert sent(otto, question="Otto asks this?", guideline="Otto wrote this.").status_code == 303
    conflict = olga.post(ADDRESS, {**mine, "question": "Olga asks this?"})
    page = text_of(conflict)
    assert conflict.status_code == 409
    assert "Somebody else saved these settings" in page
    assert "<dt>Question</dt><dd><bdi>Otto asks this?</bdi></dd>" in page
    assert form_in(page)["question"] == "Olga asks this?"
    assert now(world).question == "Otto asks this?"
    assert olga.post(ADDRESS, form_in(page)).status_code == 303
    assert now(world).question == "Olga asks this?"


def test_an_owner_sees_who_owns_and_an_admin_can_change_it(world: World, olga: Visitor) -> None:
    assert 'name="owner"' not in text_of(olga.get(ADDRESS))
    adam = Visitor(world.adam)
    assert sent(adam, owner=str(world.sam.pk)).status_code == 303
    assert now(world).owner == world.sam
    assert sent(olga, owner=str(world.olga.pk)).status_code == 303
    assert now(world).owner == world.sam


def test_what_a_policy_names_is_locked_and_says_by_which(world: World, olga: Visitor) -> None:
    page = text_of(olga.get(ADDRESS))
    assert "These stay, because a policy names them: <bdi>refunds</bdi> (version 1)" in page


def test_seniors_and_auditors_read_the_settings_without_a_form(world: World, ada: Visitor) -> None:
    declare_signals(pipeline=world.pipeline, signals={"risk": RISK}, actor=SETUP)
    for visitor in (ada, Visitor(world.sam)):
        page = text_of(visitor.get(ADDRESS))
        assert "<textarea" not in page
        assert "Risk of the input" in page
        assert "Prices are those of the current price list." in page


def test_a_tampered_form_is_refused_and_never_breaks(world: World, olga: Visitor) -> None:
    for changes in (
        {"signal-TOTAL_FORMS": "x"},
        {"signal-TOTAL_FORMS": "100000000"},
        {"signal-TOTAL_FORMS": "-3", "more": "1"},
        {"signal-INITIAL_FORMS": "7"},
        {"deputy": "0"},
        {"version": "x" * 81},
        {"review": "1e999"},
        {"review": "nan"},
        {"question": "a\0b"},
    ):
        assert sent(olga, **changes).status_code in (200, 303, 422), changes
    assert now(world).question == world.pipeline.question


def test_the_form_takes_a_bounded_number_of_queries(
    world: World, olga: Visitor, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        world.activate(POLICY)
    with django_assert_max_num_queries(9):
        olga.get(ADDRESS)
