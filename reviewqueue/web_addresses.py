"""Web addresses that others name for this server to call: what one may look like, said once. Pure.

Two places ask: a claim that names a callback, where nothing can be looked up, and a delivery on its way
(deliveries.targets), which knows the hosts that an administrator exempts and what a name resolves to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

MAX_URL: Final = 2000
HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80

LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:{LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_LOCAL_NAMES: Final = ("localhost", "local", "internal", "lan", "home", "corp", "arpa", "onion", "invalid")


class TargetRefused(Exception):
    """A URL that is not called. `code` is for programs, `detail` for the person who gave the URL."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class WebAddress:
    encrypted: bool
    host: str
    port: int
    path: str  # with its query

    @property
    def host_and_port(self) -> str:
        """Whom one reaches there, whatever the path."""
        return f"{self.host}:{self.port}"


def web_address(url: str) -> WebAddress:
    """The parts of a URL in which nothing can hide, whatever its host. Raises TargetRefused."""
    parts = _split(url)
    encrypted = parts.scheme == "https"
    return WebAddress(
        encrypted=encrypted,
        host=(parts.hostname or "").lower(),
        port=_port(parts, usual=HTTPS_PORT if encrypted else HTTP_PORT),
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )


def callback_address(url: str) -> WebAddress:
    """An https address of a host with a name, on any port: as much as can be asked before it is called.

    Raises TargetRefused. No number in any spelling is a name: not 127.1, 2852039166 or 0x7f000001.
    """
    address = web_address(url)
    if not address.encrypted:
        raise TargetRefused("scheme", "The address starts with https://.")
    if not _HOST_NAME.fullmatch(address.host) or address.host.endswith(".localhost"):
        raise TargetRefused("host", "A callback is an https address of a public host name.")
    return address


def refuse_unusual_host(host: str) -> None:
    """For hosts that no administrator named. Raises TargetRefused."""
    if not _HOST_NAME.fullmatch(host) or host.rsplit(".", 1)[-1] in _LOCAL_NAMES:
        raise TargetRefused("host", "The host is a public name. An administrator can allow another one.")
    if any(label.startswith("xn--") for label in host.split(".")):
        raise TargetRefused("host", "Names in other scripts are not called: they are too easily mistaken.")


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL:
        raise TargetRefused("length", f"An address has at most {MAX_URL} characters.")
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        raise TargetRefused("characters", "An address has printable ASCII characters only.")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise TargetRefused("url", "This is not an address.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise TargetRefused("scheme", "The address starts with https://.")
    if "@" in parts.netloc:
        raise TargetRefused("user_info", "An address carries no user name and no password.")
    if "#" in url:
        raise TargetRefused("fragment", "An address has no fragment (#).")
    return parts


def _port(parts: SplitResult, *, usual: int) -> int:
    try:
        port = usual if parts.port is None else parts.port
    except ValueError:
        port = 0
    if not port:
        raise TargetRefused("port", "The port is not a number between 1 and 65535.")
    return port
