"""Which public keys this process knows by itself. An auditor brings their own: these are the operator's word."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from reviewqueue.ledger.keys import verifier_keys
from reviewqueue.ledger.note import VerifierKey


def known_keys() -> list[VerifierKey]:
    """None in a process that was not given the signing file, which is every one but the sealer in production."""
    try:
        return verifier_keys()
    except ImproperlyConfigured:
        return []
