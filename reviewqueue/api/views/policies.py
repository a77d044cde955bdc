"""Policy versions: proposed, approved by somebody else, activated, tried in shadow. Each step names what was seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from calibration.backtesting import backtest
from reviewqueue.api import backtest_answers, bodies, policy_answers, policy_examples
from reviewqueue.api.authentication import person_of
from reviewqueue.api.backtest_answers import backtest_answer
from reviewqueue.api.bodies import read_as
from reviewqueue.api.contract import Answer, Body, Holder, promises
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.policy_shapes import policy_answer, policy_detail
from reviewqueue.api.preconditions import entity_tag, seen_in
from reviewqueue.api.queries import BadQuery, choice, whole
from reviewqueue.api.views.pipelines import READ, pipeline_with_figures
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.pipelines.selectors import pipeline_for
from reviewqueue.policy import services
from reviewqueue.policy.rights import DECIDE, PROPOSE
from reviewqueue.policy.selectors import version_before, version_for, version_in_shadow, versions

if TYPE_CHECKING:
    from reviewqueue.accounts.models import User
    from reviewqueue.pipelines.models import Pipeline
    from reviewqueue.policy.models import PolicyVersion

    Step = Callable[[PolicyVersion, User, str | None], object]

ADMIN: Final[dict[str, Any]] = {"scope": "admin", "holder": Holder.PERSON}
NOTHING: Final = Body(bodies.Nothing, {"nothing to say": {}}, required=False)
MOVED: Final = ("policy_not_in_state",)
JUDGED: Final = (*MOVED, "policy_outdated")
APPROVAL: Final = (*JUDGED, "four_eyes", "administrators_decide")


def _version_as(text: str, example: dict[str, Any]) -> dict[int, Answer]:
    return {200: Answer(text, policy_answers.PolicyDetail, example)}


class Policies(Operation):
    @promises(
        "list_policies",
        **READ,
        answers={200: Answer("All versions.", policy_answers.PolicyList, policy_examples.POLICIES)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """List the policy versions of a pipeline, newest first."""
        pipeline = pipeline_with_figures(request, slug)
        shadow = version_in_shadow(pipeline)
        found = [policy_answer(version, in_shadow=version.pk == shadow) for version in versions(pipeline)]
        return Response({"results": found})

    @promises(
        "propose_policy",
        **ADMIN,
        body=Body(bodies.Proposal, {"a policy": policy_examples.PROPOSAL}),
        answers={201: Answer("The draft.", policy_answers.PolicyDetail, policy_examples.DRAFT)},
    )
    def post(self, request: Request, slug: str) -> HttpResponse:
        """Propose a policy version.

        For owners. A draft decides nothing until somebody else has approved it.
        """
        person = person_of(request)
        pipeline = pipeline_for(person, slug, PROPOSE)

        def propose(body: Any) -> Reply:
            proposal = read_as(bodies.Proposal, body)
            draft = _proposed(pipeline, person, proposal)
            return Reply(201, policy_detail(draft, in_shadow=False))

        return self.write(propose)


def _proposed(pipeline: Pipeline, person: User, proposal: bodies.Proposal) -> PolicyVersion:
    """What is wrong with the document is pointed at in the body it came in."""
    try:
        return services.propose(pipeline=pipeline, document=proposal.document, proposer=person, note=proposal.note)
    except Invalid as error:
        problems = [FieldProblem(f"/document{one.pointer}", one.code, one.detail) for one in error.problems]
        raise Invalid(problems, error.detail) from None


class PolicyDetail(Operation):
    @promises(
        "get_policy",
        **READ,
        answers={
            200: Answer(
                "The policy version.",
                policy_answers.PolicyDetail,
                policy_examples.POLICY_DETAIL,
                headers={"ETag": "Its `revision` in quotes: the `If-Match` of the next step."},
            )
        },
    )
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Get one policy version with all its rules."""
        pipeline = pipeline_with_figures(request, slug)
        version = version_for(pipeline, number)
        answer = policy_detail(version, in_shadow=version.pk == version_in_shadow(pipeline))
        return Response(answer, headers={"ETag": entity_tag(version.revision)})


DAYS: Final = whole("days", "How many days back.", 1, 365, 30)
AGAINST: Final = whole("against", "The number of the version compared with; else the active one.", 0, 2**31 - 1)
STATES: Final = choice(
    "states", "Whether bands decide as `measured` now, or as if all had `earned` their route.", ("measured", "earned")
)


class PolicyBacktest(Operation):
    @promises(
        "backtest_policy",
        **READ,
        parameters=(DAYS, AGAINST, STATES),
        answers={200: Answer("What would have been.", backtest_answers.Backtest, backtest_answers.EXAMPLE)},
    )
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Try a policy version on past claims.

        Each of the newest 20,000 claims of the window is routed again by both versions, from its stored facts: what
        moves between routes, how often it would be wrong, and what people would have to do. Nothing changes by asking.
        """
        pipeline = pipeline_with_figures(request, slug)
        version, query = version_for(pipeline, number), request.query_params
        others = [each for each in versions(pipeline) if each.pk != version.pk]
        against = AGAINST.value_in(query)
        if against is not None and against not in {each.number for each in others}:
            raise BadQuery(AGAINST.name, "unknown", "There is no other version with this number.")
        tried = backtest(
            version,
            before=version_before(others, version, "" if against is None else str(against)),
            days=DAYS.value_in(query) or 30,
            now=timezone.now(),
            states="earned" if STATES.value_in(query) == "earned" else "measured",
        )
        return Response(backtest_answer(tried))


class PolicyStep(Operation):
    """A step in the life of a version: for those who may decide, about the version they saw."""

    def take(self, request: Request, slug: str, number: int, step: Step) -> HttpResponse:
        person = person_of(request)
        pipeline = pipeline_for(person, slug, DECIDE)
        version = version_for(pipeline, number)
        seen = seen_in(request, now=version.revision)

        def perform(body: Any) -> Reply:
            read_as(bodies.Nothing, body)
            step(version, person, seen)
            now = version_for(pipeline, number)
            return Reply(200, policy_detail(now, in_shadow=now.pk == version_in_shadow(pipeline)))

        return self.write(perform)


class PolicyApprove(PolicyStep):
    @promises(
        "approve_policy",
        **ADMIN,
        body=NOTHING,
        needs_match=True,
        answers=_version_as("Approved; or a draft still, when an approval is missing.", policy_examples.APPROVED),
        problems=APPROVAL,
    )
    def post(self, request: Request, slug: str, number: int) -> HttpResponse:
        """Approve a draft.

        By an owner or administrator who did not propose it. A version that loosens mandatory review takes two
        administrators: `approvals_missing` counts. It decides nothing until it is activated.
        """
        return self.take(
            request, slug, number, lambda version, by, seen: services.approve(version=version, approver=by, seen=seen)
        )


class PolicyActivate(PolicyStep):
    @promises(
        "activate_policy",
        **ADMIN,
        body=NOTHING,
        needs_match=True,
        answers=_version_as("It decides from the next claim on.", policy_examples.POLICY_DETAIL),
        problems=JUDGED,
    )
    def post(self, request: Request, slug: str, number: int) -> HttpResponse:
        """Activate an approved version.

        The one active until now is retired in the same moment.
        """
        return self.take(
            request, slug, number, lambda version, by, seen: services.activate(version=version, by=by, seen=seen)
        )


class PolicyReject(PolicyStep):
    @promises(
        "reject_policy",
        **ADMIN,
        body=NOTHING,
        needs_match=True,
        answers=_version_as("Rejected, for good.", policy_examples.REJECTED),
        problems=MOVED,
    )
    def post(self, request: Request, slug: str, number: int) -> HttpResponse:
        """Reject a draft.

        Its proposer withdraws it in this way.
        """
        return self.take(
            request, slug, number, lambda version, by, seen: services.reject(version=version, by=by, seen=seen)
        )


class PolicyRetire(PolicyStep):
    @promises(
        "retire_policy",
        **ADMIN,
        body=NOTHING,
        needs_match=True,
        answers=_version_as("Retired, for good.", policy_examples.RETIRED),
        problems=MOVED,
    )
    def post(self, request: Request, slug: str, number: int) -> HttpResponse:
        """Retire an approved version that never decided.

        The active version is retired by activating another; to stop automation, trip a breaker.
        """
        return self.take(
            request, slug, number, lambda version, by, seen: services.retire(version=version, by=by, seen=seen)
        )


class PolicyShadow(PolicyStep):
    @promises(
        "start_shadow",
        **ADMIN,
        body=NOTHING,
        needs_match=True,
        answers=_version_as("It runs in shadow.", policy_examples.IN_SHADOW),
        problems=(*MOVED, "shadow_taken"),
    )
    def post(self, request: Request, slug: str, number: int) -> HttpResponse:
        """Run a draft or approved version in shadow.

        It decides every new claim beside the active version and changes nothing. One at a time.
        """
        return self.take(
            request, slug, number, lambda version, by, seen: services.start_shadow(version=version, by=by, seen=seen)
        )


class PolicyUnshadow(PolicyStep):
    @promises(
        "stop_shadow",
        **ADMIN,
        body=NOTHING,
        needs_match=True,
        answers=_version_as("It runs in shadow no more; its figures stay.", policy_examples.DRAFT),
        problems=MOVED,
    )
    def post(self, request: Request, slug: str, number: int) -> HttpResponse:
        """End a shadow run."""
        return self.take(
            request, slug, number, lambda version, by, seen: services.stop_shadow(version=version, by=by, seen=seen)
        )
