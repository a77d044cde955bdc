"""The releases of a policy document: which verifiers may let claims of a held band go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reviewqueue.errors import FieldProblem as Problem
from reviewqueue.policy.document import Band, Release, Released, Verifier
from reviewqueue.policy.fields import Fields, number, one_of, text

MOST_NAMES: Final = 50
NAME: Final = text(80)
ROUTES: Final[tuple[Released, ...]] = ("accept", "accept_flagged")
ACCURACY: Final = number(0, 1, open_low=True, open_high=True)
RATE: Final = number(0, 1, open_low=True)


def release_of(band: Fields) -> Release | None:
    if band.values.get("release") is None:
        band.taken.add("release")
        return None
    fields = band.inner("release")
    route: Released = fields.required("route", one_of(ROUTES), stand_in="accept")
    release = Release(
        verifiers=_names(fields),
        route=route,
        audit_rate=fields.optional("audit_rate", RATE, default=1.0),
        required_accuracy=fields.required("required_accuracy", ACCURACY, stand_in=0.5),
    )
    fields.close()
    if release.route == "accept_flagged" and release.audit_rate != 1 and "audit_rate" not in fields.bad:
        fields.refuse("audit_rate", "not_used_by_route", "people see every claim that is accepted and flagged")
    return release


def _names(fields: Fields) -> tuple[str, ...]:
    names: dict[str, None] = {}
    entries = fields.entries("verifiers", most=MOST_NAMES, needed=True)
    if not entries and isinstance(fields.values.get("verifiers"), list | tuple):
        fields.refuse("verifiers", "empty", "name at least one verifier")
    for pointer, value in entries:
        name = NAME(value)
        if not isinstance(name, str):
            fields.problems.append(Problem(pointer, *name))
        elif name in names:
            fields.problems.append(Problem(pointer, "duplicate", "is named twice"))
        else:
            names[name] = None
    return tuple(names)


def check_releases(bands: Sequence[Band], verifiers: Sequence[Verifier], document: Fields) -> None:
    """A name that no verifier has would be passed by every claim."""
    known = {verifier.name for verifier in verifiers}
    for place, band in enumerate(bands):
        for index, name in enumerate(band.release.verifiers if band.release else ()):
            if name not in known:
                pointer = f"/bands/{place}/release/verifiers/{index}"
                document.problems.append(Problem(pointer, "unknown_name", "this policy has no such verifier"))
