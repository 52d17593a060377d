"""The subcommand ``report``: a page of files, with scores where there is a reference."""

import json
import re

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_gan_recon import cli
from monai_gan_recon.metrics import brain_mask, psnr_brain


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in (32, 30, 20)), indexing="ij")
    full = (400 * (x**2 + y**2 + z**2 < 0.8) * (1 - 0.1 * x**2)).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 20, full.shape).astype(np.float32)
    volumes = {"full": full, "recon": np.abs(full + noise), "labels": (full > 0).astype(np.uint8)}
    for name, volume in volumes.items():
        nib.save(nib.Nifti1Image(volume, np.diag([2.0, 2.0, 3.0, 1.0])), f"{name}.nii.gz")
    nib.save(nib.Nifti1Image(full, np.diag([2.0, 2.0, 2.5, 1.0])), "other.nii.gz")
    return volumes


def test_page_with_reference_and_labels(files, tmp_path):
    words = ["report", "recon.nii.gz", "pages", "--reference", "full.nii.gz", "--labels", "labels.nii.gz"]
    assert cli.main([*words, "--plane", "axial"]) == 0
    text = (tmp_path / "pages" / "recon_report.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])
    assert set(data["layers"]) == {"reconstruction", "reference", "difference"}
    assert data["count"] == 20
    assert data["labels"]
    image, full = (torch.from_numpy(files[name] / 400).permute(2, 0, 1)[:, None] for name in ("recon", "full"))
    brain = brain_mask(full)
    inside = psnr_brain(image, full, brain)[brain.float().mean(dim=(1, 2, 3)) >= 0.1].mean()
    shown = re.search(r"PSNR inside \[dB\]</th><td>([\d.]+)", text)[1]
    assert float(shown) == pytest.approx(float(inside), abs=0.02)
    assert (tmp_path / "pages" / "recon_preview.png").is_file()


def test_a_page_is_not_replaced_unasked(files, tmp_path, capsys):
    assert cli.main(["report", "recon.nii.gz"]) == 0
    before = (tmp_path / "recon_report.html").read_bytes()
    assert cli.main(["report", "recon.nii.gz", "--labels", "labels.nii.gz"]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "recon_report.html").read_bytes() == before
    assert cli.main(["report", "recon.nii.gz", "--labels", "labels.nii.gz", "--overwrite"]) == 0
    assert (tmp_path / "recon_report.html").read_bytes() != before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["recon.nii.gz", "--reference", "other.nii.gz"], "other.nii.gz"),
        (["recon.nii.gz", "--labels", "none.nii.gz"], "none.nii.gz"),
        (["gone.nii.gz"], "gone.nii.gz"),
    ],
)
def test_what_does_not_fit_is_refused(files, tmp_path, capsys, words, said):
    assert cli.main(["report", *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not list(tmp_path.glob("*.html"))
