"""Who may manage webhooks."""

from __future__ import annotations

from reviewqueue.accounts.models import Source, User
from reviewqueue.errors import Forbidden, NotFound
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import has_role

Manager = User | Source
"""Who may manage an endpoint: an administrator, or the source it belongs to."""


def authorised(by: Manager, source: Source) -> Actor:
    """The manager as the ledger names actors. Raises NotFound for another source, Forbidden for other people."""
    if isinstance(by, User):
        return administrator(by)
    if by.pk != source.pk:
        raise NotFound("There is no such endpoint.")
    return Actor.source(by.slug)


def administrator(by: User) -> Actor:
    """Raises Forbidden."""
    if not has_role(by, [Role.ADMIN]):
        raise Forbidden("Only an administrator may do this.")
    return Actor.user(by.pseudonym, role=Role.ADMIN.value)
