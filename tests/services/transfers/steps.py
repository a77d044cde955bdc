"""Files of claims, and the two commands, in the words of the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import StringIO
from itertools import count
from pathlib import Path
from typing import IO, Any

from django.core.management import CommandError, call_command

from reviewqueue.transfers.checkpoint import Checkpoint, Progress
from reviewqueue.transfers.importing import Import, Rejected, source_for
from reviewqueue.transfers.management.commands.import_claims import Command
from reviewqueue.transfers.opening import identity_of, opened
from reviewqueue.transfers.options import wanted
from reviewqueue.transfers.rejects import RejectFile
from reviewqueue.transfers.rows import Row
from tests.running import ROOT, database_url
from tests.world import World


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str


def ran(command: str, *arguments: object) -> Ran:
    out, err = StringIO(), StringIO()
    try:
        call_command(command, *(str(each) for each in arguments), stdout=out, stderr=err)
    except SystemExit as end:
        return Ran(int(end.code or 0), out.getvalue(), err.getvalue())
    except CommandError as error:
        return Ran(error.returncode, out.getvalue(), str(error))
    return Ran(0, out.getvalue(), err.getvalue())


def imported(path: Path, *arguments: object) -> Ran:
    return ran("import_claims", path, "--source", "helpdesk", *arguments)


def broken_off(path: Path, *arguments: str, after: int) -> None:
    """An import that somebody stopped after so many batches, or before it asked for the first row."""
    parser = Command().create_parser("manage.py", "import_claims")
    asked = wanted(vars(parser.parse_args([str(path), "--source", "helpdesk", *arguments])))
    checkpoint = Checkpoint(asked.state, identity_of(asked.path), asked.terms)
    batches = count(1)

    def stop(progress: Progress, rejected: Rejected) -> None:
        if next(batches) == after:
            raise KeyboardInterrupt

    def no_rows(skip: int) -> Iterator[Row]:
        raise KeyboardInterrupt

    with opened(asked.path, asked.reading) as file, suppress(KeyboardInterrupt):
        asked.plan.check(file.columns)
        given = file if after else replace(file, rows=no_rows)
        import_ = Import(source_for(asked.source, asked.plan), given, asked.plan, stop)
        import_.take_in(Progress(), checkpoint, RejectFile(asked.rejects))


def exported(what: str, path: Path, *arguments: object) -> Ran:
    return ran("export", what, "--pipeline", "support-answers", "--output", path, *arguments)


@contextmanager
def apart(*arguments: object, out: IO[bytes] | int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[bytes]]:
    """A command in a process of its own, on the same database."""
    environment = {**os.environ, "DATABASE_URL": database_url(), "DATABASE_ROLE": "app_web"}
    command = [sys.executable, "manage.py", *(str(each) for each in arguments)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.PIPE) as process:
        yield process


def json_lines(path: Path, rows: Iterable[Any]) -> Path:
    """Rows that are text are lines as they stand."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def records(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def rejects(path: Path) -> list[Any]:
    return records(path.with_name(path.name + ".rejects.jsonl"))


def claims(world: World, count: int) -> list[dict[str, Any]]:
    return [world.claim_body() for _ in range(count)]


def csv_text(header: Sequence[str], *rows: Sequence[str]) -> str:
    return "".join(",".join(cells) + "\r\n" for cells in [header, *rows])
