from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from reviewqueue.anchoring.receipts import write_receipts
from reviewqueue.anchoring.selectors import cosigned_note, place_states
from reviewqueue.anchoring.services import hand_over_due


class Command(BaseCommand):
    help = "Shows the places that keep checkpoints, or sends the newest one to them now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--now", action="store_true", help="send the newest checkpoint to the places outside")
        parser.add_argument("--place", action="append", default=[], metavar="NAME", help="only to this one")
        parser.add_argument("--receipts", type=Path, metavar="FOLDER", help="write all receipts into this new folder")
        parser.add_argument("--note", type=int, metavar="SIZE", help="print the checkpoint of this size, cosigned")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["note"] is not None:
            note = cosigned_note(options["note"])
            if note is None:
                raise CommandError("There is no checkpoint of this size.")
            self.stdout.write(note, ending="")
            return
        if options["receipts"]:
            written = write_receipts(options["receipts"])
            self.stdout.write(f"{written} receipts")
            return
        if options["now"]:
            taken = hand_over_due(only=options["place"], at_once=True)
            self.stdout.write(f"taken by {taken}")
        for state in place_states(timezone.now()):
            trouble = f", {state.error}" if state.error else ""
            late = ", late" if state.is_late else ""
            self.stdout.write(f"{state.name}: {state.size} entries{late}{trouble}")
