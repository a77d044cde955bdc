"""Where we may send: which addresses of the web are acceptable, and which addresses of the network. Pure.

Whoever can name a URL for us to call could otherwise reach, through us, what only we can reach: this machine, the
networks behind it, the credentials service of a cloud. So a target is an https address of a public host name on port
443, and everything the name resolves to must be public. An administrator may name hosts that are exempt.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

from reviewqueue.web_addresses import HTTP_PORT, HTTPS_PORT, LABEL, TargetRefused, refuse_unusual_host, web_address

_NAMED: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:{LABEL}(?:\.{LABEL})*|[0-9a-f:.]*:[0-9a-f:.]*)")

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Not for the public although some versions of Python call them global.
_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/3", "3fff::/20")
)


class AddressRefused(Exception):
    """A host name that leads, or could lead, to a place which is not public."""


@dataclass(frozen=True, slots=True)
class HostPermission:
    """What an administrator allows for one host: private addresses, other ports, plain http, an authority of its own.

    `ca_certificate` is PEM; where it is given, nothing else vouches for this host.
    """

    host: str
    ports: frozenset[int] = frozenset({HTTPS_PORT})
    plain_http: bool = False
    ca_certificate: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    host: str
    port: int
    path: str
    encrypted: bool
    permission: HostPermission | None

    @property
    def host_header(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == (HTTPS_PORT if self.encrypted else HTTP_PORT) else f"{shown}:{self.port}"


def is_host(text: str) -> bool:
    """Whether an administrator can name this: a host name (one label is enough) or an address, in lower case."""
    return bool(_NAMED.fullmatch(text)) and (":" not in text or _address(text) is not None)


def parse_target(url: str, permissions: Mapping[str, HostPermission]) -> Target:
    """Raises TargetRefused. `permissions` by host; what the name resolves to is checked when it is called."""
    address = web_address(url)
    permission = permissions.get(address.host)
    if not address.encrypted and not (permission and permission.plain_http):
        raise TargetRefused("scheme", "The address starts with https://.")
    if permission is None:
        refuse_unusual_host(address.host)
    if address.port not in (permission.ports if permission else {HTTPS_PORT}):
        raise TargetRefused("port", "This port is not called. Without a port in the address it is 443.")
    return Target(address.host, address.port, address.path, address.encrypted, permission)


def checked_addresses(addresses: Iterable[str], permission: HostPermission | None) -> list[str]:
    """All of `addresses`, or AddressRefused when a single one is not acceptable: the next look-up might return it."""
    found = list(dict.fromkeys(addresses))
    acceptable = is_public if permission is None else _is_ordinary
    if not all(acceptable(address) for address in found):
        raise AddressRefused
    return found


def is_public(text: str) -> bool:
    """Whether this is an address of the public internet, also where IPv6 wraps an IPv4 address (mapped, 6to4, NAT64).

    Teredo, the fourth wrapping, lies in a block that is not public as a whole.
    """
    address = _unwrapped(text)
    if address is None or any(address in network for network in _NOT_PUBLIC if network.version == address.version):
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_ordinary(text: str) -> bool:
    """Private is fine for a host that was named, but not the link-local addresses where clouds keep credentials."""
    address = _unwrapped(text)
    return address is not None and not (address.is_link_local or address.is_multicast or address.is_unspecified)


def _unwrapped(text: str) -> IPv4Address | IPv6Address | None:
    address = _address(text)
    if not isinstance(address, IPv6Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
