"""The answers about segments and comparisons as types, like those of `answers`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from reviewqueue.api.answers import Count, Digest, Instant, Share, Subject
from reviewqueue.policy.document import Route

Points = Annotated[float, Meta(ge=-1, le=1)]
Loss = Annotated[float, Meta(ge=0)]
Watched = Annotated[
    list[list[str]], Meta(description="Attributes, alone or two together: `category` or a segment attribute.")
]
Evidence = Annotated[
    Literal["kept", "open", "below", "few", "measured", "empty"],
    Meta(
        description="`kept`: the lower bound reaches what is required. `below`: even the upper end of the interval "
        "does not. `open`: the labels do not tell yet. `few`: too few labels to say anything. `measured`: nothing is "
        "required and the figure is known within five points. `empty`: no claims."
    ),
]


class SegmentBand(Struct, frozen=True, kw_only=True):
    """A segment in a band. Of a band that rejects, accuracy is the share of wrong outputs."""

    band: str
    route: Route
    evidence: Evidence
    n_routed: Count
    n_labelled: Count
    accuracy: Share | None
    low: Share
    high: Share
    lower_bound: Annotated[
        Share, Meta(description="One-sided exact bound of the accuracy on the equal-probability sample.")
    ]
    gate_labels: Annotated[Count, Meta(description="Labels of that sample.")]
    labels_missing: Annotated[Count, Meta(description="How many more, all right, would reach what is required.")]
    required: Share | None
    state: str


class Segment(Struct, frozen=True, kw_only=True):
    """Over all bands, and in each."""

    segment: Annotated[str, Meta(description="Such as `language=de`, or `category=pricing & language=de`.")]
    n_routed: Count
    n_labelled: Count
    mean_confidence: Share | None
    accuracy: Share | None
    low: Share
    high: Share
    gap: Annotated[Points | None, Meta(description="Mean confidence less accuracy: above 0 it promises too much.")]
    gap_beyond_doubt: Annotated[bool, Meta(description="Mean confidence lies outside the interval of the accuracy.")]
    bands: list[SegmentBand]


class SegmentModel(Subject, frozen=True, kw_only=True):
    calibrator: str | None
    segments: list[Segment]


class SliceEvidence(Struct, frozen=True, kw_only=True):
    kind: Annotated[Literal["errors", "gap"], Meta(description="Error rate, or mean confidence less accuracy.")]
    value: Points
    low: Annotated[float, Meta(ge=-1, le=1)]
    high: Annotated[float, Meta(ge=-1, le=1)]
    rest: Annotated[Points, Meta(description="The same of what it was held against.")]
    p: Annotated[Share, Meta(description="One-sided, corrected for all slices that were tested.")]


class Slice(Struct, frozen=True, kw_only=True):
    """A slice that is worse than the rest, with figures of the half of the inputs that did not find it."""

    slice: str
    watch: Annotated[list[str], Meta(description="What of it can be watched: empty for versions and confidence alone.")]
    watched: Annotated[bool, Meta(description="It is watched already.")]
    inputs: Count
    mean_confidence: Share
    accuracy: Share
    evidence: list[SliceEvidence]


class Inversion(Subject, frozen=True, kw_only=True):
    """More confidence, less accuracy."""

    kind: Annotated[
        Literal["ranges", "ranking", "segments"],
        Meta(description="Two ranges of confidence, the ranking as a whole, or two segments."),
    ]
    words: str
    p: Annotated[Share, Meta(description="Corrected for every comparison that was made.")]


class SliceSearch(Struct, frozen=True, kw_only=True):
    searched_at: Instant
    labels: Count
    slices_looked_at: Count
    slices_tested: Count
    slices: Annotated[list[Slice], Meta(description="Surest first, without those that were dismissed.")]
    inversions: list[Inversion]


class Segments(Struct, frozen=True, kw_only=True):
    watched: Watched
    revision: Annotated[Digest, Meta(description="Names the state of the settings; for a change.")]
    models: Annotated[list[SegmentModel], Meta(description="Most claims first, segments furthest below first.")]
    search: Annotated[SliceSearch | None, Meta(description="The last search for bad slices, once an hour.")]


class Figure(Struct, frozen=True, kw_only=True):
    """A value with its interval; null where there are too few inputs."""

    value: float | None
    low: float | None
    high: float | None


class ComparedBin(Struct, frozen=True, kw_only=True):
    low: Share
    high: Share
    n: Count
    mean_confidence: Share
    accuracy: Share
    ci_low: Share
    ci_high: Share


class Choice(Struct, frozen=True, kw_only=True):
    """What makes a group, or what all groups have in common; null for what does not."""

    key: Annotated[str, Meta(description="For `within` or `against`.")]
    model: str | None
    model_version: str | None
    prompt_version: str | None
    elicitation: str | None
    labels: Count


class Within(Choice, frozen=True, kw_only=True):
    groups: Annotated[Count, Meta(description="How many there are to compare.")]


class Difference(Struct, frozen=True, kw_only=True):
    """The group less the one it is held against. Intervals hold together for all groups in 95 %."""

    method: Annotated[
        Literal["paired", "unpaired", "too_few"],
        Meta(description="`paired`: on the inputs that both have labels of, from 30 on."),
    ]
    inputs: Count
    accuracy: Figure
    log_loss: Annotated[Figure, Meta(description="Below 0 is better.")]
    finding: Annotated[Literal["better", "worse", "unclear"], Meta(description="By log loss.")]
    mcnemar_p: Annotated[Share | None, Meta(description="Exact; null where labels had unequal chances, or unpaired.")]
    only_this_right: Count
    only_other_right: Count


class ComparedGroup(Choice, frozen=True, kw_only=True):
    inputs: Count
    mean_confidence: Share | None
    accuracy: Figure
    gap: Annotated[Figure, Meta(description="Mean confidence less accuracy.")]
    ece: Annotated[Figure, Meta(description="This and the next four come from 200 inputs on.")]
    smooth_ece: Figure
    brier: Figure
    log_loss: Figure
    auroc: Figure
    difference: Annotated[Difference | None, Meta(description="Null for the one that others are held against.")]
    reliability: list[ComparedBin]


class Comparison(Struct, frozen=True, kw_only=True):
    by: Literal["elicitation", "prompt_version", "model_version"]
    labels: Annotated[Count, Meta(description="Of known chance, the newest 20,000 at most.")]
    within: Choice | None
    against: str | None
    choices: Annotated[list[Within], Meta(description="What else could be the same in all groups.")]
    groups: Annotated[list[ComparedGroup], Meta(description="The six with most labels, in order of appearance.")]
    groups_not_shown: Count


_SUBJECT: dict[str, str] = {"model": "acme-lm", "model_version": "2026-10-01", "prompt_version": "v14"}
SEGMENTS_EXAMPLE: dict[str, Any] = {
    "watched": [["category"], ["language"], ["category", "language"]],
    "revision": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "models": [
        {
            **_SUBJECT,
            "calibrator": "platt-7",
            "segments": [
                {
                    "segment": "language=de",
                    "n_routed": 410,
                    "n_labelled": 204,
                    "mean_confidence": 0.93,
                    "accuracy": 0.71,
                    "low": 0.645,
                    "high": 0.768,
                    "gap": 0.22,
                    "gap_beyond_doubt": True,
                    "bands": [
                        {
                            "band": "0.90-1.00",
                            "route": "accept",
                            "evidence": "below",
                            "n_routed": 260,
                            "n_labelled": 131,
                            "accuracy": 0.74,
                            "low": 0.66,
                            "high": 0.81,
                            "lower_bound": 0.67,
                            "gate_labels": 131,
                            "labels_missing": 0,
                            "required": 0.9,
                            "state": "failed",
                        }
                    ],
                }
            ],
        }
    ],
    "search": {
        "searched_at": "2026-11-24T10:00:00.000Z",
        "labels": 5210,
        "slices_looked_at": 212,
        "slices_tested": 11,
        "slices": [
            {
                "slice": "category=pricing & language=de",
                "watch": ["category", "language"],
                "watched": True,
                "inputs": 88,
                "mean_confidence": 0.92,
                "accuracy": 0.59,
                "evidence": [{"kind": "errors", "value": 0.41, "low": 0.31, "high": 0.52, "rest": 0.14, "p": 0.0006}],
            }
        ],
        "inversions": [
            {
                **_SUBJECT,
                "kind": "segments",
                "words": "In language=de the model is surer than in language=en (0.93 against 0.88) and right less "
                "often (71 % against 84 %).",
                "p": 0.004,
            }
        ],
    },
}


def _figure(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


def _group(key: str, elicitation: str, **more: Any) -> dict[str, Any]:
    return {
        "key": key,
        "model": None,
        "model_version": None,
        "prompt_version": None,
        "elicitation": elicitation,
        "labels": 900,
        "inputs": 900,
        "mean_confidence": 0.91,
        "accuracy": _figure(0.78, 0.752, 0.806),
        "gap": _figure(0.13, 0.104, 0.158),
        "ece": _figure(0.131, 0.11, 0.16),
        "smooth_ece": _figure(0.13, 0.108, 0.158),
        "brier": _figure(0.182, 0.165, 0.2),
        "log_loss": _figure(0.61, 0.55, 0.68),
        "auroc": _figure(0.71, 0.67, 0.75),
        "difference": None,
        "reliability": [
            {
                "low": 0.9,
                "high": 0.95,
                "n": 310,
                "mean_confidence": 0.941,
                "accuracy": 0.832,
                "ci_low": 0.786,
                "ci_high": 0.87,
            }
        ],
        **more,
    }


_WITHIN: dict[str, Any] = {"key": "5c1f0a77e2b4", **_SUBJECT, "elicitation": None, "labels": 1800}
COMPARISON_EXAMPLE: dict[str, Any] = {
    "by": "elicitation",
    "labels": 2140,
    "within": _WITHIN,
    "against": "0d3a9f2c11be",
    "choices": [{**_WITHIN, "groups": 2}],
    "groups": [
        _group("0d3a9f2c11be", "verbalized_after"),
        _group(
            "77b1c2d3e4f5",
            "logprob",
            difference={
                "method": "paired",
                "inputs": 880,
                "accuracy": _figure(0.0, 0.0, 0.0),
                "log_loss": _figure(-0.12, -0.17, -0.07),
                "finding": "better",
                "mcnemar_p": 1.0,
                "only_this_right": 0,
                "only_other_right": 0,
            },
        ),
    ],
    "groups_not_shown": 0,
}
