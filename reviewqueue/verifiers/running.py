"""Runs the checks of a policy over one claim."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, ClassVar, Final, Protocol, cast

import rfc8785

from reviewqueue.verifiers.finding import CannotTell, Claim, Finding, Work


class Check(Protocol):
    """One check: what it is made of, and what it finds."""

    kind: ClassVar[str]

    def terms(self) -> dict[str, object]:
        """Everything that decides what it finds, in plain JSON."""

    def run(self, claim: Claim, work: Work) -> Finding:
        """Raises CannotTell."""


DIGEST_LENGTH: Final = 16


def digest_of(check: Check) -> str:
    """Names a check by what it does: under the same name, findings of different claims mean the same."""
    return hashlib.sha256(rfc8785.dumps(cast("dict[str, Any]", {"kind": check.kind, **check.terms()}))).hexdigest()[
        :DIGEST_LENGTH
    ]


def findings(checks: Iterable[tuple[str, Check]], claim: Claim) -> dict[str, Finding]:
    """What each check says of the claim, by the digests they come with. They share one budget, in their order."""
    work = Work.on(claim)
    return {digest: _finding(check, claim, work) for digest, check in checks}


def _finding(check: Check, claim: Claim, work: Work) -> Finding:
    try:
        return check.run(claim, work)
    except CannotTell as error:
        return Finding("unknown", note=str(error))
