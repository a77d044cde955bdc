"""The form of a pipeline has versions: what was asked when a label was given can always be told."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from reviewqueue.errors import Forbidden, Invalid
from reviewqueue.ledger.selectors import EntryFilter, entries
from reviewqueue.pipelines.form_versions import FormOutdated, change_form, form_versions
from reviewqueue.pipelines.models import Pipeline, ReviewForm
from reviewqueue.review import selectors
from reviewqueue.review.services.labels import LabelAnswer
from tests.services.review.steps import CHOICE, ask_by, label_next, review_terms, submit, taken
from tests.world import World

NEW: dict[str, Any] = {"kind": "judgement", "error_types": ["outdated"], "note_required": ["incorrect"]}


def test_a_new_pipeline_has_its_first_form_in_the_entry_about_itself(world: World) -> None:
    [form] = form_versions(world.pipeline)
    assert (form.number, form.document, form.made_by) == (1, {"kind": "judgement"}, None)
    assert form.event_id == world.pipeline.event_id
    assert Pipeline.objects.get(pk=world.pipeline.pk).review_form == form.document


def test_a_change_is_a_further_version_and_an_entry_in_the_ledger(world: World) -> None:
    made = change_form(pipeline=world.pipeline, document=NEW, by=world.olga, expected=1)
    assert (made.number, made.made_by) == (2, world.olga)
    assert Pipeline.objects.get(pk=world.pipeline.pk).review_form == NEW
    assert [form.number for form in form_versions(world.pipeline)] == [2, 1]
    [entry] = entries(filters=EntryFilter(kinds=["form.changed"])).entries
    assert (entry.body["pipeline"], entry.body["form"]) == (world.pipeline.slug, 2)
    assert entry.body["form_hash"] == made.document_hash


def test_the_same_form_again_is_no_new_version(world: World) -> None:
    first = change_form(pipeline=world.pipeline, document=NEW, by=world.olga)
    assert change_form(pipeline=world.pipeline, document=NEW, by=world.adam) == first
    assert ReviewForm.objects.filter(pipeline=world.pipeline).count() == 2


def test_who_saw_an_older_version_is_told_so_and_changes_nothing(world: World) -> None:
    change_form(pipeline=world.pipeline, document=NEW, by=world.olga)
    with pytest.raises(FormOutdated):
        change_form(pipeline=world.pipeline, document=CHOICE, by=world.otto, expected=1)
    assert Pipeline.objects.get(pk=world.pipeline.pk).review_form == NEW


@pytest.mark.parametrize("name", ["rita", "sam", "ada", "nora"])
def test_only_owners_and_admins_change_it(world: World, name: str) -> None:
    with pytest.raises(Forbidden):
        change_form(pipeline=world.pipeline, document=NEW, by=getattr(world, name))


def test_a_form_that_is_wrong_is_not_stored(world: World) -> None:
    with pytest.raises(Invalid):
        change_form(pipeline=world.pipeline, document={"kind": "choice"}, by=world.olga)
    assert ReviewForm.objects.filter(pipeline=world.pipeline).count() == 1


@pytest.mark.parametrize("change", [{"document_text": "{}"}, {"number": 7}, {"made_by_id": None}])
def test_the_database_refuses_to_change_a_version(world: World, change: dict[str, Any]) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ReviewForm.objects.filter(pipeline=world.pipeline).update(**change)


def test_the_database_refuses_to_delete_a_version(world: World) -> None:
    form = ask_by(world, NEW)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ReviewForm.objects.filter(pk=form.pk)._raw_delete("default")


def test_the_order_of_a_schema_is_kept(world: World) -> None:
    schema = {"type": "object", "properties": {"zebra": {}, "an": {}, "mouse": {}}}
    form = ReviewForm.objects.get(pk=ask_by(world, {"kind": "json", "schema": schema}).pk)
    assert list(form.document["schema"]["properties"]) == ["zebra", "an", "mouse"]


def test_an_open_task_keeps_the_form_it_was_opened_with_and_later_ones_get_the_new_one(world: World) -> None:
    world.claim()
    ask_by(world, NEW)
    world.claim()
    first, second = taken(world.rita), taken(world.ravi)
    shown = [selectors.task_view(selectors.lease_for(lease.reviewer, lease.pk))["task"] for lease in (first, second)]
    assert [task["form"] for task in shown] == [{"kind": "judgement"}, NEW]
    assert submit(first, LabelAnswer("incorrect")).created
    with pytest.raises(Invalid):
        submit(second, LabelAnswer("incorrect"))


def test_every_label_of_a_task_is_judged_by_the_same_form(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    label_next(world.rita, LabelAnswer("incorrect"))
    ask_by(world, NEW)
    assert label_next(world.ravi, LabelAnswer("incorrect")).label.task.form.number == 1


def test_the_ledger_says_by_which_form_a_label_was_given(world: World) -> None:
    ask_by(world, NEW)
    world.claim()
    label_next(world.rita, LabelAnswer("incorrect", note="The price is last year's."))
    [entry] = entries(filters=EntryFilter(kinds=["label.submitted"])).entries
    assert entry.body["form"] == 2


def test_a_task_that_was_answered_unseen_stays_so_when_the_form_becomes_a_judgement(world: World) -> None:
    world.activate(review_terms(blind="answer"))
    ask_by(world, CHOICE)
    world.claim(output="true")
    ask_by(world, NEW)
    assert label_next(world.rita, LabelAnswer(None, output="true")).label.verdict == "correct"
