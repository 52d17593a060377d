"""Scans of volumes: simulated, and of images that are undersampled already."""

import logging

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from monai_gan_recon.data.kspace_scan import LoadKSpaced
from monai_gan_recon.data.scans import AcquiredScan, AcquiredScand, SimulatedScan, SimulatedScand
from monai_gan_recon.io import load_volume
from monai_gan_recon.measurement import fft2c, from_channels, ifft2c, mirror, sampling_mask, unpack
from monai_gan_recon.simulation import Undersample
from monai_gan_recon.transforms import CropPadSlicesd, ScaleMagnituded, SlicesOfPlane
from monai_gan_recon.transforms.phase import WithPhase, WithPhased


@pytest.fixture
def complex_volume(tmp_path):
    """Random complex volume of a shape, read from a file with an affine of the given axis codes."""

    def make(shape=(20, 23, 18), codes="RAS"):
        generator = torch.Generator().manual_seed(0)
        values = torch.randn(shape, dtype=torch.complex64, generator=generator)
        affine = np.zeros((4, 4))
        for column, code in enumerate(codes):
            row, sign = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}[code]
            affine[row, column] = sign
        affine[3, 3] = 1
        nib.save(nib.Nifti1Image(values.numpy(), affine), tmp_path / "v.nii.gz")
        return load_volume(tmp_path / "v.nii.gz")

    return make


@pytest.fixture
def scanned(tmp_path):
    """Function from slices, a mask and options to the block of all slices of the acquired scan."""

    def scan(image, mask, **options):
        np.save(tmp_path / "mask.npy", np.asarray(mask))
        transform = AcquiredScand("image", mask=tmp_path / "mask.npy", **{"noise_std": 0, **options})
        found = transform({"image": image})["scan"]
        return found.block(0, found.size[0])

    return scan


@pytest.mark.parametrize("plane", ["coronal", "axial", "sagittal"])
@pytest.mark.parametrize("codes", ["RAS", "LPI", "SAL", "PIR"])
def test_volume_mask_follows_the_k_space_of_its_file(scanned, complex_volume, plane, codes):
    """Undersampling in the file's orientation and in that of the slices is the same, odd and even sizes."""
    volume = complex_volume(codes=codes)
    through = {"coronal": "AP", "axial": "SI", "sagittal": "RL"}[plane]
    slice_axis = next(i for i, code in enumerate(codes) if code in through)
    in_plane = [i for i in range(3) if i != slice_axis]
    mask = np.random.default_rng(1).random(volume.shape[1:]) < 0.4
    # the file's own 2-D transforms, over the two axes of its slices, zero frequency at n // 2
    slices_first = volume.as_tensor()[0].permute(slice_axis, *in_plane)
    kept = fft2c(slices_first) * torch.from_numpy(mask.transpose(slice_axis, *in_plane).copy())
    zero_filled = ifft2c(kept).permute(*np.argsort([slice_axis, *in_plane]))
    image = SlicesOfPlane(plane)(MetaTensor(zero_filled[None], meta=volume.meta))
    block = scanned(image, mask, use_phase=False)
    torch.testing.assert_close(from_channels(block["zero_filled"]), image.as_tensor()[0])
    assert float(block["mask"].sum()) == mask.sum()


@pytest.mark.parametrize("axis", [-1, -2])
def test_lines_and_slices_are_the_same_mask(scanned, complex_volume, axis):
    image = SlicesOfPlane("coronal")(complex_volume())  # slices of 18 x 20
    lines = np.arange({-1: 20, -2: 18}[axis]) % 3 == 0
    full = np.broadcast_to(lines[None, :] if axis == -1 else lines[:, None], (18, 20))
    from_lines, from_slices = scanned(image, lines, axis=axis), scanned(image, full.astype(np.uint8) * 255)
    assert torch.equal(from_lines["input"], from_slices["input"])
    assert torch.equal(from_lines["mask"][5, 0], torch.from_numpy(full.astype(np.float32)))


def test_phase_is_the_operators_and_the_data_are_those_measured(scanned, complex_volume):
    image = SlicesOfPlane("axial")(complex_volume())
    mask = np.random.default_rng(0).random(image.shape[-2:]) < 0.5
    expected = ifft2c(fft2c(image.as_tensor()[0]) * torch.from_numpy(mask))
    plain, demodulated = scanned(image, mask, use_phase=False), scanned(image, mask)
    assert plain["input"].shape[1] == 4
    torch.testing.assert_close(from_channels(plain["input"][:, :2]), expected)
    data = unpack(demodulated["input"])
    torch.testing.assert_close(from_channels(data.adjoint) * data.maps[:, 0], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(plain["energy"], fft2c(expected).abs().square().sum((-2, -1)), rtol=1e-4, atol=1e-2)


def test_noise_is_in_the_units_of_the_file(tmp_path, complex_volume):
    np.save(tmp_path / "mask.npy", np.random.default_rng(0).random((18, 20)) < 0.5)
    chain = Compose([ScaleMagnituded("image"), AcquiredScand("image", mask=tmp_path / "mask.npy", noise_std=0.8)])
    volume = SlicesOfPlane("coronal")(complex_volume())
    largest = float(volume.abs().max())
    block = chain({"image": volume})["scan"].block(0, 2)
    assert float(block["input"][:, 3].max()) == pytest.approx(0.8 / largest, rel=1e-4)


def test_noise_is_estimated_where_it_is_not_given():
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.linspace(-1, 1, 96), torch.linspace(-1, 1, 96), indexing="ij")
    image = (torch.exp(-4 * (x**2 + y**2)) + 0j).expand(1, 3, 96, 96)
    noise = torch.randn(1, 3, 96, 96, 2, generator=generator)
    mask = torch.rand(1, 96, generator=generator) < 0.5
    mask[:, 36:60] = True
    scan = AcquiredScan(image + 0.05 * torch.view_as_complex(noise), mask.expand(96, 96), noise_std=None)
    assert scan.noise_std == pytest.approx(0.05, rel=0.15)


def test_replica_uses_symmetry(scanned, complex_volume):
    image = SlicesOfPlane("axial")(complex_volume())
    real = MetaTensor(image.as_tensor().real.contiguous(), meta=image.meta)
    mask = torch.from_numpy(np.random.default_rng(0).random(image.shape[-2:]) < 0.3)
    zero_filled = MetaTensor(ifft2c(fft2c(real.as_tensor()) * mask), meta=image.meta)
    block = scanned(zero_filled, mask, track="replica")
    assert torch.equal(block["input"][0, 2].bool(), mask | mirror(mask))
    known = ifft2c(fft2c(real.as_tensor()[0]) * (mask | mirror(mask)))
    torch.testing.assert_close(from_channels(block["input"][:, :2]), known, rtol=1e-4, atol=1e-4)
    plain = scanned(zero_filled, mask, track="replica", hermitian=False)
    assert torch.equal(plain["input"][0, 2].bool(), mask)


def test_magnitude_alone_needs_a_replica_and_a_word(scanned, complex_volume, caplog):
    image = SlicesOfPlane("axial")(complex_volume())
    magnitude = MetaTensor(image.as_tensor().abs(), meta=image.meta)
    mask = np.arange(image.shape[-1]) % 3 == 0
    with pytest.raises(ValueError, match="--phase"):
        scanned(magnitude, mask)
    with caplog.at_level(logging.WARNING, "monai_gan_recon"):
        assert scanned(magnitude, mask, track="replica")["input"].shape[1] == 4
    assert any("magnitudes only" in record.getMessage() for record in caplog.records)


def test_a_mask_of_another_scan_is_told(scanned, complex_volume, caplog):
    image = SlicesOfPlane("axial")(complex_volume())
    with caplog.at_level(logging.WARNING, "monai_gan_recon"):
        scanned(image, np.arange(image.shape[-1]) % 2 == 0)  # of a fully sampled image: half of the energy is outside
    assert any("outside the sampling mask" in record.getMessage() for record in caplog.records)


@pytest.fixture
def head():
    """Complex slice (64, 64) of a few ellipses that have no symmetry."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    image = 1.0 * (x**2 / 0.5 + y**2 / 0.8 < 1) - 0.4 * ((x - 0.2) ** 2 + (y + 0.3) ** 2 < 0.1)
    return image * torch.exp(1j * (0.5 + x - y**2))


TURNS = {
    "turned": lambda mask: mask.T,
    "flipped along the rows (H) fits": lambda mask: mask.flip(0),
    "flipped along the columns (W) about": lambda mask: torch.roll(mask.flip(1), 1, 1),
    "rows and columns fits": lambda mask: mask.flip(0, 1),
    "turned (rows for columns) flipped along the columns (W) fits": lambda mask: mask.T.flip(0),
    "fftshift": lambda mask: torch.fft.ifftshift(mask),
}


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_mask_is_named(head, turn, caplog):
    mask = sampling_mask("gaussian2d", (64, 64), 0.3, seed=3)
    zero_filled = ifft2c(fft2c(head) * mask)[None, None]
    stored = torch.view_as_real(zero_filled / zero_filled.abs().max() * 2047).round()  # 12 bits
    for image in (zero_filled, torch.view_as_complex(stored), zero_filled.roll(5, -1)):
        AcquiredScan(image, mask)
    assert not caplog.records
    AcquiredScan(torch.view_as_complex(stored), TURNS[turn](mask))
    (record,) = caplog.records
    assert turn in record.getMessage()


def test_a_mask_of_raw_kspace_is_looked_at(head, tmp_path, caplog):
    kspace = fft2c(head).to(torch.complex64)
    kspace[3, 60] = 0  # measured to be zero
    np.save(tmp_path / "k.npy", kspace.numpy())
    mask = sampling_mask("gaussian1d", (64, 64), 0.4, seed=0)[0]
    holed = mask.clone()
    holed[32] = False
    for lines, word in ((mask, None), (torch.fft.ifftshift(mask), "fftshift"), (holed, "zero frequency")):
        np.save(tmp_path / "m.npy", lines.numpy())
        caplog.clear()
        load = LoadKSpaced("image", axes="h,w", retrospective=True, mask=tmp_path / "m.npy")
        block = load({"image": tmp_path / "k.npy"})["scan"].block(0, 1)
        assert "target" in block  # it is fully sampled
        assert [word in record.getMessage() for record in caplog.records] == [True] * (word is not None)


@pytest.mark.parametrize(("axes", "lines"), [("coils,h,w", 1), ("slices,h,w", 0)])
def test_slices_taken_for_coils_are_told(head, tmp_path, caplog, axes, lines):
    slices = fft2c(torch.stack([head.roll((9 * n, 7 * n), (0, 1)) for n in range(4)]).to(torch.complex64))
    np.save(tmp_path / "k.npy", slices.numpy())
    LoadKSpaced("image", axes=axes)({"image": str(tmp_path / "k.npy")})
    assert sum("one object" in line for line in caplog.messages) == lines


def test_cropping_does_not_go_with_measured_data(tmp_path, complex_volume):
    np.save(tmp_path / "mask.npy", np.ones(16))
    chain = Compose([CropPadSlicesd("image", [16, 16]), AcquiredScand("image", mask=tmp_path / "mask.npy")])
    with pytest.raises(RuntimeError) as caught:
        chain({"image": SlicesOfPlane("axial")(complex_volume())})
    assert "--size" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("options", "word"),
    [({"track": "simulated"}, "track"), ({"axis": 0}, "axis"), ({"noise_std": -1}, "noise_std"),
     ({"noise_std": float("nan")}, "noise_std"), ({"noise_std": True}, "noise_std")],
)  # fmt: skip
def test_wrong_options(tmp_path, options, word):
    np.save(tmp_path / "mask.npy", np.ones(16))
    with pytest.raises(ValueError, match=word):
        AcquiredScand("image", mask=tmp_path / "mask.npy", **options)


def test_magnitude_and_phase_make_the_complex_image(tmp_path, complex_volume):
    volume = complex_volume()
    angle = torch.angle(volume.as_tensor()[0]).numpy()
    nib.save(nib.Nifti1Image(angle, volume.affine.numpy()), tmp_path / "p.nii.gz")
    magnitude = MetaTensor(volume.as_tensor().abs(), meta=volume.meta)
    combined = WithPhased("image", tmp_path / "p.nii.gz")({"image": magnitude})["image"]
    torch.testing.assert_close(combined.as_tensor(), volume.as_tensor(), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="complex already"):
        WithPhase(tmp_path / "p.nii.gz")(volume)


def test_simulated_blocks_are_the_slices_of_the_volume():
    volume = torch.rand(1, 7, 32, 24, generator=torch.Generator().manual_seed(0))
    options = {"rate": 0.4, "track": "simulated", "snr": 10.0}
    scan = SimulatedScand("image", **options)({"image": volume, "case": "a"})["scan"]
    assert scan.size == (7, 32, 24)
    whole, parts = scan.block(0, 7), [scan.block(0, 3), scan.block(3, 7)]
    for key, value in whole.items():
        torch.testing.assert_close(torch.cat([part[key] for part in parts]), value)
    other = SimulatedScan(volume, Undersample(**options), "b").block(0, 7)
    assert not torch.equal(other["mask"], whole["mask"])


@pytest.mark.parametrize("low", [-1, 0])
@pytest.mark.parametrize("high", [90, 1])
def test_phases_in_degrees_or_scaled_are_refused(tmp_path, complex_volume, low, high):
    volume = complex_volume()
    turn = torch.angle(volume.as_tensor()[0]).numpy() / (2 * np.pi)  # of a turn
    span = (turn - turn.min()) / np.ptp(turn)
    low = low * high
    nib.save(nib.Nifti1Image(low + span * (high - low), volume.affine.numpy()), tmp_path / "p.nii")
    magnitude = MetaTensor(volume.as_tensor().abs(), meta=volume.meta)
    with pytest.raises(ValueError, match=r"p\.nii.*radians"):
        WithPhase(tmp_path / "p.nii")(magnitude)
