"""The answers about golden sets and their runs as types, like those of `answers`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from reviewqueue.api.answers import Count, Id, Instant, Problem, Share, Subject
from reviewqueue.api.calibration_answers import HistogramBar
from reviewqueue.golden.comparing import Comparison

Verdict = Literal["better", "worse", "undecided"]


class GoldenDue(Subject, frozen=True, kw_only=True):
    """A measurement that has to be made."""

    golden_set: str
    owner: Annotated[str, Meta(description="Who answers for it.")]
    reason: Annotated[
        Literal["new_version", "schedule"],
        Meta(description="`new_version`: new in traffic and not measured; `schedule`: measured last too long ago."),
    ]
    first_seen_at: Annotated[Instant, Meta(description="Its first claim.")]
    measured_at: Annotated[Instant | None, Meta(description="Its last run with hardly an answer missing.")]
    due_at: Instant
    late: Annotated[bool, Meta(description="An alarm: the time is over.")]


class GoldenSet(Struct, frozen=True, kw_only=True):
    name: str
    description: str
    owner: str
    every_days: Annotated[Count, Meta(description="A version in traffic is measured again after so many days.")]
    within_days: Annotated[Count, Meta(description="One that is new in traffic within so many; 0 is at once.")]
    version: Annotated[int | None, Meta(description="The version that is in use; null: none is published.")]
    items: Annotated[Count, Meta(description="How many it has.")]
    published_at: Instant | None
    draft_items: Annotated[Count | None, Meta(description="How many the draft has; null: there is none.")]
    retired: bool


class GoldenSetList(Struct, frozen=True, kw_only=True):
    results: list[GoldenSet]
    due: Annotated[
        list[GoldenDue], Meta(description="For sets in use and versions in traffic, what is due first first.")
    ]


class GoldenItemsPut(Struct, frozen=True, kw_only=True):
    """What became of the items, all of them or none."""

    version: Annotated[Count, Meta(description="The number of the draft.")]
    added: Count
    replaced: Annotated[Count, Meta(description="Items of these keys were there.")]
    removed: Annotated[Count, Meta(description="With `replace`: those that were not given.")]
    items: Annotated[Count, Meta(description="How many the draft has now.")]


class GoldenPublished(Struct, frozen=True, kw_only=True):
    version: Count
    items: Count
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="Of all items, as the ledger has it.")]
    published_at: Instant


class GoldenQuestion(Struct, frozen=True, kw_only=True):
    """What a model is to be asked. The known answer is not told."""

    key: str
    input: Any
    comparison: Annotated[Comparison, Meta(description="How the output will be compared.")]
    category: str | None
    segments: dict[str, str]


class GoldenQuestionPage(Struct, frozen=True, kw_only=True):
    version: Annotated[int | None, Meta(description="The version that a run started now is measured by.")]
    results: list[GoldenQuestion]
    next: str | None


class GoldenRun(Subject, frozen=True, kw_only=True):
    """The answers of one model version to a version of a golden set. How many are right is told at the end."""

    id: Id
    golden_set: str
    version: Count
    elicitation: str
    state: Annotated[
        Literal["open", "complete", "closed"],
        Meta(description="`complete`: every item is answered; `closed`: ended with answers missing."),
    ]
    items: Count
    answered: Count
    missing: Count
    right: Annotated[int | None, Meta(description="Null while the run is open.")]
    accuracy: Annotated[Share | None, Meta(description="Of what was answered.")]
    low: Annotated[Share | None, Meta(description="Wilson, 95 %.")]
    high: Share | None
    worse_bands: Annotated[
        list[str],
        Meta(description="Bands of the policy of then that promise fewer errors than this run shows beyond doubt."),
    ]
    started_at: Instant
    finished_at: Instant | None


class GoldenRunPage(Struct, frozen=True, kw_only=True):
    results: list[GoldenRun]
    next: str | None


class GoldenMeasure(Struct, frozen=True, kw_only=True):
    value: float | None
    low: Annotated[float | None, Meta(description="95 % by bootstrap over inputs; null until a sweep has drawn it.")]
    high: float | None
    note: Annotated[
        str | None,
        Meta(description="Why there is no value: `no_labels`, `too_few_labels` (from 200 inputs on), `one_class`, "
             "`no_full_bin`; or `not_distinguishable`."),
    ]  # fmt: skip


class GoldenBin(Struct, frozen=True, kw_only=True):
    low: Share
    high: Share
    n: Count
    mean_confidence: Share
    accuracy: Share
    ci_low: Share
    ci_high: Share


class GoldenSegment(Struct, frozen=True, kw_only=True):
    segment: str
    n: Count
    right: Count
    accuracy: Share
    low: Share
    high: Share
    mean_confidence: Share


class GoldenPromise(Struct, frozen=True, kw_only=True):
    """What a band that promises an accuracy would have let through of these inputs."""

    band: str
    route: str
    allowed: Annotated[Share, Meta(description="The error rate that the policy allows.")]
    n: Count
    errors: Count
    error_lower: Annotated[Share, Meta(description="Exact one-sided limit, shared out among the bands.")]
    error_upper: Share
    worse: Annotated[bool, Meta(description="Even the lower limit is above what is allowed.")]


class GoldenRunDetail(GoldenRun, frozen=True, kw_only=True):
    """With all figures. They are of chosen inputs and not of the traffic: no band is validated by them."""

    accuracy_if_missing_wrong: Annotated[Share | None, Meta(description="Every missing answer counted as wrong.")]
    accuracy_if_missing_right: Annotated[Share | None, Meta(description="And as right.")]
    inputs: Annotated[Count, Meta(description="Different ones among those answered.")]
    intervals: Annotated[bool, Meta(description="Whether the bootstrap intervals have been drawn.")]
    measures: dict[str, GoldenMeasure]
    reliability: list[GoldenBin]
    histogram: list[HistogramBar]
    segments: list[GoldenSegment]
    promises: list[GoldenPromise]
    policy_version: Annotated[int | None, Meta(description="The policy that was active at the end of the run.")]


class GoldenAnswerResult(Struct, frozen=True, kw_only=True):
    index: Annotated[int, Meta(ge=0, description="Its place in the batch.")]
    status: Annotated[
        Literal[201, 200, 409, 422], Meta(description="Taken, there already, answered otherwise, or not good.")
    ]
    problem: Problem | UnsetType = UNSET


class GoldenAnswersTaken(Struct, frozen=True, kw_only=True):
    results: Annotated[list[GoldenAnswerResult], Meta(description="One for each answer, in the order given.")]
    accepted: Count
    rejected: Count
    run: GoldenRun


class GoldenLogLoss(Struct, frozen=True, kw_only=True):
    """The mean of the run less that of the other: below 0 it is better. With its 95 % limits by bootstrap."""

    difference: float
    low: float
    high: float
    verdict: Verdict


class GoldenFlip(Struct, frozen=True, kw_only=True):
    key: str
    right_now: Annotated[bool, Meta(description="True: right now and wrong before.")]
    confidence_before: Share
    confidence_now: Share


class GoldenRunComparison(Struct, frozen=True, kw_only=True):
    """Two runs on the same version of a set, on the items that both answered."""

    run: GoldenRun
    before: GoldenRun
    common: Count
    accuracy_before: Share | None
    accuracy_now: Share | None
    lost: Annotated[Count, Meta(description="Right before, wrong now.")]
    gained: Annotated[Count, Meta(description="Wrong before, right now.")]
    p_value: Annotated[
        Share, Meta(description="Exact, two-sided (McNemar): how likely such a difference is by chance.")
    ]
    verdict: Annotated[Verdict, Meta(description="Of being right, at 5 %.")]
    log_loss: GoldenLogLoss | None
    flips: Annotated[list[GoldenFlip], Meta(description="What was lost first; at most 1,000.")]
