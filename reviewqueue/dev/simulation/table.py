"""The results as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from reviewqueue.dev.simulation.scenarios import Learned, Swapped

HEAD: Final = (
    "stream",
    "labels",
    "smooth ECE",
    "calibrated",
    "error limit",
    "certified threshold",
    "above it, later",
    "accepted, later",
    "as expected",
)
REASONS: Final = {
    "too_few_labels": "none: too few labels",
    "no_threshold_meets_target": "none meets the target",
    "score_not_informative": "none: the score does not tell right from wrong",
    "all_wrong": "none: all were wrong",
}


MONITORS: Final = {
    "outcome": "promises",
    "calibration": "calibration",
    "confidence": "stated confidences",
    "reverse": "replaced calibrators",
}


def learning_table(results: Sequence[Learned]) -> list[str]:
    return list(_aligned([HEAD, *(_cells(each) for each in results)]))


def _cells(learned: Learned) -> tuple[str, ...]:
    found = learned.certificate
    threshold = (
        REASONS[found["reason"]]
        if found["threshold"] is None
        else f"{found['threshold']:.4f}, takes {found['coverage']:.0%}"
    )
    return (
        learned.scenario.title,
        str(learned.labels),
        f"{learned.stated:.4f}",
        f"{learned.calibrated:.4f}",
        f"{learned.scenario.max_error:.0%}",
        threshold,
        "–" if learned.error_above is None else f"{learned.error_above:.1%} wrong",
        f"{learned.accepted:.0%}" + ("" if learned.error_accepted is None else f", {learned.error_accepted:.1%} wrong"),
        "yes" if learned.holds else "NO",
    )


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def swap_lines(swapped: Swapped) -> list[str]:
    before = (
        f"its band decided by itself after {swapped.validated_after} labels and accepted "
        f"{swapped.accepted_before:.0%} of the claims"
        if swapped.validated_after is not None
        else "its band never decided by itself"
    )
    stopped = (
        f"its band was {swapped.stopped_as} after {swapped.stopped_after} labels"
        if swapped.stopped_after is not None
        else "NOTHING stopped its band"
    )
    named = (
        f"the monitor of {MONITORS[swapped.named_by]} named the version after {swapped.named_after} labels"
        if swapped.named_after is not None
        else "NO monitor named the version"
    )
    return [
        "Llama 3.1 405B is swapped for 70B (MMLU-Pro, stated confidence, error limit 20 %)",
        f"  before  {before}",
        f"  told    as a new version its band is {swapped.state_when_told}, and {swapped.held_when_told:.0%} "
        "of its first claims went to people",
        f"  untold  {stopped}; {named}; {swapped.accepted_after:.0%} accepted since",
        f"  as expected: {'yes' if swapped.holds else 'NO'}",
    ]
