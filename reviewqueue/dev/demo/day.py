"""A day of the demo, played over the REST API with the example client: a bot posts, people review beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from examples.client import Json, ReviewQueue
from examples.quiz_bot import PIPELINE
from reviewqueue.dev.demo.plan import Reviewers

POSTERS = 2
REPORT_EVERY = 5.0
LOOK_AGAIN = 0.2
"""Seconds between two looks of a reviewer into an empty queue."""


@dataclass
class Tally:
    """How far the day has come; shared by its threads."""

    posted: int = 0
    reviewed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self) -> None:
        with self._lock:
            self.posted += 1

    def review(self) -> None:
        with self._lock:
            self.reviewed += 1


@dataclass
class Day:
    """`bot` posts with its key; each of `people` reviews with theirs."""

    bot: ReviewQueue
    people: Sequence[ReviewQueue]
    reviewers: Reviewers
    say: Callable[[str], None]
    tally: Tally = field(default_factory=Tally)
    _all_posted: threading.Event = field(default_factory=threading.Event)
    _broken: threading.Event = field(default_factory=threading.Event)

    def play(self, claims: Sequence[Json]) -> None:
        """Returns when every claim is posted and nothing of the day is left to review. Raises what a thread raised."""
        waiting: SimpleQueue[Json] = SimpleQueue()
        for claim in claims:
            waiting.put(claim)
        with ThreadPoolExecutor(max_workers=POSTERS + len(self.people)) as pool, self._stopping_together():
            posting = [pool.submit(self._work, self._post_all, waiting) for _ in range(POSTERS)]
            reviewing = [pool.submit(self._work, self._review_all, person) for person in self.people]
            self._follow(posting, of=len(claims))
            self._all_posted.set()
            self._follow(reviewing, of=len(claims))

    def post(self, claims: Sequence[Json]) -> None:
        """Posts what stays open."""
        for claim in claims:
            self.bot.post_claim(claim)

    @contextmanager
    def _stopping_together(self) -> Iterator[None]:
        """When one thread fails or the person at the terminal interrupts, every thread stops after its request."""
        try:
            yield
        except BaseException:
            self._broken.set()
            raise

    def _work(self, work: Callable[..., None], *arguments: object) -> None:
        with self._stopping_together():
            work(*arguments)

    def _follow(self, running: Sequence[Future[None]], *, of: int) -> None:
        told = time.monotonic()
        while not all(future.done() for future in running):
            time.sleep(0.1)
            if time.monotonic() - told >= REPORT_EVERY:
                told = time.monotonic()
                self.say(f"{self.tally.posted} of {of} claims posted, {self.tally.reviewed} reviewed")
        for future in running:
            future.result()

    def _post_all(self, waiting: SimpleQueue[Json]) -> None:
        while not self._broken.is_set():
            try:
                claim = waiting.get_nowait()
            except Empty:
                return
            self.bot.post_claim(claim)
            self.tally.post()

    def _review_all(self, person: ReviewQueue) -> None:
        while not self._broken.is_set():
            no_more = self._all_posted.is_set()
            taken = person.take(PIPELINE)
            if taken is None:
                if no_more:
                    return
                time.sleep(LOOK_AGAIN)
            elif not self._review(person, taken):
                return

    def _review(self, person: ReviewQueue, taken: Json) -> bool:
        """False when the queue has come to what is left open: that task goes back."""
        claim, lease = taken["task"]["claim"], taken["lease"]["id"]
        judgement = self.reviewers.judge(claim["input"], claim["output"])
        if judgement is None:
            person.release(lease, "back")
            return False
        person.label(lease, judgement.verdict, seconds=judgement.seconds)
        self.tally.review()
        return True
