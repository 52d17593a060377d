"""Statistics of segmentations: people count equally, absent and infinite values are not averaged silently."""

import math

import numpy as np
import pytest
from scipy import stats

from monai_gan_recon.evaluation.statistics import (
    SegmentationRow,
    finite_mean_and_ci,
    method_statistics,
    paired_differences,
    person_rows,
)
from monai_gan_recon.metrics.segmentation import SEGMENTATION_METRICS


def row(person, method, value, against="original", case="", **of_tissue):
    scores = {metric: {"csf": value, "gm": value, **of_tissue} for metric in SEGMENTATION_METRICS}
    return SegmentationRow(person, case, method, against, scores)


def dice_of(rows, tissue, **key):
    (found,) = [r for r in rows if all(r.get(k) == v for k, v in key.items())]
    return found["dice"][tissue]


def test_interval_agrees_with_scipy():
    values = [0.91, 0.94, 0.88, 0.95, 0.93, 0.90]
    result = finite_mean_and_ci([*values, math.nan, math.inf])
    low, high = stats.t.interval(0.95, 5, loc=np.mean(values), scale=stats.sem(values))
    assert result["mean"] - result["ci95"] == pytest.approx(low)
    assert result["mean"] + result["ci95"] == pytest.approx(high)
    assert (result["n"], result["n_infinite"]) == (6, 1)


def test_nothing_finite_has_no_mean():
    assert finite_mean_and_ci([math.nan, math.inf]) == {"mean": None, "ci95": None, "n": 0, "n_infinite": 1}
    assert finite_mean_and_ci([2.0]) == {"mean": 2.0, "ci95": None, "n": 1, "n_infinite": 0}


def test_scans_of_a_person_are_averaged_first():
    rows = [row("anna", "reconstruction", v, case=c) for c, v in (("a", 0.6), ("b", 0.8))]
    rows += [row("bert", "reconstruction", 0.9, case="c", gm=math.nan)]
    people = person_rows(rows)
    assert [(p.person, p.n_scans, p.case) for p in people] == [("anna", 2, ""), ("bert", 1, "")]
    assert people[0].scores["dice"]["csf"] == pytest.approx(0.7)
    (summary,) = method_statistics(people)
    assert summary["dice"]["csf"]["mean"] == pytest.approx(0.8)  # not the 0.767 of all scans
    assert summary["dice"]["csf"]["n"] == 2
    assert summary["dice"]["gm"] == {"mean": pytest.approx(0.7), "ci95": None, "n": 1, "n_infinite": 0}


def test_one_infinite_scan_makes_the_person_infinite():
    (person,) = person_rows([row("a", "zero_filled", 1.0, case="1"), row("a", "zero_filled", math.inf, case="2")])
    assert person.scores["hd95_mm"]["csf"] == math.inf


def test_paired_difference_agrees_with_scipy():
    zero_filled, reconstruction = [0.5, 0.7, 0.6, 0.9], [0.61, 0.83, 0.69, 0.99]
    people = [row(str(i), "zero_filled", v) for i, v in enumerate(zero_filled)]
    people += [row(str(i), "reconstruction", v) for i, v in enumerate(reconstruction)]
    (found,) = paired_differences(people)
    assert (found["method"], found["minus"], found["against"]) == (
        "reconstruction",
        "zero_filled",
        "original",
    )
    interval = stats.ttest_rel(reconstruction, zero_filled).confidence_interval(0.95)
    statistics = found["dice"]["gm"]
    assert statistics["mean"] - statistics["ci95"] == pytest.approx(interval.low)
    assert statistics["mean"] + statistics["ci95"] == pytest.approx(interval.high)


def test_differences_leave_out_the_absent_and_count_the_infinite():
    people = [row("a", "zero_filled", 0.5), row("a", "reconstruction", 0.75)]
    people += [row("b", "zero_filled", math.inf), row("b", "reconstruction", math.inf, gm=1.0)]
    people += [row("c", "zero_filled", 0.5), row("c", "reconstruction", math.nan)]
    people += [row("d", "reconstruction", 1.0)]  # without its pair
    (found,) = paired_differences(people)
    for tissue in ("csf", "gm"):
        assert found["hd95_mm"][tissue] == {"mean": 0.25, "ci95": None, "n": 1, "n_infinite": 1}


def test_what_reference_labels_lose_is_reported():
    people = [row("a", m, v, "labels") for m, v in (("original", 0.9), ("zero_filled", 0.6), ("reconstruction", 0.85))]
    found = paired_differences(people)
    assert dice_of(found, "gm", method="reconstruction", minus="original")["mean"] == pytest.approx(-0.05)
    assert dice_of(found, "gm", method="zero_filled", minus="original")["mean"] == pytest.approx(-0.3)
    assert dice_of(found, "gm", method="reconstruction", minus="zero_filled")["mean"] == pytest.approx(0.25)
    assert len(found) == 3
