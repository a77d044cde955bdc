"""Golden sets on pages: made, filled and published by owners; figures, comparisons and alarms in words."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from reviewqueue.golden.models import GoldenItem, GoldenSet, SeenVersion
from reviewqueue.golden.selectors import draft_of, item_with_content, version_in_use
from reviewqueue.golden.services import drafts, runs, watching
from reviewqueue.golden.services.sets import retire_set
from tests.services.golden.steps import (
    answer_bodies,
    answered,
    finished,
    golden_set,
    publish,
    published,
    questions,
    started,
)
from tests.web.visitor import Visitor, text_of
from tests.world import World

SETS = "/pipelines/support-answers/golden-sets/"
DRAFT = f"{SETS}prices/draft/"


def plain(response) -> str:  # type: ignore[no-untyped-def]  # of Django's test client
    """The text of a page with single spaces."""
    return " ".join(text_of(response).split())


def table(response, name: str) -> list[dict[str, str]]:  # type: ignore[no-untyped-def]  # of Django's test client
    """One table of a file of figures."""
    return [row for row in csv.DictReader(io.StringIO(text_of(response))) if row["table"] == name]


def test_without_a_set_the_page_says_what_one_is_for_and_has_lines_to_copy(olga: Visitor, ada: Visitor) -> None:
    page = plain(olga.get(SETS))
    assert "No golden set yet" in page
    assert "/api/v1/pipelines/support-answers/golden-sets/my-set/runs" in page
    assert "A new golden set" in page
    assert "A new golden set" not in plain(ada.get(SETS))


def test_an_owner_makes_a_set_fills_it_and_publishes_it(world: World, olga: Visitor) -> None:
    sent = {"name": "prices", "owner": world.otto.pk, "every_days": 14, "within_days": 0, "description": "Price list"}
    made = olga.post(SETS, sent)
    assert (made.status_code, made["Location"]) == (303, DRAFT)
    text = "key,input,answer,segments.language\na,What?,18 EUR,en\nb,Which?,15 EUR,\n"
    assert olga.post(DRAFT, {"do": "upload", "text": text}).status_code == 303
    page = plain(olga.get(DRAFT))
    assert "Version 1, a draft" in page
    assert "18 EUR" in page
    assert olga.post(DRAFT, {"do": "publish"})["Location"] == f"{SETS}prices/"
    found = GoldenSet.objects.get()
    assert (found.owner, found.every_days, found.within_days) == (world.otto, 14, 0)
    version = version_in_use(found)
    assert version is not None
    assert version.size == 2
    assert "at once" in plain(olga.get(f"{SETS}prices/"))
    assert "what the ledger says was published" in plain(olga.get(f"{SETS}prices/versions/1/"))


def test_what_is_wrong_with_a_new_set_is_said_and_what_was_typed_stays(world: World, olga: Visitor) -> None:
    sent = {"name": "Price List!", "owner": world.olga.pk, "every_days": 14, "within_days": 7, "description": "Mine"}
    refused = olga.post(SETS, sent)
    assert refused.status_code == 422
    page = plain(refused)
    assert "Price List!" in page
    assert 'value="Mine"' in page
    assert olga.post(SETS, {**sent, "name": "prices", "owner": world.rita.pk}).status_code == 422
    assert olga.post(SETS, {**sent, "name": "prices", "every_days": "often"}).status_code == 422
    assert not GoldenSet.objects.exists()


def test_bad_lines_are_named_nothing_is_taken_in_and_the_text_stays(world: World, olga: Visitor) -> None:
    golden_set(world)
    text = "key,answer,category\na,1 EUR,pricing\nb,2 EUR,cats\nb,<b>3</b>\n"
    refused = olga.post(DRAFT, {"do": "upload", "text": text})
    assert refused.status_code == 422
    page = plain(refused)
    assert "Nothing was taken in" in page
    assert "/category" in page
    assert "There are 2 cells, and the header names 3." in page
    assert "b,2 EUR,cats" in page
    assert "&lt;b&gt;3" in page
    assert not GoldenItem.objects.exists()


def test_a_file_is_uploaded_and_what_is_wrong_with_it_can_be_put_right_on_the_page(world: World, olga: Visitor) -> None:
    made = golden_set(world)
    lines = b'{"key": "a", "answer": "1"}\n{"key": "a", "answer": "2"}\n'
    refused = olga.post(DRAFT, {"do": "upload", "file": SimpleUploadedFile("items.jsonl", lines)})
    assert refused.status_code == 422
    assert "Line 1 has this key already." in plain(refused)
    assert "&quot;answer&quot;: &quot;2&quot;" in plain(refused)
    good = SimpleUploadedFile(
        "items.jsonl", lines.replace(b'{"key": "a", "answer": "2"}', b'{"key": "b", "answer": "2"}')
    )
    assert olga.post(DRAFT, {"do": "upload", "file": good}).status_code == 303
    draft = draft_of(made)
    assert draft is not None
    assert draft.items.count() == 2


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ({"comparison": "text", "answer": "18 EUR"}, "18 EUR"),
        ({"comparison": "number", "answer": " 18.50 ", "tolerance": "0.5"}, "18.50"),
        ({"comparison": "exact", "answer": '{"price": 18}'}, {"price": 18}),
        ({"comparison": "one_of", "answer": "18 EUR\n\n18 euros\n"}, ["18 EUR", "18 euros"]),
        ({"comparison": "one_of", "answer": '["18 EUR", 18]'}, ["18 EUR", 18]),
    ],
)
def test_one_item_is_typed_and_comes_back_as_it_was_typed(
    world: World, olga: Visitor, sent: dict[str, str], answer: object
) -> None:
    made = golden_set(world)
    typed = {"do": "item", "key": "a", "input": "How much?", "category": "pricing", "segment-language": "en", **sent}
    assert olga.post(DRAFT, typed).status_code == 303
    draft = draft_of(made)
    assert draft is not None
    item = item_with_content(draft.items.get())
    assert (item.answer, item.category, item.segments) == (answer, "pricing", {"language": "en"})
    page = text_of(olga.get(f"{DRAFT}?edit=a"))
    assert "Change one item" in page
    assert 'value="en" selected' in page


def test_an_item_that_cannot_be_compared_is_refused_with_what_was_typed(world: World, olga: Visitor) -> None:
    golden_set(world)
    for sent in ({"comparison": "number", "answer": "cheap"}, {"comparison": "exact", "answer": "{"}, {"answer": ""}):
        refused = olga.post(DRAFT, {"do": "item", "key": "my key", "input": "How much?", "note": "line 4", **sent})
        assert refused.status_code == 422
        assert "my key" in plain(refused)
        assert "line 4" in plain(refused)
    assert not GoldenItem.objects.exists()


def test_publishing_what_cannot_be_compared_names_the_items(world: World, olga: Visitor) -> None:
    made = golden_set(world)
    text = "key,answer,comparison\na,1 EUR,text\nb,cheap,number\n"
    olga.post(DRAFT, {"do": "upload", "text": text})
    assert "It cannot be published yet" in plain(olga.get(DRAFT))
    refused = olga.post(DRAFT, {"do": "publish"})
    assert refused.status_code == 422
    assert "/b/answer" in plain(refused)
    assert version_in_use(made) is None


def test_items_are_removed_and_a_draft_is_discarded(world: World, olga: Visitor) -> None:
    made = published(world, 3)
    assert "The first change begins a draft" in plain(olga.get(DRAFT))
    olga.post(DRAFT, {"do": "remove", "key": "plan-2"})
    draft = draft_of(made)
    assert draft is not None
    assert draft.items.count() == 2
    olga.post(DRAFT, {"do": "discard"})
    assert draft_of(made) is None
    assert olga.post(DRAFT, {"do": "publish"}).status_code == 422


def test_a_published_version_is_downloaded_as_an_upload_takes_it(world: World, olga: Visitor) -> None:
    made = published(world, 3)
    file = olga.get(f"{SETS}prices/versions/1/?as=jsonl")
    assert file["Content-Disposition"] == 'attachment; filename="golden-items.jsonl"'
    assert json.loads(text_of(file).splitlines()[0]) == {
        "key": "plan-1", "input": "What does plan 1 cost?", "answer": "1 EUR", "comparison": "text",
        "category": "pricing", "segments": {"language": "en"},
    }  # fmt: skip
    olga.post(DRAFT, {"do": "upload", "text": text_of(file), "replace": "1"})
    assert olga.post(DRAFT, {"do": "publish"}).status_code == 422
    assert version_in_use(made) == made.versions.get(number=1)


def test_long_lists_of_items_have_pages(world: World, ada: Visitor) -> None:
    published(world, 230)
    page = plain(ada.get(f"{SETS}prices/versions/1/?page=5"))
    assert "plan-230" in page
    assert "plan-1<" not in page
    assert "Page 5 of 5" in page
    for odd in ("0", "99", "x", "9" * 50, "²"):
        assert ada.get(f"{SETS}prices/versions/1/", {"page": odd}).status_code == 200


def test_hostile_texts_are_shown_as_texts(world: World, ada: Visitor) -> None:
    made = golden_set(world)
    attack = "<script>alert(1)</script>\u202e"
    [item] = questions(1)
    from msgspec.structs import replace

    publish(world, made, [replace(item, input=attack, answer=attack, note=attack)])
    run = started(world, made, model=attack.replace("\u202e", ""))
    _, run = answered(run, [{"key": "plan-1", "output": attack + "x", "confidence": 1.0}])
    other = finished(world, made, 1, right=lambda _: False)
    answers_right, _ = answered(started(world, made), [{"key": "plan-1", "output": attack, "confidence": 1.0}])
    assert answers_right == [201]
    right = made.runs.latest("id")
    for address in (
        f"{SETS}prices/versions/1/",
        f"{SETS}prices/",
        f"{SETS}prices/runs/{run.pk}/",
        f"{SETS}prices/runs/{right.pk}/against/{run.pk}/",
        f"{SETS}prices/runs/{right.pk}/against/{other.pk}/",
    ):
        page = text_of(ada.get(address))
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


# --- runs -----------------------------------------------------------------------------------------------------------


def test_a_run_says_what_it_got_right_and_that_its_inputs_are_not_the_traffic(world: World, ada: Visitor) -> None:
    made = published(world, 30)
    finished(world, made, 30, model_version="v1")
    run = finished(world, made, 30, right=lambda place: place > 12, confidence=0.95, model_version="v2")
    page = plain(ada.get(f"{SETS}prices/runs/{run.pk}/"))
    assert "60.0 %" in page
    assert "no band is validated by it" in page
    assert "worse than promised" in page
    assert "12 were lost" in page
    assert "The answers are worse beyond chance" in page
    assert "from 200 inputs on" in page
    figures = json.loads(text_of(ada.get(f"{SETS}prices/runs/{run.pk}/?as=json")))
    assert (figures["model_version"], figures["right"]) == ("v2", 18)


def test_missing_answers_are_counted_and_shown(world: World, ada: Visitor) -> None:
    made = published(world, 10)
    run = started(world, made)
    answered(run, answer_bodies(6))
    page = plain(ada.get(f"{SETS}prices/runs/{run.pk}/"))
    assert "Still open" in page
    assert "6 of 10 answers" in page
    runs.close_run(run=run, now=timezone.now())
    page = plain(ada.get(f"{SETS}prices/runs/{run.pk}/"))
    assert "4 missing" in page
    assert "60.0 %–100.0 %" in page
    assert "this run is no measurement that was due" in page
    empty = runs.close_run(run=started(world, made), now=timezone.now())
    assert "No answers" in plain(ada.get(f"{SETS}prices/runs/{empty.pk}/"))


def test_the_history_of_a_set_is_a_chart_a_table_and_a_file(world: World, ada: Visitor) -> None:
    made = published(world, 20)
    finished(world, made, 20, model_version="v1")
    finished(world, made, 20, right=lambda place: place > 5, model_version="=v2")
    publish(world, made, questions(21))
    finished(world, made, 21, model_version="v3")
    page = text_of(ada.get(f"{SETS}prices/"))
    assert page.count('<g class="point') >= 3
    assert "another version of the set" in page
    rows = table(ada.get(f"{SETS}prices/?as=csv"), "runs")
    assert [(row["model_version"], row["accuracy"], row["set_version"]) for row in rows] == [
        ("v1", "1.0", "1"),
        ("'=v2", "0.75", "1"),
        ("v3", "1.0", "2"),
    ]
    told = json.loads(text_of(ada.get(f"{SETS}prices/?as=json")))
    assert [each["model_version"] for each in told["runs"]] == ["v1", "=v2", "v3"]


def test_two_runs_side_by_side_show_what_changed(world: World, ada: Visitor) -> None:
    made = published(world, 20)
    before = finished(world, made, 20, right=lambda place: place != 20)
    now = finished(world, made, 20, right=lambda place: place > 8, model_version="v2")
    address = f"{SETS}prices/runs/{now.pk}/against/{before.pk}/"
    page = plain(ada.get(address))
    assert "8 were lost" in page
    assert "1 gained" in page
    assert "no idea" in page
    rows = table(ada.get(f"{address}?as=csv"), "flips")
    assert (len(rows), rows[0]["known_answer"], rows[0]["output_now"]) == (9, "1 EUR", "no idea")
    assert json.loads(text_of(ada.get(f"{address}?as=json")))["lost"] == 8
    open_run = started(world, made)
    assert ada.get(f"{SETS}prices/runs/{now.pk}/against/{open_run.pk}/").status_code == 409


# --- alarms ---------------------------------------------------------------------------------------------------------


def test_what_is_late_is_an_alarm_on_the_page_of_the_pipeline_and_in_the_list(
    world: World, olga: Visitor, sam: Visitor
) -> None:
    published(world, within_days=0)
    world.claim()
    watching.watch_traffic()
    watching.watch_due()
    for visitor, sees in ((olga, True), (sam, False)):
        page = plain(visitor.get("/pipelines/support-answers/"))
        assert "acme-lm 2026-10-01, prompt v14, is not measured by the golden set prices." in page
        assert "Olga sees to it." in page
        assert ('href="/pipelines/support-answers/golden-sets/"' in page) is sees
        assert "1 late" in plain(visitor.get("/pipelines/"))
    assert "Late: due" in plain(olga.get(SETS))
    finished(world, world.pipeline.golden_sets.get())
    watching.watch_due()
    assert "is not measured" not in plain(olga.get("/pipelines/support-answers/"))
    assert "1 late" not in plain(olga.get("/pipelines/"))
    assert "Olga sees to it" in plain(olga.get("/pipelines/"))


def test_terms_are_changed_and_a_set_is_retired_and_used_again(world: World, olga: Visitor) -> None:
    made = published(world)
    SeenVersion.objects.create(
        pipeline=world.pipeline, model="a", model_version="b", first_seen_at=timezone.now() - timedelta(days=9),
        last_seen_at=timezone.now(),
    )  # fmt: skip
    sent = {"do": "terms", "owner": world.otto.pk, "every_days": 90, "within_days": 1, "description": ""}
    assert olga.post(f"{SETS}prices/", sent).status_code == 303
    assert "every 90 days" in plain(olga.get(f"{SETS}prices/"))
    assert "What is due" in plain(olga.get(f"{SETS}prices/"))
    olga.post(f"{SETS}prices/", {"do": "retire"})
    assert "What is due" not in plain(olga.get(f"{SETS}prices/"))
    olga.post(f"{SETS}prices/", {"do": "reopen"})
    made.refresh_from_db()
    assert made.retired_at is None
    retire_set(golden_set=made, by=world.olga)
    drafts.put_items(golden_set=made, items=questions(1))
    assert olga.post(DRAFT, {"do": "publish"}).status_code == 422


@pytest.mark.parametrize("number", [1, 12])
def test_pages_ask_the_database_as_often_for_many_runs_as_for_one(
    world: World, ada: Visitor, django_assert_max_num_queries, number: int
) -> None:  # type: ignore[no-untyped-def]
    made = published(world)
    for version in range(number):
        finished(world, made, model_version=f"v{version}")
        world.claim(model_version=f"v{version}")
    watching.watch_traffic()
    with django_assert_max_num_queries(22):
        ada.get(f"{SETS}prices/")
    with django_assert_max_num_queries(12):
        ada.get(SETS)
