"""Why a transfer cannot begin, or cannot go on. Pure."""

from __future__ import annotations

from reviewqueue.errors import DomainError


class NotPossible(DomainError):
    """What was asked for cannot be done: a name that is not there, options that contradict each other."""

    code = "not_possible"


class FileUnreadable(DomainError):
    """The file is not what it should be, from its beginning or from some place on."""

    code = "unreadable_file"
