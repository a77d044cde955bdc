"""What upstream posts about a golden run: which model it is of, and its answers. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, get_type_hints

import msgspec
from msgspec import Meta

from reviewqueue.claims.submission import Elicitation, Name, Share
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.golden.items import MAX_KEY, shape_code
from reviewqueue.ledger.quick_canonical import quick_canonical
from reviewqueue.pipelines.names import pointer_to
from reviewqueue.pipelines.signals import DERIVED

MAX_OUTPUT_BYTES: Final = 64 * 1024
MAX_SIGNALS: Final = 50


class NewRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose answers will come."""

    model: Annotated[Name, Meta(description="Which model answers.")]
    model_version: Annotated[Name, Meta(description="Exactly as its claims say it.")]
    prompt_version: Annotated[
        Annotated[str, Meta(max_length=120)] | None, Meta(description="And the version of its prompt.")
    ] = None
    elicitation: Annotated[Elicitation, Meta(description="How confidence is obtained.")] = "other"


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the model said to one item."""

    key: Annotated[str, Meta(min_length=1, max_length=MAX_KEY, description="The `key` of the item.")]
    output: Annotated[Any, Meta(description="What the model said: a string or any JSON value.")]
    confidence: Annotated[Share, Meta(description="As the model stated it: a share, not a percentage.")]
    signals: Annotated[dict[str, Share], Meta(description="Further measures of certainty, at most 50.")] = {}

    @property
    def content_hash(self) -> bytes:
        """Equal for, and only for, equal answers."""
        return hashlib.sha256(quick_canonical([self.output, self.confidence + 0.0, self.signals])).digest()


_ANSWER: Final = get_type_hints(Answer, include_extras=True)
_REQUIRED: Final = frozenset(field.name for field in msgspec.structs.fields(Answer) if field.required)


def run_problems(run: NewRun) -> list[FieldProblem]:
    """Names that no claim could have."""
    return [
        FieldProblem(f"/{name}", "printable", "Only printable characters, and not only spaces.")
        for name in ("model", "model_version", "prompt_version")
        if (value := getattr(run, name)) and not (value.isprintable() and value.strip())
    ]


def parse_answer(body: object) -> Answer:
    """Raises Invalid with every problem found."""
    if not isinstance(body, dict):
        raise Invalid([FieldProblem("", "type", "An answer is a JSON object.")])
    try:
        answer = msgspec.convert(body, Answer)
    except (msgspec.ValidationError, OverflowError, ValueError):
        raise Invalid(list(_shape_problems(body))) from None
    problems = list(_value_problems(answer))
    if problems:
        raise Invalid(problems)
    return answer


def _shape_problems(body: Mapping[str, Any]) -> Iterator[FieldProblem]:
    for name in sorted(set(body) - set(_ANSWER)):
        yield FieldProblem(pointer_to(name), "unknown_field", "There is no such field in an answer.")
    for name in sorted(_REQUIRED - set(body)):
        yield FieldProblem(f"/{name}", "required", "This field is required.")
    for name in sorted(set(_ANSWER) & set(body)):
        try:
            msgspec.convert(body[name], _ANSWER[name])
        except (msgspec.ValidationError, OverflowError, ValueError) as error:
            message = str(error).partition(" - at `$")[0]
            yield FieldProblem(f"/{name}", shape_code(message), f"{message}."[:300])


def _value_problems(answer: Answer) -> Iterator[FieldProblem]:
    if len(answer.signals) > MAX_SIGNALS:
        yield FieldProblem("/signals", "too_many_keys", f"At most {MAX_SIGNALS} keys.")
    for name in DERIVED.intersection(answer.signals):
        yield FieldProblem(f"/signals/{name}", "reserved", "This signal is worked out here, not submitted.")
    try:
        size = len(quick_canonical(answer.output))
        quick_canonical(answer.signals)
    except ValueError:
        yield FieldProblem("/output", "value", "This is no JSON that can be kept.")
    else:
        if size > MAX_OUTPUT_BYTES:
            yield FieldProblem("/output", "too_large", "An output may have 64 KiB.")
