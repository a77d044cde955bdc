"""Fills an empty instance with the demo, over its own REST API."""

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from examples.client import Refused, Unreachable
from reviewqueue.dev.demo import run


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--url", default=settings.PUBLIC_URL, help="where the web server answers")
        parser.add_argument("--empty", action="store_true", help="an administrator's account and nothing else")

    def handle(self, *_args: Any, **options: Any) -> None:
        begin = run.run_empty if options["empty"] else run.run
        try:
            begin(url=options["url"], local=settings.LOCAL_DIR, say=self._say)
        except (Refused, Unreachable) as reason:
            raise CommandError(f"The demo stopped: {reason}. Running it again goes on from here.") from reason

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
