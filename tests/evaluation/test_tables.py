"""Tables of results."""

import pytest

from monai_gan_recon.evaluation.tables import metrics_table, value_text
from monai_gan_recon.metrics import METRICS


def entries(*rates, **changes):
    metrics = {name: {"mean": 0.5, "ci95": 0.125} for name in METRICS}
    metrics["psnr"] = {"mean": 34.126, "ci95": 0.4}
    metrics["seconds_per_slice"] = {"mean": None, "ci95": None}
    protocol = {
        "dataset": "a",
        "track": "replica",
        "pattern": "gaussian1d",
        "size": [64, 128],
        "plane": "coronal",
    }
    counts = {"method": "zero_filled", "n_people": 3, "n_slices": 40}
    return [{**protocol, "rate": rate, **counts, **metrics, **changes} for rate in rates]


def test_values():
    assert value_text({"mean": 34.126, "ci95": 0.4}, ".2f") == "34.13 ± 0.40"
    assert value_text({"mean": 34.126, "ci95": None}, ".2f") == "34.13"
    assert value_text({"mean": None, "ci95": None}, ".2f") == "-"
    assert value_text({"mean": 0.5, "ci95": 0.25}, "+.2f") == "+0.50 ± 0.25"


def test_text_table_is_aligned_under_what_all_share():
    caption, empty, header, rule, line, last = metrics_table(entries(0.09375, 0.5)).splitlines()
    assert all(word in caption for word in ("replica", "gaussian1d", "64x128", "40", "3"))
    assert empty == ""
    assert set(rule) == {"─"}
    assert line.index("34.13 ± 0.40") == header.index("PSNR [dB]") == last.index("34.13 ± 0.40")
    assert line.split()[:3] == ["9.375", "%", "zero-filled"]
    assert line.split()[-2:] == ["0.50", "-"]
    assert len(line) < 140


def test_what_differs_gets_a_column():
    both = entries(0.1) + entries(0.1, track="simulated", snr=20.0, n_people=1)
    caption, _, header, _, first, second = metrics_table(both).splitlines()
    assert header.startswith("track")
    assert "track" not in caption
    assert first.startswith("replica")
    assert second.startswith("simulated")
    assert "20" in second


@pytest.mark.parametrize(
    "unusual", [{"hermitian": True}, {"axis": -2}, {"seed": 4}, {"min_foreground": 0.25}, {"size": "whole"}]
)
def test_what_is_not_usual_is_said(unusual):
    usual = {"hermitian": False, "axis": -1, "seed": 0, "min_foreground": 0.1}
    assert metrics_table(entries(0.1, **usual)) == metrics_table(entries(0.1))
    assert metrics_table(entries(0.1, **unusual)) != metrics_table(entries(0.1))


def test_notes_stand_below_once_each():
    both = entries(0.1, notes=["first"]) + entries(0.5, notes=["first", "second"])
    assert metrics_table(both).splitlines()[-3:] == ["", "- first", "- second"]


def test_markdown_table_has_as_many_cells_in_each_line():
    lines = metrics_table(entries(0.1), markdown=True).splitlines()[2:]
    assert len(lines) == 3
    assert len({line.count("|") for line in lines}) == 1
    assert "| 34.13 ± 0.40 |" in lines[2]


def test_no_results_make_an_empty_table():
    assert metrics_table([]).startswith("rate")
