from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from reviewqueue.ledger.keys import create_key, verifier_keys


class Command(BaseCommand):
    help = "Creates the signing key of the ledger, or shows the public keys that auditors verify with."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--create", type=Path, metavar="PATH", help="write a new private key to this new file")
        what.add_argument("--show", action="store_true", help="show the public keys of LEDGER_SIGNING_KEY_FILE")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            keys = (
                [create_key(options["create"], name=settings.LEDGER_ORIGIN)] if options["create"] else verifier_keys()
            )
        except (ImproperlyConfigured, OSError) as error:
            raise CommandError(str(error)) from error
        if not keys:
            raise CommandError("LEDGER_SIGNING_KEY_FILE is not set")
        for key in keys:
            self.stdout.write(str(key))
