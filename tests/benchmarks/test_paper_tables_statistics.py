"""Paired comparison and flat curves."""

import numpy as np
import pytest
from made_results import made_result
from scipy import stats

from benchmarks.paper_tables.results import compare, gain_of_last_quarter, is_flat, rank_biserial, wilcoxon


def test_p_of_ten_people_who_all_gain():
    assert wilcoxon(list(range(1, 11))) == pytest.approx(2 / 2**10)  # exact: one of 2^10 sign patterns, two sides


def test_p_is_that_of_scipy_on_the_pairs():
    rng = np.random.default_rng(0)
    ours, other = rng.normal(33, 1, 12), rng.normal(32.5, 1, 12)
    found = compare(made_result(psnr=ours), made_result("dagan", psnr=other))
    assert found.p == pytest.approx(stats.wilcoxon(ours, other).pvalue)
    assert found.difference == pytest.approx((ours - other).mean())
    half = stats.ttest_rel(ours, other).confidence_interval(0.95)
    assert found.ci95 == pytest.approx((half.high - half.low) / 2)
    assert found.people == 12


def test_too_few_people_or_no_difference_give_no_p():
    assert wilcoxon([1.0] * 5) is None
    assert wilcoxon([0.0] * 10) is None
    assert wilcoxon([1.0] * 6) is not None


def test_rank_biserial():
    assert rank_biserial([1, 2, 3]) == 1
    assert rank_biserial([-1, -2, -3]) == -1
    assert rank_biserial([1, 2, -3]) == 0  # ranks 1 + 2 against 3
    assert rank_biserial([0.0, 0.0]) == 0


def test_results_of_other_slices_are_not_compared():
    with pytest.raises(ValueError, match="not tested on the same slices"):
        compare(made_result(), made_result("dagan", slice_step=2))
    with pytest.raises(ValueError, match="not tested on the same slices"):
        compare(made_result(), made_result("dagan", psnr=(30.0, 31.0, 32.0)))


@pytest.mark.parametrize(
    ("curve", "gain"),
    [
        ([20, 25, 27, 28, 28.5, 28.6, 28.65, 28.66], 0.06),
        ([20, 21, 22, 23], 1.0),
        ([20, 30, 29, 28], 0.0),  # the best model is kept: a fall is no gain
        ([20, 21, 22, 23, 24], 2.0),  # of five epochs the last quarter is two
    ],
)
def test_gain_of_the_last_quarter(curve, gain):
    assert gain_of_last_quarter(curve) == pytest.approx(gain)
    assert is_flat(curve) == (gain < 0.1)


def test_no_curve_is_not_flat():
    assert gain_of_last_quarter([20, 21, 22]) is None
    assert not is_flat([])
