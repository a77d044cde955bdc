"""The Merkle tree of RFC 6962 (section 2): hashes, growth, proofs and their verification. Pure.

A node is named by (level, index): the root of the perfect subtree over leaves index·2^level … (index + 1)·2^level - 1.
Hashes are stored in tiles of 256 neighbours; tile level t holds nodes of level 8·t.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()

NodeAt = Callable[[int, int], bytes]
"""Gives the hash of node (level, index); asked only for perfect subtrees inside the tree."""


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Root over 1, 2, 4, 8 … neighbouring nodes of one level."""
    if not hashes or len(hashes) & (len(hashes) - 1):
        raise ValueError(f"{len(hashes)} nodes make no perfect subtree")
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[place], level[place + 1]) for place in range(0, len(level), 2)]
    return level[0]


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    frontier = Frontier()
    for hash_ in leaf_hashes:
        frontier.append(hash_)
    return frontier.root()


@dataclass(frozen=True, slots=True)
class FullTile:
    """256 hashes of tile level `level`, number `index` from the left, and the root over them."""

    level: int
    index: int
    hashes: bytes
    root: bytes


class Frontier:
    """The right edge of a growing tree: all that is needed to append, to know the root, and to cut tiles.

    `entries[t]` are the hashes of tile level t that fill no whole tile yet; `_edge` the perfect subtrees, largest
    first.
    """

    def __init__(self, entries: Sequence[Sequence[bytes]] = ()) -> None:
        """Rebuilds the edge from the unfinished tiles of every level, lowest level first."""
        self.entries = [list(level) for level in entries] or [[]]
        self.size = sum(len(level) << (TILE_HEIGHT * t) for t, level in enumerate(self.entries))
        self._edge = [hash_ for level in reversed(self.entries) for hash_ in _perfect_parts(level)]

    def append(self, hash_: bytes) -> list[FullTile]:
        """Adds one leaf; returns the tiles it completed, lowest level first."""
        tiles: list[FullTile] = []
        self.entries[0].append(hash_)
        index, level, node = self.size, 0, hash_
        while index & 1:
            node = node_hash(self._edge.pop(), node)
            index, level = index >> 1, level + 1
            if level % TILE_HEIGHT == 0:
                tiles.append(self._cut(level // TILE_HEIGHT - 1, index, node))
        self._edge.append(node)
        self.size += 1
        return tiles

    def root(self) -> bytes:
        return _fold(self._edge)

    def _cut(self, level: int, index: int, root: bytes) -> FullTile:
        if len(self.entries) == level + 1:
            self.entries.append([])
        hashes = b"".join(self.entries[level])
        self.entries[level] = []
        self.entries[level + 1].append(root)
        return FullTile(level, index, hashes, root)


def root_at(node: NodeAt, size: int) -> bytes:
    """Root over the first `size` leaves."""
    return range_root(node, 0, size)


def range_root(node: NodeAt, start: int, end: int) -> bytes:
    """Root over leaves start … end - 1, where `start` is a multiple of the largest power of two that fits."""
    return _fold([node(level, index) for level, index in perfect_nodes(start, end)])


def inclusion_proof(node: NodeAt, index: int, size: int) -> list[bytes]:
    """Audit path of leaf `index` in the tree of `size` leaves, lowest sibling first (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    start, end = 0, size
    siblings: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return [range_root(node, *sibling) for sibling in reversed(siblings)]


def consistency_proof(node: NodeAt, first: int, second: int) -> list[bytes]:
    """Proof that the tree of `first` leaves is a prefix of the tree of `second` (RFC 6962, 2.1.2)."""
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {first} leaves is no prefix of one of {second}")
    if first in (0, second):
        return []
    start, end, whole = 0, second, True
    parts: list[tuple[int, int]] = []
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            parts.append((middle, end))
            end = middle
        else:
            parts.append((start, middle))
            start, whole = middle, False
    if not whole:
        parts.append((start, end))
    return [range_root(node, *part) for part in reversed(parts)]


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows the leaf hash `leaf` at `index` under `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(
    *, first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> bool:
    """Whether `proof` shows that the first tree is a prefix of the second (RFC 9162, 2.1.4.2)."""
    if not 0 <= first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    hashes = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    return _walk_consistency(first - 1, second - 1, hashes) == (first_root, second_root)


def _walk_consistency(place: int, last: int, hashes: list[bytes]) -> tuple[bytes, bytes] | None:
    """Both roots as the proof computes them; None when it is too long or too short."""
    while place & 1:
        place, last = place >> 1, last >> 1
    if not hashes:
        return None
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    return (old, new) if last == 0 else None


def _fold(parts: Sequence[bytes]) -> bytes:
    """Joins perfect subtrees, largest first, into one root."""
    if not parts:
        return EMPTY_ROOT
    root = parts[-1]
    for left in reversed(parts[:-1]):
        root = node_hash(left, root)
    return root


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def perfect_nodes(start: int, end: int) -> Iterator[tuple[int, int]]:
    """(level, index) of the perfect subtrees over leaves start … end - 1, largest first."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _perfect_parts(hashes: Sequence[bytes]) -> Iterator[bytes]:
    for level, index in perfect_nodes(0, len(hashes)):
        yield perfect_root(hashes[index << level : (index + 1) << level])
