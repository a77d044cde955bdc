"""Hosts that are exempt from the rules for targets."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Collection

from reviewqueue.accounts.models import User
from reviewqueue.deliveries.authority import administrator
from reviewqueue.deliveries.models import NamedHost
from reviewqueue.deliveries.targets import is_host
from reviewqueue.errors import Conflict, FieldProblem, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.transactions import service
from reviewqueue.web_addresses import HTTPS_PORT


class HostAlreadyNamed(Conflict):
    code = "host_already_named"


@service
def name_host(
    *,
    host: str,
    by: User,
    ports: Collection[int] = (HTTPS_PORT,),
    plain_http: bool = False,
    ca_certificate: str = "",
) -> NamedHost:
    """Exempts a host: private addresses, these ports, plain http where it says so, an authority (PEM) of its own.

    Raises:
        Forbidden: not an administrator.
        Invalid: this is no host, no port or no certificate.
        HostAlreadyNamed: withdraw it first, so that the ledger shows what was allowed when.
    """
    actor = administrator(by)
    problems = [*_host_problems(host, ports), *_certificate_problems(ca_certificate)]
    if problems:
        raise Invalid(problems)
    if NamedHost.objects.filter(host=host).exists():
        raise HostAlreadyNamed("This host is named already.")
    entry = ledger.append(
        event="webhook.host_named",
        actor=actor,
        host=host,
        ports=sorted(set(ports)),
        plain_http=plain_http,
        ca_hash=hashlib.sha256(ca_certificate.encode()).digest() if ca_certificate else None,
    )
    return NamedHost.objects.create(
        host=host,
        ports=sorted(set(ports)),
        plain_http=plain_http,
        ca_certificate=ca_certificate,
        created_by=by,
        event_id=entry.id,
    )


@service
def withdraw_host(*, host: NamedHost, by: User) -> None:
    """Effective at the next attempt. Withdrawing twice is once."""
    actor = administrator(by)
    if NamedHost.objects.filter(pk=host.pk).delete()[0]:
        ledger.append(event="webhook.host_withdrawn", actor=actor, host=host.host)


def _host_problems(host: str, ports: Collection[int]) -> list[FieldProblem]:
    problems = []
    if not is_host(host):
        problems.append(FieldProblem("/host", "host", "This is a host name or an address, in lower case."))
    if not ports or not all(0 < port < 65536 for port in ports):
        problems.append(FieldProblem("/ports", "range", "At least one port, each between 1 and 65535."))
    return problems


def _certificate_problems(ca_certificate: str) -> list[FieldProblem]:
    if not ca_certificate:
        return []
    try:
        ssl.create_default_context(cadata=ca_certificate)
    except (ssl.SSLError, TypeError, ValueError):
        return [FieldProblem("/ca_certificate", "certificate", "This is not a certificate in PEM form.")]
    return []
