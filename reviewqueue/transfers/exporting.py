"""Claims, labels and outcomes as a file: one consistent snapshot, row by row, whole or not at all."""

from __future__ import annotations

import codecs
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.db import connection, transaction

from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.transactions import service
from reviewqueue.transfers.contents import CONTENTS, Span
from reviewqueue.transfers.opening import Format
from reviewqueue.transfers.refusals import NotPossible
from reviewqueue.transfers.writers import WRITERS

Watch = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Export:
    """`watch` is told how many rows are written, and of how many. `mark`: a byte order mark goes first."""

    what: str
    pipeline: Pipeline
    span: Span
    format: Format
    watch: Watch
    mark: bool = False

    def to_file(self, path: Path) -> int:
        """Into the file, or under a fixed name into the folder. It is there when it is whole and recorded."""
        whole = path / f"{self.what}-{self.pipeline.slug}.{self.format}" if path.is_dir() else path
        with _spool(whole.parent) as spool:
            rows = self._write_and_record(spool)
            os.replace(spool.name, whole)
        return rows

    def to_stream(self, out: IO[bytes]) -> int:
        """After it was written to a temporary file and recorded: no row goes out without its ledger entry."""
        with _spool(Path(tempfile.gettempdir())) as spool:
            rows = self._write_and_record(spool)
            spool.seek(0)
            shutil.copyfileobj(spool, out)
        return rows

    def _write_and_record(self, spool: IO[bytes]) -> int:
        rows = self._write(spool)
        spool.flush()
        os.fsync(spool.fileno())
        spool.seek(0)
        record(self, rows=rows, manifest_hash=_sha256(spool))
        return rows

    def _write(self, spool: IO[bytes]) -> int:
        content = CONTENTS[self.what]
        count = 0
        if self.mark:
            spool.write(codecs.BOM_UTF8)
        with closing(WRITERS[self.format](spool, content.columns)) as writer, snapshot():
            chosen = content.chosen(self.pipeline, self.span)
            total = chosen.count()
            for values in content.rows(chosen):
                writer.write(values)
                count += 1
                self.watch(count, total)
        return count


def pipeline_named(slug: str) -> Pipeline:
    """Raises NotPossible."""
    pipeline = Pipeline.objects.filter(slug=slug).first()
    if pipeline is None:
        raise NotPossible(f"There is no pipeline {slug!r}.")
    return pipeline


@contextmanager
def snapshot() -> Iterator[None]:
    """What is read inside is as it was at one moment, however long reading takes."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
        yield


@service
def record(export: Export, *, rows: int, manifest_hash: str) -> None:
    """Whoever has a shell has no name here: the entry says what went out, not to whom."""
    bounds = {"since_us": _microseconds(export.span.since), "until_us": _microseconds(export.span.until)}
    ledger.append(
        event="export.created",
        actor=Actor.system("export"),
        pipeline=export.pipeline.slug,
        export=export.what,
        format=export.format.value,
        rows=rows,
        filters={name: bound for name, bound in bounds.items() if bound is not None},
        manifest_hash=manifest_hash,
    )


@contextmanager
def _spool(folder: Path) -> Iterator[Any]:
    """A file that only its owner can read; it is gone afterwards unless it got another name."""
    try:
        spool = tempfile.NamedTemporaryFile(dir=folder, prefix=".export-", delete=False)  # noqa: SIM115 - closed below
    except OSError as error:
        raise NotPossible(f"Nothing can be written in {folder}: {error.strerror}.") from None
    try:
        with spool:
            yield spool
    finally:
        with suppress(FileNotFoundError):
            os.unlink(spool.name)


def _sha256(stream: Any) -> str:
    return hashlib.file_digest(stream, "sha256").hexdigest()


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1_000_000)
