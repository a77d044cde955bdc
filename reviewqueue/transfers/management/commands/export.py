from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from reviewqueue.errors import DomainError
from reviewqueue.transfers.contents import CONTENTS, Span
from reviewqueue.transfers.exporting import Export, pipeline_named
from reviewqueue.transfers.opening import Format, format_of
from reviewqueue.transfers.pace import Pace
from reviewqueue.transfers.refusals import NotPossible

UNUSABLE, STOPPED = 2, 130
TO_STREAM = "-"


class Command(BaseCommand):
    help = "Writes the claims, labels, outcomes or cleaned set of a pipeline to a file. See docs/import-export.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=CONTENTS)
        parser.add_argument("--pipeline", required=True, metavar="SLUG")
        parser.add_argument("--output", required=True, metavar="FILE", help="a file, a folder, or - (standard output)")
        parser.add_argument("--format", choices=[each.value for each in Format], help="when the name does not tell")
        parser.add_argument("--bom", action="store_true", help="CSV with a byte order mark, which Excel asks for")
        parser.add_argument("--since", type=_moment, metavar="TIME", help="2026-10-01 (UTC) or 2026-10-01T06:00+02:00")
        parser.add_argument("--until", type=_moment, metavar="TIME", help="not included")

    def handle(self, *_: Any, **options: Any) -> None:
        pace = Pace(self.stderr)
        try:
            export = Export(
                what=options["what"],
                pipeline=pipeline_named(options["pipeline"]),
                span=Span(options["since"], options["until"]),
                format=_format(options),
                mark=options["bom"],
                watch=lambda done, total: pace.show(done, done / total if total else None),
            )
            rows = self._written(export, options["output"])
        except KeyboardInterrupt:
            self.stderr.write("Stopped. Nothing was exported.")
            sys.exit(STOPPED)
        except (DatabaseError, OSError) as error:
            raise CommandError(f"The export broke off: {error}.", returncode=UNUSABLE) from error
        except DomainError as error:
            raise CommandError(error.detail, returncode=UNUSABLE) from error
        finally:
            pace.end()
        self.stderr.write(f"{rows:,} {export.what} of {export.pipeline.slug}.{_warning(export.format)}", style_func=str)

    def _written(self, export: Export, output: str) -> int:
        if output != TO_STREAM:
            return export.to_file(Path(output))
        return export.to_stream(sys.stdout.buffer)


def _format(options: dict[str, Any]) -> Format:
    """Raises NotPossible when neither an option nor the name of the file says it, or they ask for what is not made."""
    output = Path(options["output"])
    if output.suffix.lower() == ".gz":
        raise NotPossible("Exports are not compressed here: give --output - and send it through gzip.")
    if options["format"]:
        form = Format(options["format"])
    else:
        form = Format.JSONL if options["output"] == TO_STREAM or output.is_dir() else format_of(output)
    if options["bom"] and form is not Format.CSV:
        raise NotPossible("--bom is for CSV.")
    return form


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time such as 2026-10-01 or 2026-10-01T06:00+02:00") from None
    if moment.tzinfo is None and "T" in text:
        raise ArgumentTypeError(f"{text!r} has no offset, such as Z or +02:00")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _warning(form: Format) -> str:
    if form is not Format.CSV:
        return ""
    return " CSV is for spreadsheets, not evidence: texts that look like formulas have a leading quote."
