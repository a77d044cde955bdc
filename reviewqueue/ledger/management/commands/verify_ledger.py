from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.anchors import configured_anchor
from reviewqueue.ledger.keys import verifier_keys
from reviewqueue.ledger.note import NoteError, VerifierKey
from reviewqueue.ledger.services import run_verification
from reviewqueue.ledger.verify import Report, verify

SOUND, TAMPERED, UNUSABLE, INCOMPLETE = 0, 1, 2, 3


class Command(BaseCommand):
    help = (
        "Recomputes the whole ledger. Exit code 0: proven; 1: tampering or contradiction; 2: unusable input; "
        "3: proven as far as it goes (unsealed events, or signatures not checked)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--key", action="append", default=[], metavar="VKEY", help="a public key you trust")
        parser.add_argument(
            "--pin", action="append", default=[], type=Path, metavar="FILE", help="a checkpoint you kept"
        )
        parser.add_argument("--json", action="store_true", help="the report as JSON")
        parser.add_argument("--record", action="store_true", help="write a verification.run event")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            report = self._run(options)
        except (NoteError, ImproperlyConfigured, OSError) as error:
            raise CommandError(str(error), returncode=UNUSABLE) from error
        self.stdout.write(json.dumps(report.as_dict(), indent=2) if options["json"] else _as_text(report))
        sys.exit(_exit_code(report))

    def _run(self, options: dict[str, Any]) -> Report:
        keys = [VerifierKey.parse(text) for text in options["key"]] or verifier_keys()
        pins = [path.read_text() for path in options["pin"]]
        if options["record"]:
            return run_verification(actor=Actor.system("verify_ledger"), keys=keys, pins=pins)
        return verify(keys=keys, anchor=configured_anchor(), pins=pins, with_rows=True)


def _as_text(report: Report) -> str:
    lines = [report.summary(), f"root {report.root}", *(f"- {finding.message}" for finding in report.findings)]
    return "\n".join(lines + ([f"- and {report.omitted} more"] if report.omitted else []))


def _exit_code(report: Report) -> int:
    if not report.sound:
        return TAMPERED
    return SOUND if report.signatures_checked and not report.unsealed else INCOMPLETE
