"""Generated calls on their way to the API: with the key they need, and with known names instead of made-up ones."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils import timezone
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks

from calibration.services import measure_bands
from reviewqueue.claims.attachments import store_attachment
from reviewqueue.claims.models import Outcome
from reviewqueue.deliveries.models import CHALLENGE, Delivery, Endpoint
from reviewqueue.deliveries.services import endpoints
from reviewqueue.policy import services as policies
from reviewqueue.reports.models import AuditReport
from reviewqueue.review.models import ReviewTask
from reviewqueue.review.selectors import live_leases
from tests.api.caller import Caller, taken
from tests.files import png
from tests.services.golden.steps import set_for_step
from tests.services.policy.steps import version_for_step
from tests.services.reports import steps as reports
from tests.services.review.steps import label_next, moved
from tests.world import POLICY, World

HOOK = "https://hooks.example.com/review-queue"
LEFT_OUT = [
    checks.positive_data_acceptance,  # a schema cannot say which pipelines, leases and policies there are
    checks.use_after_free,  # what is known is made anew for every call; tests/api/test_manage_webhooks.py asks
    checks.object_level_authorization,  # asked below, of every object
]


@contextmanager
def one_connection() -> Iterator[None]:
    """Requests do not end the connection that holds the test's transaction (as with Django's own test client)."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@dataclass
class Traffic:
    """Callers that may do what they ask for, and strangers with the same scopes."""

    world: World
    callers: dict[str, Caller]
    strangers: dict[str, Caller]
    statuses: Counter[int] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    """Calls by operation."""
    step: str = ""
    """What the last part of the address says."""

    def send(self, case: schemathesis.Case) -> None:
        """Sends a case, asks every check of its answer, and whether a stranger would have got it as well."""
        self.prepare(case)
        self.made[case.operation.label] += 1
        with one_connection():
            response = case.call_and_validate(headers=headers_of(self.callers, case), excluded_checks=LEFT_OUT)
            if case.path_parameters and response.status_code < 300 and case.method != "OPTIONS":
                stranger = case.call(headers=headers_of(self.strangers, case))
                assert stranger.status_code == 404, (case.operation.label, stranger.status_code)
        if case.method == case.operation.method.upper():
            self.statuses[response.status_code] += 1

    def prepare(self, case: schemathesis.Case, *, has_path: bool = False) -> None:
        """Puts known names into three calls of four; `has_path` when those in the path are known already."""
        self.step = case.operation.path.rpartition("/")[2]
        drawn = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode())
        if "Idempotency-Key" in case.headers and not case.meta.is_negative_at(ParameterLocation.HEADER):
            case.headers["Idempotency-Key"] = str(drawn)  # its own, or all but the first would be refused for it
        if "If-Match" in case.headers and not case.meta.is_negative_at(ParameterLocation.HEADER):
            case.headers["If-Match"] = "*"
        if drawn % 4 == 0:
            return
        if case.operation.path.endswith("/calibration/report"):
            self._measure()
        if not has_path and not case.meta.is_negative_at(ParameterLocation.PATH):
            for name in case.path_parameters or {}:
                case.path_parameters[name] = getattr(self, f"_{name}")()
        if isinstance(case.body, dict):
            put_known_values_in(case.body, drawn)

    def _measure(self) -> None:
        """A version of which there are figures."""
        if not Outcome.objects.exists():
            self.world.claim()
            label_next(self.world.rita)
            measure_bands()

    def _index(self) -> int:
        return 0

    def _level(self) -> int:
        return 0

    def _tile(self) -> str:
        return "000.p/7"

    def _slug(self) -> str:
        return self.world.pipeline.slug

    def _number(self) -> int:
        return version_for_step(self.step, self.world).number

    def _change_id(self) -> str:
        return str(moved(self.world).pk)

    def _name(self) -> str:
        return set_for_step(self.world, self.step)[0].name

    def _run_id(self) -> str:
        return str(set_for_step(self.world, self.step)[1].pk)

    def _report_id(self) -> str:
        """One that is made, for it has a file."""
        report = AuditReport.objects.filter(state="done").first() or reports.made(self.world.ada, self.world.pipeline)
        return str(report.pk)

    def _breaker_id(self) -> int:
        return policies.stop_automation(pipeline=self.world.pipeline, by=self.world.sam, reason="incident").pk

    def _endpoint_id(self) -> str:
        """Of a new endpoint: a call before may have removed the last one, or asked it too often."""
        Delivery.objects.filter(type=CHALLENGE).delete()
        Endpoint.objects.filter(removed_at=None).update(
            removed_at=timezone.now(), state="disabled", state_reason="gone"
        )
        endpoint, _ = endpoints.create_endpoint(source=self.world.source, url=HOOK, by=self.world.source)
        return str(endpoint.pk)

    def _claim_id(self) -> str:
        return str(self.world.submit().answer["id"])

    def _lease_id(self) -> str:
        """A lease that lives: taken anew when the calls before have used up the last."""
        held = live_leases(self.world.rita)
        if held:
            return str(held[0].pk)
        self.world.submit(context=[{"kind": "image", "attachment": self._attachment_id()}])
        return str(taken(self.callers["reviews"])["lease"]["id"])

    def _attachment_id(self) -> str:
        """The same file every time: the claims of the leases name it."""
        file, _ = store_attachment(source=self.world.source, content=png(), now=timezone.now())
        return str(file.pk)

    def _label_id(self) -> str:
        answer = self.callers["reviews"].post(f"/leases/{self._lease_id()}/label", {"verdict": "correct"})
        ReviewTask.objects.update(undo_seconds=3600)
        return str(answer.json()["label"]["id"])


def headers_of(callers: dict[str, Caller], case: schemathesis.Case) -> dict[str, str]:
    """Of the caller for the case's noun; reviews and the life of policies are for people, most else for sources."""
    (noun,) = case.operation.tags
    if case.operation.path.endswith("/return"):  # what a reviewer said is returned by a senior
        noun = "returns"
    return {"Authorization": f"Bearer {callers.get(noun, callers['claims']).key}"}


# --- known values ---------------------------------------------------------------------------------------------------
# What the schema allows and the services would refuse becomes something they know; what is wrong already stays wrong.


def put_known_values_in(body: dict[str, Any], drawn: int) -> None:
    if isinstance(body.get("items"), list) and isinstance(body.get("text"), str):
        body.pop("text")  # one or the other
    for name in KNOWN.keys() & body.keys():
        body[name] = KNOWN[name](body[name])
    if is_text(body.get("external_id")):
        body["external_id"] += f" {drawn % 1_000}"  # few enough to meet again


def is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 80


def text_becomes(known: str | None) -> Callable[[Any], Any]:
    return lambda value: known if is_text(value) else value


def printable(value: Any) -> Any:
    """As long as it was: what is too long by one character must not become good."""
    if not isinstance(value, str) or not value.strip():
        return value
    shown = "".join(letter if letter.isprintable() else "x" for letter in value)
    return "".join("x" if letter.isspace() and at in (0, len(shown) - 1) else letter for at, letter in enumerate(shown))


def known_segments(value: Any) -> Any:
    are_texts = isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    return {"workflow": "qa"} if are_texts else value


def known_items(value: Any) -> Any:
    """Of a golden set: each with a name of its own, in no category."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return value
    return [
        item
        | {"key": f"{printable(item['key'])[:190]}-{place}" if is_text(item.get("key")) else item.get("key")}
        | {name: known(item[name]) for name, known in {"category": text_becomes(None)}.items() if name in item}
        | ({"segments": known_segments(item["segments"])} if "segments" in item else {})
        for place, item in enumerate(value)
    ]


def without_addresses(value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return value
    return [item | {"url": text_becomes(None)(item["url"])} if "url" in item else item for item in value]


KNOWN: dict[str, Callable[[Any], Any]] = {
    "pipeline": text_becomes("support-answers"),
    "category": text_becomes("general"),
    "segments": known_segments,
    "supersedes": text_becomes(None),
    "callback_url": text_becomes(None),
    "context": without_addresses,
    "external_id": printable,
    "model": printable,
    "model_version": printable,
    "prompt_version": printable,
    "verdict": lambda value: "correct" if value is None else value,
    "document": lambda value: POLICY if isinstance(value, dict) else value,
    "url": text_becomes(HOOK),
    "owner": text_becomes(None),
    "items": lambda value: known_items(value),
    "error_types": lambda value: [] if isinstance(value, list) and all(map(is_text, value)) else value,
}
