"""Who is calling: a key in the Authorization header, and nothing else. Cookies never authenticate the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from reviewqueue.accounts.services import key_of, revoke_key
from reviewqueue.api.contract import Holder, Promise
from reviewqueue.errors import Forbidden
from reviewqueue.ledger.actors import Actor

if TYPE_CHECKING:
    from reviewqueue.accounts.models import ApiKey, Source, User

API = Actor.system("api")


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`, written exactly so.

    Afterwards `request.auth` is the key, and `request.user` its person or an anonymous user for the key of a source.
    """

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        _revoke_keys_in_query(request)
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        scheme, _, text = header.partition(" ")
        key = key_of(text) if scheme == "Bearer" else None
        if key is None:
            raise AuthenticationFailed
        return key.user or AnonymousUser(), key

    def authenticate_header(self, _: Request) -> str:
        return 'Bearer realm="api"'


def _revoke_keys_in_query(request: Request) -> None:
    """A key in an address is in the logs of every machine on its way: it is burnt, whatever else the request has."""
    leaked = [key for word in _words_of_query(request) if (key := key_of(word))]
    for key in leaked:
        revoke_key(key=key, actor=API, reason="sent_in_query_string")
    if leaked:
        raise AuthenticationFailed


def _words_of_query(request: Request) -> Iterator[str]:
    for name, values in request.query_params.lists():
        for text in (name, *values):
            yield from text.split()


class HasScope(BasePermission):
    """The key is what the method's promise asks for. A method the resource does not have is not judged."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is None:
            raise NotAuthenticated
        if view.promise is not None:
            _check_key(request, view.promise)
        return True


def _check_key(request: Request, promise: Promise) -> None:
    if promise.scope not in key_in(request).scopes:
        raise Forbidden(f'This key does not have the scope "{promise.scope}".')
    if promise.holder is Holder.SOURCE:
        source_of(request)
    elif promise.holder is Holder.PERSON:
        person_of(request)


def key_in(request: Request) -> ApiKey:
    """The key of a request that was let in."""
    return cast("ApiKey", request.auth)


def source_of(request: Request) -> Source:
    """The upstream system that is calling. Raises Forbidden for the key of a person."""
    source = key_in(request).source
    if source is None:
        raise Forbidden("This needs the key of a source.")
    return source


def person_of(request: Request) -> User:
    """The person who is calling. Raises Forbidden for the key of a source."""
    user = key_in(request).user
    if user is None:
        raise Forbidden("This needs the key of a person.")
    return user


def caller_of(request: Request) -> Source | User:
    """The source or the person who is calling."""
    key = key_in(request)
    return cast("Source | User", key.source or key.user)


def holder_of(request: Request) -> str:
    """Names the holder of the key: what one holder stores, no other sees."""
    key = key_in(request)
    return f"source:{key.source_id}" if key.source_id else f"user:{key.user_id}"
