"""A witness cosigns what continues the largest tree it knows, and nothing else."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from reviewqueue.ledger.cosignature import CosignerKey, CosigningKey, good_cosignatures
from reviewqueue.ledger.note import MalformedNote, SigningKey, TreeHead, open_note, parse_note, sign_note
from reviewqueue.ledger.tree import consistency_proof, perfect_root, root_at
from reviewqueue.ledger.witness import SIZE_TYPE, Reply, Witness, prepared, submission_text
from tests.running import ROOT, free_port

ORIGIN = "review-queue/tests"
LOG = SigningKey(ORIGIN, sha256(b"log").digest())
KEY = CosigningKey("witness.example/w1", sha256(b"witness").digest())
LEAVES = [sha256(bytes([number])).digest() for number in range(50)]
FORKED = [*LEAVES[:20], sha256(b"other").digest(), *LEAVES[21:]]
NOW = 1_795_800_000


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path, KEY, [LOG.verifier], clock=lambda: NOW)


def note_of(size: int, leaves: list[bytes] = LEAVES, key: SigningKey = LOG, origin: str = ORIGIN) -> str:
    return sign_note(TreeHead(origin, size, root_at(node_in(leaves), size)).text(), [key])


def node_in(leaves: list[bytes]):  # type: ignore[no-untyped-def]  # a tree.NodeAt
    return lambda level, index: perfect_root(leaves[index << level : (index + 1) << level])


def proof(old: int, size: int, leaves: list[bytes] = LEAVES) -> list[bytes]:
    return consistency_proof(node_in(leaves), old, size)


def add(witness: Witness, old: int, size: int, leaves: list[bytes] = LEAVES) -> Reply:
    return witness.add_checkpoint(submission_text(old, proof(old, size, leaves), note_of(size, leaves)))


def test_a_tree_that_grows_is_cosigned_at_every_step(witness: Witness) -> None:
    for old, size in ((0, 7), (7, 8), (8, 8), (8, 50)):
        reply = add(witness, old, size)
        assert reply.status == 200
        text = parse_note(note_of(size)).text
        (signature,) = good_cosignatures(text, reply.text, KEY.verifier)
        assert KEY.verifier.time_of(text, signature) == NOW
        assert KEY.verifier.time_of(text.replace(ORIGIN, "other"), signature) is None
    known = witness.newest(ORIGIN)
    assert known
    assert known.size == 50


def test_a_cosigned_note_is_still_one_for_whoever_knows_the_log_alone(witness: Witness) -> None:
    note = note_of(7) + add(witness, 0, 7).text
    assert len(parse_note(note).signatures) == 2
    assert [signature.name for signature in open_note(note, [LOG.verifier]).signatures] == [ORIGIN]


def test_who_does_not_know_how_far_it_is_is_told(witness: Witness) -> None:
    add(witness, 0, 10)
    for old in (0, 5, 20):
        reply = add(witness, old, 30)
        assert (reply.status, reply.text, reply.media_type) == (409, "10\n", SIZE_TYPE)


def test_another_history_is_not_cosigned(witness: Witness) -> None:
    add(witness, 0, 30)
    assert add(witness, 30, 40, FORKED).status == 422
    assert add(witness, 30, 30, FORKED).status == 409
    assert witness.add_checkpoint(submission_text(30, [], note_of(40))).status == 422
    assert add(witness, 30, 40).status == 200


def test_a_smaller_tree_is_not_cosigned_after_a_larger_one(witness: Witness) -> None:
    add(witness, 0, 30)
    assert witness.add_checkpoint(submission_text(30, [], note_of(20))).status == 400
    assert witness.add_checkpoint(submission_text(20, [], note_of(20))).status == 409


def test_only_known_logs_with_their_own_keys_are_cosigned(witness: Witness) -> None:
    stranger = SigningKey(ORIGIN, sha256(b"thief").digest())
    elsewhere = SigningKey("elsewhere", sha256(b"log").digest())
    assert witness.add_checkpoint(submission_text(0, [], note_of(5, key=stranger))).status == 403
    assert witness.add_checkpoint(submission_text(0, [], note_of(5, key=elsewhere, origin="elsewhere"))).status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 00\n\n" + note_of(5).encode(),
        b"old -1\n\n" + note_of(5).encode(),
        b"old 0\nx\n\n" + note_of(5).encode(),
        b"old 0\nAAAA\n\n" + note_of(5).encode(),
        b"old 9\n\n" + note_of(5).encode(),
        b"old 0\n\nno note\n",
        b"\xff\xfe\n\n",
        b"old 0\n" + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64 + b"\n" + note_of(5).encode(),
    ],
)
def test_what_is_no_submission_is_refused(witness: Witness, body: bytes) -> None:
    assert witness.add_checkpoint(body).status == 400
    assert witness.newest(ORIGIN) is None


def test_of_many_at_once_never_a_smaller_one_comes_after_a_larger_one(witness: Witness) -> None:
    add(witness, 0, 10)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda size: add(witness, 10, size), range(11, 51)))
    assert sum(reply.status == 200 for reply in replies) == 1
    assert sum(reply.status == 409 for reply in replies) == 39


def test_its_memory_and_its_key_outlive_it(tmp_path: Path) -> None:
    first, key = prepared(tmp_path, "witness.example/w1", [str(LOG.verifier)])
    assert add(first, 0, 10).status == 200
    again, same = prepared(tmp_path, "witness.example/w1", [str(LOG.verifier)])
    assert same == key
    assert (tmp_path / "witness.key").stat().st_mode & 0o777 == 0o600
    assert add(again, 0, 20).status == 409
    assert add(again, 10, 20).status == 200


def test_it_runs_by_itself_with_nothing_set_up(tmp_path: Path) -> None:
    """No settings, no database, no Django: what an auditor starts on a machine of their own."""
    port = free_port()
    words = ["-m", "reviewqueue.ledger.witness", "--folder", str(tmp_path), "--name", "witness.example/w1"]
    words += ["--log", str(LOG.verifier), "--port", str(port)]
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=clean, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        key = CosignerKey.parse(process.stderr.readline().rpartition(": ")[2].strip())
        wait_for(port)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for old, size in ((0, 7), (7, 30)):
            connection.request("POST", "/add-checkpoint", submission_text(old, proof(old, size), note_of(size)))
            answer = connection.getresponse()
            assert answer.status == 200
            assert good_cosignatures(parse_note(note_of(size)).text, answer.read().decode(), key)
        connection.request("POST", "/elsewhere", b"")
        assert connection.getresponse().status == 404
        connection.close()
    finally:
        process.kill()
        process.communicate()


def wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("it does not listen")


def test_keys_are_read_back_and_damaged_ones_refused() -> None:
    public = str(KEY.verifier)
    assert CosignerKey.parse(public) == KEY.verifier
    assert CosigningKey.parse(KEY.secret_text()) == KEY
    assert KEY.seed.hex() not in repr(KEY)
    with pytest.raises(MalformedNote):
        CosignerKey.parse(str(LOG.verifier))
    with pytest.raises(MalformedNote):
        CosignerKey.parse(public.replace("w1", "w2"))


def test_the_example_of_the_specification_names_its_key() -> None:
    """c2sp.org/tlog-cosignature: the example line is of a key whose id is not derivable, but whose shape is ours."""
    line = (
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5"
        "nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zy"
        "WE+xeMcTOAYQ8=\n"
    )
    signatures = parse_note(note + line).signatures
    assert int.from_bytes(signatures[1].signature[:8]) == 1_679_315_147
    assert len(signatures[1].signature) == 72
