from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections

from reviewqueue.ledger.logins import UnsafeLogin, guard_process
from reviewqueue.ledger.sealer import Sealed, SealRefused
from reviewqueue.ledger.services import seal


class Command(BaseCommand):
    help = "Seals waiting events under a signed checkpoint, once or in a loop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--loop", type=float, metavar="SECONDS", help="seal every so many seconds until stopped")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            guard_process()
        except UnsafeLogin as unsafe:
            raise CommandError(str(unsafe)) from unsafe
        self._report(self._seal())
        while options["loop"]:
            time.sleep(options["loop"])
            self._seal_again()

    def _seal(self) -> Sealed:
        try:
            return seal()
        except (SealRefused, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error

    def _seal_again(self) -> None:
        """A database that is away comes back; a contradiction in the ledger does not go away."""
        close_old_connections()
        try:
            sealed = self._seal()
        except DatabaseError as error:
            self.stderr.write(f"not sealed: {error}")
        else:
            if sealed.added:
                self._report(sealed)

    def _report(self, sealed: Sealed) -> None:
        state = "another sealer is at work" if sealed.size is None else f"{sealed.size} leaves, {sealed.added} new"
        self.stdout.write(state)
        for alarm in sealed.alarms:
            self.stderr.write(alarm)
