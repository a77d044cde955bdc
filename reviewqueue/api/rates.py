"""Rate limits at the edge: who is counted, and how the count is told (draft-ietf-httpapi-ratelimit-headers-10)."""

from __future__ import annotations

import ipaddress
import math
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from reviewqueue.accounts.limits import Allowance, Quota, spend
from reviewqueue.errors import DomainError

if TYPE_CHECKING:
    from reviewqueue.accounts.models import ApiKey
    from reviewqueue.api.contract import Rate


class RateLimited(DomainError):
    code = "rate_limited"


def spend_for_key(key: ApiKey, rate: Rate) -> Allowance:
    quota = rate.quota_of(key)
    return spend(subject=f"key:{key.public_id}:{quota.name}", quota=quota)


def spend_for_failure(request: HttpRequest) -> Allowance:
    """A request without a good key counts against its address. Good keys from the same address never do."""
    quota = Quota("failed", settings.RATE_LIMIT_FAILED)
    return spend(subject=f"address:{_network_of(request)}", quota=quota)


def refuse_beyond(allowance: Allowance) -> None:
    if not allowance.allowed:
        quota = allowance.quota
        raise RateLimited(f"{quota.requests} requests in {quota.seconds} seconds are let through. Come back later.")


def tell(response: HttpResponse, allowance: Allowance) -> None:
    """`r` is what is left, `t` the seconds until the quota is whole again.

    Retry-After, on a refusal, is when one more request is let through.
    """
    quota = allowance.quota
    response["RateLimit-Policy"] = f'"{quota.name}";q={quota.requests};w={quota.seconds}'
    response["RateLimit"] = f'"{quota.name}";r={allowance.remaining};t={math.ceil(allowance.full_in)}'
    if not allowance.allowed:
        response["Retry-After"] = str(max(1, math.ceil(allowance.retry_in)))


def _network_of(request: HttpRequest) -> str:
    """The caller's address, as the proxy in front saw it if there is one. One household's IPv6 addresses are one."""
    text = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_TLS_PROXY:
        text = request.META.get("HTTP_X_FORWARDED_FOR", text).rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
