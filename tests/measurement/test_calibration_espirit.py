import time

import numpy as np
import pytest
import torch
from calibration_scans import SIZE, object_, signal, white

from monai_gan_recon.measurement import fft2c, sampling_mask
from monai_gan_recon.measurement.espirit import coil_doubt, espirit_maps
from monai_gan_recon.simulation.coils import biot_savart_maps


def projection_error(maps, size=SIZE):
    """Share of the true coil images, in the object, that the maps cannot express."""
    images = biot_savart_maps(size, maps.shape[-3])
    images = images / torch.linalg.vector_norm(images, dim=0) * object_(size)
    left = images - maps * (maps.conj() * images).sum(-3, keepdim=True)
    return float(left.norm() / images.norm())


@pytest.mark.parametrize(
    ("pattern", "rate", "snr", "bar"),
    [
        ("gaussian1d", 1.0, 1000, 0.01),
        ("gaussian1d", 0.4, 1000, 0.01),
        ("gaussian1d", 0.25, 30, 0.02),
        ("gaussian1d", 0.15, 30, 0.03),
        ("poisson", 0.25, 10, 0.03),
        ("gaussian1d", 0.4, 5, 0.05),
    ],
)
def test_maps_span_the_true_sensitivities(pattern, rate, snr, bar):
    mask = sampling_mask(pattern, SIZE, rate, seed=0)
    std = 0.5 / snr
    maps = espirit_maps((signal(8) + white(8, *SIZE, std=std)) * mask, mask[None], noise_std=std)
    assert projection_error(maps) < bar
    norm = torch.linalg.vector_norm(maps, dim=0)
    assert ((norm - 1).abs().minimum(norm) < 1e-4).all()  # unit norm, or cropped
    assert (norm[object_().abs() > 0.1] > 0.5).float().mean() > 0.998
    assert (norm == 0).float().mean() > 0.02


def test_noise_std_saves_the_maps_of_a_noisy_scan():
    mask = torch.ones(1, *SIZE, dtype=torch.bool)
    scan = signal(8) + white(8, *SIZE, std=0.15)
    assert projection_error(espirit_maps(scan, mask, noise_std=0.15)) < 0.07
    assert projection_error(espirit_maps(scan, mask)) > 0.1


def test_same_maps_as_sigpy_and_faster(data_dir):
    app = pytest.importorskip("sigpy.mri.app")
    content = np.fromfile(data_dir / "kspace/brain_8ch_full.cfl", np.complex64).reshape((8, 180, 230))
    kspace = np.ascontiguousarray(content.transpose(0, 2, 1))
    begin = time.process_time()
    theirs = app.EspiritCalib(kspace, calib_width=24, kernel_width=5, crop=0.8, show_pbar=False).run()
    between = time.process_time()
    scan, mask = torch.from_numpy(kspace), torch.ones(1, 1, 1, dtype=torch.bool)
    ours = espirit_maps(scan, mask, largest=24)
    assert time.process_time() - between < 0.7 * (between - begin)
    theirs = torch.from_numpy(theirs)
    inside = (theirs.abs().sum(0) > 0) & (ours.abs().sum(0) > 0)
    assert (inside != (theirs.abs().sum(0) > 0)).float().mean() < 0.001
    overlap = (ours.conj() * theirs).sum(0).abs()[inside]
    assert float((1 - overlap).mean()) < 1e-4  # sigpy's 100 power iterations are the less converged
    assert float((1 - overlap).quantile(0.99)) < 1e-5


@pytest.mark.parametrize("rate", [1.0, 0.25])
@pytest.mark.parametrize("coils", [2, 8, 24])
@pytest.mark.parametrize("snr", [1000, 10])
def test_coils_of_one_object_are_told_from_slices(coils, rate, snr):
    mask = sampling_mask("gaussian1d", SIZE, rate, seed=0)[None]
    noise = white(coils, *SIZE, std=0.5 / snr)
    assert not coil_doubt((signal(coils) + noise) * mask, mask)
    slices = [object_().roll((5 * n, -7 * n), (0, 1)) for n in range(coils)]
    assert coil_doubt((fft2c(torch.stack(slices)) + noise) * mask, mask)


def test_nothing_to_tell_of_one_coil_or_without_a_centre():
    mask = torch.zeros(1, *SIZE, dtype=torch.bool)
    mask[..., ::4] = True
    assert coil_doubt(signal(1), torch.ones_like(mask)) is None
    assert coil_doubt(signal(4) * mask, mask) is None


def test_each_slice_has_its_maps_and_its_mask():
    masks = torch.stack([sampling_mask("gaussian1d", SIZE, rate, seed=0) for rate in (0.3, 0.5)])[:, None]
    scans = torch.stack([signal(4), 2 * signal(4).roll(1, -2)]) * masks
    together = espirit_maps(scans, masks)
    for scan, mask, maps in zip(scans, masks, together, strict=True):
        torch.testing.assert_close(espirit_maps(scan, mask), maps)


@pytest.mark.parametrize("size", [(64, 5), (5, 64), (0, 0)])
def test_too_small_a_centre_is_refused(size):
    mask = torch.zeros(SIZE, dtype=torch.bool)
    top, left = (n // 2 - m // 2 for n, m in zip(SIZE, size, strict=True))
    mask[top : top + size[0], left : left + size[1]] = True
    with pytest.raises(ValueError, match="--maps"):
        espirit_maps(signal(4) * mask, mask[None])


def test_cache_gives_the_same_maps_and_damage_is_repaired(tmp_path, monkeypatch):
    mask = torch.ones(1, *SIZE, dtype=torch.bool)
    scan = signal(4)
    first = espirit_maps(scan, mask, cache_dir=tmp_path / "new" / "folder")
    (file,) = (tmp_path / "new" / "folder").iterdir()
    kept = file.read_bytes()

    def never(*args, **kwargs):
        raise AssertionError("the cache was not used")

    with monkeypatch.context() as patch:
        patch.setattr("monai_gan_recon.measurement.espirit._slice_maps", never)
        torch.testing.assert_close(espirit_maps(scan, mask, cache_dir=file.parent), first, rtol=0, atol=0)
        changed = dict.fromkeys(("crop", "threshold", "noise_std"), 0.1)
        for name, value in changed.items():
            with pytest.raises(AssertionError):
                espirit_maps(scan, mask, cache_dir=file.parent, **{name: value})
        with pytest.raises(AssertionError):
            espirit_maps(scan * 1.001, mask, cache_dir=file.parent)
    middle = len(kept) // 2
    flipped = kept[:middle] + bytes([kept[middle] ^ 0xFF]) + kept[middle + 1 :]
    for damage in (b"", kept[: len(kept) // 2], flipped, b"PK nothing"):
        file.write_bytes(damage)
        torch.testing.assert_close(espirit_maps(scan, mask, cache_dir=file.parent), first)
        assert file.read_bytes() == kept or len(file.read_bytes()) == len(kept)
    assert [f.name for f in file.parent.iterdir()] == [file.name]
