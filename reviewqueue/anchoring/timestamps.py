"""A time stamp (RFC 3161) on a checkpoint a day: that it existed by then, says somebody with no part in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    Verifier,
    VerifierBuilder,
    decode_timestamp_response,
)

from reviewqueue.anchoring.places import DAY, Checkpointed, PlaceFailed, sent


class TimestampPlace:
    name = "timestamp"
    every = DAY

    def __init__(self, url: str, ca_file: str) -> None:
        self._url = url
        self._ca_file = Path(ca_file)

    def send(self, checkpoint: Checkpointed) -> bytes:
        """The receipt is the authority's answer (DER), after it was verified with the certificates of the settings."""
        message = checkpoint.note.encode()
        request = (
            TimestampRequestBuilder()
            .data(message)
            .hash_algorithm(HashAlgorithm.SHA256)
            .nonce(nonce=True)
            .cert_request(cert_request=True)
            .build()
        )
        answer = sent(self._url, request.as_bytes(), {"Content-Type": "application/timestamp-query"})
        if answer.status != 200:
            raise PlaceFailed(f"The time-stamping authority answered with status {answer.status}.")
        verifier = _verifier(VerifierBuilder.from_request(request), certificates_in(self._ca_file))
        _time_of(answer.body, message, verifier)
        return answer.body


def time_of(receipt: bytes, note: str, roots: Sequence[x509.Certificate]) -> datetime:
    """When the note existed, says the receipt. Raises PlaceFailed where it is not for this note, or not good."""
    return _time_of(receipt, note.encode(), _verifier(VerifierBuilder(), roots))


def certificates_in(path: Path) -> list[x509.Certificate]:
    """Raises PlaceFailed."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise PlaceFailed(f"LEDGER_TIMESTAMP_CA_FILE holds no certificates: {error}") from error


def _verifier(builder: VerifierBuilder, roots: Sequence[x509.Certificate]) -> Verifier:
    for root in roots:
        builder = builder.add_root_certificate(root)
    return builder.build()


def _time_of(receipt: bytes, message: bytes, verifier: Verifier) -> datetime:
    """Checked are status, signature and chain, purpose of the certificate, nonce, and the hash of the message."""
    try:
        response = decode_timestamp_response(receipt)
        verifier.verify_message(response, message)
    except (ValueError, VerificationError) as error:
        raise PlaceFailed(f"The time stamp is not good: {error}") from error
    at: datetime = response.tst_info.gen_time
    return at
