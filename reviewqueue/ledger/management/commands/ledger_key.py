from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.keys import create_key, verifier_keys
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.rotation import OVERLAP, RotationRefused, finish_rotation, rotate_key

ACTOR = Actor.system("ledger_key")


class Command(BaseCommand):
    help = "Creates or changes the signing key of the ledger, or shows the public keys that auditors verify with."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--create", type=Path, metavar="PATH", help="write a new private key to this new file")
        what.add_argument("--show", action="store_true", help="show the public keys of LEDGER_SIGNING_KEY_FILE")
        what.add_argument("--rotate", action="store_true", help="put a new key in front; from now on both sign")
        what.add_argument("--finish", action="store_true", help="drop the old key of a change")
        parser.add_argument("--days", type=int, default=OVERLAP.days, help="with --rotate: for how long both sign")
        parser.add_argument("--now", action="store_true", help="with --finish: before that time, the key was stolen")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            keys = self._keys(options)
        except (ImproperlyConfigured, OSError, RotationRefused) as error:
            raise CommandError(str(error)) from error
        if not keys:
            raise CommandError("LEDGER_SIGNING_KEY_FILE is not set")
        for key in keys:
            self.stdout.write(str(key))

    @staticmethod
    def _keys(options: dict[str, Any]) -> list[VerifierKey]:
        if options["create"]:
            return [create_key(options["create"], name=settings.LEDGER_ORIGIN)]
        if options["rotate"]:
            return [rotate_key(actor=ACTOR, now=timezone.now(), overlap=timedelta(days=options["days"]))]
        if options["finish"]:
            return [finish_rotation(actor=ACTOR, now=timezone.now(), at_once=options["now"])]
        return verifier_keys()
