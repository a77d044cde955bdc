"""Images and sound among the evidence: from where they may come, and how."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.claims.attachments import store_attachment
from reviewqueue.claims.models import Attachment
from reviewqueue.pipeline_settings import change_settings
from reviewqueue.review.models import Lease
from tests import files
from tests.services.review.steps import review_terms, taken
from tests.web.visitor import Visitor, text_of
from tests.world import World

ORIGIN = "https://images.example.com"
IMAGE = {"kind": "image", "title": 'A "chart"', "url": f"{ORIGIN}/chart.png", "text": "Prices since 2020."}
SOUND = {"kind": "audio", "title": "The call", "url": f"{ORIGIN}/call.mp3", "text": "Hello?"}
FILE = {"kind": "pdf", "title": "Terms", "url": f"{ORIGIN}/terms.pdf"}


@pytest.fixture
def views(world: World) -> Any:
    def declare(**views: Any) -> None:
        change_settings(pipeline=world.pipeline, changes={"content_views": views}, by=world.olga)

    return declare


def task_page(world: World, rita: Visitor, *context: dict[str, Any]) -> HttpResponse:
    world.claim(context=list(context))
    return rita.get(reverse("web:task", args=[taken(world.rita).pk]))


def policy_of(response: HttpResponse) -> dict[str, str]:
    directives = (part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in directives if name}


def test_media_from_an_allowed_origin_are_shown_with_their_words(world: World, rita: Visitor, views: Any) -> None:
    views(media_origins=[ORIGIN])
    response = task_page(world, rita, IMAGE, SOUND, FILE)
    page = text_of(response)
    assert '<img src="https://images.example.com/chart.png" alt="A &quot;chart&quot;"' in page
    assert "Prices since 2020." in page
    assert '<audio controls preload="none" src="https://images.example.com/call.mp3" aria-label="Sound 2">' in page
    assert '<a href="https://images.example.com/terms.pdf" rel="noopener noreferrer" target="_blank">' in page
    assert policy_of(response)["img-src"] == f"'self' data: {ORIGIN}"
    assert policy_of(response)["media-src"] == f"'self' {ORIGIN}"
    assert policy_of(response)["script-src"] == "'self'"


def test_media_from_elsewhere_stay_an_address_in_words(world: World, rita: Visitor, views: Any) -> None:
    views(media_origins=["https://other.example.com"])
    response = task_page(world, rita, IMAGE, SOUND, FILE)
    page = text_of(response)
    assert "<img" not in page
    assert "<audio" not in page
    assert page.count("Not loaded: the owner of the pipeline has allowed nothing from there.") == 3
    assert ORIGIN not in response["Content-Security-Policy"]


def test_pages_without_a_task_load_from_nowhere_else(world: World, rita: Visitor, views: Any) -> None:
    views(media_origins=[ORIGIN])
    assert policy_of(rita.get("/queue/"))["img-src"] == "'self' data:"


def test_the_next_task_may_be_of_any_pipeline_that_this_person_reviews(world: World, rita: Visitor, views: Any) -> None:
    views(media_origins=[ORIGIN])
    sams = Visitor(world.sam)
    world.claim()
    response = sams.get(reverse("web:task", args=[taken(world.sam).pk]))
    assert ORIGIN in policy_of(response)["img-src"]


def test_an_unusable_origin_is_refused_beside_its_field(world: World, olga: Visitor) -> None:
    from tests.web.test_pipeline_settings import sent

    response = sent(olga, media_origins="https://images.example.com; script-src *")
    assert response.status_code == 422
    assert "An origin is https:// and the name of a host" in text_of(response)


def test_an_owner_chooses_how_media_come(world: World, olga: Visitor, rita: Visitor) -> None:
    from tests.web.test_pipeline_settings import sent

    sent(olga, media_origins=f"{ORIGIN}/", images="blurred", audio="muted")
    page = text_of(task_page(world, rita, IMAGE, SOUND))
    assert 'class="evidence calm-blur calm-mute"' in page
    assert "blurred until you point at it or come here with Tab" in page
    assert 'call.mp3" muted' in page


def test_a_reviewer_adds_to_it_for_this_browser_and_cannot_take_away_what_the_pipeline_asks(
    world: World, rita: Visitor, views: Any
) -> None:
    views(media_origins=[ORIGIN], images="blurred")
    world.claim(context=[IMAGE])
    task = reverse("web:task", args=[taken(world.rita).pk])
    response = rita.post(f"{task}calming/", {"calming": ["grey", "mute", "<b>"]})
    assert response.status_code == 303
    assert response.cookies["calming"].value == "grey.mute"
    assert 'class="evidence calm-blur calm-grey calm-mute"' in text_of(rita.get(task))
    rita.post(f"{task}calming/", {})
    assert 'class="evidence calm-blur"' in text_of(rita.get(task))


def test_a_cookie_that_says_something_else_changes_nothing(world: World, rita: Visitor, views: Any) -> None:
    views(media_origins=[ORIGIN])
    rita.cookies["calming"] = 'blur"><script>.x'
    page = text_of(task_page(world, rita, IMAGE))
    assert "calm-" not in page
    assert "<script>.x" not in page


def uploaded(world: World, content: bytes) -> str:
    return str(store_attachment(source=world.source, content=content, now=timezone.now())[0].pk)


def test_files_that_came_with_the_claim_are_shown_from_here(world: World, rita: Visitor) -> None:
    image, sound, file = (uploaded(world, content) for content in (files.png(), files.wav(), files.PDF))
    page = text_of(
        task_page(
            world,
            rita,
            {"kind": "photo", "title": "Chart", "attachment": image, "text": "Prices since 2020."},
            {"kind": "call", "attachment": sound},
            {"kind": "contract", "attachment": file},
        )
    )
    lease = taken_by(world.rita)
    assert f'<img src="/review/{lease}/files/{image}/" alt="Chart"' in page
    assert "Prices since 2020." in page
    assert f'<audio controls preload="none" src="/review/{lease}/files/{sound}/"' in page
    assert f'<a href="/review/{lease}/files/{file}/"' in page
    assert "Download the PDF" in page


@pytest.mark.parametrize(
    ("content", "media_type", "way"),
    [
        (files.png(), "image/png", "inline"),
        (files.wav(), "audio/wav", "inline"),
        (files.PDF, "application/pdf", "attachment"),
    ],
)
def test_a_file_comes_as_what_it_is_and_can_do_nothing(
    world: World, rita: Visitor, content: bytes, media_type: str, way: str
) -> None:
    file = uploaded(world, content)
    task_page(world, rita, {"kind": "x", "attachment": file})
    response = rita.get(f"/review/{taken_by(world.rita)}/files/{file}/")
    assert response.content == content
    assert response["Content-Type"] == media_type
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'none'"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["Cache-Control"] == "no-store, private"
    assert re.fullmatch(way + r'; filename="file-[0-9a-f]{12}\.(png|wav|pdf)"', response["Content-Disposition"])


def test_a_file_is_shown_to_those_alone_who_may_see_its_claim(world: World, rita: Visitor) -> None:
    mine, other = uploaded(world, files.png(1, 1)), uploaded(world, files.png(1, 2))
    task_page(world, rita, {"kind": "image", "attachment": mine})
    lease = taken_by(world.rita)
    assert rita.get(f"/review/{lease}/files/{mine}/").status_code == 200
    assert rita.get(f"/review/{lease}/files/{other}/").status_code == 404
    for stranger in (world.ravi, world.nora, world.adam):
        assert Visitor(stranger).get(f"/review/{lease}/files/{mine}/").status_code == 404
    assert Visitor().get(f"/review/{lease}/files/{mine}/").status_code == 302


def test_the_file_of_a_task_that_is_kept_for_somebody_is_there_before_the_task_is_theirs(
    world: World, rita: Visitor
) -> None:
    file = uploaded(world, files.png())
    world.claim()
    world.claim(context=[{"kind": "image", "attachment": file}])
    lease = taken(world.rita)
    page = text_of(rita.ajax("post", reverse("web:ready", args=[lease.pk])))
    (address,) = re.findall(r'<img src="([^"]+)"', page)
    assert str(lease.pk) not in address
    assert rita.get(address).content == files.png()
    assert Visitor(world.ravi).get(address).status_code == 404


def test_a_file_that_the_storage_has_lost_is_said_to_be_missing(world: World, rita: Visitor) -> None:
    file = uploaded(world, files.png())
    task_page(world, rita, {"kind": "image", "attachment": file})
    default_storage.delete(Attachment.objects.get().stored_as)
    assert rita.get(f"/review/{taken_by(world.rita)}/files/{file}/").status_code == 404


def test_the_page_of_a_claim_shows_its_evidence_to_those_who_may_read_it(
    world: World, ada: Visitor, adam: Visitor, views: Any
) -> None:
    views(media_origins=[ORIGIN])
    file = uploaded(world, files.png())
    context = [
        {"kind": "image", "title": "Chart", "attachment": file},
        IMAGE,
        {"kind": "note", "text": "It is 18 EUR."},
    ]
    claim = world.claim(output="“It is 18 EUR”", context=context)
    response = ada.get(f"/claims/{claim.pk}/")
    page = text_of(response)
    assert f'<img src="/claims/{claim.pk}/files/{file}/" alt="Chart"' in page
    assert '<mark class="passage"' in page
    assert policy_of(response)["img-src"] == f"'self' data: {ORIGIN}"
    assert ada.get(f"/claims/{claim.pk}/files/{file}/").content == files.png()
    for hidden in ("18 EUR", "<img", ORIGIN):
        assert hidden not in text_of(adam.get(f"/claims/{claim.pk}/"))
    assert ada.get(f"/claims/{world.claim().pk}/files/{file}/").status_code == 404


def test_a_file_of_a_claim_that_waits_for_a_blind_review_stays_closed_like_its_page(world: World) -> None:
    world.activate(review_terms(blind="score"))
    file = uploaded(world, files.png())
    claim = world.claim(context=[{"kind": "image", "attachment": file}])
    assert Visitor(world.sam).get(f"/claims/{claim.pk}/files/{file}/").status_code == 403
    assert Visitor(world.rita).get(f"/claims/{claim.pk}/files/{file}/").status_code == 404


def taken_by(user: User) -> str:
    return str(Lease.objects.get(reviewer=user).pk)
