"""Who looks after people, sources and their keys, and who may read about them."""

from __future__ import annotations

from typing import Final

from reviewqueue.accounts.models import User
from reviewqueue.errors import Forbidden
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import has_role

MANAGERS: Final = frozenset({Role.ADMIN.value})
READERS: Final = frozenset({Role.ADMIN.value, Role.AUDITOR.value})


def require_reader(user: User) -> None:
    """Raises Forbidden."""
    if not has_role(user, READERS):
        raise Forbidden("People, sources and keys are looked after by administrators.")


def acting_admin(by: User) -> Actor:
    """Who does it, as the ledger names them. Raises Forbidden for anybody but administrators."""
    if not has_role(by, MANAGERS):
        raise Forbidden("People, sources and keys are looked after by administrators.")
    return Actor.user(by.pseudonym, role=Role.ADMIN.value)
