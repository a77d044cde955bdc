"""One stack per directory."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from reviewqueue.dev import embedded


class Refused(Exception):
    """The stack does not start; the message is one sentence for the person at the terminal."""


@contextlib.contextmanager
def only_start_in(directory: Path) -> Iterator[None]:
    """Holds the directory's lock; raises Refused when another start holds it. The kernel frees it whatever happens."""
    with open(directory / "lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            address = embedded.running_url(directory)
            raise Refused(f"Review Queue already runs from {directory}{f' at {address}' if address else ''}.") from None
        yield
