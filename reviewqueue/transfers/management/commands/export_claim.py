from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from reviewqueue.errors import NotFound
from reviewqueue.ledger.bundle import claim_bundle
from reviewqueue.payloads.selectors import opened


class Command(BaseCommand):
    help = "Writes all that the ledger says of one claim, with its proofs, for verify_export.py."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("claim", type=UUID)
        parser.add_argument("file", type=Path, help="a file ending in .json that does not exist yet")
        parser.add_argument("--payload", action="store_true", help="also what the claim said, readable, with its salt")

    def handle(self, *_: Any, **options: Any) -> None:
        claim = options["claim"]
        said = opened([claim]).get(claim) if options["payload"] else None
        payload = {"salt": said.salt.hex(), "text": said.text.decode()} if said else None
        try:
            bundle = claim_bundle(claim, payload=payload)
            with options["file"].open("x") as file:
                json.dump(bundle, file, indent=1)
        except (NotFound, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{len(bundle['entries'])} entries")
