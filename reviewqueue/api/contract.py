"""What each operation promises, said once: the checks of a request and the OpenAPI document both read it here.

    @promises("list_claims", scope="read", holder=Holder.SOURCE, parameters=(...), answers={200: Answer(...)})
    def get(self, request): ...

The first line of the method's docstring is the summary, the rest the description.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from django.conf import settings

from reviewqueue.accounts.limits import Quota
from reviewqueue.api.queries import Parameter

if TYPE_CHECKING:
    from reviewqueue.accounts.models import ApiKey

M = TypeVar("M", bound=Callable[..., Any])


class Holder(enum.Enum):
    """Whose key an operation is for."""

    SOURCE = "source"
    PERSON = "person"
    EITHER = "either"


class Rate(enum.Enum):
    """The quota an operation is counted in."""

    INTAKE = "intake"
    OTHER = "other"

    def quota_of(self, key: ApiKey) -> Quota:
        by_default = settings.RATE_LIMIT_INTAKE if self is Rate.INTAKE else settings.RATE_LIMIT_OTHER
        return Quota(self.value, key.requests_per_minute or by_default)


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON body of type `kind`. Every example is a request that can be sent as it is."""

    kind: type[msgspec.Struct]
    examples: Mapping[str, Any]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """Another operation that goes on from an answer; `values` says where its path parameters are found in it."""

    operation: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered when all went well; without a `kind` there is no body."""

    text: str
    kind: Any = None
    example: Any = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promise:
    name: str
    scope: str
    holder: Holder
    answers: Mapping[int, Answer]
    parameters: tuple[Parameter[Any], ...] = ()
    body: Body | None = None
    problems: tuple[str, ...] = ()
    """Codes beyond those that every operation of its kind can answer with."""
    rate: Rate = Rate.OTHER
    needs_match: bool = False
    """Whether `If-Match` has to name what the caller saw."""
    summary: str = ""
    description: str = ""

    @property
    def known_parameters(self) -> frozenset[str]:
        return frozenset(parameter.name for parameter in self.parameters)


def promises(name: str, **promised: Any) -> Callable[[M], M]:
    """Fastens a Promise with these fields to a method of an Operation."""

    def fasten(method: M) -> M:
        summary, _, description = (inspect.getdoc(method) or "").partition("\n\n")
        promise = Promise(name, summary=summary.rstrip("."), description=_unwrapped(description), **promised)
        method.promise = promise  # type: ignore[attr-defined]  # read by promise_of
        return method

    return fasten


def promise_of(method: object) -> Promise | None:
    promise = getattr(method, "promise", None)
    return promise if isinstance(promise, Promise) else None


def _unwrapped(text: str) -> str:
    """Paragraphs as single lines: where a docstring breaks says nothing."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n")).strip()


OF_EVERY: Final = (
    "bad_request",
    "bad_query",
    "unauthorized",
    "forbidden",
    "rate_limited",
    "internal_error",
    "unavailable",
)
OF_PATHS: Final = ("not_found",)
OF_WRITING: Final = (
    "malformed_json",
    "bad_idempotency_key",
    "request_in_progress",
    "request_timeout",
    "too_large",
    "unsupported_media_type",
    "invalid",
    "idempotency_key_reused",
)
OF_MATCHING: Final = ("policy_moved_on", "match_required")


def problems_of(promise: Promise, *, has_path: bool, writes: bool) -> tuple[str, ...]:
    """Every code an operation can answer with; `has_path` when its address names something."""
    return (
        *OF_EVERY,
        *(OF_PATHS if has_path else ()),
        *(OF_WRITING if writes else ()),
        *(OF_MATCHING if promise.needs_match else ()),
        *promise.problems,
    )
