"""The generator: contract, any size, data consistency, equivariance, gradients."""

import pytest
import torch

from monai_gan_recon.kspace import from_channels, kspace_residual, sampling_mask
from monai_gan_recon.networks import ResNetGenerator
from monai_gan_recon.networks.generator import signal_intensity
from monai_gan_recon.transforms import acquire

SIZES = [(16, 16), (17, 31), (64, 128), (65, 71), (181, 217)]
SMALL = {"layers": (1, 1), "width": 4}


def randomised(network, seed=0):
    """Give the layers that start at zero some weight, so that the network does something."""
    torch.manual_seed(seed)
    for parameter in network.parameters():
        if parameter.ndim == 4 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return network.eval()


def acquisition(size, seed=0, **kwargs):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(1, *size, generator=generator)
    return acquire(image, sampling_mask("gaussian1d", size, 0.3, seed=seed), **kwargs)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stem", ["imagenet", "pixel_unshuffle"])
@pytest.mark.parametrize(("channels", "cascades"), [(1, 1), (3, 1), (3, 3)])
def test_any_size(size, stem, channels, cascades):
    network = randomised(ResNetGenerator(channels, stem=stem, cascades=cascades, **SMALL))
    x = acquisition(size, channels=channels).input[None].expand(2, -1, -1, -1)
    with torch.no_grad():
        y = network(x)
    assert y.shape == (2, 1, *size)
    assert y.isfinite().all()
    zero_filled = torch.linalg.vector_norm(x[:, :2], dim=1, keepdim=True) if channels == 3 else x
    assert (y - zero_filled).abs().max() > 1e-4


@pytest.mark.parametrize("size", [(64, 64), (65, 71)])
@pytest.mark.parametrize("hermitian", [False, True])
def test_measured_samples_are_kept(size, hermitian):
    network = randomised(ResNetGenerator(3, cascades=2, stem="pixel_unshuffle", **SMALL))
    scan = acquisition(size, hermitian=hermitian)
    with torch.no_grad():
        estimate = network.complex_estimate(scan.input[None])
        magnitude = network(scan.input[None])
    residual = kspace_residual(from_channels(estimate)[0], from_channels(scan.zero_filled), scan.mask[0])
    assert residual < 1e-5
    torch.testing.assert_close(from_channels(estimate).abs()[:, None], magnitude)


def test_no_support_empties_what_was_not_measured():
    network = ResNetGenerator(3, **SMALL)
    head = network.refine[0].head[0]
    with torch.no_grad():
        head.bias[8:16] = -1.0  # the support of the real and imaginary part, 4 pixels each
    scan = acquisition((32, 40))
    scan.input[2] = 0.0
    assert network(scan.input[None]).abs().max() < 1e-6


def test_a_known_support_recovers_missing_lines():
    network = ResNetGenerator(3, cg_iterations=20, stem="pixel_unshuffle", **SMALL)
    object_ = torch.zeros(1, 64, 64)
    object_[:, 20:44, 24:40] = torch.rand(1, 24, 16, generator=torch.Generator().manual_seed(0)) + 0.5
    scan = acquire(object_, sampling_mask("gaussian1d", (64, 64), 0.5, seed=0), hermitian=True)

    def known_support(x):
        output = torch.zeros(1, 6, 64, 64)
        output[:, 2] = (object_ > 0).float() - 1
        output[:, 3] = -1.0
        return output

    def error(image):
        return (image - object_).norm() / object_.norm()

    with torch.no_grad():
        without = network(scan.input[None])[0]
        network.refine[0].forward = known_support
        recovered = network(scan.input[None])[0]
    assert error(without) > 0.05
    assert error(recovered) < 0.1 * error(without)


def test_without_conjugate_gradients_the_prior_mean_is_taken():
    network = ResNetGenerator(3, cg_iterations=0, **SMALL)
    assert not network.log_variance.requires_grad
    scan = acquisition((32, 32))
    scan.input[2] *= 0.5  # no sample is exact: nothing is put back
    support, correction = 0.25, 0.1

    def known_prior(x):
        output = torch.zeros(1, 6, 32, 32)
        output[:, :2], output[:, 2:4] = correction, support - 1
        return output

    network.refine[0].forward = known_prior
    scale = signal_intensity(scan.input[None, :2])
    with torch.no_grad():
        estimate = network.complex_estimate(scan.input[None])
    torch.testing.assert_close(estimate, support * (scan.input[None, :2] + correction * scale))


def test_soft_data_consistency_leaves_a_residual():
    network = randomised(ResNetGenerator(3, cascades=1, stem="pixel_unshuffle", **SMALL))
    scan = acquisition((32, 32))
    soft = scan.input.clone()
    soft[2] *= 0.5
    with torch.no_grad():
        estimate = network.complex_estimate(soft[None])
    assert kspace_residual(from_channels(estimate)[0], from_channels(scan.zero_filled), scan.mask[0]) > 1e-4


def test_everything_measured_comes_back():
    network = randomised(ResNetGenerator(3, cascades=2, **SMALL))
    image = torch.rand(1, 40, 40)
    scan = acquire(image, torch.ones(40, 40))
    torch.testing.assert_close(network(scan.input[None])[0], image, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("factor", [1e-3, 7.0, 4096.0])
def test_equivariant_to_a_positive_factor(channels, factor):
    network = randomised(ResNetGenerator(channels, **SMALL))
    x = acquisition((48, 40), channels=channels).input[None]
    scaled = x.clone()
    scaled[:, :2] *= factor
    with torch.no_grad():
        torch.testing.assert_close(network(scaled), factor * network(x), rtol=1e-4, atol=1e-5 * factor)


def test_starts_as_the_identity():
    scan = acquisition((32, 48))
    y = ResNetGenerator(3, cascades=2, **SMALL)(scan.input[None])
    torch.testing.assert_close(y[0, 0], from_channels(scan.zero_filled).abs(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("norm", [None, "instance", "batch"])
def test_every_parameter_gets_a_gradient(norm):
    network = randomised(ResNetGenerator(3, cascades=2, norm=norm, **SMALL)).train()
    soft = torch.stack([acquisition((32, 32), seed=s).input for s in range(3)])
    soft[:, 2] *= 0.7
    (network(soft) - torch.rand(3, 1, 32, 32)).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_empty_slice_is_finite():
    network = randomised(ResNetGenerator(3, **SMALL))
    x = torch.zeros(2, 3, 32, 32, requires_grad=True)
    y = network(x)
    y.sum().backward()
    assert y.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_resnet50_has_the_parameters_of_resnet50():
    from monai.networks.nets import resnet50

    encoder = ResNetGenerator(3, norm="batch").refine[0].encoder
    trunk = resnet50(spatial_dims=2, n_input_channels=3, bias_downsample=False, feed_forward=False)
    expected = sum(
        p.numel()
        for layer in ("layer1", "layer2", "layer3", "layer4")
        for p in getattr(trunk, layer).parameters()
    )
    assert sum(p.numel() for p in encoder.parameters()) == expected


def test_signal_intensity_ignores_background():
    image = torch.rand(1, 1, 20, 20) + 0.5
    padded = torch.nn.functional.pad(image, (50, 30, 40, 60))
    torch.testing.assert_close(signal_intensity(image), signal_intensity(padded))
    assert signal_intensity(torch.full((1, 2, 8, 8), 3.0)).item() == pytest.approx(3 * 2**0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 2}, "in_channels must be"),
        ({"in_channels": 1, "cascades": 2}, "cascades need"),
        ({"stem": "x"}, "unknown stem"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ResNetGenerator(**arguments)


@pytest.mark.parametrize("shape", [(1, 3, 15, 40), (1, 2, 32, 32), (3, 32, 32)])
def test_wrong_input(shape):
    with pytest.raises(ValueError, match="the generator takes"):
        ResNetGenerator(3, **SMALL)(torch.zeros(shape))
