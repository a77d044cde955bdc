"""The bodies of the operations: which fields of which type there are. What the values may be, the services judge.

A claim's fields are listed in `reviewqueue.claims.submission`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeVar, get_type_hints

import msgspec
from msgspec import UNSET, Meta, UnsetType

from reviewqueue.deliveries.models import EventType
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.policy.models import LONGEST_NOTE
from reviewqueue.policy.services import RESET_REASONS, TRIP_REASONS
from reviewqueue.review.answers import MAX_SECONDS, MAX_TEXT, VERDICTS
from reviewqueue.review.picking import ASKABLE_PURPOSES
from reviewqueue.review.services.labels import REVISION_REASONS
from reviewqueue.review.services.leases import ESCALATE, PUT_BACK, SKIP_REASONS
from reviewqueue.review.services.on_hold import MOST_MINUTES

B = TypeVar("B", bound=msgspec.Struct)

Instant = Annotated[datetime, Meta(tz=True)]
Seconds = Annotated[float, Meta(ge=0, le=MAX_SECONDS)]


def one_of_or_null(choices: Iterable[str]) -> dict[str, Any]:
    """For the document alone: the services judge, and name the choices in their own words."""
    return {"enum": [*map(str, choices), None]}


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For operations whose address says it all."""


class Take(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which work is wanted; with nothing said, the most urgent anywhere."""

    pipeline: Annotated[str | None, Meta(description="Only from this pipeline.")] = None
    purpose: Annotated[
        str | None, Meta(description="Only for this purpose.", extra_json_schema=one_of_or_null(ASKABLE_PURPOSES))
    ] = None
    category: Annotated[str | None, Meta(description="Only of this category.")] = None


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the task is given back. Without a reason, or with `back`, it is put back; any other reason passes on it."""

    reason: Annotated[
        str,
        Meta(
            description="Why this person passes on the task; nothing or `back` to put it back; `escalate`, with a "
            "note, to pass it to the seniors.",
            extra_json_schema={"enum": [*PUT_BACK, *SKIP_REASONS, ESCALATE]},
        ),
    ] = ""
    note: Annotated[str, Meta(description="For those who look after the pipeline.", max_length=MAX_TEXT)] = ""


class Hold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Until when the task is kept."""

    minutes: Annotated[int, Meta(description="From now.", ge=1, le=MOST_MINUTES)]


class HandOver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To whom the task goes, and what they should know."""

    to: Annotated[str, Meta(description="The username of somebody who reviews in the pipeline.", max_length=150)]
    note: Annotated[str, Meta(description="Shown to them unless they judge blind.", max_length=MAX_TEXT)] = ""


class LabelBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    verdict: Annotated[
        str | None,
        Meta(
            description="Null where the output is hidden, or where the fields of JSON decide.",
            extra_json_schema=one_of_or_null(VERDICTS),
        ),
    ] = None
    output: Annotated[Any, Meta(description="The right answer: the reviewer's own, or a correction.")] = None
    error_types: Annotated[list[str], Meta(description="Some of those the form lists.")] = []
    note: Annotated[str, Meta(description="For those who read the label.", max_length=MAX_TEXT)] = ""
    answers: Annotated[dict[str, Any], Meta(description="To the further questions of the form, by name.")] = {}
    seconds: Annotated[Seconds | None, Meta(description="Working time.")] = None


class Return(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the reviewer is to think about again."""

    comment: Annotated[str, Meta(description="Shown to the reviewer.", min_length=1, max_length=MAX_TEXT)]


class Revision(LabelBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Annotated[
        str, Meta(description="What changed the mind.", extra_json_schema={"enum": list(REVISION_REASONS)})
    ]


class Upload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    content: Annotated[
        str,
        Meta(
            description="The bytes in base64, 8 MiB of them at most.",
            extra_json_schema={"contentEncoding": "base64"},
            min_length=1,
        ),
    ]


class OutcomeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    correct: Annotated[bool, Meta(description="Whether the claim was right.")]
    output: Annotated[Any, Meta(description="The right answer, if it is known.")] = None
    source: Annotated[str, Meta(max_length=120, description="Who says so.")] = ""
    observed_at: Annotated[Instant | None, Meta(description="When it showed; with an offset.")] = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    document: Annotated[dict[str, Any], Meta(description="The complete rules; docs/policy.md explains the format.")]
    note: Annotated[str, Meta(description="Why, for those who approve it.", max_length=LONGEST_NOTE)] = ""


class Stop(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is stopped; without a model, every model of the pipeline."""

    reason: Annotated[str, Meta(description="Why.", extra_json_schema={"enum": list(TRIP_REASONS)})]
    model: Annotated[str, Meta(description="Only this model.", max_length=120)] = ""
    model_version: Annotated[str, Meta(description="And this version of it.", max_length=120)] = ""
    prompt_version: Annotated[str, Meta(description="And this version of the prompt.", max_length=120)] = ""


class Reset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Annotated[
        str, Meta(description="Why automation is safe again.", extra_json_schema={"enum": list(RESET_REASONS)})
    ]


EVENTS: Final = {"type": "array", "items": {"type": "string", "enum": list(EventType.values)}, "minItems": 1}


class EndpointBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: Annotated[str, Meta(description="An https address of a public host, port 443.", max_length=2_000)]
    events: Annotated[
        list[str] | UnsetType, Meta(description="What it is told; else of outcomes.", extra_json_schema=EVENTS)
    ] = UNSET
    payload: Annotated[Literal["thin", "full"], Meta(description="`full`: also the right answer.")] = "thin"
    scheme: Annotated[
        Literal["v1", "v1a"], Meta(description="`v1`: HMAC-SHA256 under a secret; `v1a`: Ed25519, by a public key.")
    ] = "v1"


class EndpointChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays."""

    url: Annotated[str | None, Meta(description="Another address has to answer a challenge first.")] = None
    events: Annotated[
        list[str] | UnsetType, Meta(description="Those that are added are told from now on.", extra_json_schema=EVENTS)
    ] = UNSET
    payload: Annotated[Literal["thin", "full"] | None, Meta(description="What it gets.")] = None


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    overlap_seconds: Annotated[
        int, Meta(description="How long the former secret still signs; 0 after a leak.", ge=0, le=7 * 86_400)
    ] = 86_400
    scheme: Annotated[Literal["v1", "v1a"] | None, Meta(description="Null: as before.")] = None


class ReplayBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either one delivery, or a stretch of time."""

    delivery: Annotated[str | None, Meta(description="The `id` of one delivery.")] = None
    since: Annotated[Instant | None, Meta(description="From this time on.")] = None
    until: Annotated[Instant | None, Meta(description="Before this time.")] = None
    only_dead: Annotated[bool, Meta(description="Only what was given up.")] = False


def read_as(kind: type[B], value: object) -> B:
    """`value` as the fields of `kind`. Raises Invalid with every problem and its pointer."""
    if not isinstance(value, dict):
        raise Invalid([FieldProblem("", "type", "The body is a JSON object.")])
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, OverflowError):
        raise Invalid(list(_problems(kind, value))) from None


def past_instant(pointer: str, moment: datetime | None, *, now: datetime) -> datetime | None:
    """The time in UTC, where every offset has a place in the database. Refuses what is not yet or never was."""
    if moment is None:
        return None
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError:
        raise Invalid([FieldProblem(pointer, "range", "There is no such time in UTC.")]) from None
    if in_utc > now + timedelta(days=1):
        raise Invalid([FieldProblem(pointer, "future", "This time lies in the future.")])
    return in_utc


def _problems(kind: type[msgspec.Struct], value: dict[str, Any]) -> Iterator[FieldProblem]:
    types = get_type_hints(kind, include_extras=True)
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    for name in sorted(set(value) - set(types)):
        shown = name[:64].replace("~", "~0").replace("/", "~1")
        yield FieldProblem(f"/{shown}", "unknown_field", "There is no such field here.")
    for name in sorted(required - set(value)):
        yield FieldProblem(f"/{name}", "required", "This field is required.")
    for name in sorted(set(types) & set(value)):
        try:
            msgspec.convert(value[name], types[name])
        except (msgspec.ValidationError, OverflowError) as error:
            message = str(error).partition(" - at `$")[0]
            yield FieldProblem(f"/{name}", "type" if message.startswith("Expected") else "value", f"{message}.")
