"""Which addresses of the web are called, and which addresses of the network."""

from __future__ import annotations

import pytest

from reviewqueue.deliveries.targets import (
    AddressRefused,
    HostPermission,
    checked_addresses,
    is_host,
    is_public,
    parse_target,
)
from reviewqueue.web_addresses import TargetRefused

INTERNAL = HostPermission("intranet", frozenset({443, 8443}))
PLAIN = HostPermission("10.1.2.3", frozenset({80, 8080}), plain_http=True)
NAMED = {permission.host: permission for permission in (INTERNAL, PLAIN)}


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://hooks.example.com", "hooks.example.com", 443, "/"),
        ("https://hooks.example.com/a/b?c=d&e", "hooks.example.com", 443, "/a/b?c=d&e"),
        ("https://Hooks.Example.COM:443?x", "hooks.example.com", 443, "/?x"),
        ("https://intranet/hooks", "intranet", 443, "/hooks"),
        ("https://intranet:8443/hooks", "intranet", 8443, "/hooks"),
        ("http://10.1.2.3/hooks", "10.1.2.3", 80, "/hooks"),
        ("http://10.1.2.3:8080/hooks", "10.1.2.3", 8080, "/hooks"),
    ],
)
def test_an_https_address_of_a_public_name_or_what_an_administrator_named_is_called(
    url: str, host: str, port: int, path: str
) -> None:
    target = parse_target(url, NAMED)
    assert (target.host, target.port, target.path) == (host, port, path)
    assert target.encrypted is url.startswith("https")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example.com/", "scheme"),
        ("http://intranet/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://hooks.example.com/", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/plain,x", "scheme"),
        ("//hooks.example.com/", "scheme"),
        ("https:hooks.example.com", "scheme"),
        ("", "scheme"),
        ("https://", "scheme"),
        ("https://hooks.example.com:8443/", "port"),
        ("https://hooks.example.com:0/", "port"),
        ("https://hooks.example.com:65536/", "port"),
        ("https://hooks.example.com:https/", "port"),
        ("https://intranet:22/", "port"),
        ("https://user@hooks.example.com/", "user_info"),
        ("https://user:password@hooks.example.com/", "user_info"),
        ("https://@hooks.example.com/", "user_info"),
        ("https://hooks.example.com@evil.example/", "user_info"),
        ("https://hooks.example.com/#part", "fragment"),
        ("https://hooks.example.com/#", "fragment"),
        ("https://xn--bcher-kva.example/", "host"),
        ("https://b\u00fccher.example/", "characters"),
        ("https://hooks.ex\u0430mple.com/", "characters"),
        ("https://hooks.example.com/\r\nHost: evil", "characters"),
        ("https://hooks.example.com/\tx", "characters"),
        ("https://hooks.example.com\\@evil.example/", "characters"),
        ("https://hooks.example.com/a b", "characters"),
        ("https://hooks.example.com/" + "x" * 5000, "length"),
        ("https://[::1", "url"),
        ("https://hooks_example.com/", "host"),
        ("https://-hooks.example.com/", "host"),
        ("https://hooks..example.com/", "host"),
        ("https://" + "a" * 64 + ".example.com/", "host"),
    ],
)
def test_other_addresses_are_refused_and_say_why(url: str, code: str) -> None:
    with pytest.raises(TargetRefused) as refused:
        parse_target(url, NAMED)
    assert refused.value.code == code
    assert refused.value.detail.endswith(".")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "0.0.0.0", "0", "169.254.169.254", "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE",
        "0251.0376.0251.0376", "025177524776", "017700000001", "8.8.8.8", "10.0.0.1", "192.168.1.1", "172.16.0.1",
        "100.64.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[fc00::1]",
        "[fe80::1%25eth0]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]", "[2001:4860:4860::8888]", "localhost",
        "localhost.", "LOCALHOST", "db", "metadata.google.internal", "printer.local", "anything.localhost",
        "hooks.example.com.", "127.0.0.1.", "1.0.0.127.in-addr.arpa",
    ],
)  # fmt: skip
def test_a_host_that_is_an_address_or_a_local_name_is_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(TargetRefused) as refused:
        parse_target(f"https://{host}/hooks", {})
    assert refused.value.code in ("host", "url")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1",
        "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.0.170", "192.0.2.1", "198.18.0.1",
        "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fc00::1", "fd12::1", "fe80::1",
        "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "100::1", "2001::1", "2001:0:4136:e378::", "2001:db8::1",
        "3fff::1", "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808", "5f00::1", "", "localhost", "1.2.3", "2852039166", "0x7f000001",
    ],
)  # fmt: skip
def test_an_address_of_the_network_that_is_not_public_is_seen_in_every_wrapping(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(AddressRefused):
        checked_addresses(["8.8.8.8", address], None)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_a_public_address_is_one_in_every_wrapping(address: str) -> None:
    assert is_public(address)
    assert checked_addresses([address, address], None) == [address]


@pytest.mark.parametrize("host", ["intranet", "hooks.internal", "10.1.2.3", "fd12::1", "xn--bcher-kva.example"])
def test_an_administrator_can_name_any_host(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize(
    "host", ["", "Intranet", "a b", "a/b", "a:443", "*.example.com", "[fd12::1]", "a." * 127 + "a"]
)
def test_but_nothing_that_is_not_one(host: str) -> None:
    assert not is_host(host)


def test_the_host_header_names_a_port_only_where_it_is_not_the_usual_one() -> None:
    named = {"fd12::1": HostPermission("fd12::1", frozenset({443, 8443}))} | NAMED
    shown = {
        url: parse_target(url, named).host_header
        for url in ("https://a.example.com/", "https://[fd12::1]:8443/", "http://10.1.2.3/", "http://10.1.2.3:8080/")
    }
    assert list(shown.values()) == ["a.example.com", "[fd12::1]:8443", "10.1.2.3", "10.1.2.3:8080"]
