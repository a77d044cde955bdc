"""The scenarios of `manage.py simulate`, shortened, over HTTP on this test's own data."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from reviewqueue.claims.models import Outcome
from reviewqueue.dev.simulation.cast import Cast
from reviewqueue.dev.simulation.scenarios import LEARNING, learn
from reviewqueue.dev.simulation.streams import CIFAR, EXAM, IMAGENET, LARGE, QUIZ, SMALL, Stream
from reviewqueue.dev.simulation.table import learning_table
from tests.services.demo.serving import serving
from tests.world import World

BY_NAME = {scenario.name: scenario for scenario in LEARNING}


def said(_text: str) -> None:
    """Nobody listens."""


@pytest.mark.usefixtures("committed_db")
def test_labels_given_over_rest_calibrate_a_model_and_tell_how_many_a_threshold_takes() -> None:
    scenario = replace(BY_NAME["cifar"], labels=250, later=250)
    with serving() as url:
        cast = Cast.at(url)
        loop = cast.pipeline(scenario.name, scenario.title, scenario.policy, said)
        learned = learn(loop, cast.reader, scenario, seed=1)
    assert learned.labels == 250
    assert Outcome.objects.filter(measures=True).count() == 250
    assert learned.calibrated < learned.stated
    assert learned.certificate["reason"] == "too_few_labels"
    assert not learned.holds  # with 2,000 labels there is a threshold
    _, line = learning_table([learned])
    assert line.startswith("CIFAR-10, ResNet-110")
    assert line.endswith("NO")


def test_it_refuses_an_instance_that_has_claims(world: World) -> None:
    world.claim()
    with pytest.raises(CommandError, match="has claims"):
        call_command("play_scenarios", url="http://127.0.0.1:1", seed=1)


@pytest.mark.parametrize("stream", [CIFAR, EXAM, IMAGENET, LARGE, QUIZ, SMALL])
def test_a_stream_is_the_same_for_the_same_seed_and_another_for_another(stream: Stream) -> None:
    first, again, other = (stream.answers(seed=seed)[:50] for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert all(0 <= answer.confidence <= 1 for answer in first)
