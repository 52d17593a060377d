"""Statistics by hand: slice, then person, then data set."""

import math

import pytest
from scipy import stats

from monai_gan_recon.evaluation.statistics import (
    SliceRow,
    dataset_summary,
    mean_and_ci,
    mean_of,
    person_means,
)


def row(person, value, case="a", method="reconstruction", number=0):
    return SliceRow(person, case, number, method, {"psnr": value, "seconds_per_slice": None})


def test_confidence_interval_by_hand():
    # mean 2, standard deviation 1, t(0.975, 2) = 4.302653
    result = mean_and_ci([1.0, 2.0, 3.0])
    assert result["mean"] == 2
    assert result["ci95"] == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)


def test_confidence_interval_agrees_with_scipy():
    values = [30.1, 31.7, 29.4, 35.2, 33.3]
    low, high = stats.t.interval(0.95, 4, loc=sum(values) / 5, scale=stats.sem(values))
    result = mean_and_ci(values)
    assert result["mean"] - result["ci95"] == pytest.approx(low)
    assert result["mean"] + result["ci95"] == pytest.approx(high)


def test_one_person_has_no_interval_and_none_no_mean():
    assert mean_and_ci([3.0]) == {"mean": 3.0, "ci95": None}
    assert mean_and_ci([]) == {"mean": None, "ci95": None}
    assert mean_and_ci([None, float("nan"), 5.0]) == {"mean": 5.0, "ci95": None}
    assert mean_of([None, float("nan")]) is None


def test_people_count_equally_whatever_their_slices():
    rows = [row("anna", 10.0), row("anna", 20.0, number=1), row("anna", 30.0, case="b"), row("bert", 40.0)]
    rows += [row("anna", 1.0, method="zero_filled"), row("bert", 3.0, method="zero_filled")]
    people = person_means(rows)
    assert [(p.person, p.method, p.n_slices) for p in people] == [
        ("anna", "reconstruction", 3),
        ("bert", "reconstruction", 1),
        ("anna", "zero_filled", 1),
        ("bert", "zero_filled", 1),
    ]
    summary = dataset_summary(people, "reconstruction")
    assert summary["n_people"] == 2
    assert summary["n_slices"] == 4
    assert summary["psnr"]["mean"] == 30  # (20 + 40) / 2, not the 25 of all slices
    assert summary["psnr"]["ci95"] == pytest.approx(12.706205 * math.sqrt(200) / math.sqrt(2), rel=1e-6)
    assert summary["seconds_per_slice"] == {"mean": None, "ci95": None}
    assert dataset_summary(people, "zero_filled")["psnr"]["mean"] == 2
