"""Pages about erasure: asking, agreeing, and what a claim shows afterwards."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.urls import reverse

from reviewqueue.claims.selectors import contents_of
from reviewqueue.erasure.models import Erasure
from reviewqueue.erasure.selectors import retention_of
from reviewqueue.erasure.services import ask_for_claim, ask_for_golden_item, ask_for_person
from tests.services.erasure.steps import erased
from tests.services.golden.steps import published
from tests.services.review.steps import submit, taken
from tests.web.visitor import Visitor, text_of
from tests.world import World

pytestmark = pytest.mark.django_db


def test_an_admin_asks_and_an_auditor_agrees(world: World) -> None:
    claim = world.claim(output="what was said")
    asked = Visitor(world.adam).post(
        reverse("web:erasures"), {"about": "claim", "claim": claim.pk, "basis": "objection"}
    )
    wish = Erasure.objects.get()
    assert asked.headers["Location"] == reverse("web:erasure", args=[wish.pk])
    page = text_of(Visitor(world.ada).get(reverse("web:erasure", args=[wish.pk])))
    assert "The person objected" in page
    assert "It cannot be undone" in page
    assert "It cannot be undone" not in text_of(Visitor(world.adam).get(reverse("web:erasure", args=[wish.pk])))
    Visitor(world.ada).post(reverse("web:erasure", args=[wish.pk]), {"decision": "approve"})
    assert contents_of([claim.pk]) == {}


def test_an_admin_asks_for_a_golden_item_from_its_line_and_a_senior_agrees(world: World) -> None:
    made = published(world, 3)
    version = reverse("web:golden_version", args=[world.pipeline.slug, made.name, 1])
    page = Visitor(world.adam).get(version).content.decode()
    link = re.search(r'href="([^"]*key=plan-2[^"]*)"', page)
    assert link
    assert "ask to erase" not in text_of(Visitor(world.olga).get(version))
    form = Visitor(world.adam).get(html.unescape(link[1]).split("#")[0]).content.decode()
    assert 'value="support-answers/prices"' in form
    assert 'value="plan-2"' in form
    sent = {"about": "golden", "golden_set": "support-answers/prices", "key": "plan-2", "basis": "objection"}
    Visitor(world.adam).post(reverse("web:erasures"), sent)
    wish = Erasure.objects.get()
    sam = Visitor(world.sam)
    assert "plan-2" in text_of(sam.get(reverse("web:erasures")))
    assert "Erase the golden item" in text_of(sam.get(reverse("web:erasure", args=[wish.pk])))
    sam.post(reverse("web:erasure", args=[wish.pk]), {"decision": "approve"})
    assert text_of(Visitor(world.olga).get(version)).count("erased") == 1
    assert "what is here is what the ledger says" in text_of(Visitor(world.olga).get(version))
    assert "item of golden set prices" in text_of(sam.get(reverse("web:erasures")))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"about": "claim", "claim": "nonsense", "basis": "objection"}, "This is no id of a claim."),
        ({"about": "claim", "claim": "0198f0c2-7a41-7c3e-9d52-3f1f0a6b7c11", "basis": "objection"}, "no such claim"),
        ({"about": "golden", "golden_set": "x/y", "key": "z", "basis": "left"}, "No published version"),
        ({"about": "golden", "golden_set": "", "key": "z", "basis": "left"}, "Which set?"),
        ({"about": "person", "username": "nobody", "basis": "left"}, "nobody of that name"),
        ({"about": "person", "username": "olga", "basis": "left"}, "answers for the pipeline"),
        ({"about": "person", "username": "rita", "basis": ""}, "Choose why"),
    ],
)
def test_what_cannot_be_asked_for_is_said_beside_its_field(world: World, sent: dict[str, Any], said: str) -> None:
    answer = Visitor(world.adam).post(reverse("web:erasures"), sent)
    assert answer.status_code == 422
    assert said in text_of(answer)


def test_an_erased_claim_says_by_whom_and_when(world: World) -> None:
    claim = world.claim(confidence=0.5, output="what was said")
    submit(taken(world.rita))
    erased(world, claim)
    for person in (world.ada, world.sam, world.olga, world.adam, world.rita):
        page = text_of(Visitor(person).get(reverse("web:claim", args=[claim.pk])))
        assert "was erased on" in page
        assert "asked for by Adam, agreed to by Ada" in page
        assert "what was said" not in page


def test_pages_of_reviewers_do_not_stumble_over_an_erased_claim(world: World) -> None:
    answered, held = world.claim(confidence=0.5), world.claim(confidence=0.5)
    label = submit(taken(world.rita)).label
    lease = taken(world.rita)
    for claim in (answered, held):
        erased(world, claim)
    rita = Visitor(world.rita)
    assert rita.get(reverse("web:last_answers")).status_code == 200
    assert rita.get(reverse("web:queue")).status_code == 200
    for address in (reverse("web:task", args=[lease.pk]), reverse("web:revise", args=[label.pk])):
        answer = rita.get(address)
        assert answer.status_code == 409
        assert "was erased" in text_of(answer)


def test_the_list_asks_the_database_as_often_for_many_as_for_few(
    world: World, django_assert_max_num_queries: Any
) -> None:
    for _ in range(4):
        erased(world, world.claim())
        ask_for_claim(by=world.adam, claim_id=world.claim().pk, basis="objection")
    ask_for_person(by=world.adam, username="rita", basis="left")
    made = published(world, 3)
    for key in ("plan-1", "plan-2"):
        ask_for_golden_item(by=world.adam, golden_set=f"{world.pipeline.slug}/{made.name}", key=key, basis="objection")
    ada = Visitor(world.ada)
    ada.get(reverse("web:erasures"))
    with django_assert_max_num_queries(6):
        ada.get(reverse("web:erasures"))


def test_a_senior_sees_no_wish_about_a_person(world: World) -> None:
    ask_for_person(by=world.adam, username="rita", basis="left")
    assert "Rita" not in text_of(Visitor(world.sam).get(reverse("web:erasures")))
    assert "Rita" in text_of(Visitor(world.ada).get(reverse("web:erasures")))


def test_an_owner_says_how_long_texts_are_kept(world: World) -> None:
    address = reverse("web:retention", args=[world.pipeline.slug])
    olga = Visitor(world.olga)
    assert olga.post(address, {"everything": "365", "categories": "refunds: 30\npricing: 90"}).status_code == 303
    assert retention_of(world.pipeline) == {"": 365, "pricing": 90, "refunds": 30}
    assert "refunds: 30" in olga.get(address).content.decode()
    for sent, said in (
        ({"everything": "0"}, "From 1 to"),
        ({"everything": "", "categories": "refunds"}, "is no line such as"),
        ({"everything": "", "categories": "unheard of: 3"}, "no such category"),
        ({"everything": "soon"}, "whole number"),
    ):
        answer = olga.post(address, sent)
        assert answer.status_code == 422
        assert said in text_of(answer)
