from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.core.cleaning import Prune, confident_joint, fold_numbers, improbable, normalized_margin

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)


@st.composite
def labelled(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels of two to four classes and probabilities that add up to one."""
    classes, rows = draw(st.integers(2, 4)), draw(st.integers(1, 40))
    weight = st.lists(st.integers(1, 50), min_size=classes, max_size=classes)
    weights = np.array(draw(st.lists(weight, min_size=rows, max_size=rows)), dtype=float)
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows))
    return np.array(labels), weights / weights.sum(axis=1, keepdims=True)


@quick
@given(labelled())
def test_the_joint_is_a_distribution_whose_rows_are_the_labels_given(rows: tuple[np.ndarray, np.ndarray]) -> None:
    labels, p = rows
    found = confident_joint(labels, p)
    assert np.isclose(found.joint.sum(), 1)
    assert np.allclose(found.joint.sum(axis=1), np.bincount(labels, minlength=p.shape[1]) / len(labels))
    assert found.counts.sum() == (found.confident_class >= 0).sum() <= len(labels)
    assert 0 <= found.noise <= 1


@quick
@given(labelled(), st.randoms(use_true_random=False))
def test_neither_the_names_of_classes_nor_the_order_of_rows_matter(
    rows: tuple[np.ndarray, np.ndarray], random: object
) -> None:
    labels, p = rows
    names, order = list(range(p.shape[1])), list(range(len(labels)))
    random.shuffle(names)  # type: ignore[attr-defined]
    random.shuffle(order)  # type: ignore[attr-defined]
    renamed = np.empty_like(p)
    renamed[:, names] = p
    before, after = confident_joint(labels, p), confident_joint(np.array(names)[labels][order], renamed[order])
    assert np.allclose(before.joint, after.joint[np.ix_(names, names)]) or _has_ties(p)
    if not _has_ties(p):
        found = {order[row] for row in improbable(np.array(names)[labels][order], renamed[order])}
        assert found == set(improbable(labels, p))


def _has_ties(p: np.ndarray) -> bool:
    """Two classes that are equally likely: which of them is meant is nobody's to say."""
    return any(len(np.unique(row.round(9))) < len(row) for row in p)


@quick
@given(labelled(), st.sampled_from(list(Prune)))
def test_what_is_improbable_comes_once_and_widest_margin_first(
    rows: tuple[np.ndarray, np.ndarray], prune: Prune
) -> None:
    labels, p = rows
    found = improbable(labels, p, prune=prune)
    margins = normalized_margin(labels, p)[found]
    assert len(set(found.tolist())) == len(found)
    assert np.all(np.diff(margins) >= 0)


@quick
@given(labelled())
def test_both_ways_of_pruning_together_are_what_each_alone_would_take(rows: tuple[np.ndarray, np.ndarray]) -> None:
    labels, p = rows
    by_class, by_rate, both = (
        set(improbable(labels, p, prune=prune)) for prune in (Prune.BY_CLASS, Prune.BY_NOISE_RATE, Prune.BOTH)
    )
    assert both == by_class & by_rate


@quick
@given(st.lists(st.integers(0, 9), max_size=40), st.integers(2, 6), st.integers(0, 5))
def test_rows_of_one_input_are_in_one_fold(cluster: list[int], folds: int, seed: int) -> None:
    found = fold_numbers(cluster, folds=folds, seed=seed)
    assert len(found) == len(cluster)
    assert all(len(set(found[np.array(cluster) == each])) == 1 for each in set(cluster))
    assert set(found) <= set(range(folds))
    assert found.tolist() == fold_numbers(cluster, folds=folds, seed=seed).tolist()
