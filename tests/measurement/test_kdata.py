"""The measurement object and the tensor in which networks are given it."""

import pytest
import torch
from dense_problems import coil_maps, complex_randn, mask_of

from monai_gan_recon.measurement import BASE_CHANNELS, KData, fft2c, ifft2c, pack, unpack
from monai_gan_recon.measurement.fourier import from_channels


@pytest.mark.parametrize("size", [(16, 16), (33, 47)])
@pytest.mark.parametrize("coils", [0, 1, 2, 8])
def test_pack_and_unpack(coils, size):
    maps = coil_maps(coils, size)
    maps = None if maps is None else torch.cat((maps, maps.conj()))
    mask = torch.cat((mask_of("columns", size), mask_of("points", size)))
    noise = torch.tensor([0.0, 0.25]).view(2, 1, 1, 1)
    data = KData(complex_randn(2, max(coils, 1), *size) * mask, mask, maps, noise)
    x = pack(data)
    assert x.shape == (2, BASE_CHANNELS + 2 * coils, *size)
    assert x.dtype == torch.float32
    read = unpack(x)
    torch.testing.assert_close(from_channels(read.adjoint), data.adjoint())
    assert torch.equal(read.mask != 0, mask)
    assert torch.equal(read.noise_std, noise)
    assert (read.maps is None) == (coils == 0)
    if coils:
        assert torch.equal(read.maps, maps)


def test_one_coil_is_told_by_its_zero_filled_image():
    """Nothing of the measurement of one coil is lost: the samples come back."""
    mask = mask_of("points", (33, 47))
    kspace = complex_randn(1, 1, 33, 47) * mask
    data = KData(kspace, mask)
    torch.testing.assert_close(data.adjoint(), ifft2c(kspace)[:, 0])
    torch.testing.assert_close(fft2c(from_channels(unpack(pack(data)).adjoint)), kspace[:, 0], rtol=0, atol=1e-5)


def test_shared_maps_and_masks_broadcast_over_slices():
    """Of a volume: k-space (slices, coils, H, W), one mask and one set of maps."""
    maps, mask = coil_maps(3, (16, 20))[0], mask_of("columns", (16, 20))[0]
    kspace = complex_randn(5, 3, 16, 20) * mask
    x = pack(KData(kspace, mask, maps, 0.1))
    assert x.shape == (5, BASE_CHANNELS + 6, 16, 20)
    alone = pack(KData(kspace[3:4], mask, maps, 0.1))
    assert torch.equal(x[3:4], alone)
    assert torch.equal(pack(KData(kspace[3], mask, maps, 0.1)), alone[0])


@pytest.mark.parametrize(
    ("kspace", "mask", "maps"),
    [
        ((2, 16, 16), (1, 16, 16), None),  # two coils without maps
        ((16, 16), (1, 16, 16), None),  # no axis of coils
        ((2, 16, 16), (1, 16, 16), (16, 16, 2)),  # coils in the wrong axis
        ((1, 16, 16), (1, 16, 20), None),
        ((1, 16, 16), (16, 16), None),
        ((2, 16, 16), (2, 16, 16), (2, 16, 16)),  # a mask is the same for all coils
    ],
)
def test_what_does_not_go_together(kspace, mask, maps):
    maps = None if maps is None else torch.ones(maps, dtype=torch.complex64)
    with pytest.raises(ValueError, match="k-space"):
        KData(torch.ones(kspace, dtype=torch.complex64), torch.ones(mask), maps)


def test_real_kspace():
    with pytest.raises(ValueError, match="complex"):
        KData(torch.ones(1, 16, 16), torch.ones(1, 16, 16))


@pytest.mark.parametrize("shape", [(4, 16, 16), (1, 3, 16, 16), (1, 5, 16, 16), (1, 4, 15, 16), (1, 4, 16, 15)])
def test_other_network_input(shape):
    with pytest.raises(ValueError, match="4 \\+ 2 coils"):
        unpack(torch.zeros(shape))
