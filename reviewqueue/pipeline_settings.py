"""What people set of a pipeline, and what of it they may not take away because a policy names it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict, FieldProblem, Forbidden, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.canonical import canonical
from reviewqueue.pipelines.content_views import declared_views, view_problems
from reviewqueue.pipelines.costs import cost_problems, with_every_amount
from reviewqueue.pipelines.models import Pipeline, Role, ViewRecording
from reviewqueue.pipelines.names import name_problems, pointer_to
from reviewqueue.pipelines.queue_rules import rule_problems, unknown_names
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.pipelines.services import grant_within
from reviewqueue.pipelines.signals import ELICITATIONS, signal_problems, with_every_field
from reviewqueue.pipelines.watched import as_declared, unknown_watched, watched_problems
from reviewqueue.policy.models import PolicyStatus
from reviewqueue.redaction.rules import declared_rules, redaction_problems
from reviewqueue.transactions import service

PLAIN: Final = (
    "description",
    "question",
    "guideline",
    "elicitation",
    "categories",
    "watched",
    "signals",
    "costs",
    "content_views",
    "queue_rules",
    "redaction",
    "views_recorded",
)
PEOPLE: Final = ("owner", "deputy")
SETTINGS: Final = (*PEOPLE, *PLAIN)
MAX_LENGTH: Final = {"description": 2_000, "question": 2_000, "guideline": 100_000}
MAX_CATEGORIES: Final = 500
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_LIVE: Final = (PolicyStatus.DRAFT, PolicyStatus.APPROVED, PolicyStatus.ACTIVE)


class SettingsOutdated(Conflict):
    """Somebody else changed the settings since they were read."""

    code = "settings_outdated"


@dataclass(frozen=True, slots=True)
class NamesInUse:
    """Which versions that decide, or may come to decide, name a category or a signal."""

    categories: Mapping[str, list[int]]
    signals: Mapping[str, list[int]]


def names_in_use(pipeline: Pipeline) -> NamesInUse:
    documents = list(pipeline.policies.filter(status__in=_LIVE).order_by("number").values_list("number", "document"))
    return NamesInUse(
        categories=_versions_by_name((number, _categories_in(document)) for number, document in documents),
        signals=_versions_by_name((number, _signals_in(document)) for number, document in documents),
    )


def _categories_in(document: Mapping[str, Any]) -> set[str]:
    return set(document["mandatory"]["categories"])


def _signals_in(document: Mapping[str, Any]) -> set[str]:
    return {rule["signal"] for rule in document.get("rules", ())}


def _versions_by_name(named: Iterable[tuple[int, Iterable[str]]]) -> dict[str, list[int]]:
    versions: dict[str, list[int]] = {}
    for number, names in named:
        for name in names:
            versions.setdefault(name, []).append(number)
    return versions


def settings_of(pipeline: Pipeline) -> dict[str, Any]:
    """Plain values; people by their pseudonym."""
    people = {name: getattr(pipeline, name) for name in PEOPLE}
    return {
        **{name: str(person.pseudonym) if person else None for name, person in people.items()},
        **{name: getattr(pipeline, name) for name in PLAIN},
    }


def settings_hash(pipeline: Pipeline) -> str:
    """Names one state of the settings: shown with a form, and expected again when it comes back."""
    return "sha256:" + hashlib.sha256(canonical(settings_of(pipeline))).hexdigest()


@service
def change_settings(
    *, pipeline: Pipeline, changes: Mapping[str, Any], by: User, expected: str | None = None
) -> Pipeline:
    """Changes what `changes` names (see SETTINGS) and leaves the rest; equal values are no change.

    Raises:
        Forbidden: this person may not change that.
        SettingsOutdated: `expected` is not the hash of the settings as they are now.
        Invalid: every problem of the new values, with JSON Pointers.
    """
    role = Role.ADMIN if has_role(by, {Role.ADMIN}) else Role.OWNER
    if not has_role(by, {role}, pipeline_id=pipeline.pk):
        raise Forbidden("Settings are changed by an owner of the pipeline or by an admin.")
    locked = _locked(pipeline, expected)
    if role != Role.ADMIN and changes.get("owner", locked.owner) != locked.owner:
        raise Forbidden("Only an admin gives a pipeline to another owner.")
    return _change(locked, changes, Actor.user(by.pseudonym, role=role.value), may_grant=role == Role.ADMIN)


@service
def declare_signals(*, pipeline: Pipeline, signals: Mapping[str, Mapping[str, Any]], actor: Actor) -> Pipeline:
    """All of them at once. Raises Invalid, also when a live policy names one that is left out."""
    return _change(_locked(pipeline), {"signals": signals}, actor)


@service
def set_costs(*, pipeline: Pipeline, costs: Mapping[str, Any], actor: Actor) -> Pipeline:
    """All of them at once; an empty mapping sets none. Raises Invalid."""
    return _change(_locked(pipeline), {"costs": costs}, actor)


def _locked(pipeline: Pipeline, expected: str | None = None) -> Pipeline:
    rows = Pipeline.objects.select_for_update(of=("self",), no_key=True).select_related("owner", "deputy")
    locked = rows.get(pk=pipeline.pk)
    if expected is not None and settings_hash(locked) != expected:
        raise SettingsOutdated("Somebody else changed these settings while you were at it.")
    return locked


def _change(pipeline: Pipeline, changes: Mapping[str, Any], actor: Actor, *, may_grant: bool = False) -> Pipeline:
    problems = [*_value_problems(changes), *_people_problems(pipeline, changes, may_grant)]
    problems = problems or [
        *_taken_away(pipeline, changes),
        *_unknown_in_rules(pipeline, changes),
        *_unknown_in_watched(pipeline, changes),
    ]
    if problems:
        raise Invalid(problems)
    wanted = {name: _as_stored(name, value) for name, value in changes.items()}
    changed = sorted(name for name, value in wanted.items() if getattr(pipeline, name) != value)
    if changed:
        _store(pipeline, {name: wanted[name] for name in changed}, actor)
    return pipeline


def _store(pipeline: Pipeline, changes: Mapping[str, Any], actor: Actor) -> None:
    for name, value in changes.items():
        setattr(pipeline, name, value)
    pipeline.save(update_fields=list(changes))
    people = {name: changes[name] for name in PEOPLE if changes.get(name)}
    for person in people.values():
        grant_within(user=person, role=Role.OWNER, pipeline=pipeline, actor=actor)
    named: dict[str, Any] = {name: str(person.pseudonym) for name, person in people.items()}
    ledger.append(
        event="pipeline.changed",
        actor=actor,
        pipeline=pipeline.slug,
        changed=list(changes),
        settings_hash=settings_hash(pipeline),
        **named,
    )


def _as_stored(name: str, value: Any) -> Any:
    if name == "signals":
        return with_every_field(value)
    if name == "costs":
        return with_every_amount(value)
    if name == "content_views":
        return declared_views(value)
    if name == "redaction":
        return declared_rules(value)
    if name == "watched":
        return as_declared(value)
    return list(value) if name == "categories" else value


def _value_problems(changes: Mapping[str, Any]) -> Iterator[FieldProblem]:
    for name, most in MAX_LENGTH.items():
        text = changes.get(name, "")
        if len(text) > most:
            yield FieldProblem(f"/{name}", "range", f"At most {most:,} characters.")
        if _UNSTORABLE.search(text):
            yield FieldProblem(f"/{name}", "text", "There is a character in it that cannot be stored.")
    if not changes.get("question", "asked").strip():
        yield FieldProblem("/question", "required", "Reviewers must be asked something.")
    if changes.get("elicitation") and changes["elicitation"] not in ELICITATIONS:
        yield FieldProblem("/elicitation", "choice", "This is one of: " + ", ".join(ELICITATIONS) + ".")
    yield from _category_problems(changes.get("categories", ()))
    yield from signal_problems(changes.get("signals", {}))
    yield from cost_problems(changes.get("costs", {}))
    yield from view_problems(changes.get("content_views", {}))
    yield from rule_problems(changes.get("queue_rules", {}))
    if changes.get("views_recorded", ViewRecording.OFF) not in ViewRecording.values:
        yield FieldProblem("/views_recorded", "choice", "This is one of: " + ", ".join(ViewRecording.values) + ".")
    yield from redaction_problems(changes.get("redaction", []))
    yield from watched_problems(changes.get("watched", []))


def _unknown_in_rules(pipeline: Pipeline, changes: Mapping[str, Any]) -> Iterator[FieldProblem]:
    if "queue_rules" in changes:
        categories = changes.get("categories", pipeline.categories)
        yield from unknown_names(changes["queue_rules"], categories=categories, segments=pipeline.segment_values)


def _unknown_in_watched(pipeline: Pipeline, changes: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """Also where categories are added: pairs of them then have more values."""
    if "watched" in changes or "categories" in changes:
        yield from unknown_watched(
            changes.get("watched", pipeline.watched),
            categories=changes.get("categories", pipeline.categories),
            segment_values=pipeline.segment_values,
        )


def _category_problems(categories: Any) -> Iterator[FieldProblem]:
    yield from name_problems("/categories", categories)
    if len(set(categories)) != len(categories):
        yield FieldProblem("/categories", "twice", "A category is named twice.")
    if len(categories) > MAX_CATEGORIES:
        yield FieldProblem("/categories", "too_many", f"At most {MAX_CATEGORIES} categories.")


def _people_problems(pipeline: Pipeline, changes: Mapping[str, Any], may_grant: bool) -> Iterator[FieldProblem]:
    """Owners choose a deputy among the owners; only an admin makes somebody an owner."""
    owner, deputy = (changes.get(name, getattr(pipeline, name)) for name in PEOPLE)
    if owner is None:
        yield FieldProblem("/owner", "required", "Every pipeline has an owner.")
    elif owner == deputy:
        yield FieldProblem("/deputy", "same", "The deputy is somebody else than the owner.")
    for name, person in (("owner", owner), ("deputy", deputy)):
        if name not in changes or person is None or person == getattr(pipeline, name):
            continue
        if not person.is_active:
            yield FieldProblem(f"/{name}", "inactive", "This account is closed.")
        elif not may_grant and not pipeline.grants.filter(user=person, role=Role.OWNER).exists():
            yield FieldProblem(f"/{name}", "role", "This person is no owner of the pipeline; an admin can change that.")


def _taken_away(pipeline: Pipeline, changes: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """Adding is always fine. What a live policy names stays."""
    in_use = names_in_use(pipeline)
    for field, named in (("categories", in_use.categories), ("signals", in_use.signals)):
        if field not in changes:
            continue
        for name in sorted(set(getattr(pipeline, field)) & set(named) - set(changes[field])):
            versions = ", ".join(map(str, named[name]))
            pointer = pointer_to(field, name)
            yield FieldProblem(pointer, "in_use", f"{name} stays: policy version {versions} names it.")
