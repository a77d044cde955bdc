"""What an upstream system submits: the shape of a claim, and everything that can be wrong with one. Pure.

`parse_submission` takes plain JSON values and returns a `Submission`, or raises `Invalid` with every problem and its
JSON Pointer. Good claims take one pass of msgspec; only bad ones are looked at field by field.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Final, Literal, get_type_hints
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.ledger.quick_canonical import quick_canonical
from reviewqueue.pipelines.signals import DERIVED
from reviewqueue.web_addresses import TargetRefused, callback_address

MAX_CONTENT_BYTES = 256 * 1024
MAX_KEYS = 50
MAX_ATTACHMENTS = 20
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1, max_length=120)]
Elicitation = Literal[
    "logprob",
    "verbalized_before",
    "verbalized_after",
    "self_consistency",
    "verifier",
    "classifier",
    "other",
]


class Alternative(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    output: Any
    confidence: Share | None = None


class ContextItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Annotated[str, Meta(min_length=1, max_length=40)]
    title: Annotated[str, Meta(max_length=300)] = ""
    text: str = ""
    url: Annotated[str, Meta(max_length=2000)] | None = None
    role: Annotated[str, Meta(max_length=40)] | None = None
    id: Annotated[str, Meta(max_length=200)] | None = None
    attachment: UUID | UnsetType = UNSET


class Submission(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One claim as submitted. Shares are finite numbers in [0, 1]; times carry an offset."""

    pipeline: Name
    external_id: Annotated[str, Meta(min_length=1, max_length=200)]
    model: Name
    model_version: Name
    output: Any
    confidence: Share
    prompt_version: Annotated[str, Meta(max_length=120)] | None = None
    category: Annotated[str, Meta(max_length=80)] | None = None
    segments: dict[str, str] = {}
    input: Any = None
    alternatives: Annotated[list[Alternative], Meta(max_length=50)] = []
    elicitation: Elicitation = "other"
    signals: dict[str, Share] = {}
    context: Annotated[list[ContextItem], Meta(max_length=200)] = []
    supersedes: str | None = None
    occurred_at: Annotated[datetime, Meta(tz=True)] | None = None
    callback_url: Annotated[str, Meta(max_length=2000)] | None = None
    metadata: dict[str, Any] = {}

    @property
    def subject(self) -> tuple[str, str, str]:
        """Whose accuracy is measured: model, model version and prompt version."""
        return self.model, self.model_version, self.prompt_version or ""

    @property
    def content(self) -> dict[str, Any]:
        """What is kept in the payload: hostile text, erasable, never in the ledger."""
        return {
            "input": self.input,
            "output": self.output,
            "alternatives": msgspec.to_builtins(self.alternatives),
            "context": msgspec.to_builtins(self.context),
            "metadata": self.metadata,
        }

    @cached_property
    def written(self) -> dict[str, bytes]:
        """Every field as RFC 8785 writes it: all that is hashed or stored is put together from these."""
        return {name: quick_canonical(value) for name, value in msgspec.to_builtins(self).items()}

    @property
    def written_content(self) -> bytes:
        """`content` as RFC 8785 writes it."""
        return _written_object(self.written, _CONTENT)

    @property
    def content_json(self) -> str:
        """`content` with its numbers as they were submitted."""
        return msgspec.json.encode(self.content).decode()

    @property
    def content_bytes(self) -> int:
        """How long input, output and context are together, as one array."""
        return sum(len(self.written[name]) for name in ("input", "output", "context")) + len("[,,]")

    @property
    def fingerprint(self) -> bytes:
        """Names the input: claims about one input are one cluster. Without an input every claim is its own."""
        named = self.written["external_id" if self.input is None else "input"]
        return hashlib.sha256(b"[%b,%b]" % (self.written["pipeline"], named)).digest()

    @property
    def content_hash(self) -> bytes:
        """Equal for, and only for, equal submissions."""
        return hashlib.sha256(_written_object(self.written, _EVERYTHING)).digest()


_EVERYTHING: Final = sorted(Submission.__struct_fields__)
_CONTENT: Final = ("alternatives", "context", "input", "metadata", "output")
_KEY: Final = {name: b'"%b":' % name.encode() for name in _EVERYTHING}
_FIELD_TYPES = get_type_hints(Submission, include_extras=True)
_REQUIRED = frozenset(field.name for field in msgspec.structs.fields(Submission) if field.required)


def parse_submission(body: object, *, now: datetime) -> Submission:
    """Raises Invalid with every problem found."""
    if not isinstance(body, dict):
        raise Invalid([FieldProblem("", "type", "A claim is a JSON object.")])
    try:
        submission = msgspec.convert(body, Submission)
    except (msgspec.ValidationError, OverflowError, ValueError):
        raise Invalid(list(_shape_problems(body))) from None
    problems = list(_value_problems(submission, now))
    if problems:
        raise Invalid(problems)
    return _in_utc(submission)


def _in_utc(submission: Submission) -> Submission:
    """A moment is the same whatever its offset, and the database refuses offsets of 16 hours and more."""
    if submission.occurred_at is None or submission.occurred_at.tzinfo is UTC:
        return submission
    return msgspec.structs.replace(submission, occurred_at=submission.occurred_at.astimezone(UTC))


def _written_object(written: Mapping[str, bytes], names: Iterable[str]) -> bytes:
    """The object of these fields, named in sorted order."""
    return b"{%b}" % b",".join([_KEY[name] + written[name] for name in names])


def _shape_problems(body: Mapping[str, Any]) -> Iterator[FieldProblem]:
    for name in sorted(set(body) - set(_FIELD_TYPES)):
        yield FieldProblem(f"/{_escaped(name)}", "unknown_field", "There is no such field in a claim.")
    for name in sorted(_REQUIRED - set(body)):
        yield FieldProblem(f"/{name}", "required", "This field is required.")
    for name, kind in _FIELD_TYPES.items():
        if name in body:
            yield from _field_problems(name, body[name], kind)


def _field_problems(name: str, value: object, kind: Any) -> Iterator[FieldProblem]:
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, OverflowError, ValueError) as error:
        text = str(error).partition(" - at `$")
        pointer = f"/{name}" + text[2].rstrip("`").replace("[...]", "").replace("[", "/").replace("]", "").replace(
            ".", "/"
        )
        detail = text[0] + "."
        if name == "confidence" and isinstance(value, int | float) and not isinstance(value, bool) and 1 < value <= 100:
            detail += " A confidence is a share between 0 and 1, not a percentage."
        yield FieldProblem(pointer, _code(text[0]), detail[:300])


def _code(message: str) -> str:
    if " <= " in message or " >= " in message or "length" in message:
        return "range"
    return "type" if message.startswith("Expected") else "value"


def _escaped(name: str) -> str:
    return name[:64].replace("~", "~0").replace("/", "~1")


def _value_problems(submission: Submission, now: datetime) -> Iterator[FieldProblem]:
    for name in ("external_id", "model", "model_version", "prompt_version"):
        value = getattr(submission, name)
        if value and not (value.isprintable() and value.strip()):
            yield FieldProblem(f"/{name}", "printable", "Only printable characters, and not only spaces.")
    for name in ("signals", "metadata", "segments"):
        if len(getattr(submission, name)) > MAX_KEYS:
            yield FieldProblem(f"/{name}", "too_many_keys", f"At most {MAX_KEYS} keys.")
    for name in DERIVED.intersection(submission.signals):
        yield FieldProblem(f"/signals/{name}", "reserved", "This signal is worked out here, not submitted.")
    if submission.content_bytes > MAX_CONTENT_BYTES:
        yield FieldProblem("", "too_large", "Input, output and context together may have 256 KiB.")
    if submission.occurred_at and submission.occurred_at > now + timedelta(days=1):
        yield FieldProblem("/occurred_at", "future", "This time lies in the future.")
    if submission.occurred_at and submission.occurred_at < EARLIEST:
        yield FieldProblem("/occurred_at", "past", "This time lies before 1970.")
    if submission.callback_url is not None:
        yield from _callback_problems(submission.callback_url)
    for place, item in enumerate(submission.context):
        if item.url is not None and urlsplit_or_none(item.url, ("http", "https")) is None:
            yield FieldProblem(f"/context/{place}/url", "url", "This is not an http or https address.")
        if item.url is not None and item.attachment is not UNSET:
            yield FieldProblem(f"/context/{place}/attachment", "one_of", "An item has an address or a file, not both.")
    if sum(item.attachment is not UNSET for item in submission.context) > MAX_ATTACHMENTS:
        yield FieldProblem("/context", "too_many_attachments", f"At most {MAX_ATTACHMENTS} files.")


def _callback_problems(url: str) -> Iterator[FieldProblem]:
    """What its host resolves to is checked when it is called."""
    try:
        callback_address(url)
    except TargetRefused as refused:
        yield FieldProblem("/callback_url", "url", refused.detail)


def urlsplit_or_none(text: str, schemes: tuple[str, ...]) -> Any:
    if not text.isascii() or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port  # raises for a port that is no number
    except ValueError:
        return None
    return parts if parts.scheme in schemes and parts.hostname and port != 0 else None
