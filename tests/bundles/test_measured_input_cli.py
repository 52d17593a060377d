"""``run inference`` of the bundle on what was measured: undersampled images and raw k-space."""

import json
import re

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_gan_recon.measurement import fft2c, ifft2c, sampling_mask

CONFIG = "inference.yaml"


def test_folder_of_raw_data_goes_on_where_one_cannot_be_reconstructed(run_bundle, tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    scans = {
        "a": rng.normal(size=(3, 32, 24)) + 1j,
        "no_centre": (rng.normal(size=(3, 32, 24)) + 1j) * (np.arange(24) % 2),
        "small": rng.normal(size=(3, 32, 12)) + 1j,
    }
    for name, kspace in scans.items():
        np.save(tmp_path / "in" / f"{name}.npy", kspace)
    error, printed = run_bundle(
        CONFIG,
        "--input",
        tmp_path / "in",
        "--axes",
        "coils,h,w",
        "--output_dir",
        tmp_path / "out",
        "--report",
        "False",
    )
    assert error == "2 of 3 volumes failed"
    for name in ("no_centre", "small"):
        assert [line for line in printed.err.splitlines() if f"{name}.npy: " in line]
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"a_recon.json", "a_recon.nii.gz"}


def test_coil_maps_without_a_scale_or_a_number(run_bundle, tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "k.npy", rng.normal(size=(3, 32, 24)) + 1j)
    maps = rng.normal(size=(3, 32, 24)) + 1j * rng.normal(size=(3, 32, 24))
    results = []
    for number, factor in enumerate((1, 1e-30, np.nan)):
        np.save(tmp_path / "maps.npy", maps * factor)
        out = tmp_path / f"out{number}"
        common = [
            "--input",
            tmp_path / "k.npy",
            "--axes",
            "coils,h,w",
            "--report",
            "False",
            "--output_dir",
            out,
        ]
        error, _ = run_bundle(CONFIG, *common, "--maps", tmp_path / "maps.npy")
        results.append(error or nib.load(out / "k_recon.nii.gz").get_fdata())
    np.testing.assert_allclose(results[1], results[0], rtol=1e-3, atol=1e-3 * results[0].max())
    assert "maps.npy" in results[2]


@pytest.fixture
def undersampled(write_nifti):
    """Complex zero-filled volume in axial slices of 26 x 30, its mask (26, 30) and both files."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(5, 26, 30, dtype=torch.complex64, generator=generator) * 300
    mask = sampling_mask("gaussian1d", (26, 30), 0.4, seed=1)
    zero_filled = ifft2c(fft2c(image) * mask)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])  # of axes W, H, N (left, posterior, superior): axial slices as they are
    source = write_nifti("zf.nii.gz", zero_filled.permute(2, 1, 0).numpy(), affine=affine)
    np.save(source.parent / "mask.npy", mask.numpy())
    return source, source.parent / "mask.npy", zero_filled, mask


@pytest.mark.parametrize("form", ["slices", "lines", "volume", "nifti"])
def test_measured_samples_stay_in_complex_input(run_bundle, undersampled, write_nifti, tmp_path, form):
    source, mask_file, zero_filled, mask = undersampled
    if form == "lines":
        np.save(mask_file, mask[0].numpy())
    elif form == "volume":
        np.save(mask_file, np.broadcast_to(mask.T.numpy()[..., None], (30, 26, 5)))
    elif form == "nifti":
        mask_file = write_nifti("mask.nii.gz", mask.numpy().astype(np.uint8))
    arguments = ["--input", source, "--mask", mask_file, "--plane", "axial", "--output_dir", tmp_path / "out"]
    switches = ["--save_kspace_residual", "--save_zero_filled", "--noise_std", 0]
    error, _ = run_bundle(CONFIG, *arguments, *switches, run_id="inference")
    assert error is None
    residual = json.loads((tmp_path / "out" / "zf_kspace_residual.json").read_text())
    assert residual["measured_fraction"] == pytest.approx(float(mask.float().mean()))
    assert residual["kspace_residual_complex"]["max"] < 1e-4
    saved = nib.load(tmp_path / "out" / "zf_zero_filled.nii.gz")
    assert np.allclose(saved.get_fdata().T, zero_filled.abs().numpy(), rtol=1e-4, atol=1e-2)
    recon = nib.load(tmp_path / "out" / "zf_recon.nii.gz")
    assert recon.shape == (30, 26, 5)
    assert np.allclose(recon.affine, nib.load(source).affine)
    assert not np.allclose(recon.get_fdata(), saved.get_fdata(), rtol=0.01)  # the network did something


def test_noisy_samples_may_move(run_bundle, undersampled, tmp_path):
    source, mask_file, _, _ = undersampled
    common = ["--input", source, "--mask", mask_file, "--plane", "axial", "--save_kspace_residual"]
    residuals = []
    for level in (0, 30, 300):
        folder = tmp_path / str(level)
        assert run_bundle(CONFIG, *common, "--noise_std", level, "--output_dir", folder)[0] is None
        content = json.loads((folder / "zf_kspace_residual.json").read_text())
        residuals.append(content["kspace_residual_complex"]["mean"])
    assert residuals[0] < 1e-4 < residuals[1] < residuals[2]


def test_magnitude_with_phase_is_the_complex_image(run_bundle, undersampled, write_nifti, tmp_path):
    source, mask_file, _, _ = undersampled
    image = np.asarray(nib.load(source).dataobj)
    affine = nib.load(source).affine
    magnitude = write_nifti("m.nii.gz", np.abs(image), affine=affine)
    phase = write_nifti("p.nii.gz", np.angle(image), affine=affine)
    common = ["--mask", mask_file, "--plane", "axial", "--output_dir", tmp_path / "out"]
    assert run_bundle(CONFIG, "--input", magnitude, "--phase", phase, *common)[0] is None
    assert run_bundle(CONFIG, "--input", source, *common)[0] is None
    m, c = (nib.load(tmp_path / "out" / f"{name}_recon.nii.gz").get_fdata() for name in ("m", "zf"))
    assert np.allclose(m, c, rtol=0.02, atol=1)  # bfloat16 makes much of rounding


def test_magnitude_alone_only_as_a_replica(run_bundle, undersampled, write_nifti, tmp_path):
    source, mask_file, _, _ = undersampled
    magnitude = write_nifti("m.nii.gz", np.abs(np.asarray(nib.load(source).dataobj)), affine=nib.load(source).affine)
    arguments = [
        "--input",
        magnitude,
        "--mask",
        mask_file,
        "--plane",
        "axial",
        "--output_dir",
        tmp_path / "out",
    ]
    error, _ = run_bundle(CONFIG, *arguments)
    assert "--phase" in error
    assert not (tmp_path / "out").exists()
    assert run_bundle(CONFIG, *arguments, "--track", "replica")[0] is None
    assert (tmp_path / "out" / "m_recon.nii.gz").exists()


def test_raw_kspace_as_measured_and_undersampled(run_bundle, tmp_path):
    """Four coils of known sensitivities in a file of arrays: the image comes back, and nearly so from half of it."""
    height, width = 48, 40
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    image = 1.0 * ((y / 0.7) ** 2 + (x / 0.6) ** 2 < 1) + 0.5 * (y**2 + (x - 0.1) ** 2 < 0.1)
    maps = np.stack([np.exp(-((y - v) ** 2) - (x - u) ** 2) for v, u in ((-1, 0), (1, 0), (0, -1), (0, 1))])
    rng = np.random.default_rng(0)
    noise = 0.01 * (rng.normal(size=maps.shape) + 1j * rng.normal(size=maps.shape))
    kspace = (fft2c(torch.from_numpy(maps * image)).numpy() + noise).astype(np.complex64)
    np.save(tmp_path / "scan.npy", kspace)
    common = ["--input", tmp_path / "scan.npy", "--axes", "coils,h,w", "--save_kspace_residual"]
    assert run_bundle(CONFIG, *common, "--output_dir", tmp_path / "full")[0] is None
    half = [
        "--retrospective",
        "true",
        "--rate",
        0.6,
        "--save_error_map",
        "true",
        "--save_zero_filled",
        "true",
    ]
    assert run_bundle(CONFIG, *common, *half, "--output_dir", tmp_path / "half")[0] is None
    reference = image * np.linalg.norm(maps, axis=0)
    full = nib.load(tmp_path / "full" / "scan_recon.nii.gz").get_fdata()[0]
    assert np.corrcoef(full.ravel(), reference.ravel())[0, 1] > 0.98  # the tiny network has random weights
    residual = json.loads((tmp_path / "half" / "scan_kspace_residual.json").read_text())
    assert residual["measured_fraction"] == pytest.approx(0.6)
    assert sorted(file.name for file in (tmp_path / "half").iterdir()) == [
        f"scan_{what}"
        for what in (
            "error.nii.gz",
            "kspace_residual.json",
            "preview.png",
            "recon.json",
            "recon.nii.gz",
            "report.html",
            "zero_filled.nii.gz",
        )
    ]
    page = (tmp_path / "half" / "scan_report.html").read_text()
    assert "as measured" not in re.search("Pattern.*?</tr>", page)[0]
    assert float(re.search(r"Acceleration R</th><td>([\d.]+)", page)[1]) == pytest.approx(1 / 0.6, rel=1e-3)
