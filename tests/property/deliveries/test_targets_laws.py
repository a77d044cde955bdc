"""Whatever leads to a place that is not public is refused, whichever way it is written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.provisional import urls

from reviewqueue.deliveries.targets import HTTPS_PORT, TargetRefused, is_public, parse_target

PRIVATE = [
    IPv4Network(network)
    for network in ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                    "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4")
]  # fmt: skip
private_addresses = st.sampled_from(PRIVATE).flatmap(
    lambda network: st.integers(int(network[0]), int(network[-1])).map(IPv4Address)
)


def wrappings(address: IPv4Address) -> list[str]:
    """How IPv6 carries an IPv4 address: mapped, compatible, 6to4, NAT64, Teredo."""
    number = int(address)
    wrapped = [
        (0xFFFF << 32) | number,
        number,
        (0x2002 << 112) | (number << 80) | 1,
        (0x64FF9B << 96) | number,
        (0x20010000 << 96) | (0x08080808 << 64) | (number ^ 0xFFFFFFFF),
    ]
    return [str(address), *(str(IPv6Address(each)) for each in wrapped)]


@given(private_addresses)
def test_no_private_address_becomes_public_by_being_wrapped(address: IPv4Address) -> None:
    assert not any(is_public(text) for text in wrappings(address))


@given(private_addresses)
def test_no_spelling_of_a_private_address_is_a_host_that_is_called(address: IPv4Address) -> None:
    number, parts = int(address), address.packed
    spellings = [
        *(f"[{text}]" if ":" in text else text for text in wrappings(address)),
        str(number),
        hex(number),
        oct(number).replace("0o", "0"),
        ".".join(hex(part) for part in parts),
        ".".join(oct(part).replace("0o", "0") for part in parts),
        f"{parts[0]}.{number & 0xFFFFFF}",
        f"{address}.",
    ]
    for spelling in spellings:
        try:
            target = parse_target(f"https://{spelling}/", {})
        except TargetRefused:
            continue
        raise AssertionError(target)


@given(urls() | st.text(max_size=80).map("https://{}".format))
def test_an_address_is_refused_or_is_one_of_a_public_name_on_the_usual_port(url: str) -> None:
    try:
        target = parse_target(url, {})
    except TargetRefused:
        return
    assert target.encrypted
    assert target.port == HTTPS_PORT
    assert "." in target.host
    assert target.host.rsplit(".", 1)[-1][0].isalpha()
    assert target.path.startswith("/")
    assert target.path.isprintable()
    assert target.path.isascii()
