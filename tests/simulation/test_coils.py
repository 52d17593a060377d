"""Coil sensitivities: a loop's field on its axis, symmetry of the ring, compression, files."""

import numpy as np
import pytest
import torch
from scipy.io import savemat

from monai_gan_recon.simulation import biot_savart_maps, measured_maps, random_maps
from monai_gan_recon.simulation.coils import perturbed


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_field_on_a_loops_axis():
    """B ~ R^2 / (R^2 + d^2)^(3/2), along the axis: an even ring of one loop, radius 0.55, at 1.35 in front of row 1."""
    maps = biot_savart_maps((24, 24), 1)[0]
    axis = torch.linspace(-1, 1, 24)
    wanted = (0.55**2 + (1.35 - axis) ** 2) ** -1.5
    found = maps[:, 11:13].mean(dim=1)  # the two columns beside the axis
    ratio = found.abs() / wanted
    torch.testing.assert_close(ratio, ratio[-1:].expand(24), rtol=0.01, atol=0)
    assert found.imag.abs().max() < 0.01 * found.abs().max()


@pytest.mark.parametrize("size", [(64, 64), (33, 47)])
def test_an_even_ring_is_symmetric(size):
    maps = biot_savart_maps(size, 4)
    assert maps.shape == (4, *size)
    assert torch.linalg.vector_norm(maps, dim=0).max().item() == pytest.approx(1)
    torch.testing.assert_close(maps[2].abs(), maps[0].abs().flip(0, 1), rtol=1e-3, atol=1e-4)
    if size[0] == size[1]:
        torch.testing.assert_close(maps[1].abs(), maps[0].abs().rot90(1), rtol=1e-3, atol=1e-4)
    strongest = maps[0].abs().amax(dim=1).argmax()
    assert strongest in (0, size[0] - 1)
    assert not torch.equal(biot_savart_maps(size, 4, rng(0)), biot_savart_maps(size, 4, rng(1)))


@pytest.fixture(scope="module")
def measured_file(tmp_path_factory):
    """A file as the measured 32-channel maps come: (H, W, 1, coils), of another size than asked for."""
    maps = biot_savart_maps((40, 50), 16, rng(5)).numpy()
    path = tmp_path_factory.mktemp("maps") / "S.mat"
    savemat(path, {"S": maps.transpose(1, 2, 0)[:, :, None]})
    return path


@pytest.mark.parametrize("from_file", [False, True])
@pytest.mark.parametrize("coils", [1, 3, 8])
def test_virtual_coils_are_orthogonal_and_hold_the_most_energy(coils, from_file, measured_file):
    measured = measured_maps(measured_file) if from_file else None
    maps = random_maps((64, 96), coils, rng(1), measured)
    assert maps.shape == (coils, 64, 96)
    assert torch.linalg.vector_norm(maps, dim=0).max().item() == pytest.approx(1)
    grid = maps[:, ::2, ::3].flatten(1).to(torch.complex128)
    energies = (grid @ grid.mH).abs()
    outside = energies - torch.diag(energies.diagonal())
    assert outside.max() < 1e-4 * energies[0, 0]
    assert (energies.diagonal().diff() <= 1e-6 * energies[0, 0]).all()
    assert torch.equal(maps, random_maps((64, 96), coils, rng(1), measured))
    assert not torch.equal(maps, random_maps((64, 96), coils, rng(2), measured))


def test_maps_are_read_as_they_were_written(measured_file, tmp_path):
    written = biot_savart_maps((40, 50), 16, rng(5))
    torch.testing.assert_close(measured_maps(measured_file), written)
    with pytest.raises(FileNotFoundError, match=r"nothing\.mat"):
        measured_maps(tmp_path / "nothing.mat")
    savemat(tmp_path / "real.mat", {"S": np.ones((4, 4, 1, 2))})
    with pytest.raises(ValueError, match=r"real\.mat"):
        measured_maps(tmp_path / "real.mat")


def test_real_measured_maps(data_dir):
    file = next((data_dir / "coil_maps").glob("*.mat"), None)
    if file is None:
        pytest.skip("no measured coil sensitivities among the data")
    maps = random_maps((96, 96), 8, rng(), measured_maps(file))
    assert maps.isfinite().all()
    assert torch.linalg.vector_norm(maps, dim=0).mean() > 0.1


def test_errors_of_maps_are_relative_and_smooth():
    maps = biot_savart_maps((64, 64), 8)
    error = torch.stack([perturbed(maps, 0.05, rng(seed)) / maps - 1 for seed in range(20)])
    for part in (error.real, error.imag):
        assert part.std().item() == pytest.approx(0.05, rel=0.3)
    assert error.diff(dim=-1).abs().mean() < 0.3 * error.abs().mean()
    assert torch.equal(perturbed(maps, 0.0, rng()), maps)
