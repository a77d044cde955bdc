"""Signatures, against the published vectors and the reference library."""

from __future__ import annotations

import time
from base64 import b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from reviewqueue.deliveries.signing import Scheme, SigningSecret, new_secret, signature_headers

ID, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'


def test_hmac_signs_as_the_vector_of_the_reference_library_says() -> None:
    secret = SigningSecret(Scheme.HMAC_SHA256, b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    assert secret.receiver_text == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert secret.sign(ID, TIMESTAMP, BODY) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_ed25519_signs_as_the_signature_shown_in_the_specification() -> None:
    """The specification shows the signature; its authors published the key with it."""
    key = b64decode("6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")
    secret = SigningSecret(Scheme.ED25519, key[:32])
    assert secret.receiver_text == "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
    assert secret.sign(ID, TIMESTAMP, BODY) == (
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
    )


def headers_of(*signers: SigningSecret, body: bytes = BODY) -> dict[str, str]:
    return signature_headers(signers, message_id=ID, timestamp=int(time.time()), body=body)


def test_the_reference_library_accepts_what_a_new_secret_signs() -> None:
    secret = new_secret(Scheme.HMAC_SHA256)
    assert Webhook(secret.receiver_text).verify(BODY, headers_of(secret)) == {"test": 2432232314}


def test_during_a_rotation_the_old_and_the_new_secret_are_both_accepted() -> None:
    old, new = new_secret(Scheme.HMAC_SHA256), new_secret(Scheme.HMAC_SHA256)
    headers = headers_of(new, old)
    for secret in (old, new):
        Webhook(secret.receiver_text).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret(Scheme.HMAC_SHA256).receiver_text).verify(BODY, headers)


@pytest.mark.parametrize("changed", ["body", "webhook-id", "webhook-timestamp"])
def test_the_reference_library_refuses_whatever_was_changed_on_the_way(changed: str) -> None:
    secret = new_secret(Scheme.HMAC_SHA256)
    headers = headers_of(secret)
    body = BODY + b" " if changed == "body" else BODY
    if changed != "body":
        headers[changed] = str(int(time.time()) + 1) if changed == "webhook-timestamp" else "msg_other"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret.receiver_text).verify(body, headers)


def test_an_ed25519_signature_is_checked_with_the_public_key_alone() -> None:
    secret = new_secret(Scheme.ED25519)
    headers = headers_of(secret)
    public = Ed25519PublicKey.from_public_bytes(b64decode(secret.receiver_text.removeprefix("whpk_")))
    signature = b64decode(headers["webhook-signature"].removeprefix("v1a,"))
    signed = f"{ID}.{headers['webhook-timestamp']}.".encode() + BODY
    public.verify(signature, signed)
    with pytest.raises(InvalidSignature):
        public.verify(signature, signed + b" ")


def test_a_secret_does_not_show_itself_in_messages() -> None:
    assert "key" not in repr(new_secret(Scheme.HMAC_SHA256))
