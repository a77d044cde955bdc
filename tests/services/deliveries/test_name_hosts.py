"""Hosts that an administrator exempts from the rules for targets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reviewqueue.deliveries.models import NamedHost
from reviewqueue.deliveries.services import endpoints, hosts
from reviewqueue.errors import Forbidden, Invalid
from reviewqueue.ledger.models import Event
from tests.services.deliveries.steps import Hook, find, send, settled, the_delivery
from tests.unit.deliveries.receiver import Receiver, authority
from tests.world import World


def test_a_named_host_can_be_registered_and_the_ledger_says_who_named_it(world: World) -> None:
    url = "http://10.1.2.3:8080/hooks"
    with pytest.raises(Invalid):
        endpoints.create_endpoint(source=world.source, url=url, by=world.source)
    hosts.name_host(host="10.1.2.3", by=world.adam, ports=[8080, 8080], plain_http=True)
    endpoints.create_endpoint(source=world.source, url=url, by=world.source)
    body = json.loads(Event.objects.get(kind="webhook.host_named").leaf)["body"]
    assert (body["host"], body["ports"], body["plain_http"], body["ca_hash"]) == ("10.1.2.3", [8080], True, None)
    assert body["actor"]["id"] == str(world.adam.pseudonym)


def test_only_an_administrator_names_or_withdraws_a_host(world: World) -> None:
    named = hosts.name_host(host="intranet", by=world.adam)
    for name in ("rita", "sam", "olga", "ada", "nora"):
        with pytest.raises(Forbidden):
            hosts.name_host(host="db", by=world.people[name])
        with pytest.raises(Forbidden):
            hosts.withdraw_host(host=named, by=world.people[name])


def test_what_is_no_host_no_port_and_no_certificate_is_refused(world: World) -> None:
    wishes: list[tuple[str, dict[str, Any]]] = [
        ("/host", {"host": "Intranet"}),
        ("/host", {"host": "intranet/x"}),
        ("/ports", {"ports": []}),
        ("/ports", {"ports": [0]}),
        ("/ports", {"ports": [65536]}),
        ("/ca_certificate", {"ca_certificate": "-----BEGIN CERTIFICATE-----\nno\n"}),
        ("/ca_certificate", {"ca_certificate": "\u00fc"}),
    ]
    for pointer, wish in wishes:
        with pytest.raises(Invalid) as invalid:
            hosts.name_host(**{"host": "intranet", "by": world.adam, **wish})
        assert [problem.pointer for problem in invalid.value.problems] == [pointer]


def test_a_host_is_named_once(world: World) -> None:
    hosts.name_host(host="intranet", by=world.adam, ca_certificate=authority().pem)
    with pytest.raises(hosts.HostAlreadyNamed):
        hosts.name_host(host="intranet", by=world.adam)


def test_a_withdrawn_host_is_not_called_any_more(world: World, hook: Hook, receiver: Receiver) -> None:
    settled(world)
    find()
    named = NamedHost.objects.get()
    hosts.withdraw_host(host=named, by=world.adam)
    hosts.withdraw_host(host=named, by=world.adam)
    send()
    assert receiver.received == []
    assert the_delivery().last_error == "target_refused"
    assert Event.objects.filter(kind="webhook.host_withdrawn").count() == 1
