"""The answer about signals as types, like those of `answers`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from reviewqueue.api.answers import Count, Share, Subject

Loss = Annotated[float, Meta(ge=0)]
Odds = Annotated[float, Meta(ge=0)]


class Ranking(Struct, frozen=True, kw_only=True):
    """How well a number ranks right outputs above wrong ones: 0.5 is what a coin would do."""

    auroc: Share
    low: Share
    high: Share
    finding: Annotated[Literal["ranks", "reversed", "unclear"], Meta(description="What the interval allows to say.")]


class SignalBin(Struct, frozen=True, kw_only=True):
    """Labels with a value in [low, high); the last bin holds 1."""

    low: Share
    high: Share
    right: Count
    wrong: Count


class DeclaredSignal(Struct, frozen=True, kw_only=True):
    family: str
    elicitation: str
    higher_is: Literal["better", "riskier"]
    description: str


class SignalUse(Struct, frozen=True, kw_only=True):
    rule: str
    decisive: Annotated[Count, Meta(description="Claims of the last 30 days whose route it asked for.")]


class SignalFigures(Struct, frozen=True, kw_only=True):
    name: str
    declared: Annotated[DeclaredSignal | None, Meta(description="Null for a name that merely came with claims.")]
    derived: Annotated[bool, Meta(description="Whether Review Queue works it out itself.")]
    carried: Annotated[Share, Meta(description="Share of the newest claims that carry it.")]
    labels: Annotated[Count, Meta(description="Labelled claims that carry it.")]
    ranking: Annotated[
        Ranking | None, Meta(description="With `higher_is` riskier, of one minus the value. Null: too few labels.")
    ]
    histogram: list[SignalBin]
    rules: Annotated[list[SignalUse], Meta(description="The rules of the active policy that look at it.")]


class SignalInput(Struct, frozen=True, kw_only=True):
    """What the confidence or one signal adds to a map of several."""

    name: Annotated[str, Meta(description="`confidence` comes first, then the signals.")]
    carried: Annotated[Share, Meta(description="Share of the labels that carry it.")]
    odds: Annotated[
        Odds,
        Meta(description="By what the odds of being right are multiplied when it rises by 0.1, between 0.05 and 0.95."),
    ]
    low: Annotated[Share, Meta(description="Lower quartile of the labels.")]
    high: Annotated[Share, Meta(description="Upper quartile.")]
    usual_odds: Annotated[Odds, Meta(description="By what they are multiplied from the lower to the upper quartile.")]
    missing_odds: Annotated[
        Odds | None, Meta(description="By what for a claim that lacks it, against one with the median.")
    ]
    loss: Annotated[float, Meta(description="How much the log loss on unseen labels rises without it.")]
    standard_error: Loss
    share: Annotated[Share, Meta(description="`loss` as a share of what the model knows beyond the base rate.")]


class SignalModel(Subject, frozen=True, kw_only=True):
    """A calibrator in whose fit signals were tried."""

    calibrator: str
    kind: str
    standing: Annotated[
        Literal["in_use", "proposed", "in_judgement", "rejected", "not_better"],
        Meta(description="`not_better`: a map of the confidence alone was taken."),
    ]
    policy_version: Annotated[int | None, Meta(description="The draft that it was proposed in.")]
    labels: Annotated[Count, Meta(description="Labels it was fitted on.")]
    log_loss: Annotated[Loss, Meta(description="Of the best map with signals, cross-validated.")]
    without: Annotated[str, Meta(description="The best map of the confidence alone.")]
    log_loss_without: Loss
    inputs: Annotated[list[SignalInput], Meta(description="Empty where signals were not taken.")]


class SignalReport(Struct, frozen=True, kw_only=True):
    claims: Annotated[Count, Meta(description="The newest claims that were looked at, at most 20,000.")]
    labels: Annotated[Count, Meta(description="The newest labels that were looked at, at most 20,000.")]
    confidence: Ranking | None
    signals: list[SignalFigures]
    not_shown: Annotated[Count, Meta(description="Undeclared names beyond the thirty most common ones.")]
    models: Annotated[
        list[SignalModel],
        Meta(description="Per model version the calibrator in use, if it looks at signals, and the newest one."),
    ]
