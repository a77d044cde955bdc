"""Plays the scenarios of `manage.py simulate` on an instance without claims, over its own REST API."""

import argparse
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reviewqueue.claims.models import Claim
from reviewqueue.dev.simulation.cast import Cast
from reviewqueue.dev.simulation.scenarios import LEARNING, SWAP_POLICY, Learned, learn, swap
from reviewqueue.dev.simulation.table import learning_table, swap_lines

NAMES = (*(scenario.name for scenario in LEARNING), "swap")


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--url", required=True, help="where the web server answers")
        parser.add_argument("--seed", type=int, required=True)
        parser.add_argument("--scenario", action="append", choices=NAMES)

    def handle(self, *_args: Any, **options: Any) -> None:
        if Claim.objects.exists():
            raise CommandError("This instance has claims; a simulation wants one of its own.")
        wanted = options["scenario"] or NAMES
        cast, seed = Cast.at(options["url"]), options["seed"]
        results: list[Learned] = []
        for scenario in LEARNING:
            if scenario.name in wanted:
                begun = time.monotonic()
                loop = cast.pipeline(scenario.name, scenario.title, scenario.policy, self._say)
                results.append(learn(loop, cast.reader, scenario, seed=seed))
                self._say(f"{scenario.name}: {loop.posted} claims, {time.monotonic() - begun:.0f} s")
                self._say("\n".join(learning_table(results[-1:])))
        lines = ["", *(learning_table(results) if results else ())]
        if "swap" in wanted:
            lines += [
                "",
                *swap_lines(swap(cast.pipeline("swap", "A swapped model", SWAP_POLICY, self._say), seed=seed)),
            ]
        self._say("\n".join(lines))

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
