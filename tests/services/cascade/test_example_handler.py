"""The example handler, asked by the code that asks all."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.utils import timezone

from reviewqueue.cascade.asking import ask_handlers
from reviewqueue.cascade.models import HandlerCall, SecondaryHandler
from reviewqueue.cascade.services import handlers
from reviewqueue.claims.models import Claim
from reviewqueue.deliveries.services import hosts
from tests.services.cascade.steps import cascading, unsure
from tests.unit.deliveries.receiver import here
from tests.world import World

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """As a script finds it: its neighbours are on the path."""
    monkeypatch.syspath_prepend(EXAMPLES)
    import second_opinion

    yield second_opinion
    for name in ("second_opinion", "receive_webhooks"):
        sys.modules.pop(name, None)


def running(example: ModuleType, world: World, model: Any) -> Any:
    """Registered first, to know the secret; the port is free from the start because the example asks for any."""
    secrets: list[str] = []
    server = example.handler(secrets, model, port=0)
    port = server.server_address[1]
    hosts.name_host(host="handler.test", by=world.adam, ports=[port], plain_http=True)
    url = f"http://handler.test:{port}/"
    secret = handlers.register_handler(
        pipeline=world.pipeline, url=url, model="toy-arithmetic", timeout_seconds=5, by=world.olga
    )
    secrets.append(secret or "")
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


def test_it_repeats_the_challenge_and_answers_what_it_understands(world: World, example: ModuleType) -> None:
    world.activate(cascading("secondary"))
    sure = unsure(world, input="Is 91 divisible by 7?", output="false")
    other = unsure(world, input="Is the sky blue?", output="true")
    server = running(example, world, example.ask_model)
    try:
        assert ask_handlers(resolve=here) >= 2
    finally:
        server.shutdown()
        server.server_close()
    assert SecondaryHandler.objects.get().verified_at is not None
    answer = Claim.objects.get(supersedes=sure)
    assert (answer.payload.content["output"], answer.confidence, answer.signals) == ("true", 0.99, {"computed": 1.0})
    assert Claim.objects.get(supersedes=other).confidence == 0.5


def test_a_model_that_fails_is_asked_again(world: World, example: ModuleType, capsys: Any) -> None:
    def fails(question: Any) -> Any:
        raise RuntimeError("out of memory")

    world.activate(cascading("secondary"))
    claim = unsure(world)
    server = running(example, world, fails)
    try:
        ask_handlers(clock=timezone.now, resolve=here)
    finally:
        server.shutdown()
        server.server_close()
    assert [(call.status, call.error) for call in HandlerCall.objects.all()] == [(503, "status")]
    assert "out of memory" in capsys.readouterr().out
    claim.refresh_from_db()
    assert claim.status == "awaiting_step"
