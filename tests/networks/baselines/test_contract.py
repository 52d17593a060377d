"""What all compared systems have in common: the contract, any size, weights that come back, countable work."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from monai_gan_recon.kspace import sampling_mask
from monai_gan_recon.networks.baselines import (
    CompressedSensing,
    CorrectedUNet,
    DAGANGenerator,
    HermitianZeroFilled,
    MonaiComplexUNet,
    MonaiVarNet,
    UNet,
    ZeroFilled,
)
from monai_gan_recon.transforms import acquire

LEARNED = {
    "dagan": (1, lambda: DAGANGenerator(levels=4, width=4)),
    "unet": (1, lambda: UNet(width=4)),
    "corrected_unet": (3, lambda: CorrectedUNet(width=4)),
    "monai_complex_unet": (3, lambda: MonaiComplexUNet((4, 4, 8, 8, 8, 4))),
    "monai_varnet": (3, lambda: MonaiVarNet(2, (4, 4, 8, 8, 8, 4))),
}
CLASSICAL = {
    "zero_filled": (1, ZeroFilled),
    "zero_filled_hermitian": (3, HermitianZeroFilled),
    "wavelet": (3, lambda: CompressedSensing("wavelet", iterations=3)),
    "tv": (3, lambda: CompressedSensing("tv", iterations=3)),
}
SIZES = [(16, 16), (17, 31), (64, 48), (65, 71)]


def batch(channels, size, samples=2, **kwargs):
    images = torch.rand(samples, 1, *size, generator=torch.Generator().manual_seed(0))
    mask = sampling_mask("gaussian1d", size, 0.4, seed=0)
    return torch.stack([acquire(image, mask, channels=channels, **kwargs).input for image in images])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [*LEARNED, *CLASSICAL])
def test_any_size(name, size):
    channels, build = (LEARNED | CLASSICAL)[name]
    torch.manual_seed(0)
    network, x = build().eval(), batch(channels, size)
    with torch.inference_mode():
        y = network(x)
        assert y.shape == (2, 1, *size)
        assert y.dtype == torch.float32
        assert y.isfinite().all()
        if channels == 3:
            estimate = network.complex_estimate(x)
            assert estimate.shape == (2, 2, *size)
            torch.testing.assert_close(torch.linalg.vector_norm(estimate, dim=1, keepdim=True), y)


@pytest.mark.parametrize("name", [*LEARNED, *CLASSICAL])
def test_empty_slices_stay_finite(name):
    channels, build = (LEARNED | CLASSICAL)[name]
    x = torch.zeros(1, channels, 32, 32)
    with torch.inference_mode():
        assert build().eval()(x).isfinite().all()


@pytest.mark.parametrize("name", [*LEARNED, *CLASSICAL])
def test_other_input_is_refused(name):
    channels, build = (LEARNED | CLASSICAL)[name]
    for shape in ((1, 4 - channels, 32, 32), (1, channels, 15, 32), (channels, 32, 32)):
        with pytest.raises(ValueError, match=r"takes \(B, \d, H, W\) with H and W at least 16"):
            build()(torch.zeros(shape))


@pytest.mark.parametrize("name", LEARNED)
def test_every_parameter_learns(name):
    channels, build = LEARNED[name]
    torch.manual_seed(0)
    network = build().train()
    with FlopCounterMode(display=False) as counter:
        network(batch(channels, (48, 64))).square().mean().backward()
    assert counter.get_total_flops() > 0
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without == []
    assert sum(p.grad.abs().sum() > 0 for p in network.parameters()) > 0.8 * len(list(network.parameters()))


@pytest.mark.parametrize(
    "name", ["unet", "corrected_unet", "monai_complex_unet", "monai_varnet", "wavelet", "tv"]
)
def test_brightness_does_not_matter(name):
    """Twice the input gives twice the output."""
    channels, build = (LEARNED | CLASSICAL)[name]
    torch.manual_seed(0)
    network, x = build().eval(), batch(channels, (32, 32))
    bright = x.clone()
    bright[:, :2] *= 2
    with torch.inference_mode():
        torch.testing.assert_close(network(bright), 2 * network(x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", CLASSICAL)
def test_classical_systems_have_nothing_to_load(name):
    assert CLASSICAL[name][1]().state_dict() == {}
