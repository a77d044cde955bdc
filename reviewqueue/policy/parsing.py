"""From any JSON value to a Policy, or to the list of everything wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, cast

from calibration.core.maps import map_problems
from calibration.core.segments import CATEGORY
from reviewqueue.errors import FieldProblem as Problem
from reviewqueue.policy.document import (
    AUTOMATING,
    BLIND_DEGREES,
    GRAY,
    HELD,
    LADDER,
    MODES,
    NEXT_STEPS,
    SCHEMA,
    SEEN_IN_FULL,
    Band,
    CalibratorEntry,
    Mandatory,
    Mode,
    Policy,
    PolicyInvalid,
    Ramp,
    ReviewTerms,
    Sampling,
    frozen,
)
from reviewqueue.policy.fields import (
    Fields,
    child,
    flag,
    integer,
    list_entries,
    nullable,
    number,
    one_of,
    text,
)
from reviewqueue.policy.releases import check_releases, release_of
from reviewqueue.policy.rule_parsing import signal_rules
from reviewqueue.policy.verifier_parsing import verifiers

MOST_BANDS: Final = 50
MOST_NAMES: Final = 1_000
MOST_CALIBRATORS: Final = 500
MOST_LABELS: Final = 5
DEEPEST_MAP: Final = 6

EDGE: Final = number(0, 1)
RATE: Final = number(0, 1)
ACCURACY: Final = number(0, 1, open_low=True, open_high=True)
CERTAINTY: Final = number(0.5, 1, open_high=True)
LABELS: Final = integer(1, MOST_LABELS)
NAME: Final = text(80)
VERSION: Final = text(120)
MAP_KEY: Final = text(200)

DEFAULT_REVIEW: Final = ReviewTerms()
MOST_A_WEEK: Final = 100_000
MOST_FLOORS: Final = 10
LABELS_A_WEEK: Final = integer(1, MOST_A_WEEK)
DEFAULT_RAMP_LABELS: Final = 150


def parse_policy(data: object) -> Policy:
    """The policy a JSON value describes. Raises PolicyInvalid with every problem found, and nothing else."""
    problems: list[Problem] = []
    document = Fields.of(data, "", problems)
    document.required("schema", integer(SCHEMA, SCHEMA), stand_in=SCHEMA)
    bands = _bands(document)
    mandatory = _mandatory(document.inner("mandatory", needed=True))
    calibrators = _calibrators(document)
    rules = signal_rules(document)
    checked = verifiers(document)
    check_releases(bands, checked, document)
    review = _review(document.inner("review"), bands)
    sampling = _sampling(document.inner("sampling", needed=True))
    certainty = document.optional("certainty", CERTAINTY, default=0.95)
    freshness_days = document.optional("freshness_days", integer(1, 365), default=30)
    step_minutes = document.optional("step_minutes", integer(1, 7 * 24 * 60), default=60)
    step_budget = document.optional("step_budget", integer(1, 10), default=3)
    mode: Mode = document.optional("mode", one_of(MODES), default="active")
    document.close()
    if problems:
        raise PolicyInvalid(problems, "The policy document is not valid.")
    return Policy(
        bands=bands,
        mandatory=mandatory,
        sampling=sampling,
        calibrators=calibrators,
        review=review,
        certainty=certainty,
        freshness_days=freshness_days,
        step_minutes=step_minutes,
        step_budget=step_budget,
        mode=mode,
        rules=rules,
        verifiers=checked,
    )


def names_problems(
    policy: Policy,
    *,
    categories: Collection[str],
    segments: Mapping[str, Collection[str]],
    signals: Collection[str],
) -> list[Problem]:
    """Names in rules that the pipeline does not know: such a rule would match nothing, or everything."""
    return [
        *_unknown_names("/mandatory/categories", policy.mandatory.categories, categories),
        *_unknown_segments(policy.mandatory.segments, segments),
        *_unknown_signals(policy, signals),
        *_unknown_floors(policy, segments),
    ]


def _unknown_signals(policy: Policy, known: Collection[str]) -> Iterator[Problem]:
    for place, rule in enumerate(policy.rules):
        if rule.signal not in known:
            yield Problem(f"/rules/{place}/signal", "unknown_name", "this pipeline declares no such signal")


def _unknown_floors(policy: Policy, known: Collection[str]) -> Iterator[Problem]:
    for attribute in policy.sampling.floors:
        if attribute != CATEGORY and attribute not in known:
            yield Problem(child("/sampling/floors", attribute), "unknown_name", "this pipeline has no such segment")


def _unknown_segments(wanted: Mapping[str, tuple[str, ...]], known: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    for attribute, values in wanted.items():
        pointer = child("/mandatory/segments", attribute)
        if attribute not in known:
            yield Problem(pointer, "unknown_name", "this pipeline has no such segment")
        else:
            yield from _unknown_names(pointer, values, known[attribute])


def _unknown_names(pointer: str, wanted: tuple[str, ...], known: Collection[str]) -> Iterator[Problem]:
    for place, name in enumerate(wanted):
        if name not in known:
            yield Problem(child(pointer, place), "unknown_name", "this pipeline has no such name")


# --- bands -----------------------------------------------------------------------------------------------------


def _bands(document: Fields) -> tuple[Band, ...]:
    before = len(document.problems)
    entries = document.entries("bands", most=MOST_BANDS, needed=True)
    if not entries and len(document.problems) == before:
        document.refuse("bands", "empty", "a policy needs at least one band")
    rows = [_band(Fields.of(value, pointer, document.problems)) for pointer, value in entries]
    _check_tiling(rows)
    _check_ladder(rows)
    return tuple(band for _, band in rows)


def _band(fields: Fields) -> tuple[Fields, Band]:
    band = Band(
        low=fields.required("low", EDGE, stand_in=0.0),
        high=fields.required("high", EDGE, stand_in=1.0),
        route=fields.required("route", one_of(LADDER), stand_in="review"),
        next_step=fields.optional("next_step", nullable(one_of(NEXT_STEPS)), default=None),
        audit_rate=fields.optional("audit_rate", RATE, default=1.0),
        required_accuracy=fields.optional("required_accuracy", nullable(ACCURACY), default=None),
        labels_needed=fields.optional("labels_needed", nullable(LABELS), default=None),
        unaudited_waiver=fields.optional("unaudited_waiver", flag, default=False),
        release=release_of(fields),
    )
    fields.close()
    if "route" not in fields.bad:
        _check_next_step(fields, band)
        _check_accuracy(fields, band)
        _check_audit(fields, band)
        if band.release and band.route not in GRAY:
            fields.refuse("release", "not_used_by_route", f"nothing is held back in a band with route {band.route}")
    return fields, band


def _check_next_step(fields: Fields, band: Band) -> None:
    if "next_step" in fields.bad:
        return
    if band.route == "uncertain" and band.next_step is None:
        fields.refuse("next_step", "needed_by_route", "an uncertain band says what to do next")
    if band.route != "uncertain" and band.next_step is not None:
        fields.refuse("next_step", "not_used_by_route", "only an uncertain band has a next step")


def _check_accuracy(fields: Fields, band: Band) -> None:
    if "required_accuracy" in fields.bad:
        return
    if band.route in AUTOMATING and band.required_accuracy is None:
        fields.refuse("required_accuracy", "needed_by_route", f"a band that decides by {band.route} has to earn it")
    if band.route not in AUTOMATING and band.required_accuracy is not None:
        fields.refuse("required_accuracy", "not_used_by_route", f"nothing is decided by {band.route}")


def _check_audit(fields: Fields, band: Band) -> None:
    if fields.bad & {"audit_rate", "unaudited_waiver"}:
        return
    if band.route in SEEN_IN_FULL and band.audit_rate != 1:
        fields.refuse("audit_rate", "not_used_by_route", f"people see every claim of a band with route {band.route}")
    elif band.audit_rate == 0 and not band.unaudited_waiver:
        fields.refuse("audit_rate", "unaudited", "without an audit sample accuracy cannot be measured")
    elif band.unaudited_waiver and band.audit_rate > 0:
        fields.refuse("unaudited_waiver", "contradiction", "the waiver is for an audit rate of 0")


def _check_tiling(rows: list[tuple[Fields, Band]]) -> None:
    for fields, band in rows:
        if not fields.bad & {"low", "high"} and band.low >= band.high:
            fields.refuse("high", "reversed", "must be above low")
    if not rows or any(fields.bad & {"low", "high"} for fields, _ in rows):
        return
    reached = 0.0
    for fields, band in rows:
        if band.low > reached:
            fields.refuse("low", "gap", f"no band holds {reached:g} to {band.low:g}")
        elif band.low < reached:
            fields.refuse("low", "overlap", f"bands before this one reach {reached:g}")
        reached = max(reached, band.high)
    if reached < 1:
        rows[-1][0].refuse("high", "gap", f"no band holds {reached:g} to 1")


def _check_ladder(rows: list[tuple[Fields, Band]]) -> None:
    highest = 0
    for fields, band in rows:
        if "route" in fields.bad:
            continue
        step = LADDER.index(band.route)
        if step < highest:
            detail = f"{band.route} cannot come above {LADDER[highest]}: more confidence never means less trust"
            fields.refuse("route", "route_order", detail)
        highest = max(highest, step)


# --- mandatory review ------------------------------------------------------------------------------------------


def _mandatory(fields: Fields) -> Mandatory:
    mandatory = Mandatory(
        categories=_names(fields.entries("categories", most=MOST_NAMES), fields.problems),
        segments=_segments(fields.inner("segments")),
        route=fields.optional("route", one_of(HELD), default="review"),
    )
    fields.close()
    return mandatory


def _segments(fields: Fields) -> dict[str, tuple[str, ...]]:
    segments: dict[str, tuple[str, ...]] = {}
    for attribute, values in fields.values.items():
        pointer = child(fields.pointer, attribute)
        name = NAME(attribute)
        if not isinstance(name, str):
            fields.problems.append(Problem(pointer, *name))
            continue
        entries = list_entries(values, pointer, fields.problems, most=MOST_NAMES)
        if values in ([], ()):
            fields.problems.append(Problem(pointer, "empty", "name at least one value"))
        segments[name] = _names(entries, fields.problems)
    return segments


def _names(entries: list[tuple[str, object]], problems: list[Problem]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for pointer, value in entries:
        name = NAME(value)
        if not isinstance(name, str):
            problems.append(Problem(pointer, *name))
        elif name in names:
            problems.append(Problem(pointer, "duplicate", "is named twice"))
        else:
            names[name] = None
    return tuple(names)


# --- calibrators -----------------------------------------------------------------------------------------------


def _calibrators(document: Fields) -> tuple[CalibratorEntry, ...]:
    subjects: set[tuple[str, str, str]] = set()
    calibrators: list[CalibratorEntry] = []
    for pointer, value in document.entries("calibrators", most=MOST_CALIBRATORS):
        fields = Fields.of(value, pointer, document.problems)
        entry = _calibrator(fields)
        if not fields.bad and fields.is_object and entry.subject in subjects:
            document.problems.append(Problem(pointer, "duplicate", "this model and version has a calibrator already"))
        subjects.add(entry.subject)
        calibrators.append(entry)
    return tuple(calibrators)


def _calibrator(fields: Fields) -> CalibratorEntry:
    entry = CalibratorEntry(
        model=fields.required("model", VERSION, stand_in=""),
        model_version=fields.required("model_version", VERSION, stand_in=""),
        prompt_version=fields.optional("prompt_version", text(120, shortest=0), default=""),
        name=fields.required("name", NAME, stand_in=""),
        map=_map(fields),
    )
    fields.close()
    return entry


def _map(fields: Fields) -> Mapping[str, object]:
    value = fields.required("map", lambda anything: anything, stand_in=None)
    if "map" in fields.bad:
        return {}
    pointer = child(fields.pointer, "map")
    problems = list(_unreadable(value, pointer))
    if not problems:
        problems = [Problem(pointer + inner, code, detail) for inner, code, detail in map_problems(value)]
    if problems:
        fields.problems.extend(problems)
        return {}
    return cast(Mapping[str, object], frozen(value))


def _unreadable(value: object, pointer: str, depth: int = 0) -> Iterator[Problem]:
    """What no canonical JSON can hold: keys that are not plain text, and nesting without end."""
    if depth > DEEPEST_MAP:
        yield Problem(pointer, "too_deep", f"at most {DEEPEST_MAP} levels")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            readable = MAP_KEY(key)
            if not isinstance(readable, str):
                yield Problem(child(pointer, key), *readable)
            yield from _unreadable(item, child(pointer, key), depth + 1)
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from _unreadable(item, child(pointer, place), depth + 1)


# --- review and sampling ---------------------------------------------------------------------------------------


def _review(fields: Fields, bands: tuple[Band, ...]) -> ReviewTerms:
    terms = ReviewTerms(
        lease_minutes=fields.optional("lease_minutes", integer(2, 60), default=DEFAULT_REVIEW.lease_minutes),
        labels_needed=fields.optional("labels_needed", LABELS, default=DEFAULT_REVIEW.labels_needed),
        max_labels=fields.optional("max_labels", integer(1, 9), default=DEFAULT_REVIEW.max_labels),
        due_minutes=fields.optional("due_minutes", integer(1, 30 * 24 * 60), default=DEFAULT_REVIEW.due_minutes),
        blind=fields.optional("blind", one_of(BLIND_DEGREES), default=DEFAULT_REVIEW.blind),
        undo_seconds=fields.optional("undo_seconds", integer(0, 600), default=DEFAULT_REVIEW.undo_seconds),
    )
    fields.close()
    wanted = max([terms.labels_needed, *(band.labels_needed or 1 for band in bands)])
    if "max_labels" not in fields.bad and terms.max_labels < wanted:
        fields.refuse("max_labels", "contradiction", f"up to {wanted} labels are asked for")
    return terms


def _sampling(fields: Fields) -> Sampling:
    sampling = Sampling(
        epoch=fields.required("epoch", text(40), stand_in=""),
        ramp=_ramp(fields),
        floors=_floors(fields.inner("floors")),
        weekly_minimum=fields.optional("weekly_minimum", nullable(LABELS_A_WEEK), default=None),
        weekly_extra=fields.optional("weekly_extra", nullable(LABELS_A_WEEK), default=None),
    )
    fields.close()
    return sampling


def _ramp(fields: Fields) -> Ramp | None:
    if fields.values.get("ramp") is None:
        fields.taken.add("ramp")
        return None
    inner = fields.inner("ramp")
    ramp = Ramp(
        first_rate=inner.required("first_rate", number(0, 1, open_low=True), stand_in=1.0),
        labels=inner.optional("labels", integer(0, MOST_A_WEEK), default=DEFAULT_RAMP_LABELS),
        days=inner.optional("days", integer(0, 365), default=0),
    )
    inner.close()
    return ramp


def _floors(fields: Fields) -> dict[str, int]:
    """By attribute, "category" among them."""
    if len(fields.values) > MOST_FLOORS:
        fields.problems.append(Problem(fields.pointer, "too_many", f"at most {MOST_FLOORS} entries"))
        return {}
    floors: dict[str, int] = {}
    for attribute in fields.values:
        name = NAME(attribute)
        if isinstance(name, str):
            floors[name] = fields.required(name, LABELS_A_WEEK, stand_in=1)
        else:
            fields.problems.append(Problem(child(fields.pointer, attribute), *name))
    return floors
