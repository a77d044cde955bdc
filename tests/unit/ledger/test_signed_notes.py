"""C2SP signed notes: the example of the format's first implementation (a published test key), and strictness."""

from __future__ import annotations

import pytest

from reviewqueue.ledger.note import (
    MalformedNote,
    SigningKey,
    UnknownSigner,
    VerifierKey,
    WrongSignature,
    open_note,
    parse_note,
    sign_note,
)

PETER = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
PETER_SIGNING = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = VerifierKey.parse("EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop")
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
BY_PETER = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
NOTE = TEXT + "\n" + BY_PETER + BY_ENOCH


def test_the_published_key_signs_the_published_note() -> None:
    assert sign_note(TEXT, [SigningKey.parse(PETER_SIGNING)]) == TEXT + "\n" + BY_PETER


def test_the_published_signatures_are_verified_in_order() -> None:
    opened = open_note(NOTE, [PETER, ENOCH])
    assert opened.text == TEXT
    assert [signature.name for signature in opened.signatures] == ["PeterNeumann", "EnochRoot"]


def test_a_signature_by_an_unknown_key_is_ignored() -> None:
    assert [signature.name for signature in open_note(NOTE, [ENOCH]).signatures] == ["EnochRoot"]


def test_a_note_nobody_known_signed_is_refused() -> None:
    with pytest.raises(UnknownSigner):
        open_note(TEXT + "\n" + BY_PETER, [ENOCH])


def test_another_key_under_a_known_name_is_unknown() -> None:
    impostor = SigningKey("PeterNeumann", bytes(32))
    with pytest.raises(UnknownSigner):
        open_note(sign_note(TEXT, [impostor]), [PETER])


def test_one_wrong_signature_by_a_known_key_spoils_the_note() -> None:
    with pytest.raises(WrongSignature, match="EnochRoot"):
        open_note(NOTE.replace("5n2tiOHp", "5n2tiOHq"), [PETER, ENOCH])


def test_a_changed_text_has_no_valid_signature() -> None:
    with pytest.raises(WrongSignature):
        open_note(NOTE.replace("answer", "solution"), [PETER])


def test_a_text_may_hold_empty_lines() -> None:
    key = SigningKey("log", bytes(32))
    text = "above\n\nbelow\n"
    assert open_note(sign_note(text, [key]), [key.verifier]).text == text


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        TEXT + "\n",
        TEXT + BY_PETER,
        TEXT + "\n" + BY_PETER[:-1],
        TEXT + "\n" + BY_PETER + "\n",
        "\x01" + NOTE,
        "\ud800" + NOTE,
        NOTE.replace("\n", "\r\n"),
        NOTE + "Unexpected line.\n",
        TEXT + "\n" + BY_PETER.replace("— ", "- "),
        TEXT + "\n" + BY_PETER.replace("PeterNeumann", "Peter Neumann"),
        TEXT + "\n" + BY_PETER.replace("PeterNeumann", "Peter\u00a0Neumann"),
        TEXT + "\n" + BY_PETER.replace("PeterNeumann", "Peter+Neumann"),
        TEXT + "\n" + BY_PETER.replace("PeterNeumann ", " "),
        TEXT + "\n" + BY_PETER.replace("nAM=", "nAN="),
        TEXT + "\n" + BY_PETER.replace("nAM=", "nA"),
        TEXT + "\n— PeterNeumann x08gow==\n",
        TEXT + "\n" + BY_PETER * 101,
        "x" * 1_000_001 + "\n\n" + BY_PETER,
    ],
)
def test_what_is_not_exactly_a_note_is_refused(note: str) -> None:
    with pytest.raises(MalformedNote):
        parse_note(note)


def test_every_cut_of_a_public_key_is_refused() -> None:
    whole = str(PETER)
    for start in range(len(whole)):
        for end in range(start, len(whole) + 1):
            if (start, end) != (0, len(whole)):
                with pytest.raises(MalformedNote):
                    VerifierKey.parse(whole[start:end])


def test_every_changed_character_of_a_key_is_refused() -> None:
    for parse, whole in ((VerifierKey.parse, str(PETER)), (SigningKey.parse, PETER_SIGNING)):
        for place, character in enumerate(whole):
            with pytest.raises(MalformedNote):
                parse(whole[:place] + chr(ord(character) + 1) + whole[place + 1 :])


@pytest.mark.parametrize(
    "key",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_key_of_another_length_or_algorithm_is_refused(key: str) -> None:
    with pytest.raises(MalformedNote):
        VerifierKey.parse(key)


def test_a_private_key_survives_writing_and_reading_and_is_not_shown() -> None:
    key = SigningKey.parse(PETER_SIGNING)
    assert key.secret_text() == PETER_SIGNING
    assert str(key.verifier) == str(PETER)
    assert PETER_SIGNING.rpartition("+")[2] not in repr(key)


def test_a_note_is_not_signed_by_nobody_nor_without_its_last_line_break() -> None:
    key = SigningKey("log", bytes(32))
    with pytest.raises(ValueError, match="key"):
        sign_note(TEXT, [])
    with pytest.raises(MalformedNote):
        sign_note("no line break", [key])
