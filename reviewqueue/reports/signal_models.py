"""Which calibrators look at signals beside the confidence, and what each signal adds to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from calibration.core.contributions import Contribution
from calibration.core.maps import reads_signals
from calibration.models import Calibrator, CalibratorStatus
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.selectors import active_policy

Standing = Literal["in_use", "proposed", "in_judgement", "rejected", "not_better"]
"""`not_better`: signals were tried and a map of the confidence alone was taken."""

MOST_CALIBRATORS: Final = 500
MOST_MODELS: Final = 12

_STANDING: Final[Mapping[str, Standing]] = {
    CalibratorStatus.PROPOSED: "proposed",
    CalibratorStatus.REJECTED: "rejected",
}


@dataclass(frozen=True, slots=True)
class SignalModel:
    """A calibrator in whose fit signals were tried, with both log losses on labels it was not fitted on.

    `log_loss` is that of the best map with signals and `log_loss_without` of `without`, the best of the confidence
    alone. `inputs` says what the confidence (first) and every signal add; empty where signals were not taken.
    """

    model: str
    model_version: str
    prompt_version: str
    calibrator: str
    kind: str
    standing: Standing
    policy_version: int | None
    labels: int
    log_loss: float
    without: str
    log_loss_without: float
    inputs: Sequence[Contribution]


def signal_models(pipeline: Pipeline) -> list[SignalModel]:
    """Of every model version: the one in use if it looks at signals, and the newest if that is another one."""
    active = active_policy(pipeline.pk)
    entries = active.policy.calibrators if active else ()
    in_use = {entry.name for entry in entries if reads_signals(entry.map)}
    found = Calibrator.objects.filter(pipeline=pipeline).select_related("proposed_in").defer("map")
    newest = list(found.order_by("-number")[:MOST_CALIBRATORS])
    return list(_chosen(newest, in_use))[:MOST_MODELS]


def _chosen(newest_first: Sequence[Calibrator], in_use: set[str]) -> Iterator[SignalModel]:
    seen = set()
    for calibrator in newest_first:
        subject = (calibrator.model, calibrator.model_version, calibrator.prompt_version)
        if calibrator.name in in_use or subject not in seen:
            model = _model(calibrator, is_in_use=calibrator.name in in_use)
            if model is not None:
                yield model
        seen.add(subject)


def _model(calibrator: Calibrator, *, is_in_use: bool) -> SignalModel | None:
    tried = calibrator.figures.get("with_signals")
    if not tried:
        return None
    inputs = [_contribution(each) for each in calibrator.figures.get("contributions", ())]
    standing: Standing = _STANDING.get(calibrator.status, "in_judgement") if inputs else "not_better"
    return SignalModel(
        model=calibrator.model,
        model_version=calibrator.model_version,
        prompt_version=calibrator.prompt_version,
        calibrator=calibrator.name,
        kind=calibrator.kind,
        standing="in_use" if is_in_use else standing,
        policy_version=calibrator.proposed_in.number if calibrator.proposed_in else None,
        labels=calibrator.fit_labels,
        log_loss=tried["log_loss"],
        without=tried["without"],
        log_loss_without=tried["log_loss_without"],
        inputs=inputs,
    )


def _contribution(stored: Mapping[str, Any]) -> Contribution:
    return Contribution(**stored)
