"""The answer of a backtest as types, how it is made, and what it looks like."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from reviewqueue.api.answers import Count, Instant, Share
from reviewqueue.claims.selectors import instant

if TYPE_CHECKING:
    from calibration.backtesting import Backtest as Tried
    from calibration.core.backtest import BacktestReport, Expected, Side

Positive = Annotated[float, Meta(ge=0)]


class Estimate(Struct, frozen=True, kw_only=True):
    """A share with its 95 % interval, weighted by the chance of a label."""

    value: Annotated[Share | None, Meta(description="Null when part of the claims is in no sample that has a label.")]
    low: Share
    high: Share
    labels: Count
    pending: Annotated[Count, Meta(description="Labels that are still to come.")]
    unknown_share: Annotated[Share, Meta(description="Of the claims of which nothing is known.")]
    allowed: Annotated[Share | None, Meta(description="The error rate that the policy allows them.")]


class BacktestMove(Struct, frozen=True, kw_only=True):
    """Claims that go one way before and one way after, perhaps the same."""

    before: str
    after: str
    claims: Count
    share: Share
    accuracy: Estimate


class BacktestBand(Struct, frozen=True, kw_only=True):
    band: str
    route: str
    claims: Count
    error: Estimate


class BacktestLoad(Struct, frozen=True, kw_only=True):
    purpose: str
    labels_per_day: Positive


class BacktestSide(Struct, frozen=True, kw_only=True):
    """One version over the whole period."""

    policy_version: Annotated[int | None, Meta(description="Null: no policy, which holds everything.")]
    coverage: Annotated[Share | None, Meta(description="Share of the claims no person has to look at.")]
    decided: Annotated[Count, Meta(description="Accepted or refused before anybody has looked.")]
    handed_back: Count
    error: Annotated[Estimate, Meta(description="Share of the decided claims that are decided wrongly.")]
    bands: list[BacktestBand]
    labels_per_day: Annotated[Positive, Meta(description="What people would have to do.")]
    loads: list[BacktestLoad]


class Backtest(Struct, frozen=True, kw_only=True):
    since: Instant
    until: Instant
    is_cut: Annotated[bool, Meta(description="There are more claims in the window; these are the newest.")]
    states: Annotated[
        Literal["measured", "earned"], Meta(description="How bands decided: as measured now, or all as if earned.")
    ]
    claims: Count
    labelled: Annotated[Count, Meta(description="Of them, those with a label that counts.")]
    moved: Count
    moves: list[BacktestMove]
    before: BacktestSide
    after: BacktestSide


def backtest_answer(tried: Tried) -> dict[str, Any]:
    report: BacktestReport = tried.report
    return {
        "since": instant(tried.since),
        "until": instant(tried.until),
        "is_cut": tried.is_cut,
        "states": tried.states,
        "claims": report.claims,
        "labelled": report.labelled,
        "moved": report.moved,
        "moves": [
            {
                "before": move.before,
                "after": move.after,
                "claims": move.claims,
                "share": move.share,
                "accuracy": _estimate(move.accuracy),
            }
            for move in report.moves
        ],
        "before": _side(report.before, tried.before.number if tried.before else None),
        "after": _side(report.after, tried.version.number),
    }


def _side(side: Side, number: int | None) -> dict[str, Any]:
    return {
        "policy_version": number,
        "coverage": side.coverage,
        "decided": side.decided,
        "handed_back": side.handed_back,
        "error": _estimate(side.error),
        "bands": [
            {"band": each.band, "route": each.route, "claims": each.claims, "error": _estimate(each.error)}
            for each in side.bands
        ],
        "labels_per_day": side.labels_per_day,
        "loads": [{"purpose": load.purpose, "labels_per_day": load.per_day} for load in side.loads],
    }


def _estimate(expected: Expected) -> dict[str, Any]:
    return asdict(expected)


_NONE: Final = {
    "value": None, "low": 0.0, "high": 1.0, "labels": 0, "pending": 0, "unknown_share": 1.0, "allowed": None,
}  # fmt: skip
_ERROR: Final = {
    "value": 0.021, "low": 0.011, "high": 0.039, "labels": 402, "pending": 12, "unknown_share": 0.0, "allowed": 0.03,
}  # fmt: skip
_RIGHT: Final = {
    "value": 0.979, "low": 0.961, "high": 0.989, "labels": 402, "pending": 12, "unknown_share": 0.0, "allowed": None,
}  # fmt: skip
EXAMPLE: Final[dict[str, Any]] = {
    "since": "2026-10-23T06:00:00.000Z",
    "until": "2026-11-22T06:00:00.000Z",
    "is_cut": False,
    "states": "measured",
    "claims": 1200,
    "labelled": 402,
    "moved": 800,
    "moves": [
        {"before": "review", "after": "accept", "claims": 800, "share": 0.6667, "accuracy": _RIGHT},
        {"before": "review", "after": "review", "claims": 400, "share": 0.3333, "accuracy": _RIGHT},
    ],
    "before": {
        "policy_version": 3, "coverage": 0.0, "decided": 0, "handed_back": 0, "error": _NONE, "bands": [],
        "labels_per_day": 40.0, "loads": [{"purpose": "review", "labels_per_day": 40.0}],
    },
    "after": {
        "policy_version": 4, "coverage": 0.6667, "decided": 800, "handed_back": 0, "error": _ERROR,
        "bands": [{"band": "0.90-1.00", "route": "accept", "claims": 800, "error": _ERROR}],
        "labels_per_day": 14.7, "loads": [{"purpose": "review", "labels_per_day": 13.3}],
    },
}  # fmt: skip
