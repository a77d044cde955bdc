"""A checkpoint a day to an address of the auditors, signed like every webhook."""

from __future__ import annotations

import base64
import binascii
import json
import time
from hashlib import sha256

from reviewqueue.anchoring.places import DAY, Checkpointed, PlaceFailed, sent
from reviewqueue.deliveries.signing import Scheme, SigningSecret, signature_headers

_PREFIX = "whsec_"


class WebhookPlace:
    name = "webhook"
    every = DAY

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret_of(secret)

    def send(self, checkpoint: Checkpointed) -> None:
        body = json.dumps(
            {
                "type": "ledger.checkpoint",
                "data": {
                    "origin": checkpoint.origin,
                    "size": checkpoint.size,
                    "root": checkpoint.root.hex(),
                    "checkpoint": checkpoint.note,
                },
            }
        ).encode()
        message_id = f"checkpoint_{sha256(checkpoint.origin.encode()).hexdigest()[:8]}_{checkpoint.size}"
        signed = signature_headers([self._secret], message_id=message_id, timestamp=int(time.time()), body=body)
        answer = sent(self._url, body, {"Content-Type": "application/json", **signed})
        if not answer.accepted:
            raise PlaceFailed(f"The auditors' address answered with status {answer.status}.")


def secret_of(text: str) -> SigningSecret:
    """Raises PlaceFailed."""
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(_PREFIX) or not 24 <= len(key) <= 64:
        raise PlaceFailed(f"LEDGER_WEBHOOK_SECRET is {_PREFIX} and 24 to 64 bytes as base64")
    return SigningSecret(Scheme.HMAC_SHA256, key)
