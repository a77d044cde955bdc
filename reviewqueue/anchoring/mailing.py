"""A checkpoint a day to the mailboxes of the auditors, where nobody who runs this instance can change it."""

from __future__ import annotations

from collections.abc import Collection

from reviewqueue.anchoring.places import DAY, Checkpointed, PlaceFailed
from reviewqueue.operations.mail import Attached, mail_is_set_up, send

_TEXT = """\
This is the checkpoint of the ledger {origin} at {size} entries.

{note}
Keep this mail. With the public key that you were given it proves later, together with an export, that nothing before
it was changed: verify_export.py --pin checkpoint.txt
"""


class MailPlace:
    name = "mail"
    every = DAY

    def __init__(self, addresses: Collection[str]) -> None:
        self._addresses = addresses

    def send(self, checkpoint: Checkpointed) -> None:
        if not mail_is_set_up():
            raise PlaceFailed("No mail server is set up (EMAIL_URL).")
        send(
            subject=f"Checkpoint of {checkpoint.origin} at {checkpoint.size} entries",
            text=_TEXT.format(origin=checkpoint.origin, size=checkpoint.size, note=checkpoint.note),
            to=self._addresses,
            attached=[Attached("checkpoint.txt", checkpoint.note.encode(), "text/plain")],
        )
