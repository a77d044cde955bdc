"""New documents made from one that decides, with one thing changed. Pure; they are parsed like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from reviewqueue.policy.document import PLACES

RELEASES: Final = ("accept", "accept_flagged")
USUAL_AUDIT_RATE: Final = 0.2


def cut_at(document: Mapping[str, Any], threshold: float, *, required_accuracy: float) -> dict[str, Any]:
    """The document with one band that accepts from `threshold` (of calibrated confidence, above 0 and below 1) on.

    Below it nothing is accepted: what was, is held for review. Everything else stays as it is.
    """
    edge = round(threshold, PLACES)
    below = [_held({**band, "high": min(band["high"], edge)}) for band in document["bands"] if band["low"] < edge]
    top = {
        **_highest_release(document["bands"]),
        "low": edge,
        "high": 1.0,
        "required_accuracy": round(required_accuracy, PLACES),
    }
    return {**document, "bands": [*below, top]}


def _highest_release(bands: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The band that accepts now, for its route and audit rate."""
    found = [band for band in bands if band["route"] in RELEASES]
    if found:
        return dict(found[-1])
    return {
        "route": "accept",
        "next_step": None,
        "audit_rate": USUAL_AUDIT_RATE,
        "labels_needed": None,
        "unaudited_waiver": False,
    }


def _held(band: dict[str, Any]) -> dict[str, Any]:
    if band["route"] not in RELEASES:
        return band
    return {
        "low": band["low"],
        "high": band["high"],
        "route": "review",
        "next_step": None,
        "audit_rate": 1.0,
        "required_accuracy": None,
        "labels_needed": band.get("labels_needed"),
        "unaudited_waiver": False,
    }
