"""Error against coverage, and a certified point that becomes a draft."""

from __future__ import annotations

import re
from typing import Any

import pytest

from calibration.services import measure_bands
from tests.services.calibration.test_loop import settled
from tests.web.visitor import Visitor, text_of
from tests.world import IDENTITY, MODEL, POLICY, World

PAGE = "/pipelines/support-answers/coverage/"


@pytest.fixture
def certified(world: World) -> World:
    """Stated 0.95 is right in 40 of 40, stated 0.6 wrong in 10 of 10; a fifth wrong is allowed."""
    *held, top = POLICY["bands"]
    bands = [*held, {**top, "required_accuracy": 0.8}]
    world.activate({**POLICY, "bands": bands, "calibrators": [IDENTITY]})
    for number in range(40):
        settled(world, correct=True, confidence=0.95)
        if number % 4 == 0:
            settled(world, correct=False, confidence=0.6)
    measure_bands()
    return world


def words_of(response: Any) -> str:
    page = text_of(response)
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main") : page.index("</main>")]).split())


def chosen(**changes: str) -> dict[str, str]:
    return {**MODEL, "threshold": "0.95", "max_error": "20", "certainty": "95", "seen": "2", **changes}


def test_without_claims_the_page_says_what_brings_them(world: World, olga: Visitor) -> None:
    assert "No claim yet" in words_of(olga.get(PAGE))


def test_a_threshold_that_holds_is_told_in_words_with_its_hours(certified: World, olga: Visitor) -> None:
    words = words_of(olga.get(PAGE))
    assert "A threshold holds From a stated confidence of 0.9500 on, 80.0 % of the claims could be accepted" in words
    assert "of 40 labels there 0 were wrong, so at most 20.0 % are, with 95.0 % certainty" in words
    assert "Hours: 50 claims a day, 1 label each, 1.0 min a label (assumed: too few labels were timed)" in words
    assert re.search(r"0\.9500 calibrated 0\.9500 80\.0 % 40 0 0\.0 % \d+\.\d % 0\.3 Draft a policy", words)
    assert re.search(r"0\.6000 calibrated 0\.6000 100\.0 % 50 10 20\.0 % \d\d\.\d % 0\.2 not certified", words)


def test_without_a_threshold_the_reason_and_what_is_missing_are_told(certified: World, olga: Visitor) -> None:
    assert "No threshold There are too few labels to promise anything." in words_of(olga.get(PAGE, {"max_error": "1"}))
    words = words_of(olga.get(PAGE, {"max_error": "2,5"}))
    assert re.search(r"At least \d+ more labels are needed", words)


def test_what_may_be_refused_is_told_with_where_its_band_ends(certified: World, olga: Visitor) -> None:
    words = words_of(olga.get(PAGE))
    assert "Nothing can be refused at once: there are too few labels to promise anything." in words
    for _ in range(30):
        settled(certified, correct=False, confidence=0.6)
    measure_bands()
    words = words_of(olga.get(PAGE))
    assert "Below a stated confidence of 0.9500 (calibrated 0.9500), 50.0 % of the claims could be refused" in words
    assert "of 40 labels there 0 were right, so at most 20.0 % are, with 95.0 % certainty" in words
    (result,) = olga.get(PAGE, {"as": "json"}).json()["results"]
    assert (result["rejection"]["threshold"], result["rejection"]["edge"]) == (0.95, 0.95)


def test_where_nothing_may_be_refused_the_reason_is_told(world: World, olga: Visitor) -> None:
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    for number in range(60):
        settled(world, correct=True, confidence=0.95 if number % 2 else 0.6)
    measure_bands()
    words = words_of(olga.get(PAGE))
    assert "Nothing can be refused at once: every label says that the output was right." in words


def test_choosing_a_point_drafts_a_policy_in_the_persons_name(certified: World, olga: Visitor) -> None:
    response = olga.post(f"{PAGE}draft/", chosen())
    assert (response.status_code, response["Location"]) == (303, "/pipelines/support-answers/policies/3/")
    draft = certified.pipeline.policies.get(number=3)
    assert (draft.status, draft.proposed_by) == ("draft", certified.olga)
    top = draft.document["bands"][-1]
    assert (top["low"], top["route"], top["required_accuracy"]) == (0.95, "accept", 0.8)
    assert "Certified with 0.95 certainty: at most 20.00% wrong, from 40 labels of which 0 were wrong." in draft.note
    shown = words_of(olga.get(response["Location"]))
    assert "You proposed this version, so somebody else has to approve it" in shown
    assert "from stated" in shown


def test_what_is_not_certified_cannot_be_drafted(certified: World, olga: Visitor) -> None:
    for changes in ({"threshold": "0.6"}, {"threshold": "0.9"}, {"threshold": "x"}, {"max_error": "2"}, {"model": "x"}):
        assert olga.post(f"{PAGE}draft/", chosen(**changes)).status_code == 409, changes
    assert certified.pipeline.policies.count() == 2


def test_who_saw_another_policy_is_told_so(certified: World, olga: Visitor) -> None:
    assert olga.post(f"{PAGE}draft/", chosen(seen="1")).status_code == 409


def test_every_certified_point_of_the_chart_leads_to_its_row(certified: World, olga: Visitor) -> None:
    page = text_of(olga.get(PAGE))
    links = re.findall(r'<a href="#(model-0-\d+)" aria-label="Certified from 0\.95 on', page)
    assert len(links) == 1
    assert f'<tr id="{links[0]}">' in page
    main = page[page.index("<main") : page.index("</main>")]
    assert " style=" not in main
    assert "<script" not in main


def test_auditors_see_what_is_certified_without_a_button(certified: World, ada: Visitor) -> None:
    page = text_of(ada.get(PAGE))
    assert "Draft a policy" not in page
    assert "certified</span>" in page


def test_a_number_that_cannot_be_promised_is_refused_in_words(world: World, olga: Visitor) -> None:
    for query in ("max_error=abc", "max_error=0", "certainty=100", "certainty=nan", "max_error=1_0"):
        response = olga.get(f"{PAGE}?{query}")
        assert response.status_code == 422, query
        assert "is a number from" in words_of(response)


def test_the_figures_can_be_taken_away(certified: World, olga: Visitor) -> None:
    (result,) = olga.get(PAGE, {"as": "json"}).json()["results"]
    assert (result["threshold"], result["points"][0]["certified"]) == (0.95, True)
    rows = text_of(olga.get(PAGE, {"as": "csv"})).splitlines()
    assert sum(row.startswith("results.points,") for row in rows) == 2


def test_the_page_takes_no_more_queries_for_more_models(
    certified: World, olga: Visitor, django_assert_max_num_queries: Any
) -> None:
    olga.get(PAGE)
    for version in "abc":
        settled(certified, correct=True, model_version=version)
    measure_bands()
    with django_assert_max_num_queries(16):
        olga.get(PAGE)
