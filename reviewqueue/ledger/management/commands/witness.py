from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reviewqueue.ledger.note import NoteError
from reviewqueue.ledger.witness import add_arguments, serve


class Command(BaseCommand):
    help = "Serves a witness, which remembers and cosigns the checkpoints of other instances' ledgers."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            serve(options["folder"], options["name"], options["log"], (options["host"], options["port"]))
        except (NoteError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            return
