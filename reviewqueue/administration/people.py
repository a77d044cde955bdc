"""Accounts of people and what they may do. Nobody changes their own, and somebody is always left who can."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from reviewqueue.accounts.models import User
from reviewqueue.administration.rights import acting_admin
from reviewqueue.errors import Conflict, FieldProblem, Forbidden, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import INSTANCE_ROLES, Grant, Pipeline, Role
from reviewqueue.pipelines.selectors import WORKING_ROLES
from reviewqueue.pipelines.services import grant_within, revoke_within
from reviewqueue.review.services.leaving import let_run_out
from reviewqueue.transactions import joins_transaction, service


class AccountClosed(Conflict):
    """The account is closed."""


class PersonErased(Conflict):
    """Who this was is forgotten for good: nobody comes back in their place."""


class StillAnswers(Conflict):
    """The person is the owner or the deputy of a pipeline, which has to be given to somebody else first."""


@dataclass(frozen=True, slots=True)
class SignInLink:
    """Whoever opens the address with these two chooses the password of `user`: once, within PASSWORD_RESET_TIMEOUT."""

    user: User
    uid: str
    token: str


@service
def create_person(*, username: str, by: User, first_name: str = "", last_name: str = "", email: str = "") -> User:
    """An account without roles and without a password: `sign_in_link` is the way in.

    Raises Forbidden, and Invalid for a user name that is none or is taken, whatever the case of its letters.
    """
    return _create(username, acting_admin(by), first_name=first_name, last_name=last_name, email=email)


def _create(username: str, actor: Actor, **about: str) -> User:
    joins_transaction()
    username = User.normalize_username(username)  # as storing does: one name written in two ways is one name
    _check_person(User(username=username, **about))
    if User.objects.filter(username__iexact=username).exists():
        raise _taken()
    try:
        with transaction.atomic():
            return User.objects.create_user(username, actor=actor, **about)
    except IntegrityError as error:  # in the same moment
        raise _taken() from error


def _taken() -> Invalid:
    return Invalid([FieldProblem("/username", "taken", "Somebody has this user name.")])


def _check_person(user: User) -> None:
    """Raises Invalid."""
    try:
        user.clean_fields(exclude=["password", "event"])
    except ValidationError as error:
        problems = [
            FieldProblem(f"/{name}", "form", text) for name, texts in error.message_dict.items() for text in texts
        ]
        raise Invalid(problems) from error
    names = {"first_name": user.first_name, "last_name": user.last_name}
    hidden = [name for name, text in names.items() if not text.isprintable()]
    if hidden:
        detail = "Names hold no characters that cannot be seen."
        raise Invalid([FieldProblem(f"/{name}", "unprintable", detail) for name in hidden])


@service
def describe_person(*, user: User, by: User, first_name: str, last_name: str, email: str) -> None:
    """What others call this person, and where mail goes. The ledger knows no names, so it has no entry of this.

    Raises Forbidden, Invalid, and PersonErased.
    """
    acting_admin(by)
    _check_not_erased(user)
    user.first_name, user.last_name, user.email = first_name, last_name, email
    _check_person(user)
    user.save(update_fields=["first_name", "last_name", "email"])


@service
def sign_in_link(*, user: User, by: User) -> SignInLink:
    """A way in for somebody who has no password yet, or forgot it. It ends with the first log-in.

    Raises Forbidden, and AccountClosed.
    """
    return _link(user, acting_admin(by))


def _link(user: User, actor: Actor) -> SignInLink:
    if not user.is_active:
        raise AccountClosed("This account is closed. Open it first.")
    ledger.append(event="password.link_issued", actor=actor, user=user.pseudonym)
    return SignInLink(user, urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user))


@service
def first_admin(*, username: str) -> SignInLink:
    """For whoever runs the commands of this instance: an administrator, new or not, and a way in for them.

    Raises Invalid for a new user name that is none, and AccountClosed.
    """
    actor = Actor.system("command")
    user = User.objects.filter(username=username).first() or _create(username, actor)
    grant_within(user=user, role=Role.ADMIN, actor=actor)
    return _link(user, actor)


@service
def give_role(*, user: User, role: Role, by: User, pipeline: Pipeline | None = None) -> Grant:
    """Giving twice is giving once.

    Raises Forbidden (for one's own account too), AccountClosed, and Invalid where role and pipeline do not go together.
    """
    actor = _acting_on(user, by)
    if (role in INSTANCE_ROLES) != (pipeline is None):
        detail = "This role is for everything." if pipeline else "This role is for one pipeline: choose it."
        raise Invalid([FieldProblem("/pipeline", "choice", detail)])
    if not user.is_active:
        raise AccountClosed("This account is closed. Open it first.")
    return grant_within(user=user, role=role, pipeline=pipeline, actor=actor)


@service
def take_role(*, grant: Grant, by: User) -> None:
    """What the person has in hand of a pipeline where they work no longer is free for others at once.

    Raises Forbidden (for one's own account too), and StillAnswers.
    """
    actor = _acting_on(grant.user, by)
    pipeline = grant.pipeline
    if pipeline and grant.role == Role.OWNER and grant.user_id in (pipeline.owner_id, pipeline.deputy_id):
        what = "owner" if grant.user_id == pipeline.owner_id else "deputy"
        raise StillAnswers(f"This person is the {what} of {pipeline.name}. Name another one in its settings first.")
    revoke_within(grant=grant, actor=actor)
    if pipeline and not Grant.objects.filter(user=grant.user_id, pipeline=pipeline, role__in=WORKING_ROLES).exists():
        let_run_out(reviewer=grant.user, pipeline=pipeline)


@service
def close_account(*, user: User, by: User) -> None:
    """Ends every session and key at the next request. Roles stay, so that opening it again brings all back.

    What the person has in hand is free for others at once. Raises Forbidden (for one's own account too).
    """
    actor = _acting_on(user, by)
    if User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
        ledger.append(event="user.disabled", actor=actor, user=user.pseudonym, active=False)
        let_run_out(reviewer=user)


@service
def open_account(*, user: User, by: User) -> None:
    """Raises Forbidden (for one's own account too), and PersonErased."""
    actor = _acting_on(user, by)
    _check_not_erased(user)
    if User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
        ledger.append(event="user.enabled", actor=actor, user=user.pseudonym, active=True)


def _check_not_erased(user: User) -> None:
    if user.is_erased:
        raise PersonErased("The name of this person was erased. Add a person instead.")


def _acting_on(user: User, by: User) -> Actor:
    """Two administrators who take the role from each other do so one after the other, and the second one cannot."""
    if user.pk == by.pk:
        raise Forbidden("Nobody changes their own roles or closes their own account: ask another administrator.")
    admins = Grant.objects.select_related("user").filter(role=Role.ADMIN).order_by("pk")
    locked = admins.select_for_update(of=("self", "user"), no_key=True)  # both: an account may be closed meanwhile
    if by.pk not in {grant.user_id for grant in locked if grant.user.is_active}:
        raise Forbidden("People, sources and keys are looked after by administrators.")
    return acting_admin(by)
