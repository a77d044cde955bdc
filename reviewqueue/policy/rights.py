"""Who may do what to the policies of a pipeline. The role matrix in one place; `pipeline_for` takes these."""

from __future__ import annotations

from typing import Final

from reviewqueue.accounts.models import User
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import has_role

PROPOSE: Final = frozenset({Role.OWNER})
DECIDE: Final = frozenset({Role.OWNER, Role.ADMIN})
"""Approve, activate, reject, retire, run in shadow; never approve one's own proposal."""
LOOSEN_MANDATORY: Final = frozenset({Role.ADMIN})
"""Two of them, neither the proposer."""
STOP_AUTOMATION: Final = frozenset({Role.SENIOR, Role.OWNER, Role.ADMIN})
ALLOW_AUTOMATION: Final = frozenset({Role.OWNER, Role.ADMIN})
SWITCH_ONE_PERSON: Final = frozenset({Role.ADMIN})

_AS_NAMED: Final = (Role.OWNER, Role.ADMIN, Role.SENIOR)


def actor_in(pipeline: Pipeline, user: User) -> Actor:
    """The person as the ledger names them, in the role they have here."""
    role = next((each for each in _AS_NAMED if has_role(user, [each], pipeline_id=pipeline.pk)), None)
    return Actor.user(user.pseudonym, role=role.value if role else None)
