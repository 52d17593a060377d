"""The demo on a small volume and a tiny network."""

import json

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_gan_recon.cli import main
from monai_gan_recon.evaluation import demo
from monai_gan_recon.metrics import METRICS
from monai_gan_recon.networks import UnrolledGenerator
from monai_gan_recon.resources import RECONSTRUCTION, bundle_path

TINY = {
    "network_def#layers": [1, 1],
    "network_def#width": 4,
    "network_def#cascades": 2,
    "network_def#cg_iterations": [5, 5],
}
BUNDLE = bundle_path(RECONSTRUCTION)


@pytest.fixture
def manifest(tmp_path):
    low = torch.rand(1, 1, 5, 4, 5, generator=torch.Generator().manual_seed(0)) * 500 + 100
    volume = torch.nn.functional.interpolate(low, size=(30, 8, 36), mode="trilinear")[0, 0].numpy()
    nib.save(nib.Nifti1Image(np.pad(volume, [(5, 5), (0, 0), (5, 5)]), np.eye(4)), tmp_path / "head.nii.gz")
    content = {"name": "one", "testing": [{"image": "head.nii.gz", "person": "p"}]}
    (tmp_path / "one.json").write_text(json.dumps(content))
    return tmp_path / "one.json"


@pytest.fixture
def weights(tmp_path):
    network = UnrolledGenerator(layers=(1, 1), width=4, stem="pixel_unshuffle", cascades=2, noise_layers=[1] * 4)
    torch.save(network.state_dict(), tmp_path / "model.pt")
    return str(tmp_path / "model.pt")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_demo_writes_all_it_promises(manifest, weights, tmp_path, capsys):
    out = tmp_path / "demo"
    folders = [f"volumes_one_replica_gaussian1d_{rate}_coronal_64x64" for rate in (10, 50)]
    for _ in range(2):  # the second leaves nothing of the first
        text = demo.run_demo(out, BUNDLE, str(manifest), size=[64, 64], weights=weights, **TINY)
    assert [(e["rate"], e["method"]) for e in json.loads((out / "metrics.json").read_text())["results"]] == [
        (0.1, "zero_filled"),
        (0.1, "reconstruction"),
        (0.5, "zero_filled"),
        (0.5, "reconstruction"),
    ]
    assert (out / "demo.png").stat().st_size > 10_000
    assert sorted(path.name for path in out.glob("volumes*")) == folders
    for folder in folders:
        names = sorted(file.name for file in (out / folder).iterdir())
        assert names == [f"head_{what}.nii.gz" for what in ("error", "recon", "zero_filled")]
    assert "50 % of k-space: PSNR" in text
    assert str(out / "demo.png") in text
    printed = capsys.readouterr().out
    assert "reconstruction" in printed
    assert "replaces" not in printed


def result(rate, method, psnr, **changes):
    protocol = {"dataset": "one", "track": "replica", "pattern": "gaussian1d", "size": "whole"}
    protocol |= {"plane": "coronal", "rate": rate, "method": method, **changes}
    return protocol | {name: {"mean": psnr, "ci95": None} for name in METRICS}


def test_gains_are_of_one_rate():
    entries = [result(0.1, "zero_filled", 30.0), result(0.1, "reconstruction", 32.5)]
    entries += [result(0.5, "zero_filled", 40.0), result(0.5, "reconstruction", 43.0)]
    first, second = demo.gains(entries)
    assert "(+2.50 dB)" in first
    assert "BELOW" in first
    assert "(+3.00 dB)" in second
    assert "BELOW" not in second


@pytest.mark.parametrize(("plane", "stays"), [("coronal", False), ("axial", True)])
def test_only_results_of_a_demo_are_removed(tmp_path, plane, stays):
    path = tmp_path / "metrics.json"
    entries = [result(0.1, "zero_filled", 30.0), result(0.5, "zero_filled", 30.0, plane=plane)]
    path.write_text(json.dumps({"results": entries}))
    demo.remove_earlier_demo(path, "one", (0.1, 0.5))
    assert path.exists() == stays
    demo.remove_earlier_demo(tmp_path / "none.json", "one", (0.1,))
    path.write_text("{")
    with pytest.raises(ValueError, match=r"metrics\.json"):
        demo.remove_earlier_demo(path, "one", (0.1,))


def test_figure_row_is_scaled_as_the_full_image(manifest, tmp_path):
    source = tmp_path / "head.nii.gz"
    image = nib.load(source)
    folder = tmp_path / "volumes"
    folder.mkdir()
    nib.save(nib.Nifti1Image(image.get_fdata() * 0.5, image.affine), folder / "head_recon.nii.gz")
    nib.save(image, folder / "head_zero_filled.nii.gz")
    row = demo._figure_row(source, folder, 0.1)
    assert row["reference"].shape == (46, 40)  # height is up-down, width left-right
    assert float(row["reference"].min()) == 0
    assert float(row["reference"].max()) > 0.8
    assert torch.equal(row["zero_filled"], row["reference"])
    torch.testing.assert_close(row["reconstruction"], row["reference"] / 2, rtol=1e-4, atol=1e-5)


def test_command_line_fails_in_one_line(tmp_path, capsys):
    assert main(["demo", "--bundle", str(tmp_path), "--output_dir", str(tmp_path / "out")]) == 1
    line = capsys.readouterr().err
    assert str(tmp_path) in line
    assert line.count("\n") == 1
    assert not (tmp_path / "out").exists()
