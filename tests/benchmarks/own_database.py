"""A database for one benchmark, with the cast of the tests in it, gone afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles

from django.db import connection
from django.test.utils import setup_databases, teardown_databases

from tests.world import World, make_world


@contextmanager
def own_database() -> Iterator[World]:
    connection.settings_dict["OPTIONS"]["options"] += " -c statement_timeout=0 -c lock_timeout=0"
    made = setup_databases(verbosity=0, interactive=False, aliases={"default"})
    try:
        yield make_world()
    finally:
        teardown_databases(made, verbosity=0)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def spread(values: list[float], places: int = 2) -> str:
    low, _, high = quantiles(values, n=4)
    return f"{median(values):8.{places}f} (quartiles {low:.{places}f} to {high:.{places}f})"


def p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]
