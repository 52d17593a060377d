"""Result files of the paired evaluation: absent and infinite values, accumulation, refusal of other files."""

import csv
import json
import math

import pytest

from monai_gan_recon.engines.config_hash import options_hash
from monai_gan_recon.evaluation.metrics_file import PAIRED, RECONSTRUCTION, TISSUES, paired_stem
from monai_gan_recon.evaluation.paired.protocol import (
    ScanScores,
    files_stamp,
    write_scores,
)
from monai_gan_recon.evaluation.statistics import SegmentationRow
from monai_gan_recon.evaluation.tables import paired_table
from monai_gan_recon.metrics.segmentation import SEGMENTATION_METRICS

PROTOCOL = {
    "dataset": "phantoms",
    "track": "replica",
    "pattern": "gaussian1d",
    "rate": 0.1,
    "size": None,
    "plane": "coronal",
    "segmentation": "mixture",
    "config_hash": "a",
}


def row(method="zero_filled", **of_tissue):
    values = {"csf": math.nan, "gm": 0.5, "wm": 0.75, **of_tissue}
    scores = {metric: dict(values) for metric in SEGMENTATION_METRICS}
    scores["hd95_mm"]["wm"] = math.inf
    return SegmentationRow("anna", "scan", method, "original", scores)


def entry(folder, **changes):
    rows = [row(), row("reconstruction", gm=0.75)]
    return write_scores(PROTOCOL | changes, [ScanScores(rows, 0.09)], folder)


def test_csv_is_empty_where_absent_and_says_inf(tmp_path):
    write_scores(PROTOCOL, [ScanScores([row()], 0.09)], tmp_path)
    with (tmp_path / f"people_{paired_stem(PROTOCOL)}.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    assert (line["dice_csf"], line["dice_gm"], line["hd95_mm_wm"]) == ("", "0.5", "inf")
    assert (line["person"], line["n_scans"], line["against"]) == ("anna", "1", "original")


def test_json_has_null_and_counts(tmp_path):
    PAIRED.add(tmp_path / "metrics.json", [entry(tmp_path)])
    content = json.loads((tmp_path / "metrics.json").read_text(), parse_constant=pytest.fail)
    (result,) = content["results"]
    zero_filled, reconstruction = result["scores"]
    assert zero_filled["dice"]["csf"] == {"mean": None, "ci95": None, "n": 0, "n_infinite": 0}
    assert zero_filled["hd95_mm"]["wm"] == {"mean": None, "ci95": None, "n": 0, "n_infinite": 1}
    assert reconstruction["dice"]["gm"]["mean"] == 0.75
    assert result["paired_differences"][0]["dice"]["gm"]["mean"] == 0.25
    assert (result["n_people"], result["n_scans"], result["sampled_fraction"]) == (1, 1, 0.09)
    assert set(content) == {"results", "conventions", "versions"}
    assert (tmp_path / "people_phantoms_replica_gaussian1d_10_coronal_whole_mixture.csv").is_file()


def test_protocols_accumulate_and_reruns_replace(tmp_path, capsys):
    path = tmp_path / "metrics.json"
    for changes in (
        {},
        {"rate": 0.5},
        {"segmentation": "network"},
        {"n": 2},
        {"segmentation_options": {"contrast": "t2"}},
    ):
        PAIRED.add(path, [entry(tmp_path, **changes)])
    results = PAIRED.results(path)
    assert [(r["rate"], r["segmentation"]) for r in results] == [
        (0.5, "mixture"),
        (0.1, "network"),
        (0.1, "mixture"),
        (0.1, "mixture"),
    ]
    assert capsys.readouterr().out == ""
    PAIRED.add(path, [entry(tmp_path, config_hash="b")])
    assert paired_stem(PROTOCOL) in capsys.readouterr().out


@pytest.mark.parametrize("text", ["{", "[]", '{"results": [{"method": "x"}], "conventions": {}}', '{"results": []}'])
def test_other_files_are_not_overwritten(tmp_path, text):
    path = tmp_path / "metrics.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="--output_dir"):
        PAIRED.add(path, [{**PROTOCOL, "scores": [], "paired_differences": []}])
    assert path.read_text() == text


def test_other_conventions_are_not_mixed(tmp_path):
    path = tmp_path / "metrics.json"
    PAIRED.add(path, [entry(tmp_path)])
    content = json.loads(path.read_text())
    content["conventions"]["dice"] = "otherwise"
    path.write_text(json.dumps(content))
    for kind in (PAIRED, TISSUES, RECONSTRUCTION):
        with pytest.raises(ValueError, match="--output_dir"):
            kind.results(path)


def test_table_names_absent_and_infinite(tmp_path):
    text = paired_table([entry(tmp_path)])
    lines = [line for line in text.splitlines() if "10 %" in line]
    assert len(lines) == 3 * 3  # two methods and their difference, three metrics
    assert lines[0].split()[-3:] == ["-", "0.5000", "0.7500"]
    assert "reconstruction - zero-filled" in lines[2]
    assert "+0.2500" in lines[2]
    assert "- (1 infinite)" in lines[3]
    assert paired_table([entry(tmp_path)], ["dice"]).count("10 %") == 3


def test_cache_gives_back_what_it_got_for_the_same_options_only(tmp_path):
    file = tmp_path / "scans" / "scan.json"
    assert ScanScores.load(file, "x") is None
    ScanScores([row()], 0.25).save(file, "x")
    found = ScanScores.load(file, "x")
    assert found.sampled_fraction == 0.25
    (back,) = found.rows
    assert math.isnan(back.scores["dice"]["csf"])
    assert back.scores["hd95_mm"]["wm"] == math.inf
    assert (back.person, back.method, back.scores["dice"]["gm"]) == ("anna", "zero_filled", 0.5)
    assert ScanScores.load(file, "y") is None
    file.write_text("[1]")
    assert ScanScores.load(file, "x") is None  # damaged: made again


def test_hash_sees_values_and_bytes(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"1")
    first, stamp = options_hash({"rate": 0.1}, file), files_stamp([str(file)])
    assert first == options_hash({"rate": 0.1}, file)
    assert first != options_hash({"rate": 0.2}, file)
    file.write_bytes(b"22")
    assert first != options_hash({"rate": 0.1}, file)
    assert stamp != files_stamp([str(file)])
