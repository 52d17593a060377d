import pytest
import torch
from calibration_scans import signal, white

from monai_gan_recon.measurement import fft2c, ifft2c, sampling_mask
from monai_gan_recon.measurement.coils import (
    calibration_region,
    compress_coils,
    interpolate_centre,
    principal_coils,
    remove_readout_oversampling,
)


@pytest.mark.parametrize(("height", "factor"), [(128, 2), (126, 2), (125, 1.25), (96, 1)])
def test_readout_oversampling_is_cropped_about_the_centre(height, factor):
    kept = round(height / factor)
    image = torch.zeros(2, height, 40, dtype=torch.complex64)
    start = height // 2 - kept // 2
    image[:, start : start + kept] = white(2, kept, 40)
    result = remove_readout_oversampling(fft2c(image), factor)
    torch.testing.assert_close(ifft2c(result), image[:, start : start + kept], atol=1e-5, rtol=0)
    assert image[0, height // 2, 20] == image[0, start + kept // 2, 20]  # the centre stays the centre


def test_readout_oversampling_leaves_white_noise_white_and_as_strong():
    noise = white(64, 128, 32, std=0.7)
    result = remove_readout_oversampling(noise)
    assert float(result.real.std()) == pytest.approx(0.7, rel=0.01)
    shifted = (result[:, 1:] * result[:, :-1].conj()).mean()
    assert abs(shifted) < 0.02


@pytest.mark.parametrize("factor", [0.5, 0, 1000])
def test_readout_oversampling_factor_is_checked(factor):
    with pytest.raises(ValueError, match="oversampling"):
        remove_readout_oversampling(white(1, 64, 64), factor)


def test_compression_is_unitary_ordered_and_keeps_the_energy():
    size = (64, 60)
    scan = torch.stack([signal(32, size), signal(32, size).roll(3, -1)])
    compressed, matrix = compress_coils(scan, 8)
    assert compressed.shape == (2, 8, *size)
    assert matrix.shape == (8, 32)
    torch.testing.assert_close(matrix @ matrix.mH, torch.eye(8, dtype=torch.complex64), atol=1e-5, rtol=0)
    energy = compressed.abs().square().sum((0, 2, 3))
    assert (energy.diff() <= 0).all()
    assert float(energy.sum() / scan.abs().square().sum()) > 0.995
    best = torch.linalg.svdvals(scan.movedim(1, 0).flatten(1))[:8].square().sum()
    torch.testing.assert_close(energy.sum(), best, rtol=1e-4, atol=0)
    noise = matrix @ white(32, 40_000)
    assert (noise @ noise.mH / noise.shape[1] / 2 - torch.eye(8)).abs().max() < 0.03


def test_one_coil_is_not_touched():
    scan = white(2, 1, 16, 16)
    compressed, matrix = compress_coils(scan)
    assert matrix == 1
    torch.testing.assert_close(compressed, scan)
    with pytest.raises(ValueError, match="coils"):
        compress_coils(scan, 0)


def test_principal_coils_rotate_without_loss():
    scan = signal(4, (32, 32))
    matrix = principal_coils(scan)
    rotated = torch.einsum("vc,chw->vhw", matrix, scan).flatten(1)
    gram = rotated @ rotated.mH
    assert (gram - torch.diag(gram.diagonal())).abs().max() < 1e-4 * gram.abs().max()


@pytest.mark.parametrize(
    ("rows", "columns", "size"),
    [
        ((0, 64), (27, 38), (64, 65)),
        ((20, 44), (26, 38), (64, 64)),
        ((0, 33), (0, 31), (33, 31)),
        ((16, 17), (14, 16), (33, 31)),
    ],
)
def test_calibration_region_is_the_sampled_rectangle(rows, columns, size):
    mask = torch.zeros(size, dtype=torch.bool)
    mask[slice(*rows), slice(*columns)] = True
    mask[::7, ::5] = True
    region = calibration_region(mask)
    sizes = [s.stop - s.start for s in region]
    assert [s.start for s in region] == [n // 2 - m // 2 for n, m in zip(size, sizes, strict=True)]
    assert mask[region].all()
    assert sizes[0] * sizes[1] == _largest(mask)


def _largest(mask):
    height, width = mask.shape
    return max(
        rows * columns
        for rows in range(1, height + 1)
        for columns in range(1, width + 1)
        if mask[height // 2 - rows // 2 :, width // 2 - columns // 2 :][:rows, :columns].all()
    )


def test_calibration_region_of_points_limits_and_nothing():
    mask = sampling_mask("poisson", (96, 80), 0.2, seed=0)
    rows, columns = calibration_region(mask)
    assert mask[rows, columns].all()
    assert (rows.stop - rows.start) * (columns.stop - columns.start) == _largest(mask)
    limited = calibration_region(torch.ones(3, 96, 80, dtype=torch.bool), (24, 16))
    assert limited == (slice(36, 60), slice(32, 48))
    other = torch.ones(2, 96, 80, dtype=torch.bool)
    other[1, :, :30] = False  # the region that all masks sample
    assert calibration_region(other)[1].start >= 30
    assert calibration_region(torch.zeros(96, 80, dtype=torch.bool)) == (slice(48, 48), slice(40, 40))


@pytest.mark.parametrize(("size", "small"), [((48, 40), (12, 10)), ((33, 47), (7, 8))])
def test_interpolating_a_centre_is_the_padded_transform(size, small):
    centre = white(2, *small)
    padded = torch.zeros(2, *size, dtype=torch.complex64)
    top, left = (n // 2 - m // 2 for n, m in zip(size, small, strict=True))
    padded[:, top : top + small[0], left : left + small[1]] = centre
    expected = ifft2c(padded) * (size[0] * size[1]) ** 0.5
    torch.testing.assert_close(interpolate_centre(centre, size), expected, atol=1e-4, rtol=1e-4)
