"""Golden runs: a model version answers the questions of a golden set, and its figures come back."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from msgspec import Meta, Struct
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.api import golden_answers, golden_examples
from reviewqueue.api.authentication import holder_of, source_of
from reviewqueue.api.bodies import Nothing, read_as
from reviewqueue.api.contract import Answer, Body, Holder, Rate, promises
from reviewqueue.api.golden_shapes import comparison_answer, question_answer, run_answer, run_detail
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.problems import problem_response
from reviewqueue.api.queries import CURSOR, LIMIT, BadQuery, Cursor, limit_in, text
from reviewqueue.api.views.pipelines import READ, pipeline_with_figures
from reviewqueue.golden import selectors
from reviewqueue.golden.comparison import compare
from reviewqueue.golden.services import runs
from reviewqueue.golden.submission import Answer as GoldenAnswer
from reviewqueue.golden.submission import NewRun
from reviewqueue.strict_json import MAX_BYTES

INTAKE: Final[dict[str, Any]] = {"scope": "intake", "holder": Holder.SOURCE}
AGAINST: Final = text("against", "The `id` of the other run; left out, the last one of another version.")
ANSWERS_LIMIT: Final = 32 * MAX_BYTES
_ANSWER: Final = msgspec.json.schema_components([GoldenAnswer])[1]["Answer"]


class GoldenAnswersBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    answers: Annotated[
        list[Any],
        Meta(
            description="At most 1,000. What is no good answer is refused in its own place.",
            extra_json_schema={"items": {"anyOf": [_ANSWER, {}]}},
        ),
    ]


class GoldenQuestions(Operation):
    @promises(
        "list_golden_questions",
        **READ,
        parameters=(CURSOR, LIMIT),
        answers={200: Answer("A page of questions.", golden_answers.GoldenQuestionPage, golden_examples.QUESTIONS)},
    )
    def get(self, request: Request, slug: str, name: str) -> Response:
        """List the questions of a golden set, in their order.

        Of the version that is in use: what a model is to be asked, without the known answers. `next` is null on the
        last page.
        """
        golden_set = selectors.set_named(pipeline_with_figures(request, slug), name)
        version = selectors.version_in_use(golden_set)
        wanted = {"set": golden_set.pk, "version": version.number if version else None}
        cursor = Cursor(salt="golden-questions", holder=holder_of(request), wanted=wanted)
        page, limit = int(cursor.position_in(request.query_params) or 1), limit_in(request.query_params)
        rows = selectors.items_of(version, page=page, limit=limit) if version else []
        further = cursor.text(str(page + 1)) if version and page * limit < version.size else None
        results = [question_answer(selectors.item_with_content(row)) for row in rows]
        return Response({"version": wanted["version"], "results": results, "next": further})


class GoldenRuns(Operation):
    @promises(
        "list_golden_runs",
        **READ,
        parameters=(CURSOR, LIMIT),
        answers={200: Answer("A page of runs.", golden_answers.GoldenRunPage, golden_examples.RUNS)},
    )
    def get(self, request: Request, slug: str, name: str) -> Response:
        """List the runs of a golden set, newest first."""
        golden_set = selectors.set_named(pipeline_with_figures(request, slug), name)
        cursor = Cursor(salt="golden-runs", holder=holder_of(request), wanted={"set": golden_set.pk})
        position, limit = cursor.position_in(request.query_params), limit_in(request.query_params)
        found = selectors.runs_of(golden_set, before=UUID(position) if position else None, limit=limit + 1)
        further = cursor.text(str(found[limit - 1].pk)) if len(found) > limit else None
        return Response({"results": [run_answer(run) for run in found[:limit]], "next": further})

    @promises(
        "start_golden_run",
        **INTAKE,
        body=Body(NewRun, {"usual": golden_examples.NEW_RUN}),
        answers={201: Answer("The run, which waits for answers.", golden_answers.GoldenRun, golden_examples.RUN)},
        problems=("golden_set_not_in_use", "too_many_runs"),
    )
    def post(self, request: Request, slug: str, name: str) -> HttpResponse:
        """Start a golden run.

        On the version of the set that is in use. Nothing of it becomes a claim: it is not routed, not reviewed, and
        enters no estimate of the traffic.
        """
        source = source_of(request)
        golden_set = selectors.set_named(pipeline_with_figures(request, slug), name)

        def start(body: Any) -> Reply:
            run = read_as(NewRun, body)
            begun = runs.start_run(golden_set=golden_set, source=source, run=run, now=timezone.now())
            return Reply(201, run_answer(begun))

        return self.write(start)


class GoldenRunDetail(Operation):
    @promises(
        "get_golden_run",
        **READ,
        answers={200: Answer("The run with its figures.", golden_answers.GoldenRunDetail, golden_examples.RUN_DETAIL)},
    )
    def get(self, request: Request, slug: str, name: str, run_id: UUID) -> Response:
        """Get a golden run with all its figures.

        Accuracy, calibration, segments, and what each band that promises an accuracy would have let through. They are
        of chosen inputs: no band is validated by them, and nothing is loosened.
        """
        golden_set = selectors.set_named(pipeline_with_figures(request, slug), name)
        return Response(run_detail(selectors.run_in(golden_set, run_id)))


class GoldenRunAnswers(Operation):
    body_limit = ANSWERS_LIMIT

    @promises(
        "answer_golden_run",
        **INTAKE,
        rate=Rate.INTAKE,
        body=Body(GoldenAnswersBody, {"one": golden_examples.ANSWERS}),
        answers={
            200: Answer("What became of each answer.", golden_answers.GoldenAnswersTaken, golden_examples.ANSWERS_TAKEN)
        },
    )
    def post(self, request: Request, slug: str, name: str, run_id: UUID) -> HttpResponse:
        """Give up to 1,000 answers of a golden run.

        Each stands or falls alone. Sending them again is safe: what is there is 200, the same item answered otherwise
        409. The run is complete with its last answer. The body has at most 32 MiB.
        """
        run = selectors.own_run(source_of(request), pipeline_with_figures(request, slug), name, run_id)

        def take(body: Any) -> Reply:
            given = read_as(GoldenAnswersBody, body).answers
            results, after = runs.answer_batch(run=run, bodies=given, now=timezone.now())
            accepted = sum(result.error is None for result in results)
            return Reply(
                200,
                {
                    "results": [self._element(result) for result in results],
                    "accepted": accepted,
                    "rejected": len(results) - accepted,
                    "run": run_answer(after),
                },
            )

        return self.write(take)

    def _element(self, result: runs.AnswerResult) -> dict[str, Any]:
        named = {"index": result.index, "status": result.status}
        if result.error is None:
            return named
        refusal = problem_response(result.error, {"request": self.request, "view": self})
        return {**named, "problem": msgspec.Raw(refusal.content)}


class GoldenRunClose(Operation):
    @promises(
        "close_golden_run",
        **INTAKE,
        body=Body(Nothing, {"nothing": {}}, required=False),
        answers={200: Answer("The run as it ended.", golden_answers.GoldenRun, golden_examples.FINISHED_RUN)},
    )
    def post(self, request: Request, slug: str, name: str, run_id: UUID) -> HttpResponse:
        """End a golden run with answers missing.

        The missing ones are counted and shown. A run that is over stays as it is.
        """
        run = selectors.own_run(source_of(request), pipeline_with_figures(request, slug), name, run_id)

        def close(body: Any) -> Reply:
            read_as(Nothing, body)
            return Reply(200, run_answer(runs.close_run(run=run, now=timezone.now())))

        return self.write(close)


class GoldenRunComparison(Operation):
    @promises(
        "compare_golden_runs",
        **READ,
        parameters=(AGAINST,),
        answers={
            200: Answer("What changed between the two.", golden_answers.GoldenRunComparison, golden_examples.COMPARISON)
        },
        problems=("golden_runs_not_comparable",),
    )
    def get(self, request: Request, slug: str, name: str, run_id: UUID) -> Response:
        """Compare a golden run with another one on the same version of the set.

        By the items that both answered: which were lost and gained, with an exact test, and the difference of log loss
        with its interval. The known answers are not told.
        """
        golden_set = selectors.set_named(pipeline_with_figures(request, slug), name)
        run = selectors.run_in(golden_set, run_id)
        against = AGAINST.value_in(request.GET)
        before = selectors.run_before(run) if against is None else selectors.run_in(golden_set, _id(against))
        return Response(comparison_answer(compare(run, selectors.found(before))))


def _id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise BadQuery(AGAINST.name, "id", "This is the id of a run.") from None
