"""What all compared systems have in common: the contract, any size, weights that come back, countable work."""

import pytest
import torch
from baseline_inputs import batch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.systems import (
    CompressedSensing,
    CorrectedUNet,
    DAGANGenerator,
    HermitianZeroFilled,
    MonaiComplexUNet,
    MonaiVarNet,
    UNet,
    ZeroFilled,
)
from monai_gan_recon.networks import MagnitudeNetwork

FEATURES = (4, 4, 8, 8, 8, 4)
LEARNED = {
    "dagan": lambda: MagnitudeNetwork(DAGANGenerator(levels=4, width=4)),
    "unet": lambda: MagnitudeNetwork(UNet(width=4)),
    "corrected_unet": lambda: CorrectedUNet(width=4),
    "monai_complex_unet": lambda: MonaiComplexUNet(FEATURES),
    "monai_varnet": lambda: MonaiVarNet(2, FEATURES),
}
CLASSICAL = {
    "zero_filled": ZeroFilled,
    "zero_filled_hermitian": HermitianZeroFilled,
    "wavelet": lambda: CompressedSensing("wavelet", iterations=3),
    "tv": lambda: CompressedSensing("tv", iterations=3),
}
SYSTEMS = LEARNED | CLASSICAL
ONE_COIL = ["zero_filled_hermitian", "wavelet", "tv", "monai_varnet"]


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (64, 48), (65, 71)])
@pytest.mark.parametrize("name", SYSTEMS)
def test_any_size(name, size):
    torch.manual_seed(0)
    network = SYSTEMS[name]().eval()
    with torch.inference_mode():
        y = network(batch(size))
    assert y.shape == (2, 2, *size)
    assert y.dtype == torch.float32
    assert y.isfinite().all()


@pytest.mark.parametrize("name", SYSTEMS)
def test_empty_slices_stay_finite(name):
    with torch.inference_mode():
        assert SYSTEMS[name]().eval()(torch.zeros(1, 4, 32, 32)).isfinite().all()


@pytest.mark.parametrize("name", SYSTEMS)
def test_several_coils_are_taken_or_refused(name):
    x = torch.rand(1, 8, 32, 32)
    x[:, 2] = 1
    if name in ONE_COIL:
        with pytest.raises(ValueError, match=r"one coil|maps"):
            SYSTEMS[name]()(x)
    else:
        assert SYSTEMS[name]().eval()(x).shape == (1, 2, 32, 32)


@pytest.mark.parametrize("name", SYSTEMS)
def test_other_input_is_refused(name):
    for shape in ((1, 3, 32, 32), (1, 4, 15, 32), (4, 32, 32)):
        with pytest.raises(ValueError, match="at least 16"):
            SYSTEMS[name]()(torch.zeros(shape))


@pytest.mark.parametrize("name", LEARNED)
def test_every_parameter_learns(name):
    torch.manual_seed(0)
    network = LEARNED[name]().train()
    with FlopCounterMode(display=False) as counter:
        network(batch((48, 64))).square().mean().backward()
    assert counter.get_total_flops() > 0
    parameters = dict(network.named_parameters())
    without = [n for n, p in parameters.items() if p.grad is None or not p.grad.isfinite().all()]
    assert without == []
    assert sum(p.grad.abs().sum() > 0 for p in parameters.values()) > 0.8 * len(parameters)


@pytest.mark.parametrize("name", ["unet", "corrected_unet", "monai_complex_unet", "monai_varnet", "wavelet", "tv"])
def test_brightness_does_not_matter(name):
    """Twice the input, noise and all, gives twice the output."""
    torch.manual_seed(0)
    network, x = SYSTEMS[name]().eval(), batch((32, 32))
    x[:, 3] = 0.02
    bright = x.clone()
    bright[:, [0, 1, 3]] *= 2
    with torch.inference_mode():
        torch.testing.assert_close(network(bright), 2 * network(x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", CLASSICAL)
def test_classical_systems_have_nothing_to_load(name):
    assert CLASSICAL[name]().state_dict() == {}
