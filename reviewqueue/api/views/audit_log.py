"""The ledger as a tiled transparency log (c2sp.org/tlog-tiles), for monitors that know the format."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from rest_framework.request import Request

from reviewqueue.anchoring.selectors import cosigned_note
from reviewqueue.api import audit_examples
from reviewqueue.api.authentication import caller_of
from reviewqueue.api.contract import Answer, promises
from reviewqueue.api.operation import Operation
from reviewqueue.api.tile_paths import TilePlace
from reviewqueue.api.views.audit import AUDIT, TEXT
from reviewqueue.claims import auditing
from reviewqueue.errors import NotFound
from reviewqueue.ledger import selectors as ledger

BINARY: Final = "application/octet-stream"


class LogCheckpoint(Operation):
    @promises(
        "get_log_checkpoint",
        **AUDIT,
        answers={200: Answer("The signed note.", str, audit_examples.NOTE, media_type=TEXT)},
        problems=("not_found",),
    )
    def get(self, request: Request) -> HttpResponse:
        """Get the latest checkpoint of the log.

        The same as `/audit/checkpoints/latest`, where monitors look for it, with the cosignatures that witnesses gave
        for this size.
        """
        auditing.require_reader_of_checkpoints(caller_of(request))
        checkpoint = ledger.latest_checkpoint()
        note = cosigned_note(checkpoint.tree_size) if checkpoint else None
        if note is None:
            raise NotFound("Nothing is sealed yet.")
        return HttpResponse(note, content_type=f"{TEXT}; charset=utf-8")


class LogTile(Operation):
    @promises(
        "get_log_tile",
        **AUDIT,
        answers={200: Answer("1 to 256 hashes of 32 bytes each.", str, "", media_type=BINARY)},
    )
    def get(self, request: Request, level: int, tile: TilePlace) -> HttpResponse:
        """Get a tile of hashes.

        For auditors, admins, owners and seniors.
        """
        auditing.require_reader_of_hashes(caller_of(request))
        hashes = ledger.tile_hashes(level=level, index=tile.index, width=tile.width)
        return HttpResponse(hashes, content_type=BINARY)


class LogEntries(Operation):
    @promises(
        "get_log_entries",
        **AUDIT,
        answers={
            200: Answer("1 to 256 entries, each after its length in two bytes.", str, "", media_type=BINARY),
        },
    )
    def get(self, request: Request, tile: TilePlace) -> HttpResponse:
        """Get a tile of entries.

        The texts behind a tile of the lowest level, for auditors and admins.
        """
        auditing.require_reader_of_all(caller_of(request))
        leaves = (leaf.encode() for leaf in ledger.tile_leaves(index=tile.index, width=tile.width))
        return HttpResponse(b"".join(len(leaf).to_bytes(2) + leaf for leaf in leaves), content_type=BINARY)
