"""The numbers that pages show are those that were measured."""

import pytest

from benchmarks.publish_results import METRICS, ROOT, entries, number, pages, table
from benchmarks.result_files import read_results
from benchmarks.tissue_pages import plain

PAGES = pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_is_what_the_benchmark_measured(path):
    assert path.read_text() == PAGES[path], "run `python -m benchmarks.publish_results`"


def test_every_result_has_its_baseline():
    for name in ("tuned", "supervised"):
        methods = [(e["dataset"], e["track"], e["rate"], e["method"]) for e in entries(name)]
        for *key, method in methods:
            assert method in ("zero_filled", "reconstruction")
            assert (*key, "zero_filled") in methods


def test_table():
    result = {"dataset": "mine", "track": "simulated", "snr": 20.0, "rate": 0.09375, "n_people": 3}
    result |= {"n_slices": 30, "method": "zero_filled"}
    result |= {name: {"mean": 1.23456, "ci95": None} for name in METRICS}
    line = table([result]).splitlines()[-1]
    assert line == "| mine | simulated, SNR 20 | 9.375 % | 3 (30) | zero-filled | 1.23 | 1.2346 | 1.235 |"
    assert number({"mean": 2.0, "ci95": 0.25}, ".1f") == "2.0 ± 0.2"
    assert number({"mean": None, "ci95": None}, ".1f") == "-"


@pytest.mark.parametrize("name", ["tissue_paired", "tissue_paired_cell", "tissue_segmentation_2.5-D"])
def test_all_tissue_results_are_of_the_same_segmentation(name):
    """Originals against labels have one score, whatever was undersampled: no table mixes weights."""
    shipped = next(e for e in read_results("tissue_segmentation") if e["method"] == "network" and plain(e))
    for entry in read_results(name):
        rows = entry.get("scores", [entry | {"method": "original", "against": "labels"}])
        original = next(row for row in rows if (row["method"], row["against"]) == ("original", "labels"))
        for tissue, measure in shipped["dice"].items():
            assert original["dice"][tissue]["mean"] == pytest.approx(measure["mean"], abs=1e-6)


def test_a_sign_is_the_means_alone():
    assert number({"mean": 0.5, "ci95": 0.25}, "+.2f") == "+0.50 ± 0.25"
