"""The figures behind a proposal, whatever the sweep wrote."""

from __future__ import annotations

from reviewqueue.web.evidence import evidence_tables

EVIDENCE = {
    "calibrator": "isotonic-7",
    "judged_labels": 412,
    "champion": {"name": "stated confidence", "log_loss": 0.41, "auroc": 0.70, "smooth_ece": 0.05},
    "candidate": {"name": "isotonic", "log_loss": 0.35, "auroc": 0.69, "smooth_ece": 0.05, "new_figure": 0.2},
    "bands": [{"band": "a", "accuracy": 0.9}, {"band": "b", "state": "failed"}],
}


def test_each_figure_says_whether_it_got_better() -> None:
    tables = evidence_tables(EVIDENCE)
    assert tables is not None
    assert {figure.name: figure.change for figure in tables.figures} == {
        "Log loss": "better",
        "Telling right from wrong (AUROC)": "worse",
        "Calibration error, smooth": "",
        "New figure": "",
    }
    assert (tables.champion, tables.candidate) == ("stated confidence", "isotonic")


def test_band_rows_share_the_columns_that_any_of_them_has() -> None:
    tables = evidence_tables(EVIDENCE)
    assert tables is not None
    assert tables.band_columns == ["band", "accuracy", "state"]
    assert tables.bands == [["a", 0.9, None], ["b", None, "failed"]]


def test_a_version_without_figures_has_no_tables_and_odd_ones_do_no_harm() -> None:
    assert evidence_tables({}) is None
    odd = evidence_tables({"champion": 3, "candidate": {"log_loss": "low"}, "bands": ["x"], "reasons": None})
    assert odd is not None
    assert (odd.figures, odd.bands, odd.reasons) == ([], [], [])
