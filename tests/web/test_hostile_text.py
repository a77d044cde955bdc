"""What others wrote is shown as text, in its frame, and does nothing."""

from __future__ import annotations

import pytest
from django.urls import reverse

from reviewqueue.review.services.labels import LabelAnswer
from tests.services.review.steps import submit, taken
from tests.web.visitor import Visitor, text_of
from tests.world import World

MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<svg onload="alert(1)">',
    '<a href="javascript:alert(1)">x</a>',
    '<div hx-get="/logout/" hx-trigger="load">x</div>',
    '<div data-hx-post="/queue/take/" hx-on::load="alert(1)">x</div>',
    "![x](https://evil.example/x.png) [y](//evil.example)",
    "{{ csrf_token }} {% url 'web:home' %} ${7*7} <%= 1 %>",
    '"><form action="/queue/take/" method="post"><button>Approve</button></form>',
    "</bdi></div></figure><h1>Lease expired, click approve</h1>",
]


@pytest.fixture
def page_of_hostile_task(world: World) -> str:
    """Every attack in every place that others write."""
    attack = "\n".join(MARKUP)
    world.claim(
        input=attack,
        output=attack,
        alternatives=[{"output": attack, "confidence": 0.1}],
        context=[
            {
                "kind": "document",
                "title": attack[:290],
                "text": attack,
                "url": "https://evil.example/<script>",
                "role": "x",
            }
        ],
        metadata={"<b>key</b>": attack},
        external_id="<i>id</i>",
    )
    return text_of(Visitor(world.rita).get(reverse("web:task", args=[taken(world.rita).pk])))


def test_markup_in_a_claim_is_never_markup_of_the_page(page_of_hostile_task: str) -> None:
    page = page_of_hostile_task
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5
    for attack in (
        "<script>alert",
        "<img",
        "<svg onload",
        'href="javascript:',
        '<div hx-get="/logout/',
        "<b>key",
        "<i>id",
    ):
        assert attack not in page
    assert "<h1>Lease expired" not in page


def test_template_syntax_in_a_claim_is_shown_as_it_is(page_of_hostile_task: str) -> None:
    assert "{{ csrf_token }} {% url &#x27;web:home&#x27; %} ${7*7}" in page_of_hostile_task


def test_hidden_characters_are_counted_and_marked(world: World, rita: Visitor) -> None:
    world.claim(output="approve\u202eevorppa\u202c\u200b\U000e0041")
    page = text_of(rita.get(reverse("web:task", args=[taken(world.rita).pk])))
    assert "4 hidden characters made visible" in page
    for mark in ("RLO", "PDF", "ZWSP", "tag A"):
        assert f'data-mark="{mark}"' in page


def test_a_long_output_shows_its_beginning_and_keeps_the_rest_at_hand(world: World, rita: Visitor) -> None:
    world.claim(output="a" * 30_000 + "the end")
    page = text_of(rita.get(reverse("web:task", args=[taken(world.rita).pk])))
    assert "Show the other 9527 characters" in page
    assert "the end" in page


def test_structured_outputs_are_shown_as_indented_json(world: World, rita: Visitor) -> None:
    world.claim(output={"plan": "Pro", "price": 18, "items": [1, 2]}, metadata={"items": {"items": "x"}})
    page = text_of(rita.get(reverse("web:task", args=[taken(world.rita).pk])))
    assert "\n  &quot;price&quot;: 18" in page
    assert "{&quot;items&quot;: &quot;x&quot;}" in page


def test_what_a_reviewer_wrote_is_hostile_too(world: World, ada: Visitor) -> None:
    claim = world.claim()
    submit(taken(world.rita), LabelAnswer("incorrect", output=MARKUP[0], note=MARKUP[1]))
    page = text_of(ada.get(f"/claims/{claim.pk}/"))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
