"""The pages of segments and of comparisons, as owners and auditors see them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from calibration.slicing import slice_name
from tests.services.review.steps import RIGHT, WRONG, label_next
from tests.web.heat import PAIR, heat_of, measured
from tests.web.visitor import Visitor, text_of
from tests.world import World

SEGMENTS = "/pipelines/support-answers/segments/"
COMPARE = "/pipelines/support-answers/compare/"


def words_of(response: Any) -> str:
    page = text_of(response)
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main") :]).split())


@pytest.fixture
def heat(world: World) -> World:
    heat_of(world)
    return world


def test_an_idle_pipeline_says_how_figures_come(world: World, olga: Visitor) -> None:
    page = words_of(olga.get(SEGMENTS))
    assert "Figures appear here a few seconds after the first claims that carry a category or a segment" in page
    assert "The first search comes by itself" in page
    assert "Nothing to compare yet" in words_of(olga.get(COMPARE))


def test_every_cell_says_what_its_labels_allow_and_too_few_are_never_good(heat: World, olga: Visitor) -> None:
    page = text_of(olga.get(SEGMENTS))
    cells = re.findall(r'<td class="heat-(\w+)">(.*?)</td>', page, flags=re.DOTALL)
    told = [(kind, " ".join(re.sub(r"<[^>]+>", " ", text).split())) for kind, text in cells]
    assert ("below", "at least 63.0 % below 90.0 %, n = 200") in told
    assert ("kept", "at least 92.0 % n = 200") in told
    assert ("open", "at least 87.0 % not shown yet, n = 200") in told
    assert ("few", "too few labels 9 labels, 20 more needed") in told
    assert ("measured", "93.0–97.0 % n = 200") in told
    assert all("icon" in text for kind, text in cells if kind in {"below", "kept", "open", "few"}), "never colour alone"


def test_the_worst_segment_comes_first_unless_another_order_is_wanted(heat: World, olga: Visitor) -> None:
    def order(address: str) -> list[str]:
        table = text_of(olga.get(address)).split('<table class="grid-table heat">')[1].split("</table>")[0]
        return [name.replace("&amp;", "&") for name in re.findall(r'<th scope="row"><bdi>(.*?)</bdi></th>', table)]

    assert order(SEGMENTS)[0] == "language=de"
    assert order(SEGMENTS)[-1] == "category=pricing & language=fr"
    assert order(f"{SEGMENTS}?sort=name")[0] == "category=pricing & language=fr"
    assert order(f"{SEGMENTS}?sort=nothing&model=nobody") == order(SEGMENTS)


def test_an_inversion_is_said_in_words(heat: World, olga: Visitor) -> None:
    said = (
        "In language=de the model is surer than in language=en (0.93 against 0.88) and right less often (71 % against"
    )
    assert said in words_of(olga.get(SEGMENTS))


def test_an_owner_has_a_slice_watched_with_one_click_or_dismisses_it(heat: World, olga: Visitor) -> None:
    page = words_of(olga.get(SEGMENTS))
    assert "category=pricing & language=de Wrong in 41 % (30–52 %) against 12 % elsewhere." in page.replace(
        "&amp;", "&"
    )
    assert "Watch category &amp; language" in page
    name = slice_name(PAIR)
    assert olga.post(SEGMENTS, {"slice": name, "do": "watch"}).status_code == 303
    heat.pipeline.refresh_from_db()
    assert ["category", "language"] in heat.pipeline.watched
    assert "Watched already" in words_of(olga.get(SEGMENTS))
    assert olga.post(SEGMENTS, {"slice": name, "do": "dismiss"}).status_code == 303
    page = words_of(olga.get(SEGMENTS))
    assert "No slice is worse than the rest beyond doubt" in page
    assert "Dismissed (1)" in page
    assert olga.post(SEGMENTS, {"slice": name, "do": "bring_back"}).status_code == 303
    assert "Dismissed (1)" not in words_of(olga.get(SEGMENTS))
    assert olga.post(SEGMENTS, {"slice": "sha256:00", "do": "dismiss"}).status_code == 404


def test_who_may_not_decide_sees_no_buttons(heat: World, ada: Visitor) -> None:
    page = text_of(ada.get(SEGMENTS))
    assert 'value="dismiss"' not in page
    assert "Choose what is watched" not in page


def test_the_figures_are_files_too(heat: World, olga: Visitor) -> None:
    answer = json.loads(text_of(olga.get(f"{SEGMENTS}?as=json")))
    assert answer["models"][0]["segments"][0]["segment"] == "language=de"
    assert answer["search"]["slices"][0]["watch"] == ["category", "language"]
    table = text_of(olga.get(f"{SEGMENTS}?as=csv"))
    assert "language=de" in table
    assert "below" in table


def test_the_page_asks_as_many_questions_whatever_the_number_of_segments(
    heat: World, olga: Visitor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    olga.get(SEGMENTS)
    with django_assert_max_num_queries(14):
        olga.get(SEGMENTS)
    for number in range(40):
        measured(heat, f"language=x{number}", "0.90-1.00")
    with django_assert_max_num_queries(14):
        olga.get(SEGMENTS)


def test_what_is_watched_is_set_in_the_settings(world: World, olga: Visitor) -> None:
    page = text_of(olga.get("/pipelines/support-answers/settings/"))
    assert "Watched segments" in page
    form = settings_form(page)
    form["watched"] = "language\r\nlanguage & category\r\n"
    assert olga.post("/pipelines/support-answers/settings/", form).status_code == 303
    world.pipeline.refresh_from_db()
    assert world.pipeline.watched == [["language"], ["category", "language"]]
    form = settings_form(text_of(olga.get("/pipelines/support-answers/settings/")))
    assert form["watched"] == "language\ncategory &amp; language"
    form["watched"] = "colour"
    refused = olga.post("/pipelines/support-answers/settings/", form)
    assert refused.status_code == 422
    assert "This pipeline has no such attribute." in text_of(refused)


def settings_form(page: str) -> dict[str, str]:
    """What the form of the settings would send back unchanged."""
    fields = dict(re.findall(r'<input[^>]* name="([\w-]+)"[^>]* value="([^"]*)"', page))
    fields |= dict(re.findall(r'<input[^>]* value="([^"]*)"[^>]* name="([\w-]+)"', page) and {})
    fields |= {
        name: text.lstrip("\n")
        for name, text in re.findall(r'<textarea[^>]* name="([\w-]+)"[^>]*>(.*?)</textarea>', page, flags=re.DOTALL)
    }
    for name, options in re.findall(r'<select[^>]* name="([\w-]+)"[^>]*>(.*?)</select>', page, flags=re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    return fields


@pytest.fixture
def two_ways(world: World) -> World:
    """Thirty-six inputs, each with a stated confidence and one from token probabilities; the stated one is too high."""
    for place in range(36):
        for way, confidence in (("verbalized_after", 0.99), ("logprob", 0.66)):
            world.claim(confidence=confidence, elicitation=way, input=f"Question {place}?", category="refunds")
            label_next(world.rita, WRONG if place % 3 == 0 else RIGHT)
    return world


def test_ways_to_obtain_confidence_are_compared_on_the_same_inputs(two_ways: World, olga: Visitor) -> None:
    page = words_of(olga.get(COMPARE))
    assert "the same 36 inputs paired" in page
    assert "right and wrong on the same inputs" in page
    assert "better confidence" in page
    assert "Said by the model after it answered: promises 32 points more than it keeps" in page
    assert "Token probabilities: keeps on the whole what it promises." in page
    main = text_of(olga.get(COMPARE)).split("<main")[1]
    assert " style=" not in main
    assert "<script" not in main
    answer = json.loads(text_of(olga.get(f"{COMPARE}?as=json")))
    assert [group["elicitation"] for group in answer["groups"]] == ["verbalized_after", "logprob"]
    assert answer["groups"][1]["difference"]["method"] == "paired"


def test_one_way_alone_is_shown_and_said_to_be_alone(world: World, olga: Visitor) -> None:
    world.claim(confidence=0.95, category="refunds")
    label_next(world.rita, RIGHT)
    page = words_of(olga.get(f"{COMPARE}?by=prompt_version"))
    assert "There is only one here, so nothing is compared." in page
    assert "prompt v14" in page
    assert "acme-lm 2026-10-01" in words_of(olga.get(f"{COMPARE}?by=model_version&within=nothing&against=nothing"))


def test_hostile_names_are_text_on_the_page(world: World, olga: Visitor) -> None:
    world.claim(confidence=0.95, category="refunds", model="<b>x</b>")
    label_next(world.rita, RIGHT)
    page = text_of(olga.get(f"{COMPARE}?by=model_version"))
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
