"""``run evaluate`` of the tissue segmentation bundle on a small manifest."""

import csv
import json

import numpy as np
import pytest
import torch
from brain_phantom import LAS, write_manifest

CONFIG = "evaluate.yaml"


def test_scores_files_and_methods_gather(run_bundle, tmp_path):
    arguments = ["--datalist", write_manifest(tmp_path), "--output_dir", tmp_path / "out"]
    error, printed = run_bundle(CONFIG, *arguments, "--save_labels", "True", run_id="evaluate")
    assert error is None
    assert "mean Dice" in printed.out
    content = json.loads((tmp_path / "out" / "metrics.json").read_text())
    (result,) = content["results"]
    assert (result["dataset"], result["method"], result["n_people"], result["n_scans"]) == (
        "phantoms",
        "network",
        1,
        1,
    )
    assert result["mean_dice"]["mean"] > 0.99
    assert result["dice"]["gm"]["ci95"] is None  # of one person
    assert abs(result["volume_difference_ml"]["wm"]["mean"]) < 0.1
    assert result["hd95_mm"]["csf"]["mean"] <= 1
    assert {"conventions", "versions"} <= set(content)
    with (tmp_path / "out" / "cases_phantoms_network.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert (row["person"], row["case"]) == ("testing", "testing")
    assert float(row["dice_wm"]) == pytest.approx(result["dice"]["wm"]["mean"], abs=1e-5)
    assert (tmp_path / "out" / "labels_phantoms_network" / "testing_tissues.nii.gz").exists()

    for more in ([], [], ["--contrast", "t2"]):
        error, _ = run_bundle(CONFIG, *arguments, "--method", "mixture", "--bias_field", "True", *more)
        assert error is None
    results = json.loads((tmp_path / "out" / "metrics.json").read_text())["results"]
    assert [(entry["method"], entry["contrast"], entry["bias_field"]) for entry in results] == [
        ("network", None, False),
        ("mixture", "t1", True),
        ("mixture", "t2", True),
    ]
    for name in ("mixture_bias_field", "mixture_t2_bias_field"):
        assert (tmp_path / "out" / f"cases_phantoms_{name}.csv").exists()


def test_another_section(run_bundle, tmp_path):
    arguments = [
        "--datalist",
        write_manifest(tmp_path),
        "--output_dir",
        tmp_path / "out",
        "--method",
        "mixture",
    ]
    for section in ("testing", "validation"):
        error, _ = run_bundle(CONFIG, *arguments, "--section", section)
        assert error is None
    results = json.loads((tmp_path / "out" / "metrics.json").read_text())["results"]
    assert [result["dataset"] for result in results] == ["phantoms", "phantoms_validation"]
    with (tmp_path / "out" / "cases_phantoms_validation_mixture.csv").open() as stream:
        assert [row["person"] for row in csv.DictReader(stream)] == ["validation"]


def test_a_tissue_that_neither_has_is_absent(run_bundle, bundle, tmp_path):
    """Labels and segmentation without CSF: no score of it, and none in the mean."""
    manifest = write_manifest(tmp_path, spoil=lambda labels: (np.where(labels == 1, 2, labels), LAS))
    weights = torch.load(bundle / "models" / "model.pt", weights_only=True)
    weights["bias"][1] = -99  # never CSF
    torch.save(weights, tmp_path / "model.pt")
    arguments = ["--datalist", manifest, "--output_dir", tmp_path / "out", "--weights", tmp_path / "model.pt"]
    error, printed = run_bundle(CONFIG, *arguments)
    assert error is None
    assert "replaces" not in printed.out
    (result,) = json.loads((tmp_path / "out" / "metrics.json").read_text())["results"]
    assert result["dice"]["csf"]["mean"] is None
    assert result["dice"]["csf"]["n"] == 0
    _, printed = run_bundle(CONFIG, *arguments[:-2])
    assert "weights: phantoms_network" in printed.out
    assert result["mean_dice"]["mean"] == pytest.approx(
        np.mean([result["dice"][tissue]["mean"] for tissue in ("gm", "wm")]), abs=1e-6
    )


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda labels: (labels[:-1], LAS), ["testing_labels.nii.gz", "39 x 44 x 36", "40 x 44 x 36"]),
        (lambda labels: (labels, np.diag([-1, 1, 1.5, 1])), ["testing_labels.nii.gz", "affine"]),
        (lambda labels: (np.where(labels == 3, 4, labels), LAS), ["testing_labels.nii.gz", "value 4"]),
        (lambda labels: (np.where(labels == 3, 2.5, labels).astype(np.float32), LAS), ["value 2.5"]),
    ],
)
def test_labels_that_do_not_fit(run_bundle, tmp_path, spoil, words):
    manifest = write_manifest(tmp_path, spoil=spoil)
    error, _ = run_bundle(CONFIG, "--datalist", manifest, "--output_dir", tmp_path / "out")
    assert isinstance(error, str)
    assert "\n" not in error
    assert all(word in error for word in words), error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--datalist", "ds002748"], ["ds002748"]),
        (["--section", "tested"], ["unknown section 'tested'", "validation"]),
        (["--section", "validation"], ["no validation entries"]),
        (["--datalist", "nosuchset"], ["nosuchset", "oasis_malc_manual"]),
        (["--save_labels", "some"], ["--save_labels"]),
        (["--contrast", "t2"], ["contrast", "--method mixture"]),
    ],
)
def test_bad_options(run_bundle, tmp_path, options, words):
    error, _ = run_bundle(CONFIG, "--output_dir", tmp_path / "out", *options)
    assert isinstance(error, str)
    assert all(word in error for word in words), error
    assert not (tmp_path / "out").exists()


def test_other_metrics_in_the_folder(run_bundle, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "metrics.json").write_text('{"results": [], "conventions": {}}')
    error, _ = run_bundle(CONFIG, "--datalist", write_manifest(tmp_path), "--output_dir", tmp_path / "out")
    assert "metrics.json" in error
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["metrics.json"]
