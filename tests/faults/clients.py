"""People and programs that use a running product at once, and note what they know of each thing they asked for."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Event, Thread
from typing import Any
from uuid import UUID

from django.db import Error, connection, transaction

from reviewqueue.claims.models import Claim
from reviewqueue.errors import DomainError
from reviewqueue.policy import services as policies
from reviewqueue.review.models import Lease
from reviewqueue.transactions import one_transaction
from tests.invariants import Operation
from tests.services.erasure.steps import erased
from tests.services.review.steps import end_now
from tests.world import MODEL, World

ATTEMPTS = 12
PAUSE = 0.5
"""Seconds. As long as twelve of them a part may be gone until its clients give up."""
CANARY = "canary-7f3a"
"""Stands in every text. Whatever shows it where no text belongs has leaked one."""


@dataclass
class Noted:
    """What all clients saw, and in `wrong` what no answer may ever be."""

    operations: list[Operation] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)
    given_up: int = 0

    def note(self, what: Any, key: str, status: int, made: str | None = None) -> None:
        state = "ok" if 200 <= status < 300 else "fail" if 400 <= status < 500 else "unknown"
        self.operations.append(Operation(what, key, state, made))  # type: ignore[arg-type]


@dataclass
class Client:
    """Each call has a connection of its own. No answer has the status 0, nor has one that is still worked on."""

    port: int
    key: str
    dice: Random
    noted: Noted
    stop: Event

    def call(self, method: str, path: str, body: object = None, *, once: str | None = None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        talking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            sent = None if body is None else json.dumps(body)
            talking.request(method, f"/api/v1{path}", sent, headers | ({"Idempotency-Key": once} if once else {}))
            answer = talking.getresponse()
            status, text = answer.status, answer.read()
            if status == 500:
                self.noted.wrong.append(f"{method} {path}: 500, {text!r}")
            return (0, b"") if status == 409 and b"request_in_progress" in text else (status, text)
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            talking.close()

    def insist(
        self, path: str, body: object, note: Callable[[int, bytes], None] = lambda *_: None
    ) -> tuple[int, bytes]:
        """Posts until there is an answer, under one key; sometimes once more, which has to change nothing."""
        once = f"{self.dice.getrandbits(64):x}"
        for _ in range(ATTEMPTS):
            status, answer = self.call("POST", path, body, once=once)
            note(status, answer)
            if 200 <= status < 500:
                self._ask_again(path, body, once, status, answer)
                return status, answer
            if self.stop.is_set() or self.dice.random() < 0.1:
                break
            time.sleep(PAUSE)
        self.noted.given_up += 1
        return 0, b""

    def _ask_again(self, path: str, body: object, once: str, status: int, answer: bytes) -> None:
        if status in (200, 201) and self.dice.random() < 0.2:
            again, same = self.call("POST", path, body, once=once)
            if again not in (0, 429, 503) and (again, same) != (status, answer):
                self.noted.wrong.append(f"{path}: {status} became {again}, {answer!r} became {same!r}")


class Poster(Client):
    """A source: claims of every kind, and now and then an outcome from outside."""

    def go(self, world: World, name: str) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            key = f"{name}-{number}"
            body = world.claim_body(
                external_id=key,
                input=f"{CANARY}: what does plan {key} cost?",
                confidence=self.dice.choice([0.3, 0.7, 0.95, 0.99]),
                category=self.dice.choice(["general", "general", "pricing", "refunds"]),
            )
            status, answer = self.insist("/claims", body, lambda *seen, key=key: self._note("claim", key, *seen))
            if status in (200, 201):
                self.noted.claims.append(json.loads(answer)["id"])
                if self.dice.random() < 0.1:
                    path = f"/claims/{self.noted.claims[-1]}/outcome"
                    told = {"correct": self.dice.random() < 0.5, "source": "a look outside"}
                    self.insist(path, told, lambda *seen, key=key: self._note("outcome", key, *seen))
            time.sleep(0.02)

    def _note(self, what: str, key: str, status: int, answer: bytes) -> None:
        self.noted.note(what, key, status, json.loads(answer)["id"] if 200 <= status < 300 else None)


class Reviewer(Client):
    def go(self) -> None:
        while not self.stop.is_set():
            status, answer = self.insist("/reviews/take", {"pipeline": "support-answers", "purpose": None})
            if status != 200:
                time.sleep(0.1)
                continue
            lease = json.loads(answer)["lease"]["id"]
            chance = self.dice.random()
            if chance < 0.1:
                self.insist(f"/leases/{lease}/release", {})
                continue
            if chance < 0.2:
                self.insist(f"/leases/{lease}/renew", {})
            if chance < 0.4:
                time.sleep(3 * PAUSE)  # long enough for the lease to run out and for somebody else to take over
            verdict = self.dice.choice(["correct", "correct", "incorrect", "cannot_judge"])
            body = {"verdict": verdict, **({"note": CANARY} if verdict == "cannot_judge" else {})}
            self.insist(f"/leases/{lease}/label", body, lambda *seen, lease=lease: self._note(lease, *seen))

    def _note(self, lease: str, status: int, answer: bytes) -> None:
        self.noted.note("label", lease, status, json.loads(answer)["label"]["id"] if status in (200, 201) else None)


class Stranger(Client):
    """Another source, which asks for claims that are not its own."""

    def go(self) -> None:
        while not self.stop.is_set():
            if self.noted.claims:
                status, answer = self.call("GET", f"/claims/{self.dice.choice(self.noted.claims)}")
                if status == 200 or CANARY.encode() in answer:
                    self.noted.wrong.append(f"a stranger got {status}, {answer!r}")
            time.sleep(0.1)


@dataclass
class Inside:
    """What is done in the product itself, on a connection that may be cut off like any other."""

    world: World
    dice: Random
    noted: Noted
    stop: Event

    def change_policies(self, documents: Iterator[Mapping[str, Any]]) -> None:
        while not self.stop.wait(2):
            with self._surviving():
                self.world.activate(dict(next(documents)))
                with one_transaction():
                    self._trust_the_best()

    def let_leases_run_out(self) -> None:
        """The oldest few, as if their minutes were over; like everybody who changes a lease, with its claim held."""
        while not self.stop.wait(PAUSE):
            with self._surviving(), transaction.atomic():
                oldest = Lease.objects.filter(ended_at__isnull=True).order_by("granted_at")[:3]
                claims = Claim.objects.filter(pk__in=[lease.task.claim_id for lease in oldest.select_related("task")])
                list(claims.order_by("pk").select_for_update(no_key=True))
                for lease in Lease.objects.filter(task__claim__in=claims, ended_at__isnull=True):
                    end_now(lease)

    def erase(self) -> None:
        while not self.stop.wait(1):
            if not self.noted.claims:
                continue
            claim, made, status = self.dice.choice(self.noted.claims[:50]), None, 0
            with self._surviving():
                try:
                    made, status = str(erased(self.world, Claim.objects.get(pk=UUID(claim))).pk), 200
                except DomainError:
                    status = 409
            self.noted.note("erasure", claim, status, made)

    def _trust_the_best(self) -> None:
        version, figures = self.world.policy, {"labelled": 400}
        policies.set_band_state(version=version, band="0.90-1.00", state="validated", figures=figures, **MODEL)

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        """What the database was at is rolled back, or done without a word; what it left may be refused next time."""
        try:
            yield
        except (Error, DomainError):
            self.noted.given_up += 1
        finally:
            connection.close()


@contextmanager
def at_work(stop: Event, *works: Callable[[], None]) -> Iterator[None]:
    """All of them at once, each in a thread of its own, until the end; what one of them raises is raised here."""
    raised: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=[work], daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not [thread for thread in threads if thread.is_alive()], "they came to an end"
    for error in raised:
        raise error
