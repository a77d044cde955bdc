"""Who opens transactions: public service functions, and nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection, transaction

P = ParamSpec("P")
R = TypeVar("R")

_shared: ContextVar[bool] = ContextVar("shared_transaction", default=False)


def service(function: Callable[P, R]) -> Callable[P, R]:
    """Runs `function` in one durable transaction of its own (or in the one opened by `one_transaction`)."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic(durable=not _shared.get()):
            return function(*args, **kwargs)

    return run


@contextmanager
def one_transaction() -> Iterator[None]:
    """Lets the services called inside share one durable transaction.

    For work that must be stored together with its own record (an idempotent request and its answer), nothing else.
    """
    with transaction.atomic(durable=True):
        token = _shared.set(True)
        try:
            yield
        finally:
            _shared.reset(token)


def joins_transaction() -> None:
    """Asserts that the caller opened a transaction: for functions documented as joining it."""
    if not connection.in_atomic_block:
        raise RuntimeError("this function joins its caller's transaction, and there is none")
