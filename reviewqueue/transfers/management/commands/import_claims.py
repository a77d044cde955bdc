from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from reviewqueue.errors import DomainError
from reviewqueue.transfers.checkpoint import Checkpoint, Progress
from reviewqueue.transfers.importing import Import, Rejected, source_for
from reviewqueue.transfers.opening import Format, Opened, held, identity_of, opened
from reviewqueue.transfers.options import Wanted, wanted
from reviewqueue.transfers.pace import Pace
from reviewqueue.transfers.refusals import NotPossible
from reviewqueue.transfers.rejects import RejectFile, reasons

ALL_IN, SOME_REJECTED, UNUSABLE, STOPPED = 0, 1, 2, 130
SHOWN_REJECTS: Final = 20


class Command(BaseCommand):
    help = (
        "Takes in claims from a JSON Lines, CSV or Parquet file. Exit code 0: every row is in; 1: some rows are in the "
        "reject file; 2: it could not begin or go on. See docs/import-export.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help=".jsonl, .csv, .tsv (each also with .gz) or .parquet")
        parser.add_argument("--source", required=True, metavar="SLUG", help="the source whose claims they are")
        parser.add_argument("--pipeline", metavar="SLUG", help="the pipeline of rows that name none")
        parser.add_argument("--map", action="append", default=[], metavar="COLUMN=FIELD", help="segments.language, …")
        parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="the same for every row")
        parser.add_argument("--ignore", action="append", default=[], metavar="COLUMN", help="a column of no use here")
        parser.add_argument("--mapping", type=Path, metavar="FILE.json", help='{"map": {}, "set": {}, "ignore": []}')
        parser.add_argument("--format", choices=[each.value for each in Format], help="when the name does not tell")
        parser.add_argument("--delimiter", metavar="CHARACTER", help="of CSV; else the first line tells")
        parser.add_argument("--exported", action="store_true", help="the file was written by `export claims`")
        parser.add_argument("--from-rejects", action="store_true", help="the file is a reject file")
        parser.add_argument("--rejects", type=Path, metavar="FILE", help="instead of FILE.rejects.jsonl")
        parser.add_argument("--state", type=Path, metavar="FILE", help="instead of FILE.import.json")
        parser.add_argument("--restart", action="store_true", help="from the first row, with a new reject file")
        parser.add_argument("--dry-run", action="store_true", help="say what would become of the rows; write nothing")

    def handle(self, *_: Any, **options: Any) -> None:
        with self._refused_clearly(options):
            asked = wanted(options)
            if options["dry_run"]:
                progress = self._foresee(asked)
            else:
                with held(asked.path):
                    progress = self._take_in(asked, anew=options["restart"])
            sys.exit(SOME_REJECTED if progress.rejected else ALL_IN)

    def _foresee(self, asked: Wanted) -> Progress:
        progress = Progress()
        with opened(asked.path, asked.reading) as file, self._watched(asked, file, progress, show=True) as import_:
            import_.foresee(progress)
        self.stdout.write(f"Nothing was written. Of {progress.rows:,} rows {_counts(progress, 'would be ')}.")
        self._say_routes(progress)
        return progress

    def _take_in(self, asked: Wanted, *, anew: bool) -> Progress:
        checkpoint = Checkpoint(asked.state, identity_of(asked.path), asked.terms)
        rejects = RejectFile(asked.rejects)
        progress = (None if anew else checkpoint.load()) or _from_the_first_row(rejects, anew=anew)
        if progress.rows:
            self.stderr.write(f"Going on after {progress.rows:,} rows.")
        with opened(asked.path, asked.reading) as file, self._watched(asked, file, progress) as import_:
            import_.take_in(progress, checkpoint, rejects)
        self.stdout.write(f"Of {progress.rows:,} rows {_counts(progress)}.")
        self._say_routes(progress)
        if progress.rejected:
            self.stdout.write(f"The rejected rows, with reasons, are in {rejects.path}")
        return progress

    def _say_routes(self, progress: Progress) -> None:
        routes = ", ".join(f"{route} {count:,}" for route, count in sorted(progress.routes.items()))
        if routes:
            self.stdout.write(f"Routes of the new ones: {routes}.")

    @contextmanager
    def _watched(self, asked: Wanted, file: Opened, progress: Progress, *, show: bool = False) -> Iterator[Import]:
        asked.plan.check(file.columns)
        source = source_for(asked.source, asked.plan)
        pace = Pace(self.stderr, done=progress.rows, share=file.share())
        shown = 0

        def watch(now: Progress, rejected: Rejected) -> None:
            nonlocal shown
            pace.show(now.rows, file.share(), " · " + _counts(now))
            for row, error in rejected[: SHOWN_REJECTS - shown] if show else []:
                shown += 1
                pace.end()
                self.stdout.write(f"line {row.line}: {_sentence(error)}")

        try:
            yield Import(source, file, asked.plan, watch)
        finally:
            pace.end()

    @contextmanager
    def _refused_clearly(self, options: dict[str, Any]) -> Iterator[None]:
        """What was taken in stays; the checkpoint knows where to go on."""
        again = "" if options["dry_run"] else " Run the same command again to go on."
        try:
            yield
        except KeyboardInterrupt:
            self.stderr.write(f"Stopped.{again}")
            sys.exit(STOPPED)
        except DatabaseError as error:
            raise CommandError(f"The database refused: {error}.{again}", returncode=UNUSABLE) from error
        except OSError as error:
            raise CommandError(f"{error}.{again}", returncode=UNUSABLE) from error
        except DomainError as error:
            raise CommandError(error.detail, returncode=UNUSABLE) from error


def _from_the_first_row(rejects: RejectFile, *, anew: bool) -> Progress:
    """Raises NotPossible rather than overwrite the reject file of an earlier import."""
    if not anew and rejects.path.exists() and rejects.path.stat().st_size:
        raise NotPossible(
            f"{rejects.path} holds the rejects of an earlier import. Move it away, name another with --rejects, "
            "or let --restart write it anew."
        )
    return Progress()


def _counts(progress: Progress, would: str = "") -> str:
    return f"{progress.new:,} {would}new, {progress.repeated:,} repeated, {progress.rejected:,} rejected"


def _sentence(error: DomainError) -> str:
    return "; ".join(f"{each['pointer']} {each['detail']}".strip() for each in reasons(error))
