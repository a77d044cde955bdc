"""Files over the API: uploaded in base64, named by a claim, and told by their content."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from django.urls import reverse

from reviewqueue import asgi
from reviewqueue.api.attachment_answers import UPLOAD
from reviewqueue.api.urls import urlpatterns
from reviewqueue.claims.models import Attachment, Claim
from reviewqueue.golden.item_files import MAX_FILE_BYTES
from reviewqueue.serving import Patience
from tests import files
from tests.api.caller import Caller, assert_problem
from tests.world import World


def body(content: bytes = files.png()) -> dict[str, Any]:
    return {"content": base64.b64encode(content).decode()}


def test_an_upload_is_201_and_the_same_again_is_200(helpdesk: Caller) -> None:
    response = helpdesk.post("/attachments", body())
    assert response.status_code == 201
    answer = response.json()
    assert (answer["media_type"], answer["size"], answer["used"]) == ("image/png", len(files.png()), False)
    assert answer["sha256"] == hashlib.sha256(files.png()).hexdigest()
    again = helpdesk.post("/attachments", body())
    assert (again.status_code, again.json()["id"]) == (200, answer["id"])


def test_the_example_of_the_contract_is_a_file(helpdesk: Caller) -> None:
    assert helpdesk.post("/attachments", UPLOAD).status_code == 201


def test_a_claim_names_the_file_and_reviewers_are_told_of_it(helpdesk: Caller, rita: Caller, world: World) -> None:
    file = helpdesk.post("/attachments", body()).json()["id"]
    item = {"kind": "image", "title": "Chart", "attachment": file}
    assert helpdesk.post("/claims", world.claim_body(context=[item])).status_code == 201
    assert helpdesk.post("/attachments", body()).json()["used"]
    (passage,) = rita.post("/reviews/take", {}).json()["task"]["context"]
    assert (passage["attachment"], passage["title"]) == (file, "Chart")


def test_a_reviewers_tool_reads_the_files_of_its_task_and_no_others(
    helpdesk: Caller, rita: Caller, ravi: Caller, world: World
) -> None:
    file, other = (helpdesk.post("/attachments", body(files.png(1, side))).json()["id"] for side in (1, 2))
    helpdesk.post("/claims", world.claim_body(context=[{"kind": "image", "attachment": file}]))
    lease = rita.post("/reviews/take", {}).json()["lease"]["id"]
    read = rita.get(f"/leases/{lease}/attachments/{file}")
    assert read.status_code == 200
    assert base64.b64decode(read.json()["content"]) == files.png(1, 1)
    assert read.json()["media_type"] == "image/png"
    assert_problem(rita.get(f"/leases/{lease}/attachments/{other}"), 404, "not_found")
    assert_problem(ravi.get(f"/leases/{lease}/attachments/{file}"), 404, "not_found")
    assert helpdesk.get(f"/leases/{lease}/attachments/{file}").status_code == 403


def test_a_file_of_the_largest_size_is_taken_and_a_larger_one_refused(helpdesk: Caller) -> None:
    largest = files.wav() + b"\0" * (8 * 1024 * 1024 - len(files.wav()))
    assert helpdesk.post("/attachments", body(largest)).status_code == 201
    assert_problem(helpdesk.post("/attachments", body(largest + b"\0")), 422, "invalid")
    assert_problem(helpdesk.post("/attachments", b'{"content": "' + b"A" * 12 * 1024 * 1024 + b'"}'), 413, "too_large")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"content": ""},
        {"content": "not base64!"},
        {"content": 7},
        {"content": "AAAA", "name": "a.png"},
        body(b"<svg onload='alert(1)'/>"),
        body(b"<html><script>alert(1)</script>"),
        body(files.png(20_000, 20_000)),
    ],
)
def test_what_is_no_file_to_show_is_422_and_stores_nothing(helpdesk: Caller, sent: dict[str, Any]) -> None:
    assert_problem(helpdesk.post("/attachments", sent), 422, "invalid")
    assert not Attachment.objects.exists()


def test_a_claim_that_names_a_file_which_is_not_there_is_422(helpdesk: Caller, world: World) -> None:
    item = {"kind": "image", "attachment": "0198f0c2-5b1e-7f31-8a11-6c7d8e9f0a12"}
    problem = helpdesk.post("/claims", world.claim_body(context=[item]))
    assert_problem(problem, 422, "invalid")
    assert problem.json()["errors"][0]["pointer"] == "/context/0/attachment"
    assert not Claim.objects.exists()


def test_a_reviewer_uploads_nothing(rita: Caller) -> None:
    assert rita.post("/attachments", body()).status_code == 403


def test_the_web_server_lets_every_body_through_that_its_address_would_read() -> None:
    for pattern in urlpatterns:
        limit = getattr(getattr(pattern.callback, "view_class", None), "body_limit", 0)
        address = "/api/v1/" + re.sub(r"<[^>]+>", "anything", str(pattern.pattern))
        assert limit < Patience(longer=asgi.LONGER).bytes_at(address), address


def test_the_web_server_lets_a_file_of_golden_items_through() -> None:
    address = reverse("web:golden_draft", args=["support-answers", "basics"])
    assert Patience(longer=asgi.LONGER).bytes_at(address) > MAX_FILE_BYTES
