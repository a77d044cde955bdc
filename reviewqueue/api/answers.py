"""The answers of the contract as types, for the OpenAPI document. Answers are built where the facts are (selectors and
`shapes`); that they have these types, with no field more or less, is what tests/api checks on every answer it gets.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from reviewqueue.claims.submission import Elicitation
from reviewqueue.policy.document import Blind, NextStep, Route

Id = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"}, description="UTC, with milliseconds.")]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]
Digest = Annotated[str, Meta(pattern="^sha256:[0-9a-f]{64}$")]
Next = Annotated[str | None, Meta(description="The cursor of the next page.")]
Status = Literal["decided", "awaiting_step", "in_review", "settled", "erased"]
Verdict = Literal["correct", "incorrect", "partially_correct", "cannot_judge"]
Purpose = Literal["review", "audit", "flagged", "escalation", "adjudication", "gold", "relabel"]
BandState = Literal["validated", "unvalidated", "breach", "stale"]


# --- refusals -------------------------------------------------------------------------------------------------------


class FieldError(Struct, frozen=True, kw_only=True):
    pointer: Annotated[str, Meta(description="A JSON Pointer into the body; of a query, the name of the parameter.")]
    code: str
    detail: str


class Problem(Struct, frozen=True, kw_only=True):
    """Why a request was refused (RFC 9457)."""

    type: Annotated[str, Meta(description="Names the code, and leads nowhere.")]
    title: str
    status: int
    detail: Annotated[str, Meta(description="A sentence for people. Its words may change.")]
    code: Annotated[str, Meta(description="What programs rely on.")]
    instance: Annotated[str, Meta(description="The id of the request.")]
    errors: list[FieldError] | UnsetType = UNSET


# --- claims and outcomes --------------------------------------------------------------------------------------------


class Links(Struct, frozen=True):
    self: Annotated[str, Meta(description="The path of this very thing.")]


class Check(Struct, frozen=True, kw_only=True):
    """What one verifier of the policy found."""

    name: Annotated[str, Meta(description="As the policy calls it.")]
    outcome: Annotated[Literal["pass", "fail", "unknown"], Meta(description="`unknown`: the check could not be made.")]
    score: Annotated[Share | None, Meta(description="For checks that measure a degree.")]
    note: Annotated[str | None, Meta(description="Why it did not pass, as a code.")]


class Decision(Struct, frozen=True, kw_only=True):
    """The recorded application of a policy to a claim."""

    route: Route
    next_step: Annotated[NextStep | None, Meta(description="What the caller is asked to do about an uncertain claim.")]
    band: Annotated[str | None, Meta(description="The band of calibrated confidence that the claim fell into.")]
    confidence: Annotated[Share | None, Meta(description="As stated by the model.")]
    calibrated_confidence: Annotated[Share | None, Meta(description="The estimated chance that the output is right.")]
    reasons: Annotated[list[str], Meta(description="Every rule that matched, most decisive first.")]
    policy_version: Annotated[int | None, Meta(description="Null when the pipeline had no active policy.")]
    calibrator: str | None
    audit_sampled: Annotated[bool, Meta(description="Drawn at random for blind review.")]
    inclusion_probability: Annotated[Share, Meta(description="The chance, fixed now, that the claim gets a label.")]
    decided_at: Instant
    checks: Annotated[
        list[Check] | UnsetType, Meta(description="What the policy's verifiers found; only where it has verifiers.")
    ] = UNSET


class Outcome(Struct, frozen=True, kw_only=True):
    """The standing truth for a claim."""

    id: Id
    claim: Id
    correct: Annotated[bool | None, Meta(description="Null when it could not be judged.")]
    output: Annotated[Any, Meta(description="The right answer, where it is known.")]
    basis: Annotated[Literal["labels", "adjudication", "external"], Meta(description="Who found it out.")]
    decided_at: Instant


class ListedOutcome(Outcome, frozen=True, kw_only=True):
    external_id: str
    pipeline: str


class Claim(Struct, frozen=True, kw_only=True):
    id: Id
    external_id: str
    pipeline: str
    status: Annotated[
        Status,
        Meta(
            description="`decided` without a person, `awaiting_step` from the caller, `in_review`, `settled` by an "
            "outcome that stands, or `erased` before there was one."
        ),
    ]
    decision: Decision
    outcome: Outcome | None
    received_at: Instant
    redacted: Annotated[
        dict[str, int] | UnsetType,
        Meta(description="How many places each redaction rule masked before anything was stored; only where one did."),
    ] = UNSET
    links: Links


class ClaimPage(Struct, frozen=True, kw_only=True):
    results: list[Claim]
    next: Next


class Preview(Struct, frozen=True, kw_only=True):
    decision: Decision


class OutcomePage(Struct, frozen=True, kw_only=True):
    results: list[ListedOutcome]
    next: Annotated[str | None, Meta(description="Where to go on, now or later: it stays good on the newest page.")]


# --- review ---------------------------------------------------------------------------------------------------------


class Lease(Struct, frozen=True, kw_only=True):
    """A reviewer's time-limited hold on a task."""

    id: Id
    expires_at: Instant


class Option(Struct, frozen=True, kw_only=True):
    output: Any
    confidence: Share | UnsetType | None = UNSET


class Reason(Struct, frozen=True, kw_only=True):
    code: str
    kind: Literal["blocker", "voucher"]
    text: str


class ShownDecision(Struct, frozen=True, kw_only=True):
    route: Route
    band: str | None
    reasons: list[str]
    calibrated_confidence: Share | None
    why: list[Reason]


class ShownClaim(Struct, frozen=True, kw_only=True):
    """What the task's blindness allows: with `answer` no output, with `score` nothing that gives the score away."""

    id: Id
    pipeline: str
    category: str | None
    segments: dict[str, str]
    input: Any
    output: Any | UnsetType = UNSET
    alternatives: list[Option] | UnsetType = UNSET
    external_id: str | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    received_at: Instant | UnsetType = UNSET
    elicitation: str | UnsetType = UNSET
    signals: dict[str, Share] | UnsetType = UNSET
    model: str | UnsetType = UNSET
    model_version: str | UnsetType = UNSET
    prompt_version: str | UnsetType | None = UNSET
    confidence: Share | UnsetType | None = UNSET
    decision: ShownDecision | UnsetType = UNSET


class ContextPassage(Struct, frozen=True, kw_only=True):
    kind: str
    title: str
    text: str
    url: str | None
    role: str | None
    id: str | None
    attachment: Annotated[Id, Meta(description="A file that came with the claim.")] | UnsetType = UNSET


class FormOption(Struct, frozen=True, kw_only=True, omit_defaults=True):
    value: Annotated[str, Meta(description="What a label says.")]
    title: Annotated[str | UnsetType, Meta(description="What reviewers read; left out, the value.")] = UNSET
    key: Annotated[str | UnsetType, Meta(description="A letter that picks it on the page.")] = UNSET


class FormQuestion(Struct, frozen=True, kw_only=True):
    """Answered in `answers` by its name: `choice` with a value, `several` with a list of them, `span` with
    `{"start": 0, "end": 5}` in characters.
    """

    name: str
    kind: Literal["choice", "several", "number", "span", "text"]
    title: str
    required: bool | UnsetType = UNSET
    when: Annotated[list[Verdict] | UnsetType, Meta(description="Asked for these verdicts only.")] = UNSET
    options: list[str | FormOption] | UnsetType = UNSET
    min: float | UnsetType | None = UNSET
    max: float | UnsetType | None = UNSET
    whole: bool | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    of: Literal["input", "output"] | UnsetType = UNSET


class Form(Struct, frozen=True, kw_only=True):
    """What the reviewer is asked to give: a judgement of the output (`text`: with the right text where it is wrong),
    one of `options`, or a verdict on every field of JSON, in `answers` as `{"fields": {"/total": "correct"}}`.
    """

    kind: Literal["judgement", "choice", "text", "json"]
    options: list[str | FormOption] | UnsetType = UNSET
    error_types: list[str | FormOption] | UnsetType = UNSET
    note_required: Annotated[list[Verdict] | UnsetType, Meta(description="Verdicts that need a note.")] = UNSET
    questions: Annotated[list[FormQuestion] | UnsetType, Meta(description="Asked beside the main one.")] = UNSET
    schema: Annotated[dict[str, Any] | UnsetType, Meta(description="JSON Schema of the output, for `json`.")] = UNSET


class Said(Struct, frozen=True, kw_only=True):
    verdict: Verdict
    output: Any
    error_types: list[str]
    note: str


class LabelToSettle(Said, frozen=True, kw_only=True):
    by: Annotated[str, Meta(description="Which reviewer, without a name.")]


class Task(Struct, frozen=True, kw_only=True):
    id: Id
    purpose: Annotated[Purpose, Meta(description="Of a blind task always `review`.")]
    blind: Annotated[Blind, Meta(description="What is kept back until the label is in.")]
    question: str
    guideline: str
    claim: ShownClaim
    context: list[ContextPassage]
    form: Form
    due_at: Instant
    labels: Annotated[
        list[LabelToSettle] | UnsetType, Meta(description="In adjudication: the labels that are to be settled.")
    ] = UNSET


class TaskInHand(Struct, frozen=True, kw_only=True):
    task: Task
    lease: Lease


class Renewed(Struct, frozen=True, kw_only=True):
    lease: Lease


class Label(Said, frozen=True, kw_only=True):
    """One reviewer's judgement. Never edited: a change of mind is a further revision."""

    id: Id
    task: Id
    claim: Id
    answers: dict[str, Any]
    seconds: float | None
    revision: Count
    late: Annotated[bool, Meta(description="Given after the lease ran out, when nobody had taken over.")]
    created_at: Instant


class StandingLabel(Said, frozen=True, kw_only=True):
    id: Id
    by: Literal["you", "another reviewer"]


class Reveal(Struct, frozen=True, kw_only=True):
    """What blindness had hidden."""

    model: str
    model_version: str
    prompt_version: str | None
    confidence: Share | None
    calibrated_confidence: Share | None
    band: str | None
    reasons: list[str]
    output: Any
    agreed: Annotated[bool | None, Meta(description="Whether the label says that the model was right.")]


class Labelled(Struct, frozen=True, kw_only=True):
    label: Label
    outcome: Annotated[Outcome | None, Meta(description="What this label settled, if it did.")]
    reveal: Annotated[Reveal | UnsetType, Meta(description="After a blind label.")] = UNSET


# --- pipelines ------------------------------------------------------------------------------------------------------


class Pipeline(Struct, frozen=True, kw_only=True):
    slug: str
    name: str
    description: str
    owner: str
    categories: list[str]
    segments: Annotated[dict[str, list[str]], Meta(description="Every segment key with its values.")]
    links: Links


class PipelineList(Struct, frozen=True, kw_only=True):
    results: list[Pipeline]


class ActivePolicy(Struct, frozen=True, kw_only=True):
    number: int
    document_hash: Digest


class Subject(Struct, frozen=True, kw_only=True):
    model: str
    model_version: str
    prompt_version: str


class CalibratorInUse(Subject, frozen=True, kw_only=True):
    name: str


class BandSummary(Subject, frozen=True, kw_only=True):
    band: str
    route: Route
    state: BandState
    measured: Annotated[str, Meta(description="In finer words, how far the measurement is.")]


class Signal(Struct, frozen=True, kw_only=True):
    """What is declared of a number that comes with claims."""

    family: Literal["internal", "agreement", "evidence", "process", "input_risk"]
    elicitation: Elicitation
    higher_is: Literal["better", "riskier"]
    description: str


class Costs(Struct, frozen=True, kw_only=True):
    """What is null or missing has no price: unknown, not free."""

    currency: str
    review: Annotated[float | None, Meta(description="The price of one label.")]
    error: Annotated[float | None, Meta(description="What a wrong output costs that goes out.")]
    steps: Annotated[dict[str, float], Meta(description="The price of a next step, by its kind.")]


View = Literal["auto", "text", "markdown"]


class ContentViews(Struct, frozen=True, kw_only=True):
    """How texts are shown to reviewers. Plain text is always at hand beside it."""

    input: View
    output: View
    markdown_context: Annotated[list[str], Meta(description="The kinds of context items whose text is Markdown.")]
    media_origins: Annotated[list[str], Meta(description="From where images, sound and PDF files may be loaded.")]
    images: Annotated[Literal["plain", "blurred", "grey", "blurred_grey"], Meta(description="How images come.")]
    audio: Annotated[Literal["plain", "muted"], Meta(description="How sound comes.")]


class PipelineDetail(Pipeline, frozen=True, kw_only=True):
    elicitation: Annotated[
        Elicitation | None, Meta(description="How confidence is obtained; null where each claim says it.")
    ]
    watched: Annotated[
        list[list[str]], Meta(description="What segments statistics are kept for: attributes alone, or two together.")
    ]
    signals: Annotated[dict[str, Signal], Meta(description="The declared signals, which rules of a policy may use.")]
    costs: Annotated[Costs | None, Meta(description="Null where nobody has set any.")]
    content_views: ContentViews
    one_person_approval: Annotated[bool, Meta(description="Proposers may approve their own policy versions here.")]
    stopped: Annotated[bool, Meta(description="A breaker is open: see `list_breakers`.")]
    active_policy: ActivePolicy | None
    calibrators: list[CalibratorInUse]
    bands: list[BandSummary]


class Band(Struct, frozen=True, kw_only=True):
    band: str
    route: Route
    n_routed: Count
    n_sampled: Count
    n_labelled: Count
    n_apart: Annotated[
        Count, Meta(description="Further claims, which people see whatever the band says. No other number counts them.")
    ]
    apart_labelled: Annotated[Count, Meta(description="Of `n_apart`, how many have a label.")]
    apart_right: Annotated[Count, Meta(description="Of `apart_labelled`, how many were right.")]
    mean_confidence: Share | None
    accuracy: Annotated[Share | None, Meta(description="Weighted by inclusion, so that it speaks for all claims.")]
    low: Annotated[Share, Meta(description="Lower end of the interval around `accuracy`.")]
    high: Annotated[Share, Meta(description="Upper end of the interval around `accuracy`.")]
    level: Annotated[Share, Meta(description="How sure the interval is.")]
    n_pending: Annotated[Count, Meta(description="Drawn for a label that is not in yet.")]
    pending_low: Annotated[Share, Meta(description="`accuracy` if whatever is not in yet were wrong.")]
    pending_high: Annotated[Share, Meta(description="`accuracy` if whatever is not in yet were right.")]
    required: Annotated[Share | None, Meta(description="The accuracy the policy asks of the band to decide by itself.")]
    labels_missing: Annotated[Count, Meta(description="How many more labels would validate it, with few errors.")]
    state: BandState
    measured: str


class BandTable(Subject, frozen=True, kw_only=True):
    calibrator: str | None
    bands: list[Band]


class BandTables(Struct, frozen=True, kw_only=True):
    results: Annotated[list[BandTable], Meta(description="One per model, model version and prompt version.")]
