"""The accounts and keys of the demo. Each is made once; a secret that nobody knows any more is replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.contrib.auth.password_validation import validate_password

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import ApiKey, Scope, Source, User
from reviewqueue.dev.demo.facts import LogIn
from reviewqueue.dev.demo.passwords import new_password
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Role
from reviewqueue.transactions import service

SETUP: Final = Actor.system("demo")

PEOPLE: Final[Mapping[str, Role]] = {
    "reviewer1": Role.REVIEWER,
    "reviewer2": Role.REVIEWER,
    "senior": Role.SENIOR,
    "owner1": Role.OWNER,
    "owner2": Role.OWNER,
    "auditor": Role.AUDITOR,
    "admin": Role.ADMIN,
}


def user_with_log_in(name: str, role: Role, known: LogIn | None) -> tuple[User, LogIn]:
    """The account of this name and a password that opens it: the known one while it does, else a new one."""
    user = User.objects.filter(username=name).first()
    if user is not None and known is not None and user.check_password(known["password"]):
        return user, known
    password = new_password()
    validate_password(password)
    if user is None:
        user = User.objects.create_user(name, password=password)
    else:
        _replace_password(user, password)
    return user, LogIn(password=password, roles=[role.value])


@service
def _replace_password(user: User, password: str) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])
    ledger.append(event="password.changed", actor=SETUP, user=str(user.pseudonym), reason="demo")


def source(slug: str, name: str) -> Source:
    existing = Source.objects.filter(slug=slug).first()
    return existing or accounts.create_source(slug=slug, name=name, actor=SETUP)


def key_text(holder: Source | User, name: str, scopes: list[Scope], known: str | None = None) -> str:
    """A usable key of this holder: the known one while it is, else a new one in place of all of that name."""
    key = accounts.key_of(known) if known else None
    if known and key and (key.source or key.user) == holder and set(key.scopes) == set(scopes):
        return known
    revoke_keys(holder, name)
    return accounts.issue_key(holder=holder, name=name, scopes=scopes, actor=SETUP)[1]


def revoke_keys(holder: Source | User, name: str) -> None:
    """Ends every living key of this name."""
    mine = {"source": holder} if isinstance(holder, Source) else {"user": holder}
    for key in ApiKey.objects.filter(**mine, name=name, revoked_at__isnull=True):
        accounts.revoke_key(key=key, actor=SETUP, reason="demo")
