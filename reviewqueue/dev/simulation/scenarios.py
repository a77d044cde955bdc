"""What is played, and what each play is expected to show (calibration.md, sections 7 and 8, has the figures)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from calibration.core.cells import cells_of
from calibration.core.metrics import smooth_ece
from calibration.findings import drift_findings, monitors
from calibration.selectors import band_table
from examples.client import Json, ReviewQueue
from reviewqueue.dev.simulation.loop import BATCH, Decided, Loop, certificate
from reviewqueue.dev.simulation.streams import CIFAR, EXAM, IMAGENET, LARGE, QUIZ, SMALL, Answer, Stream


@dataclass(frozen=True, slots=True)
class Learning:
    """So many labels of one model are given; then so many `later` claims tell what that was worth."""

    name: str
    title: str
    stream: Stream
    max_error: float
    certifies: bool
    """Whether a threshold exists that so many labels can certify."""
    labels: int = 2_000
    later: int = 1_000

    @property
    def policy(self) -> dict[str, Any]:
        return policy(accept_from=1 - 2 * self.max_error, required=1 - self.max_error, audit_rate=0.2)


@dataclass(frozen=True, slots=True)
class Learned:
    """`stated` and `calibrated`: smooth ECE on the later claims. `error_above`: among those above the threshold."""

    scenario: Learning
    labels: int
    stated: float
    calibrated: float
    certificate: Json
    error_above: float | None
    accepted: float
    error_accepted: float | None

    @property
    def holds(self) -> bool:
        halved = self.calibrated <= self.stated / 2
        return halved and (self.certificate["threshold"] is not None) == self.scenario.certifies


LEARNING: Final = (
    Learning("quiz", "BoolQ, gpt-4o, stated", QUIZ, 0.05, certifies=False),
    Learning("exam", "MMLU-Pro, gpt-4.1-mini, stated", EXAM, 0.05, certifies=False),
    Learning("cifar", "CIFAR-10, ResNet-110", CIFAR, 0.05, certifies=True),
    Learning("imagenet", "ImageNet, ResNet-34", IMAGENET, 0.1, certifies=True),
)


def policy(*, accept_from: float, required: float, audit_rate: float) -> dict[str, Any]:
    """Two bands: below, people decide; above, the band does once it is measured, with an audit sample."""
    return {
        "schema": 1,
        "bands": [
            {"low": 0.0, "high": accept_from, "route": "review"},
            {
                "low": accept_from,
                "high": 1.0,
                "route": "accept",
                "required_accuracy": required,
                "audit_rate": audit_rate,
            },
        ],
        "mandatory": {"categories": [], "segments": {}, "route": "review"},
        "calibrators": [],
        "review": {"blind": "score"},
        "sampling": {"epoch": "simulation"},
    }


def learn(loop: Loop, reader: ReviewQueue, scenario: Learning, *, seed: int) -> Learned:
    answers = scenario.stream.answers(seed=seed)
    seen = loop.live(answers[: -scenario.later], labels=scenario.labels)
    later = loop.post(answers[len(seen) : len(seen) + scenario.later])
    found = certificate(reader, loop.pipeline.slug, scenario.stream.model_version, max_error=scenario.max_error)
    threshold = found["threshold"]
    accepted = [each for each in later if each.accepted]
    return Learned(
        scenario=scenario,
        labels=loop.labels,
        stated=_smooth([each.answer.confidence for each in later], later),
        calibrated=_smooth([each.calibrated for each in later], later),
        certificate=found,
        error_above=None
        if threshold is None
        else error_rate([each for each in later if each.answer.confidence >= threshold]),
        accepted=len(accepted) / len(later),
        error_accepted=error_rate(accepted),
    )


def _smooth(confidence: Sequence[float], later: Sequence[Decided]) -> float:
    return smooth_ece(cells_of(np.array(confidence), np.array([float(each.answer.correct) for each in later])))


def error_rate(decided: Sequence[Decided]) -> float | None:
    return sum(not each.answer.correct for each in decided) / len(decided) if decided else None


# --- a model is swapped ---------------------------------------------------------------------------------------

SWAP_LIMIT: Final = 0.2
SWAP_POLICY: Final = {
    **policy(accept_from=0.9, required=1 - SWAP_LIMIT, audit_rate=0.5),
    "calibrators": [
        {
            "model": LARGE.model,
            "model_version": LARGE.model_version,
            "prompt_version": "",
            "name": "as-stated",
            "map": {"kind": "identity"},
        }
    ],
}
"""The band of what is stated from 0.9 on, as calibration.md has it. Drafts are left alone: each would begin anew."""

LEAST_BEFORE: Final = 2_000
MOST_BEFORE: Final = 4_000
MOST_AFTER: Final = 5_000
FIRST_OF_NEW: Final = 100


@dataclass(frozen=True, slots=True)
class Swapped:
    """What became of the band once another model stood behind the answers, told and untold.

    `held_when_told`: share of the first claims of the declared version that went to people; `state_when_told`: what the
    band is for it. Untold: `stopped_after` and `named_after` count labels since the swap, until the band had ceased to
    decide and until a monitor's alarm had named the version (`named_by` says which); None if that never came.
    """

    validated_after: int | None
    accepted_before: float
    held_when_told: float
    state_when_told: str
    stopped_after: int | None
    stopped_as: str
    named_after: int | None
    named_by: str
    accepted_after: float

    @property
    def holds(self) -> bool:
        told = self.held_when_told == 1 and self.state_when_told != "validated"
        return told and None not in (self.stopped_after, self.named_after) and self.accepted_after == 0


def swap(loop: Loop, *, seed: int) -> Swapped:
    """Llama 3.1 405B answers until its band decides by itself; then 70B does, which sounds just as sure."""
    loop.activates = False
    large, small = LARGE.answers(seed=seed), SMALL.answers(seed=seed + 1)
    loop.live(large, labels=LEAST_BEFORE)
    while _state(loop, LARGE) != "validated" and loop.labels < MOST_BEFORE:
        loop.live(large[loop.posted :], labels=200)
    validated_after = loop.labels if _state(loop, LARGE) == "validated" else None
    before = loop.live(large[loop.posted :], labels=100)
    told = loop.post(small[:FIRST_OF_NEW])
    loop.review_all()
    loop.sweep()
    state_when_told = _state(loop, SMALL)
    disguised = [replace(each, model_version=LARGE.model_version) for each in small[FIRST_OF_NEW:]]
    stopped_after, stopped_as, named_after, named_by = _until_found_out(loop, disguised)
    after = loop.post(disguised[-FIRST_OF_NEW:])
    return Swapped(
        validated_after=validated_after,
        accepted_before=_share_accepted(before),
        held_when_told=1 - _share_accepted(told),
        state_when_told=state_when_told,
        stopped_after=stopped_after,
        stopped_as=stopped_as,
        named_after=named_after,
        named_by=named_by,
        accepted_after=_share_accepted(after),
    )


def _until_found_out(loop: Loop, disguised: Sequence[Answer]) -> tuple[int | None, str, int | None, str]:
    """Labels until the band no longer decides and what it then is; labels until an alarm, and of which monitor."""
    known = _alarms(loop)
    begun = loop.labels
    stopped: tuple[int | None, str] = (None, "")
    named: tuple[int | None, str] = (None, "")
    for place in range(0, MOST_AFTER, BATCH):
        loop.live(disguised[place : place + BATCH], labels=BATCH)
        since, state = loop.labels - begun, _state(loop, LARGE)
        alarms = _alarms(loop) - known
        if stopped[0] is None and state != "validated":
            stopped = since, state
        if named[0] is None and alarms:
            named = since, min(alarms)
        if stopped[0] is not None and named[0] is not None:
            break
    return *stopped, *named


def _alarms(loop: Loop) -> set[str]:
    """Kinds of monitors that stand at an alarm, or have found something."""
    standing = {row.kind for row in monitors(loop.pipeline) if row.signal == "alarm"}
    return standing | {found.kind for found in drift_findings(loop.pipeline)}


def _share_accepted(decided: Sequence[Decided]) -> float:
    return sum(each.accepted for each in decided) / max(len(decided), 1)


def _state(loop: Loop, stream: Stream) -> str:
    """Of the band that accepts."""
    tables = [table for table in band_table(loop.pipeline) if table.model_version == stream.model_version]
    states = [row.state for table in tables for row in table.rows if row.route == "accept"]
    return states[0] if states else "unmeasured"
