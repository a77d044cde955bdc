"""The stored tree: reads any node from full tiles and, at the right edge, from the leaves themselves."""

from __future__ import annotations

from django.db import connection

from reviewqueue.errors import Conflict
from reviewqueue.ledger.tree import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, Frontier, perfect_root

_LEAVES = "SELECT leaf_hash FROM ledger.leaf WHERE leaf_index >= %s AND leaf_index < %s ORDER BY leaf_index"
_TILE_ROOTS = "SELECT root FROM ledger.tile WHERE level = %s AND idx >= %s AND idx < %s ORDER BY idx"
_TILE = "SELECT hashes FROM ledger.tile WHERE level = %s AND idx = %s"


class DamagedTree(Conflict):
    """A row of the stored tree that must exist is not there."""

    code = "ledger_damaged"


class StoredTree:
    """Nodes of the tree over the first `size` leaves, each tile read once. `node` is a tree.NodeAt."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def node(self, level: int, index: int) -> bytes:
        tile_level, inside = divmod(level, TILE_HEIGHT)
        start = index << inside
        return perfect_root(self.hashes(tile_level, start, start + (1 << inside)))

    def frontier(self) -> Frontier:
        """The right edge, from which the tree grows on."""
        entries: list[list[bytes]] = []
        width = self.size
        while width or not entries:
            entries.append(self.hashes(len(entries), width - width % TILE_WIDTH, width))
            width //= TILE_WIDTH
        return Frontier(entries)

    def hashes(self, tile_level: int, start: int, end: int) -> list[bytes]:
        """Hashes start … end - 1 of one tile level, all in one tile."""
        index = start // TILE_WIDTH
        if (index + 1) * TILE_WIDTH <= self.size >> (TILE_HEIGHT * tile_level):
            return self._tile(tile_level, index)[start % TILE_WIDTH :][: end - start]
        rows = _column(_LEAVES, [start, end]) if tile_level == 0 else _column(_TILE_ROOTS, [tile_level - 1, start, end])
        if len(rows) != end - start:
            raise DamagedTree(
                f"{end - start - len(rows)} hashes are missing at tile level {tile_level} from {start} on"
            )
        return rows

    def _tile(self, level: int, index: int) -> list[bytes]:
        if (level, index) not in self._tiles:
            rows = _column(_TILE, [level, index])
            if not rows:
                raise DamagedTree(f"tile {index} of level {level} is missing")
            hashes = rows[0]
            self._tiles[level, index] = [
                hashes[place : place + HASH_BYTES] for place in range(0, len(hashes), HASH_BYTES)
            ]
        return self._tiles[level, index]


def _column(sql: str, parameters: list[int]) -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [bytes(value) for (value,) in cursor.fetchall()]
