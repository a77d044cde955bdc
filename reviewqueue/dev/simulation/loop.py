"""One pipeline living through its days in fast motion: claims and labels over REST, and the real sweeps in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from examples.client import Json, ReviewQueue
from reviewqueue.accounts.models import User
from reviewqueue.celery import SWEEPS, app
from reviewqueue.dev.simulation.streams import Answer
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import PolicyStatus

BATCH: Final = 200
SWEPT: Final = [
    task for task, _, _ in SWEEPS if task.startswith("calibration.") or task.endswith(".reroute_open_claims")
]
"""What turns labels into measured bands, calibrators and drafts. The server has no worker beside them, so that every
sweep falls between the same two batches in every run."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What a claim was decided to be, beside what only the simulation knows."""

    answer: Answer
    decision: Mapping[str, Any]

    @property
    def calibrated(self) -> float:
        """The stated confidence where nothing calibrates it yet."""
        p = self.decision["calibrated_confidence"]
        return self.answer.confidence if p is None else float(p)

    @property
    def accepted(self) -> bool:
        return self.decision["route"] in ("accept", "accept_flagged")


@dataclass
class Loop:
    """`people` review with their keys; `owner` approves what the sweeps propose, unless it is not to be activated."""

    pipeline: Pipeline
    upstream: ReviewQueue
    people: Sequence[ReviewQueue]
    owner: User
    say: Callable[[str], None]
    truth: dict[tuple[str, str], bool] = field(default_factory=dict)
    posted: int = 0
    labels: int = 0
    activates: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def live(self, answers: Sequence[Answer], *, labels: int) -> list[Decided]:
        """Posts in batches, reviews whatever waits, sweeps; until so many labels are given, or the answers end."""
        decided: list[Decided] = []
        target = self.labels + labels
        for start in range(0, len(answers), BATCH):
            room = target - self.labels
            if room <= 0:
                break
            decided += self.post(answers[start : start + min(BATCH, max(room, 1))])
            self.review_all()
            self.sweep()
        return decided

    def post(self, answers: Sequence[Answer]) -> list[Decided]:
        bodies = [answer.claim(self.pipeline.slug, self.posted + place) for place, answer in enumerate(answers)]
        self.truth |= {(answer.input, answer.output): answer.correct for answer in answers}
        self.posted += len(answers)
        results = self.upstream.post_claims(bodies)
        return [Decided(answer, result["claim"]["decision"]) for answer, result in zip(answers, results, strict=True)]

    def review_all(self) -> None:
        """Everybody takes, looks up the truth and answers until nothing is left."""
        with ThreadPoolExecutor(max_workers=len(self.people)) as pool:
            for done in [pool.submit(self._review, person) for person in self.people]:
                done.result()

    def _review(self, person: ReviewQueue) -> None:
        while (taken := person.take(self.pipeline.slug)) is not None:
            claim, lease = taken["task"]["claim"], taken["lease"]["id"]
            right = self.truth[claim["input"], claim["output"]]
            person.label(lease, "correct" if right else "incorrect", seconds=5.0)
            with self._lock:
                self.labels += 1

    def sweep(self) -> None:
        """Every sweep once; what they propose is activated at once, and measured before the next claim comes."""
        self._run_sweeps()
        if self.activates and self._activate_drafts():
            self._run_sweeps()

    def _run_sweeps(self) -> None:
        app.loader.import_default_modules()
        for name in SWEPT:
            app.tasks[name].run()

    def _activate_drafts(self) -> bool:
        drafts = self.pipeline.policies.filter(status=PolicyStatus.DRAFT, proposed_by__isnull=True).order_by("number")
        draft = drafts.last()
        if draft is None:
            return False
        policies.approve_and_activate(version=draft, approver=self.owner)
        self.say(f"{self.pipeline.slug}: version {draft.number} is active after {self.labels} labels")
        return True


def certificate(reader: ReviewQueue, pipeline: str, model_version: str, *, max_error: float) -> Json:
    """What `GET /pipelines/{slug}/thresholds` says of one model version."""
    found = reader.thresholds(pipeline, max_error=max_error)
    return next(each for each in found if each["model_version"] == model_version)
