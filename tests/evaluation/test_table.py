"""Tables of results."""

from monai_gan_recon.evaluation.table import metrics_table, value_text
from monai_gan_recon.metrics import METRICS


def content(*rates, **changes):
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
    return {"results": [{**protocol, "rate": rate, **counts, **metrics, **changes} for rate in rates]}


def test_values():
    assert value_text({"mean": 34.126, "ci95": 0.4}, ".2f") == "34.13 ± 0.40"
    assert value_text({"mean": 34.126, "ci95": None}, ".2f") == "34.13"
    assert value_text({"mean": None, "ci95": None}, ".2f") == "-"


def test_text_table_is_aligned_under_what_all_share():
    caption, empty, header, rule, line, last = metrics_table(content(0.09375, 0.5)).splitlines()
    assert caption == "a, replica track, gaussian1d, coronal 64x128, 40 slices of 3 people"
    assert empty == ""
    assert set(rule) == {"─"}
    assert line.index("34.13 ± 0.40") == header.index("PSNR [dB]") == last.index("34.13 ± 0.40")
    assert line.split()[:3] == ["9.375", "%", "zero-filled"]
    assert line.split()[-2:] == ["5.0e-01", "-"]
    assert len(line) < 140


def test_what_differs_gets_a_column():
    results = content(0.1)["results"] + content(0.1, track="simulated", snr=20.0, n_people=1)["results"]
    caption, _, header, _, first, second = metrics_table({"results": results}).splitlines()
    assert caption == "a, gaussian1d, coronal 64x128"
    assert header.startswith("track")
    assert first.startswith("replica track")
    assert second.startswith("simulated track (SNR 20)")
    assert "40 slices of 1 person " in second


def test_what_is_not_usual_is_said():
    unusual = {"hermitian": True, "axis": -2, "seed": 4, "min_foreground": 0.25}
    caption = metrics_table(content(0.1, **unusual)).splitlines()[0]
    assert "replica track, Hermitian completion" in caption
    assert "gaussian1d along axis -2, seed 4" in caption
    assert "coronal 64x128, brain on at least 0.25 of each" in caption
    usual = {"hermitian": False, "axis": -1, "seed": 0, "min_foreground": 0.1}
    assert metrics_table(content(0.1, **usual)) == metrics_table(content(0.1))
    simulated = metrics_table(content(0.1, hermitian=True, track="simulated"))
    assert "Hermitian" not in simulated


def test_notes_stand_below_once_each():
    results = content(0.1, notes=["first"])["results"] + content(0.5, notes=["first", "second"])["results"]
    assert metrics_table({"results": results}).splitlines()[-3:] == ["", "- first", "- second"]


def test_markdown_table_has_as_many_cells_in_each_line():
    lines = metrics_table(content(0.1), markdown=True).splitlines()[2:]
    assert len(lines) == 3
    assert len({line.count("|") for line in lines}) == 1
    assert "| 34.13 ± 0.40 |" in lines[2]


def test_no_results_make_an_empty_table():
    assert metrics_table({"results": []}).startswith("rate")
