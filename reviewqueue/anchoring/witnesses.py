"""Witnesses: they check that the tree only grew, and cosign (c2sp.org/tlog-witness)."""

from __future__ import annotations

from reviewqueue.anchoring.places import Checkpointed, Contradicted, PlaceFailed, sent
from reviewqueue.deliveries.outgoing import Answer
from reviewqueue.ledger import selectors as ledger
from reviewqueue.ledger.cosignature import CosignerKey, good_cosignatures
from reviewqueue.ledger.note import MalformedNote, parse_note
from reviewqueue.ledger.witness import submission_text


class WitnessPlace:
    def __init__(self, url: str, key: str, every: float) -> None:
        self._url = url.rstrip("/") + "/add-checkpoint"
        self._key = CosignerKey.parse(key)
        self.name = f"witness:{self._key.name}"[:120]
        self.every = every

    def send(self, checkpoint: Checkpointed) -> bytes:
        """The receipt is the witness's signature lines."""
        answer = self._submit(checkpoint, checkpoint.before)
        if answer.status == 409 and (known := self._size_in(answer)) != checkpoint.before:
            self._refuse_larger(known)
            if known > checkpoint.size:
                raise PlaceFailed("The witness is ahead: the next checkpoint follows.")
            answer = self._submit(checkpoint, known)
        if answer.status in (409, 422):
            raise Contradicted(
                f"{self.name} holds a tree that the checkpoint of size {checkpoint.size} does not continue"
            )
        if answer.status != 200:
            raise PlaceFailed(f"The witness answered with status {answer.status}.")
        return self._cosignatures_in(answer, checkpoint)

    def _submit(self, checkpoint: Checkpointed, old: int) -> Answer:
        proof = ledger.consistency_proof(first=old, second=checkpoint.size).hashes if old else []
        return sent(self._url, submission_text(old, proof, checkpoint.note), {"Content-Type": "text/plain"})

    def _refuse_larger(self, known: int) -> None:
        """Read again: sealing went on meanwhile."""
        newest = ledger.latest_checkpoint()
        if known > (newest.tree_size if newest else 0):
            raise Contradicted(f"{self.name} has cosigned {known} leaves, more than there are: a rollback")

    @staticmethod
    def _size_in(answer: Answer) -> int:
        text = answer.body.decode("ascii", "replace").strip()
        if not text.isdigit() or len(text) > 18:
            raise PlaceFailed("The witness answered 409 without a size.")
        return int(text)

    def _cosignatures_in(self, answer: Answer, checkpoint: Checkpointed) -> bytes:
        try:
            good = good_cosignatures(parse_note(checkpoint.note).text, answer.body.decode(), self._key)
        except (MalformedNote, UnicodeDecodeError):
            good = []
        if not good:
            raise PlaceFailed("The witness sent no good cosignature.")
        return "".join(signature.line() for signature in good).encode()
