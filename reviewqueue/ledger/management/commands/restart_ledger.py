from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.note import NoteError, VerifierKey
from reviewqueue.ledger.restarting import RestartRefused, restart_ledger
from reviewqueue.ledger.sealer import SealRefused
from reviewqueue.ledger.services import seal


class Command(BaseCommand):
    help = (
        "Goes on under another name, when the database is behind what was signed (a restored backup, a fail-over that "
        "lost its last seconds) or holds another history. Recovering what is missing is better: see docs/operators.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--origin", required=True, help="the new name, which LEDGER_ORIGIN has already")
        parser.add_argument(
            "--checkpoint", action="append", default=[], type=Path, metavar="FILE", help="one of the old name"
        )
        parser.add_argument("--key", action="append", default=[], metavar="VKEY", help="a public key of the old name")
        parser.add_argument("--without-need", action="store_true", help="although nothing is missing")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            restarted = restart_ledger(
                origin=options["origin"],
                actor=Actor.system("restart_ledger"),
                kept_notes=[path.read_text() for path in options["checkpoint"]],
                keys=[VerifierKey.parse(text) for text in options["key"]],
                without_need=options["without_need"],
            )
            sealed = seal()
        except (RestartRefused, SealRefused, NoteError, ImproperlyConfigured, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{restarted.origin_from} was known with {restarted.known} entries, {restarted.lost} of them are lost; "
            f"{restarted.origin_to} goes on at {sealed.size}"
        )
