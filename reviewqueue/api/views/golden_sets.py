"""Golden sets: inputs with known answers by which models are measured, kept by the owners of a pipeline."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from django.http import HttpResponse
from msgspec import UNSET, Meta, Struct, UnsetType
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.api import golden_answers, golden_examples
from reviewqueue.api.authentication import person_of
from reviewqueue.api.bodies import Nothing, read_as
from reviewqueue.api.contract import Answer, Body, promises
from reviewqueue.api.golden_shapes import due_answer, new_set_answer, published_answer, put_answer, set_answer
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.views.pipelines import READ, pipeline_with_figures
from reviewqueue.api.views.policies import ADMIN
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.golden.due import due_for
from reviewqueue.golden.item_files import MAX_FILE_BYTES, BadItems, LineProblem, checked_items, read_items
from reviewqueue.golden.items import MOST_ITEMS, Item
from reviewqueue.golden.models import LONGEST_EVERY, LONGEST_WITHIN, USUAL_EVERY_DAYS, USUAL_WITHIN_DAYS
from reviewqueue.golden.selectors import names_of, set_named, sets_of
from reviewqueue.golden.services import drafts, sets
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import people_of, pipeline_for

KEEPERS: Final = frozenset({Role.OWNER})
"""Who makes and fills golden sets."""


class GoldenSetBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[
        str,
        Meta(
            max_length=60,
            pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
            description="Of a–z and 0–9 with single hyphens; it is part of addresses.",
        ),
    ]
    description: Annotated[str, Meta(max_length=sets.MAX_DESCRIPTION, description="For people.")] = ""
    owner: Annotated[str | None, Meta(description="The username of an owner of the pipeline; left out, yours.")] = None
    every_days: Annotated[
        int, Meta(ge=1, le=LONGEST_EVERY, description="How often a version in traffic is measured.")
    ] = USUAL_EVERY_DAYS
    within_days: Annotated[
        int, Meta(ge=0, le=LONGEST_WITHIN, description="How soon one that is new in traffic is; 0 is at once.")
    ] = USUAL_WITHIN_DAYS


class GoldenItemsBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either `items`, or `text` in a `format`. All of it is taken in, or nothing."""

    items: Annotated[
        Annotated[list[Item], Meta(max_length=MOST_ITEMS)] | UnsetType,
        Meta(description="As many as a set may have: 10,000."),
    ] = UNSET
    format: Annotated[Literal["csv", "jsonl"] | UnsetType, Meta(description="Of the text.")] = UNSET
    text: Annotated[
        str | UnsetType, Meta(description="A whole file: CSV with a header, or one JSON object a line.")
    ] = UNSET
    replace: Annotated[bool, Meta(description="Items that are not given are gone from the draft.")] = False


class _Items(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As `GoldenItemsBody`, with items that are looked at one by one, so that each problem has its pointer."""

    items: list[Any] | UnsetType = UNSET
    format: Literal["csv", "jsonl"] | UnsetType = UNSET
    text: str | UnsetType = UNSET
    replace: bool = False


class GoldenSets(Operation):
    @promises(
        "list_golden_sets",
        **READ,
        answers={200: Answer("All of them, and what is due.", golden_answers.GoldenSetList, golden_examples.SETS)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """List golden sets, and the measurements that are due.

        A model or prompt version that is new in traffic has to be measured by every golden set in use, and again every
        so many days. What is late is an alarm.
        """
        pipeline = pipeline_with_figures(request, slug)
        return Response(
            {
                "results": [set_answer(each) for each in sets_of(pipeline)],
                "due": [due_answer(due) for due in due_for(pipeline)],
            }
        )

    @promises(
        "create_golden_set",
        **ADMIN,
        body=Body(GoldenSetBody, {"usual": golden_examples.SET_TERMS}),
        answers={201: Answer("The set, still empty.", golden_answers.GoldenSet, golden_examples.NEW_SET)},
        problems=("golden_set_exists",),
    )
    def post(self, request: Request, slug: str) -> HttpResponse:
        """Make a golden set.

        For owners. Somebody answers for it: that its answers stay true, and that models are measured in time.
        """
        person = person_of(request)
        pipeline = pipeline_for(person, slug, KEEPERS)

        def create(body: Any) -> Reply:
            given = read_as(GoldenSetBody, body)
            owner = person if given.owner is None else _owner(pipeline, given.owner)
            terms = sets.Terms(
                owner=owner,
                every_days=given.every_days,
                within_days=given.within_days,
                description=given.description,
            )
            made = sets.create_set(pipeline=pipeline, name=given.name, terms=terms, by=person)
            return Reply(201, new_set_answer(made))

        return self.write(create)


class GoldenItems(Operation):
    body_limit = MAX_FILE_BYTES

    @promises(
        "put_golden_items",
        **ADMIN,
        body=Body(GoldenItemsBody, {"items": golden_examples.ITEMS, "a file": golden_examples.ITEMS_CSV}),
        answers={200: Answer("What the draft has now.", golden_answers.GoldenItemsPut, golden_examples.PUT)},
    )
    def post(self, request: Request, slug: str, name: str) -> HttpResponse:
        """Put items into the draft of a golden set.

        For owners. An item of a key that is there takes its place; without a draft one is begun with what is in use.
        When anything is wrong nothing is taken in, and every problem has its line and field. The body has at most
        32 MiB.
        """
        pipeline = pipeline_for(person_of(request), slug, KEEPERS)
        golden_set = set_named(pipeline, name)

        def put(body: Any) -> Reply:
            given = read_as(_Items, body)
            put = drafts.put_items(golden_set=golden_set, items=_items(given, pipeline), replace=given.replace)
            return Reply(200, put_answer(put))

        return self.write(put)


class GoldenPublish(Operation):
    @promises(
        "publish_golden_set",
        **ADMIN,
        body=Body(Nothing, {"nothing": {}}, required=False),
        answers={
            201: Answer(
                "The version that is in use from now on.", golden_answers.GoldenPublished, golden_examples.PUBLISHED
            )
        },
        problems=("golden_set_not_in_use", "nothing_to_publish"),
    )
    def post(self, request: Request, slug: str, name: str) -> HttpResponse:
        """Publish the draft of a golden set.

        For owners. It never changes again, and the ledger has its digest. An answer that no machine can compare is
        refused, with the key of its item.
        """
        person = person_of(request)
        golden_set = set_named(pipeline_for(person, slug, KEEPERS), name)

        def publish(body: Any) -> Reply:
            read_as(Nothing, body)
            return Reply(201, published_answer(drafts.publish(golden_set=golden_set, by=person)))

        return self.write(publish)


def _owner(pipeline: Pipeline, username: str) -> Any:
    found = people_of(pipeline, KEEPERS).filter(username=username).first()
    if found is None:
        raise Invalid([FieldProblem("/owner", "choice", "This is an owner of the pipeline.")])
    return found


def _items(given: _Items, pipeline: Pipeline) -> list[Item]:
    """Raises Invalid with pointers into the body."""
    names = names_of(pipeline)
    if not isinstance(given.items, UnsetType) and isinstance(given.text, UnsetType):
        try:
            return checked_items(enumerate(given.items, start=1), names)
        except BadItems as bad:
            raise Invalid([_in_list(each) for each in bad.lines], bad.detail) from None
    if isinstance(given.text, UnsetType) or isinstance(given.format, UnsetType) or not isinstance(
        given.items, UnsetType
    ):  # fmt: skip
        raise Invalid([FieldProblem("", "one_of", "Either items, or a text with its format.")])
    try:
        return read_items(given.text.encode(), given.format, names)
    except BadItems as bad:
        raise BadItems(bad.lines, pointer="/text") from None


def _in_list(each: LineProblem) -> FieldProblem:
    return FieldProblem(f"/items/{each.line - 1}{each.pointer}", each.problem.code, each.detail)
