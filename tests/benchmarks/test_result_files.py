"""Parts of pages between marker comments, and the committed results that they are rendered from."""

import pytest

from benchmarks.publish_results import METRICS, blocks, entries, plain, table
from benchmarks.result_files import fill, read_results

PAGE = "before\n<!-- a -->\n{}<!-- end of a -->\nafter\n"


def test_parts_are_filled_and_nothing_else():
    for old in ("", "\n", "old\nlines\n"):
        assert fill(PAGE.format(old), {"a": r"new \1", "b": "x"}) == PAGE.format("new \\1\n")
    assert fill("no markers", {"a": "new"}) == "no markers"


def test_every_result_has_its_baseline():
    methods = [(e["dataset"], e["track"], e["snr"], e["rate"], e["method"]) for e in entries()]
    assert len(set(methods)) == len(methods)
    for *key, method in methods:
        assert method in ("zero_filled", "reconstruction")
        assert (*key, "zero_filled") in methods


def test_a_table_says_what_the_results_say():
    result = {"dataset": "mine", "track": "simulated", "snr": 20.0, "rate": 0.09375, "n_people": 3}
    result |= {"n_slices": 30, "method": "zero_filled"}
    result |= {name: {"mean": 1.23456, "ci95": None} for name in METRICS}
    line = table([result]).splitlines()[-1]
    assert line == "| mine | simulated, SNR 20 | 9.375 % | 3 (30) | zero-filled | 1.23 | 1.2346 | 1.235 |"


def test_every_block_can_be_rendered():
    rendered = blocks()
    for result in entries():
        assert f"| {result['psnr']['mean']:.2f} ± {result['psnr']['ci95']:.2f} |" in rendered["results"]
    assert all(len(text.splitlines()) > 2 for text in rendered.values())


@pytest.mark.parametrize("name", ["tissue_paired", "tissue_paired_cell", "tissue_segmentation_2.5-D"])
def test_all_tissue_results_are_of_the_same_segmentation(name):
    """Originals against labels have one score, whatever was undersampled: no table mixes weights."""
    shipped = next(e for e in read_results("tissue_segmentation") if e["method"] == "network" and plain(e))
    for entry in read_results(name):
        rows = entry.get("scores", [entry | {"method": "original", "against": "labels"}])
        original = next(row for row in rows if (row["method"], row["against"]) == ("original", "labels"))
        for tissue, measure in shipped["dice"].items():
            assert original["dice"][tissue]["mean"] == pytest.approx(measure["mean"], abs=1e-6)
