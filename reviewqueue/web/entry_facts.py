"""What an entry of a claim's life says beside its kind, in a few words. The entry itself is always one click away."""

from __future__ import annotations

from typing import Any, Final

from reviewqueue.ledger.selectors import LedgerEntry
from reviewqueue.web.wording import words

_SHOWN: Final = {
    "policy_version": "policy version",
    "calibrator": "calibrator",
    "band": "band",
    "confidence_ppm": "confidence",
    "calibrated_ppm": "calibrated",
    "model_version": "model version",
    "lease_no": "lease",
    "reviewer": "reviewer",
    "late": "late",
    "seconds": "seconds",
    "basis": "",
    "reason": "because",
    "superseded_by": "replaced by",
    "supersedes": "replaces",
    "second_approver": "agreed to by",
    "attempt": "attempt",
    "status": "status",
    "endpoint": "endpoint",
    "user": "by",
}
_OF_KINDS: Final = {"basis": "basis"}


def facts_of(entry: LedgerEntry) -> list[str]:
    return [
        f"{name} {_value(field, entry.body[field])}".strip()
        for field, name in _SHOWN.items()
        if entry.body.get(field) not in (None, "", False, [])
    ]


def _value(field: str, value: Any) -> str:
    if value is True:
        return ""
    if field.endswith("_ppm"):
        return f"{value / 10_000:.1f} %"
    if field in _OF_KINDS:
        return words(value, _OF_KINDS[field])
    return str(value)
