"""Tables of results."""

from monai_gan_recon.evaluation.table import metrics_table, value_text
from monai_gan_recon.metrics import METRICS


def content():
    metrics = {name: {"mean": 0.5, "ci95": None} for name in METRICS}
    metrics["psnr"] = {"mean": 34.126, "ci95": 0.4}
    metrics["seconds_per_slice"] = {"mean": None, "ci95": None}
    protocol = {
        "dataset": "a",
        "track": "replica",
        "pattern": "gaussian1d",
        "rate": 0.09375,
        "size": [64, 128],
    }
    counts = {"plane": "coronal", "method": "zero_filled", "n_people": 3, "n_slices": 40}
    return {"results": [{**protocol, **counts, **metrics}]}


def test_values():
    assert value_text({"mean": 34.126, "ci95": 0.4}, ".2f") == "34.13 ± 0.40"
    assert value_text({"mean": 34.126, "ci95": None}, ".2f") == "34.13"
    assert value_text({"mean": None, "ci95": None}, ".2f") == "-"


def test_text_table_is_aligned():
    header, rule, line = metrics_table(content()).splitlines()
    assert set(rule) == {"─"}
    assert line.index("34.13 ± 0.40") == header.index("PSNR [dB]")
    for text in ("9.375 %", "64x128", "3 / 40", "zero-filled"):
        assert text in line


def test_markdown_table_has_as_many_cells_in_each_line():
    lines = metrics_table(content(), markdown=True).splitlines()
    assert len(lines) == 3
    assert len({line.count("|") for line in lines}) == 1
    assert "| 34.13 ± 0.40 |" in lines[2]
