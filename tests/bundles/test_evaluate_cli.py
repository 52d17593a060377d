"""``run evaluate`` of the bundle on manifests, as users run it."""

import csv
import json

import nibabel as nib
import numpy as np
import pytest
import torch
import yaml

from monai_gan_recon.networks import MagnitudeNetwork, ResNetGenerator

CONFIG = "evaluate.yaml"
METRICS = [
    *("psnr", "ssim", "mse", "rmse", "nmse", "psnr_brain", "ssim_brain"),
    *("kspace_residual", "kspace_residual_complex", "seconds_per_slice"),
]


@pytest.fixture
def evaluate(run_bundle, write_manifest, tmp_path):
    """Evaluate the small manifest on 32 x 32 slices; returns metrics.json and what was printed."""

    def run(*arguments, manifest=None, out="out", run_id=None):
        common = [
            "--datalist",
            manifest or write_manifest(),
            "--size",
            "[32,32]",
            "--plane",
            "coronal",
            "--output_dir",
            tmp_path / out,
        ]
        error, printed = run_bundle(CONFIG, *common, *arguments, run_id=run_id)
        assert error is None, error
        return json.loads((tmp_path / out / "metrics.json").read_text()), printed

    return run


def test_process_from_another_folder(run_process, write_manifest, tmp_path):
    done = run_process(
        CONFIG, "--datalist", write_manifest(), "--size", "[32,32]", "--plane", "coronal", run_id="evaluate"
    )
    assert done.returncode == 0, done.stderr
    results = tmp_path / "elsewhere" / "outputs" / "evaluation"
    assert {"metrics.json"} < {file.name for file in results.iterdir()}
    assert "zero-filled" in done.stdout
    assert [file.name for file in results.iterdir() if file.suffix == ".png"]


def test_results_name_their_protocol_and_all_metrics(evaluate, tmp_path):
    content, printed = evaluate("--rate", 0.25, "--figures", "false", run_id="evaluate")
    zero_filled, reconstruction = content["results"]
    for entry, method in ((zero_filled, "zero_filled"), (reconstruction, "reconstruction")):
        assert entry["method"] == method
        protocol = {key: entry[key] for key in ("dataset", "track", "pattern", "rate", "size", "plane")}
        assert protocol == {
            "dataset": "small",
            "track": "replica",
            "pattern": "gaussian1d",
            "rate": 0.25,
            "size": [32, 32],
            "plane": "coronal",
        }
        assert entry["n_people"] == 2
        assert all(set(entry[name]) == {"mean", "ci95"} for name in METRICS)
    assert reconstruction["kspace_residual_complex"]["mean"] < 1e-4
    assert reconstruction["psnr"] != zero_filled["psnr"]
    assert reconstruction["seconds_per_slice"]["mean"] > 0
    assert {"conventions", "versions"} <= set(content)
    assert len(reconstruction["config_hash"]) == 16
    assert "zero-filled" in printed.out
    (people,) = (tmp_path / "out").glob("people_*.csv")
    with people.open() as stream:
        assert {row["person"] for row in csv.DictReader(stream)} == {"b", "c"}  # testing, not training


def test_same_numbers_each_time_and_results_gather(evaluate):
    first, _ = evaluate("--figures", "false", out="one")
    again, _ = evaluate("--figures", "false", out="two")
    assert [e["psnr"] for e in first["results"]] == [e["psnr"] for e in again["results"]]
    both, _ = evaluate("--figures", "false", "--rate", 0.5, out="two")
    assert [entry["rate"] for entry in both["results"]] == [0.1, 0.1, 0.5, 0.5]
    assert both["results"][0]["config_hash"] != both["results"][2]["config_hash"]
    filtered, _ = evaluate("--figures", "false", "--min_foreground", 0.05, out="two")
    assert len({entry["config_hash"] for entry in filtered["results"]}) == 3


def test_fully_sampled_is_perfect(evaluate):
    content, _ = evaluate("--rate", 1, "--figures", "false", "--size", "null")
    for entry in content["results"]:
        assert entry["size"] == "whole"
        assert entry["nmse"]["mean"] < 1e-9


def test_simulated_track_has_noise(evaluate):
    arguments = ["--rate", 1, "--figures", "false", "--track", "simulated"]
    arguments += ["--use_phase", "false"]
    noisy = [evaluate(*arguments, "--snr", snr, out=str(snr))[0]["results"][0] for snr in (5, 50)]
    assert [entry["snr"] for entry in noisy] == [5, 50]
    assert noisy[1]["psnr"]["mean"] == pytest.approx(noisy[0]["psnr"]["mean"] + 20, abs=1.5)


def test_network_of_magnitudes(evaluate, bundle, tmp_path):
    weights = bundle / "models" / "magnitude.pt"
    override = tmp_path / "magnitude.yaml"
    network = {"_target_": "monai_gan_recon.networks.ResNetGenerator", "layers": [1, 1], "width": 4}
    network["stem"] = "pixel_unshuffle"
    whole = {"_target_": "monai_gan_recon.networks.MagnitudeNetwork", "network": network}
    override.write_text(yaml.safe_dump({"network_def": whole, "hermitian": False}))
    configs = str([str(bundle / "configs" / CONFIG), str(override)])
    content, _ = evaluate("--config_file", configs, "--weights", weights, "--figures", "false")
    reconstruction = content["results"][1]
    assert reconstruction["kspace_residual"]["mean"] > 1e-4
    assert reconstruction["hermitian"] is False


def test_the_form_of_the_paper(evaluate, bundle, tmp_path):
    """As docs/README.md says: systems/gan_resnet50.yaml merged after evaluate.yaml, here with a smaller network."""
    network = MagnitudeNetwork(ResNetGenerator(layers=(1, 1, 1, 1), width=4, stem="imagenet", norm="batch"))
    torch.save(network.state_dict(), tmp_path / "paper.pt")
    configs = [str(bundle / "configs" / name) for name in (CONFIG, "systems/gan_resnet50.yaml")]
    smaller = ["--network_def#network#layers", "[1,1,1,1]", "--network_def#network#width", 4]
    content, _ = evaluate("--config_file", str(configs), "--weights", tmp_path / "paper.pt", *smaller)
    assert [entry["hermitian"] for entry in content["results"]] == [False, False]


def test_volumes_on_request(evaluate, tmp_path):
    evaluate("--figures", "false", "--save_volumes", "true", "--rate", 0.5)
    folder = tmp_path / "out" / "volumes_small_replica_gaussian1d_50_coronal_32x32"
    assert sorted(file.name for file in folder.iterdir()) == [
        f"{case}_{what}.nii.gz" for case in "bc" for what in ("error", "recon", "zero_filled")
    ]
    recon, original = nib.load(folder / "b_recon.nii.gz"), nib.load(tmp_path / "in" / "b.nii.gz")
    assert np.allclose(recon.affine, original.affine, atol=1e-5)
    assert recon.shape == original.shape


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"testing": []}, [], ["testing"]),
        ({"testing": [{"image": "gone.nii.gz", "person": "x"}]}, [], ["gone.nii.gz", "--dataset_dir"]),
        ({"training": [{"image": "b.nii.gz", "person": "b"}]}, [], ["'b'", "training"]),
        ({}, ["--datalist", "nosuchset"], ["nosuchset", "oasis_malc"]),
        ({}, ["--rate", 2], ["rate", "(0, 1]"]),
        ({}, ["--rate", "[0.1,0.5]"], ["rate"]),
        ({}, ["--pattern", "spiral"], ["spiral"]),
        ({}, ["--track", "raw"], ["raw"]),
        ({}, ["--min_foreground", 10], ["min_foreground"]),
        ({}, ["--axis", 1], ["axis"]),
        ({}, ["--snr", 5], ["--snr", "no effect"]),
        ({}, ["--use_phase", "false"], ["--use_phase", "no effect"]),
        ({}, ["--track", "simulated", "--hermitian", "false"], ["--hermitian", "no effect"]),
        ({}, ["--pattern", "poisson", "--axis", "-2"], ["--axis", "no effect"]),
        ({}, ["--ratte", "0.1"], ["--ratte", "rate?"]),
        ({}, ["--figures", "some"], ["figures"]),
    ],
)
def test_bad_input(run_bundle, write_manifest, tmp_path, changes, options, words):
    arguments = {"--datalist": write_manifest(**changes), "--output_dir": tmp_path / "out"}
    arguments |= dict(zip(options[::2], options[1::2], strict=True))
    error, _ = run_bundle(CONFIG, *(part for pair in arguments.items() for part in pair))
    assert isinstance(error, str)
    assert "\n" not in error
    assert all(word in error for word in words)
    assert not (tmp_path / "out").exists()


def test_datalist_that_is_no_json(run_bundle, tmp_path):
    (tmp_path / "list.json").write_text("{")
    error, _ = run_bundle(CONFIG, "--datalist", tmp_path / "list.json", "--output_dir", tmp_path / "out")
    assert "list.json" in error
    assert "\n" not in error


def test_damaged_volume_ends_the_evaluation(run_bundle, write_manifest, tmp_path):
    manifest = write_manifest()
    damaged = manifest.parent / "c.nii.gz"
    damaged.write_bytes(damaged.read_bytes()[:300])
    error, _ = run_bundle(
        CONFIG,
        "--datalist",
        manifest,
        "--size",
        "[32,32]",
        "--plane",
        "coronal",
        "--output_dir",
        tmp_path / "out",
    )
    assert "c.nii.gz" in error
    assert "\n" not in error
    assert not (tmp_path / "out").exists()


def test_a_page_to_look_at_of_each_volume(evaluate, tmp_path):
    evaluate("--reports", "true")
    pages = sorted(file.name for file in (tmp_path / "out").glob("reports_*/*_report.html"))
    assert pages == ["b_report.html", "c_report.html"]
