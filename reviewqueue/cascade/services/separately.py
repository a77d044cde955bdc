"""One pipeline after the other, none of which can hold up the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


def separately(work: Callable[[T], int], each: Iterable[T]) -> int:
    """The sum of what `work` returns. What fails is logged; the first failure is raised when all had their turn."""
    done, failures = 0, []
    for one in each:
        try:
            done += work(one)
        except Exception as error:
            log.exception("cascade: the sweep failed for %s", one)
            failures.append(error)
    if failures:
        raise failures[0]
    return done
