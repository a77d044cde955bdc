from __future__ import annotations

from argparse import ArgumentParser
from itertools import chain
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from reviewqueue.erasure.outside import exported, listed
from reviewqueue.erasure.reapplying import reapply


class Command(BaseCommand):
    help = (
        "After a restore: erases again what was erased since the backup was made. Reads the list in ERASURE_LIST_FILE, "
        "and with --export the entries of a ledger export as well. Keys of claims that this database does not have go "
        "too. May be run any number of times."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--list", type=Path, metavar="FILE", help="instead of ERASURE_LIST_FILE")
        parser.add_argument(
            "--export", type=Path, action="append", default=[], metavar="PATH", help="a folder or a zip file"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        named = options["list"] or (Path(settings.ERASURE_LIST_FILE) if settings.ERASURE_LIST_FILE else None)
        if named is None and not options["export"]:
            raise CommandError("Name a list or an export: there is no ERASURE_LIST_FILE.", returncode=2)
        try:
            erased = list(chain(listed(named) if named else (), *(exported(each) for each in options["export"])))
        except (OSError, ValueError) as error:
            raise CommandError(str(error), returncode=2) from error
        done = reapply(erased)
        self.stdout.write(f"{done.again} erased again, {done.gone} gone already, {done.unknown} not in this database.")
        if done.lost_keys:
            self.stdout.write(f"{done.lost_keys} keys of claims and files that are not in this database went.")
