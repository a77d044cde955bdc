"""Checkpoints held against today's tree and against each other.

A checkpoint cannot be told from a false one by looking at it. Two of them can: where neither is a part of the other,
the log was shown to two people with two histories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from django.conf import settings

from reviewqueue.ledger.note import MalformedNote, NoteError, SignedNote, TreeHead, VerifierKey, parse_note
from reviewqueue.ledger.origins import former_origins
from reviewqueue.ledger.selectors import latest_checkpoint
from reviewqueue.ledger.tiles import DamagedTree, StoredTree
from reviewqueue.ledger.tree import consistency_proof, root_at, verify_consistency


@dataclass(frozen=True, slots=True)
class SignatureSeen:
    """`state`: good, wrong, or unknown where no given key has this name and id."""

    name: str
    key_id: str
    state: str


@dataclass(frozen=True, slots=True)
class NoteSeen:
    """What a pasted note says. Without a head it is none, and `problem` says why."""

    head: TreeHead | None
    signatures: tuple[SignatureSeen, ...]
    problem: str = ""
    standing: str = ""

    @property
    def has_wrong_signature(self) -> bool:
        return any(each.state == "wrong" for each in self.signatures)

    @property
    def is_signed(self) -> bool:
        return any(each.state == "good" for each in self.signatures)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`verdict` is one of web.wording.COMPARISONS; `proof` leads from the smaller to the larger where there is one."""

    first: NoteSeen
    second: NoteSeen
    verdict: str
    proof: tuple[bytes, ...] | None = None


class TreeToday:
    """The sealed tree as it is now, for any number of checkpoints to be held against."""

    def __init__(self) -> None:
        last = latest_checkpoint()
        self.size = last.tree_size if last else 0
        self.root = bytes(last.root) if last else b""
        self._former = former_origins()
        self._node = cache(StoredTree(self.size).node)  # pins share most of the right edge

    def is_ours(self, head: TreeHead) -> bool:
        """Also under a name that this ledger had before it was restarted."""
        return head.origin == settings.LEDGER_ORIGIN or head.origin in self._former

    def standing(self, head: TreeHead) -> str:
        """consistent, other_history, gone (the ledger has fewer entries), lost (before a restart that says so),
        other_ledger, or damaged.
        """
        if not self.is_ours(head):
            return "other_ledger"
        if head.size > self._former.get(head.origin, head.size):
            return "lost"
        if head.size > self.size:
            return "gone"
        try:
            fits = self._holds(head)
        except DamagedTree:
            return "damaged"
        return "consistent" if fits else "other_history"

    def _holds(self, head: TreeHead) -> bool:
        if head.size == self.size:  # no hash is needed to prove a tree to itself, so its root is computed
            return head.root == self.root == root_at(self._node, self.size)
        return verify_consistency(
            first=head.size,
            second=self.size,
            proof=self.proof(head.size, self.size),
            first_root=head.root,
            second_root=self.root,
        )

    def proof(self, first: int, second: int) -> list[bytes]:
        return consistency_proof(self._node, first, second)


def compare(first: str, second: str, keys: Sequence[VerifierKey]) -> Comparison:
    """Two pasted notes, of any log. The proof between them is made from this ledger, which alone has it."""
    seen = [_seen(first, keys), _seen(second, keys)]
    if not (seen[0].head and seen[1].head):
        return Comparison(seen[0], seen[1], "unreadable")
    tree = TreeToday()
    one, two = (replace(each, standing=tree.standing(each.head)) for each in seen if each.head)
    verdict, proof = _verdict(seen[0].head, seen[1].head, tree)
    if one.has_wrong_signature or two.has_wrong_signature:
        return Comparison(one, two, "wrong_signature", proof)
    return Comparison(one, two, verdict, proof)


def _verdict(one: TreeHead, two: TreeHead, tree: TreeToday) -> tuple[str, tuple[bytes, ...] | None]:
    ours = tree.is_ours(one) and tree.is_ours(two)
    if one.origin != two.origin and not ours:
        return "two_logs", None
    if "lost" in (tree.standing(one), tree.standing(two)):
        return "lost", None
    if one.size == two.size:
        return ("same" if one.root == two.root else "two_histories"), None
    small, large = sorted((one, two), key=lambda head: head.size)
    if not ours:
        return "not_ours", None
    if large.size > tree.size:
        return "gone", None
    try:
        proof = tuple(tree.proof(small.size, large.size))
    except DamagedTree:
        return "damaged", None
    fits = verify_consistency(
        first=small.size, second=large.size, proof=proof, first_root=small.root, second_root=large.root
    )
    return ("one_history" if fits else "two_histories"), proof


def _seen(text: str, keys: Sequence[VerifierKey]) -> NoteSeen:
    try:
        note = parse_note(text)
        return NoteSeen(TreeHead.parse(note.text), _signatures(note, keys))
    except NoteError as error:
        return NoteSeen(None, (), str(error))


def _signatures(note: SignedNote, keys: Sequence[VerifierKey]) -> tuple[SignatureSeen, ...]:
    known = {(key.name, key.key_id): key for key in keys}
    return tuple(
        SignatureSeen(each.name, each.key_id.hex(), _state(known.get((each.name, each.key_id)), note, each.signature))
        for each in note.signatures
    )


def _state(key: VerifierKey | None, note: SignedNote, signature: bytes) -> str:
    if key is None:
        return "unknown"
    return "good" if key.verifies(note.text, signature) else "wrong"


def keys_in(text: str) -> list[VerifierKey]:
    """Public keys, one a line. Raises MalformedNote, which names the line."""
    keys = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                keys.append(VerifierKey.parse(line.strip()))
            except MalformedNote as error:
                raise MalformedNote(f"line {number}: {error}") from error
    return keys


def notes_in(text: str) -> list[str]:
    """Signed notes pasted one below the other: each ends where its signature lines do."""
    notes: list[list[str]] = [[]]
    signed = False
    for line in text.replace("\r\n", "\n").split("\n"):
        is_signature = line.startswith("\N{EM DASH} ")
        if signed and not is_signature:
            notes.append([])
            signed = False
        if line or notes[-1]:
            notes[-1].append(line)
        signed = is_signature
    return ["\n".join(lines).rstrip("\n") + "\n" for lines in notes if any(lines)]
