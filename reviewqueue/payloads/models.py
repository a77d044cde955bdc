from __future__ import annotations

import json
from functools import cached_property
from typing import Any, Self
from uuid import UUID

from django.db import models

from reviewqueue.payloads.vault import ClaimKey, known_key

CONTENT = "content"
FILE = "file"


class ClaimPayload(models.Model):
    """What was asked and answered, encrypted, and kept apart so that it can be erased while every proof stays valid.

    The text within is JSON with input, output, alternatives, context and metadata. The ledger holds SHA-256(0x02, salt,
    canonical content) and nothing readable. No row: it was erased.
    """

    claim = models.OneToOneField("claims.Claim", primary_key=True, on_delete=models.CASCADE, related_name="payload")
    ciphertext = models.BinaryField()

    class Meta:
        db_table = "claims_claimpayload"

    def __str__(self) -> str:
        return str(self.claim_id)

    @cached_property
    def content(self) -> dict[str, Any]:
        """Asks the database for the key unless that was read along (`select_related("payload__key")`)."""
        return content_within(self.claim_id, bytes(self.ciphertext), self.key.opened)

    @property
    def salt(self) -> bytes:
        return bytes(self.key.salt)


class StoredKey(models.Model):
    """A wrapped key, the salt of the commitments that belong to it, and the name of the master key that it lies under.

    No foreign key of the database in any of these tables, so that they are restored without regard to the order.
    """

    wrapped = models.BinaryField()
    salt = models.BinaryField(max_length=32)
    master = models.CharField(max_length=16)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def of(cls, key: ClaimKey) -> Self:
        return cls(pk=key.claim_id, wrapped=key.wrapped, salt=key.salt, master=key.master)

    @cached_property
    def opened(self) -> ClaimKey:
        return known_key(self.pk, bytes(self.wrapped), bytes(self.salt), self.master)


class PayloadKey(StoredKey):
    """The key of everything said in a claim and about it, wrapped, and the salt of the claim's commitments.

    A table of its own, so that it is backed up apart and for a short time: without its row the ciphertexts of the claim
    say nothing.
    """

    payload = models.OneToOneField(
        ClaimPayload,
        primary_key=True,
        db_column="claim_id",
        db_constraint=False,
        on_delete=models.CASCADE,
        related_name="key",
    )

    class Meta:
        indexes = [
            # What has to be wrapped anew after a change of the master key.
            models.Index(name="payload_key_by_master", fields=["master", "payload"]),
        ]


class FileKey(StoredKey):
    """The key of an attached file: what PayloadKey is for a claim."""

    file_id = models.UUIDField(primary_key=True)

    class Meta:
        indexes = [models.Index(name="file_key_by_master", fields=["master", "file_id"])]


class GoldenKey(StoredKey):
    """The key of a golden item, and of all that models answered to it."""

    payload = models.OneToOneField(
        "golden.GoldenItemPayload",
        primary_key=True,
        db_constraint=False,
        on_delete=models.CASCADE,
        related_name="key",
    )

    class Meta:
        indexes = [models.Index(name="golden_key_by_master", fields=["master", "payload"])]


def content_within(claim_id: UUID, ciphertext: bytes, key: ClaimKey) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(key.open(ciphertext, kind=CONTENT, row=claim_id))
    return content
