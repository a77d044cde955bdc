"""Which roles a page or action is for, where pipelines.selectors does not already say it."""

from __future__ import annotations

from typing import Final

from reviewqueue.accounts.models import User
from reviewqueue.errors import Forbidden
from reviewqueue.pipelines.selectors import has_role

LEDGER_ROLES: Final = frozenset({"auditor", "admin"})
PIN_ROLES: Final = frozenset({"auditor"})
SETTING_ROLES: Final = frozenset({"owner", "admin"})
GOLDEN_READERS: Final = frozenset({"owner", "auditor", "admin"})
"""Of golden sets. Seniors review too, and who reviews does not see known answers."""
GOLDEN_KEEPERS: Final = frozenset({"owner"})


def require_role(user: User, roles: frozenset[str], detail: str) -> None:
    """Raises Forbidden unless this person holds one of the roles somewhere."""
    if not has_role(user, roles):
        raise Forbidden(detail)
