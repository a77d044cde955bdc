"""The tree of RFC 6962 for any size, against the recursive definition of the standard."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.ledger import tree

LEAVES = [tree.leaf_hash(str(number).encode()) for number in range(700)]
sizes = st.integers(1, len(LEAVES))


@cache
def root_by_definition(start: int, end: int) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if end - start == 0:
        return tree.EMPTY_ROOT
    if end - start == 1:
        return LEAVES[start]
    split = 1
    while split * 2 < end - start:
        split *= 2
    return tree.node_hash(root_by_definition(start, start + split), root_by_definition(start + split, end))


def node(level: int, index: int) -> bytes:
    return root_by_definition(index << level, (index + 1) << level)


def flipped(hash_: bytes, bit: int) -> bytes:
    return (int.from_bytes(hash_) ^ 1 << bit).to_bytes(len(hash_))


@given(sizes)
def test_a_growing_tree_has_the_root_of_the_definition(size: int) -> None:
    assert tree.root_of(LEAVES[:size]) == root_by_definition(0, size) == tree.root_at(node, size)


@given(sizes, st.data())
def test_every_inclusion_proof_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion_proof(node, index, size)
    root = root_by_definition(0, size)
    assert tree.verify_inclusion(leaf=LEAVES[index], index=index, size=size, proof=proof, root=root)


@given(sizes, st.data())
def test_an_inclusion_proof_holds_for_no_other_leaf_place_root_or_hash(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, root = tree.inclusion_proof(node, index, size), root_by_definition(0, size)
    bit = data.draw(st.integers(0, 255))

    def holds(**changed: object) -> bool:
        true = {"leaf": LEAVES[index], "index": index, "size": size, "proof": proof, "root": root}
        return tree.verify_inclusion(**{**true, **changed})  # type: ignore[arg-type]  # arguments by name

    assert not holds(leaf=flipped(LEAVES[index], bit))
    assert not holds(root=flipped(root, bit))
    assert not holds(proof=[*proof, root])
    assert not holds(index=size)
    other = data.draw(st.integers(0, size - 1).filter(lambda place: place != index) if size > 1 else st.just(-1))
    assert not holds(index=other)
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        assert not holds(proof=[*proof[:place], flipped(proof[place], bit), *proof[place + 1 :]])
        assert not holds(proof=proof[:-1])


@given(st.integers(0, len(LEAVES)), st.integers(0, len(LEAVES)))
def test_every_consistency_proof_verifies(one: int, other: int) -> None:
    first, second = sorted((one, other))
    assert tree.verify_consistency(
        first=first,
        second=second,
        proof=tree.consistency_proof(node, first, second),
        first_root=root_by_definition(0, first),
        second_root=root_by_definition(0, second),
    )


@given(st.integers(1, len(LEAVES) - 1), st.data())
def test_no_consistency_proof_holds_for_a_rewritten_history(first: int, data: st.DataObject) -> None:
    second = data.draw(st.integers(first + 1, len(LEAVES)))
    proof = tree.consistency_proof(node, first, second)
    old, new = root_by_definition(0, first), root_by_definition(0, second)
    bit, place = data.draw(st.integers(0, 255)), data.draw(st.integers(0, len(proof) - 1))
    damaged = [*proof[:place], flipped(proof[place], bit), *proof[place + 1 :]]

    def holds(proof: list[bytes], old: bytes, new: bytes) -> bool:
        return tree.verify_consistency(first=first, second=second, proof=proof, first_root=old, second_root=new)

    assert not holds(proof, flipped(old, bit), new)
    assert not holds(proof, old, flipped(new, bit))
    assert not holds(damaged, old, new)
    assert not holds([*proof, new], old, new)
    assert not holds(proof[:-1], old, new)


@given(sizes, st.data())
def test_a_tree_taken_up_again_from_its_unfinished_tiles_grows_like_one_never_put_down(
    size: int, data: st.DataObject
) -> None:
    pause = data.draw(st.integers(0, size))
    whole, first = tree.Frontier(), tree.Frontier()
    tiles = [tile for leaf in LEAVES[:size] for tile in whole.append(leaf)]
    early = [tile for leaf in LEAVES[:pause] for tile in first.append(leaf)]
    second = tree.Frontier(first.entries)
    late = [tile for leaf in LEAVES[pause:size] for tile in second.append(leaf)]
    assert second.size == size
    assert second.root() == whole.root()
    assert early + late == tiles


@given(sizes)
def test_every_full_tile_holds_the_hashes_under_its_root(size: int) -> None:
    frontier = tree.Frontier()
    tiles = [tile for leaf in LEAVES[:size] for tile in frontier.append(leaf)]
    assert len(tiles) == size // tree.TILE_WIDTH
    for tile in tiles:
        start = tile.index * tree.TILE_WIDTH
        assert tile.hashes == b"".join(LEAVES[start : start + tree.TILE_WIDTH])
        assert tile.root == root_by_definition(start, start + tree.TILE_WIDTH)
