"""A witness: it remembers the largest checkpoint of a log and cosigns only what continues it (c2sp.org/tlog-witness).

Run it somewhere that whoever runs the ledger has no hand in: it needs Python, the package `cryptography`, a folder and
no database. Started by `manage.py witness`, or by `python -m reviewqueue.ledger.witness` where nothing else is set up.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import fcntl
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from reviewqueue.ledger.cosignature import CosigningKey
from reviewqueue.ledger.lasting import put_in_place, write_new
from reviewqueue.ledger.note import (
    MalformedNote,
    NoteError,
    TreeHead,
    UnknownSigner,
    VerifierKey,
    WrongSignature,
    is_key_name,
    open_note,
    parse_note,
)
from reviewqueue.ledger.tree import HASH_BYTES, verify_consistency

log = logging.getLogger(__name__)

MOST_BYTES: Final = 64 * 1024
MOST_HASHES: Final = 63
SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    text: str = ""
    media_type: str = TEXT_TYPE


@dataclass(frozen=True, slots=True)
class Submission:
    old: int
    proof: list[bytes]
    note: str


class Witness:
    """Keeps one file per log in `folder`. Several processes may serve one folder."""

    def __init__(
        self, folder: Path, key: CosigningKey, logs: Sequence[VerifierKey], clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._key = key
        self._logs = logs
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> Reply:
        """Answers one submission. What it cosigns is on disk before it answers."""
        try:
            submission = parse_submission(body)
            head = TreeHead.parse(parse_note(submission.note).text)
        except NoteError as error:
            return Reply(400, f"{error}\n")
        keys = [key for key in self._logs if key.name == head.origin]
        if not keys:
            return Reply(404, "this log is not known here\n")
        try:
            open_note(submission.note, keys)
        except (UnknownSigner, WrongSignature):
            return Reply(403, "no good signature of this log\n")
        if submission.old > head.size:
            return Reply(400, "the old size is the larger one\n")
        with self._locked(head.origin):  # compared and stored in one step, or a smaller tree could come after a larger
            return self._continued(submission, head)

    def _continued(self, submission: Submission, head: TreeHead) -> Reply:
        known = self.newest(head.origin)
        size, root = (known.size, known.root) if known else (0, b"")
        if submission.old != size:
            return Reply(409, f"{size}\n", SIZE_TYPE)
        if known and size == head.size and root != head.root:
            log.error("two checkpoints of size %d of %s", size, head.origin)
            return Reply(409, f"{size}\n", SIZE_TYPE)
        if not self._proven(submission, head, size, root):
            log.error("%s of size %d does not continue size %d", head.origin, head.size, size)
            return Reply(422, "the proof does not show that the new tree continues the old one\n")
        text = parse_note(submission.note).text
        line = self._key.cosign(text, at=int(self._clock())).line()
        put_in_place(self._path(head.origin), submission.note + line, mode=0o644)
        return Reply(200, line)

    @staticmethod
    def _proven(submission: Submission, head: TreeHead, size: int, root: bytes) -> bool:
        if size == 0:
            return not submission.proof
        return verify_consistency(
            first=size, second=head.size, proof=submission.proof, first_root=root, second_root=head.root
        )

    def newest(self, origin: str) -> TreeHead | None:
        """The largest checkpoint that was cosigned."""
        note = self.newest_note(origin)
        return TreeHead.parse(parse_note(note).text) if note else None

    def newest_note(self, origin: str) -> str | None:
        path = self._path(origin)
        return path.read_text() if path.exists() else None

    def _path(self, origin: str) -> Path:
        return self._folder / f"{sha256(origin.encode()).hexdigest()}.note"

    @contextmanager
    def _locked(self, origin: str) -> Iterator[None]:
        descriptor = os.open(self._path(origin).with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def submission_text(old: int, proof: Sequence[bytes], note: str) -> bytes:
    lines = [f"old {old}", *(base64.b64encode(hash_).decode() for hash_ in proof), ""]
    return ("\n".join(lines) + "\n" + note).encode()


def parse_submission(body: bytes) -> Submission:
    """Raises MalformedNote."""
    try:
        head, separator, note = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise MalformedNote("not UTF-8") from None
    first, *lines = head.split("\n")
    if not separator or not (old := _OLD.fullmatch(first)) or len(lines) > MOST_HASHES:
        raise MalformedNote(f"a submission is the old size, at most {MOST_HASHES} hashes, an empty line and a note")
    return Submission(int(old[1]), [_hash(line) for line in lines], note)


def _hash(line: str) -> bytes:
    try:
        raw = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedNote("a line of the proof is not base64") from None
    if len(raw) != HASH_BYTES:
        raise MalformedNote("a line of the proof is no hash")
    return raw


class _Handler(BaseHTTPRequestHandler):
    """POST …/add-checkpoint, and nothing else."""

    witness: Witness
    timeout = 20
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        if not self.path.endswith("/add-checkpoint"):
            self._answer(Reply(404))
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > MOST_BYTES:
            self._answer(Reply(413))
            return
        self._answer(self.witness.add_checkpoint(self.rfile.read(int(length))))

    def _answer(self, reply: Reply) -> None:
        body = reply.text.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.media_type)
        self.send_header("Content-Length", str(len(body)))
        if reply.status == 413:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:  # the name is the library's
        log.info(format, *values)


def server(witness: Witness, address: tuple[str, int]) -> ThreadingHTTPServer:
    return ThreadingHTTPServer(address, type("Handler", (_Handler,), {"witness": witness}))


def create_cosigning_key(path: Path, *, name: str) -> CosigningKey:
    """Writes a new private key to `path`, which must not exist, readable by its owner alone."""
    if not is_key_name(name):
        raise MalformedNote("the name of a witness has neither spaces nor '+'")
    key = CosigningKey(name, secrets.token_bytes(32))
    write_new(path, key.secret_text() + "\n")
    return key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, required=True, help="where its memory and its key are kept")
    parser.add_argument("--name", help="the name it signs under; makes its key if there is none")
    parser.add_argument("--log", action="append", default=[], metavar="VKEY", help="the public key of a ledger")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)


def prepared(folder: Path, name: str | None, logs: Sequence[str]) -> tuple[Witness, CosigningKey]:
    """Raises NoteError, OSError."""
    path = folder / "witness.key"
    folder.mkdir(parents=True, exist_ok=True)
    if name and not path.exists():
        create_cosigning_key(path, name=name)
    key = CosigningKey.parse(path.read_text().strip())
    return Witness(folder, key, [VerifierKey.parse(text) for text in logs]), key


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_arguments(parser)
    given = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    serve(given.folder, given.name, given.log, (given.host, given.port))


def serve(folder: Path, name: str | None, logs: Sequence[str], address: tuple[str, int]) -> None:
    witness, key = prepared(folder, name, logs)
    log.info("witness key: %s", key.verifier)
    with server(witness, address) as running:
        running.serve_forever()


if __name__ == "__main__":
    main()
