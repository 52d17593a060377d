"""The generators: any size and number of coils, exact samples, equivariance, gradients, compilation."""

import pytest
import torch
from measurements import measured, network_input, object_of, randomised

from monai_gan_recon.measurement import (
    from_channels,
    kspace_residual,
    normal_operator,
    pack,
    to_channels,
    unpack,
)
from monai_gan_recon.networks import MagnitudeNetwork, ResNetGenerator, UnrolledGenerator
from monai_gan_recon.networks.generator import signal_intensity

SMALL = {"layers": (1, 1), "width": 4, "stem": "pixel_unshuffle"}
NOISY = SMALL | {"cascades": 2, "noise_layers": (1, 1)}
SIZES = [(16, 16), (17, 31), (64, 48)]


@pytest.mark.parametrize(
    "options",
    [
        {"layers": []}, {"layers": [0]}, {"layers": [10**5]}, {"layers": [1.5]}, {"layers": 2}, {"layers": [1] * 9},
        {"width": 0}, {"width": -8}, {"width": 10**9}, {"width": 2.5}, {"width": True},
        {"cascades": 0}, {"cascades": 10**5}, {"decoder_blocks": 0}, {"cg_iterations": -1}, {"stem": "other"},
    ],
)  # fmt: skip
def test_networks_that_nobody_has(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        UnrolledGenerator(**SMALL | options)


def residual(network, x):
    """Relative residual of the normal equations of the network's images."""
    data = unpack(x)
    with torch.no_grad():
        image = from_channels(network(x))
    return kspace_residual(image, from_channels(data.adjoint), normal_operator(data.mask, data.maps)).max()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("coils", [0, 1, 2, 8])
@pytest.mark.parametrize("stem", ["imagenet", "pixel_unshuffle"])
def test_any_size_and_number_of_coils(stem, coils, size):
    network = randomised(UnrolledGenerator(**NOISY | {"stem": stem}))
    x = network_input(size, coils=coils, noise_std=0.1)
    with torch.no_grad():
        y = network(x)
    assert y.shape == (2, 2, *size)
    assert y.dtype == torch.float32
    assert y.isfinite().all()
    assert (y - x[:, :2]).abs().max() > 1e-3


@pytest.mark.parametrize("noise_std", [0.0, 0.3])
@pytest.mark.parametrize("coils", [0, 1, 3])
@pytest.mark.parametrize("factor", [1e-3, 7.0, 4096.0])
def test_a_factor_on_image_and_noise_is_a_factor_on_the_result(factor, coils, noise_std):
    network = randomised(UnrolledGenerator(**NOISY))
    x = network_input((32, 40), coils=coils, noise_std=noise_std)
    scaled = torch.cat((factor * x[:, :2], x[:, 2:3], factor * x[:, 3:4], x[:, 4:]), dim=1)
    with torch.no_grad():
        wanted = factor * network(x)
        assert (network(scaled) - wanted).norm() < 1e-4 * wanted.norm()
        only_image = torch.cat((factor * x[:, :2], x[:, 2:]), dim=1)
        assert noise_std == 0 or (network(only_image) - wanted).norm() > 1e-3 * wanted.norm()


@pytest.mark.parametrize("size", [(64, 64), (65, 71)])
@pytest.mark.parametrize(("coils", "hermitian"), [(0, False), (0, True), (1, False)])
def test_measured_samples_of_one_coil_are_exact(size, coils, hermitian):
    """With and without a phase in its map (that of a single loop)."""
    network = randomised(UnrolledGenerator(**NOISY))
    image = object_of(size)
    data = measured(image.real + 0j if hermitian else image, coils, hermitian=hermitian)
    assert residual(network, pack(data)) < 1e-4
    noisy = measured(image, coils, noise_std=0.5)
    assert residual(network, pack(noisy)) > 1e-2  # and noisy ones are left as far as their noise allows


@pytest.mark.parametrize("coils", [2, 4, 8])
def test_images_of_several_coils_are_consistent(coils):
    network = randomised(UnrolledGenerator(**NOISY))
    assert residual(network, network_input((64, 64), coils=coils)) < 1e-2


def test_one_coil_may_be_stated_in_two_ways():
    network, size = randomised(UnrolledGenerator(**NOISY)), (33, 40)
    image = object_of(size)
    without = measured(image, noise_std=0.1)
    ones = torch.ones(2, 1, *size, dtype=torch.complex64)
    with_ones = measured(image, noise_std=0.1, maps=ones)
    torch.testing.assert_close(with_ones.kspace, without.kspace)
    with torch.no_grad():
        torch.testing.assert_close(network(pack(with_ones)), network(pack(without)), rtol=1e-4, atol=1e-5)


def test_everything_measured_comes_back():
    network, image = randomised(UnrolledGenerator(**NOISY)), object_of((40, 40))
    for coils in (0, 1, 3):
        x = pack(measured(image, coils, mask=torch.ones(1, 1, 40, 40)))
        with torch.no_grad():
            torch.testing.assert_close(from_channels(network(x)), image, rtol=1e-3, atol=1e-3)


def test_starts_as_the_data_and_the_last_network_scales_with_the_noise():
    x = network_input((32, 48))
    torch.testing.assert_close(UnrolledGenerator(**NOISY)(x), x[:, :2], rtol=1e-4, atol=1e-5)
    network = UnrolledGenerator(**NOISY)
    torch.nn.init.constant_(network.denoise.head[0].bias, 0.5)
    noisy = network_input((32, 48), noise_std=0.2)
    plain = UnrolledGenerator(**NOISY | {"noise_layers": None})
    with torch.no_grad():
        plain.load_state_dict({k: v for k, v in network.state_dict().items() if "denoise" not in k})
        torch.testing.assert_close(network(noisy), plain(noisy) + 0.5 * 0.2, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(network(x), plain(x))


def test_a_known_support_recovers_missing_lines():
    network = UnrolledGenerator(**SMALL, cg_iterations=5, exact_iterations=40).eval()
    truth = torch.zeros(1, 64, 64)
    truth[:, 20:44, 24:40] = torch.rand(1, 24, 16, generator=torch.Generator().manual_seed(0)) + 0.5
    x = pack(measured(truth + 0j, hermitian=True))

    def known_support(_):
        output = torch.zeros(1, 6, 64, 64)
        output[:, 2], output[:, 3] = (truth > 0).float() - 1, -1.0
        return output

    def error():
        return float((from_channels(network(x)) - truth).abs().norm() / truth.norm())

    with torch.no_grad():
        without = error()
        network.refine[0].forward = known_support
        recovered = error()
        network.exact_iterations = 0
        assert recovered < 0.1 * error()
    assert without > 0.05
    assert recovered < 0.001


@pytest.mark.parametrize("coils", [0, 4])
def test_only_slices_without_noise_are_fitted_and_only_out_of_training(coils):
    with_fit, plain = (randomised(UnrolledGenerator(**NOISY, exact_iterations=n)) for n in (24, 0))
    plain.load_state_dict(with_fit.state_dict())
    x = network_input((64, 64), coils=coils)
    noisy = x.clone()
    noisy[1, 3] = 0.2
    with torch.no_grad():
        mixed, without = with_fit(noisy), plain(noisy)
        assert not torch.allclose(mixed[0], without[0], rtol=1e-2)
        torch.testing.assert_close(mixed[1], without[1])
        torch.testing.assert_close(with_fit(x)[0], mixed[0])
        assert residual(with_fit, x) < (1e-2 if coils else 1e-5)
        more = measured(object_of((64, 64)), coils, mask=torch.ones(1, 1, 64, 64) > 0)
        assert residual(with_fit, pack(more)) < 1e-5
        assert torch.equal(with_fit.train()(x), plain.train()(x))


def test_without_conjugate_gradients_the_prior_mean_is_taken():
    network = UnrolledGenerator(**SMALL, cg_iterations=0)
    assert not network.log_variance.requires_grad
    x = network_input((32, 32), samples=1)
    x[:, 2] = 0  # nothing is measured: nothing is put back
    support, correction = 0.25, 0.1

    def known_prior(_):
        output = torch.zeros(1, 6, 32, 32)
        output[:, :2], output[:, 2:4] = correction, support - 1
        return output

    network.refine[0].forward = known_prior
    scale = signal_intensity(x[:, :2])
    wanted = support * (x[:, :2] + correction * scale)
    estimate = network(x)
    measured_part = to_channels(from_channels(x[:, :2]))  # A^H y stays though A is empty: the last step adds it
    torch.testing.assert_close(estimate, wanted + measured_part)


@pytest.mark.parametrize("norm", [None, "instance", "batch"])
def test_every_parameter_gets_a_gradient(norm):
    network = randomised(UnrolledGenerator(**NOISY, norm=norm)).train()
    x = torch.cat([network_input((32, 32), 1, 2, seed=s, noise_std=0.3) for s in range(3)])
    (network(x) - to_channels(object_of((32, 32), 3))).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("channels", [4, 8])
def test_an_empty_slice_is_finite(channels):
    x = torch.zeros(2, channels, 32, 32, requires_grad=True)
    for network in (UnrolledGenerator(**NOISY), MagnitudeNetwork(ResNetGenerator(**SMALL))):
        y = randomised(network)(x)
        (gradient,) = torch.autograd.grad(y.sum(), x)
        assert y.isfinite().all()
        assert gradient.isfinite().all()


NETWORKS = {
    "unrolled": lambda: UnrolledGenerator(**NOISY, exact_iterations=3),
    "unrolled without noise": lambda: UnrolledGenerator(**SMALL, cascades=1),
    "resnet50's stem": lambda: UnrolledGenerator(layers=(1, 1), width=4, norm="batch"),
    "magnitude": lambda: MagnitudeNetwork(ResNetGenerator(**SMALL)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_scripted_equals_eager(name):
    network = randomised(NETWORKS[name]())
    scripted = torch.jit.script(network)
    for size in SIZES:
        for coils in (0, 1, 3):
            x = network_input(size, coils=coils, noise_std=0.1)
            x[0, 3] = 0
            with torch.no_grad():
                for _ in range(2):  # the second run is the optimised one
                    assert torch.equal(scripted(x), network(x)), (size, coils)
    with pytest.raises(torch.jit.Error), torch.no_grad():
        scripted(torch.zeros(1, 5, 32, 32))


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")  # that the checks of the input are constants
@pytest.mark.parametrize("coils", [0, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_traced_equals_eager(name, coils):
    network = randomised(NETWORKS[name]())
    with torch.no_grad():
        traced = torch.jit.trace(network, network_input((32, 40), coils=coils), check_trace=False)
        for size in ((32, 40), (48, 33)):
            x = network_input(size, coils=coils, noise_std=0.1, seed=1)
            torch.testing.assert_close(traced(x), network(x), rtol=1e-4, atol=1e-5)


def test_magnitude_networks_see_magnitudes_and_give_real_images():
    class Twice(torch.nn.Module):
        def forward(self, x):
            return 2 * x

    x = network_input((32, 40), coils=2)
    y = MagnitudeNetwork(Twice())(x)
    torch.testing.assert_close(y[:, 0], 2 * from_channels(x[:, :2]).abs())
    assert not y[:, 1].any()


@pytest.mark.parametrize("factor", [1e-3, 4096.0])
def test_the_papers_generator_is_equivariant_to_a_factor(factor):
    network, x = randomised(ResNetGenerator(**SMALL)), torch.rand(2, 1, 48, 40)
    with torch.no_grad():
        torch.testing.assert_close(network(factor * x), factor * network(x), rtol=1e-4, atol=1e-5 * factor)
        assert (network(x) - x).abs().max() > 1e-3
        torch.testing.assert_close(ResNetGenerator(**SMALL)(x), x)  # residual: the identity at the start


def test_resnet50_has_the_parameters_of_resnet50():
    from monai.networks.nets import resnet50

    encoder = ResNetGenerator(norm="batch").refine.encoder
    trunk = resnet50(spatial_dims=2, n_input_channels=3, bias_downsample=False, feed_forward=False)
    expected = sum(
        p.numel() for layer in ("layer1", "layer2", "layer3", "layer4") for p in getattr(trunk, layer).parameters()
    )
    assert sum(p.numel() for p in encoder.parameters()) == expected


def test_signal_intensity_ignores_background():
    image = torch.rand(1, 1, 20, 20) + 0.5
    padded = torch.nn.functional.pad(image, (50, 30, 40, 60))
    torch.testing.assert_close(signal_intensity(image), signal_intensity(padded))
    assert signal_intensity(torch.full((1, 2, 8, 8), 3.0)).item() == pytest.approx(3 * 2**0.5)


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (1, 5, 32, 32), (1, 4, 15, 40), (4, 32, 32)])
def test_other_input_is_refused(shape):
    for network in (UnrolledGenerator(**SMALL), MagnitudeNetwork(ResNetGenerator(**SMALL))):
        with pytest.raises(ValueError, match="coils"):
            network(torch.zeros(shape))


def test_wrong_arguments():
    with pytest.raises(ValueError, match="cascade"):
        UnrolledGenerator(cascades=0)
    with pytest.raises(ValueError, match="stem"):
        ResNetGenerator(stem="x")


@pytest.mark.parametrize("coils", [1, 3])
def test_denoising_is_the_share_of_the_noise_that_the_network_is_told(coils):
    whole = randomised(UnrolledGenerator(**NOISY))
    half = UnrolledGenerator(**NOISY, denoising=0.5).eval()
    half.load_state_dict(whole.state_dict())
    x = network_input((32, 40), coils=coils, noise_std=0.2)
    told_half = torch.cat((x[:, :3], x[:, 3:4] / 2, x[:, 4:]), dim=1)
    with torch.no_grad():
        torch.testing.assert_close(half(x), whole(told_half))
        assert (half(x) - whole(x)).norm() > 1e-3 * whole(x).norm()


def test_every_cascade_has_its_own_steps():
    few, many = (randomised(UnrolledGenerator(**SMALL | {"cascades": 2}, cg_iterations=n)) for n in ([2, 2], [2, 9]))
    many.load_state_dict(few.state_dict())
    equal = UnrolledGenerator(**SMALL | {"cascades": 2}, cg_iterations=2).eval()
    equal.load_state_dict(few.state_dict())
    x = network_input((32, 40), coils=3)
    with torch.no_grad():
        assert torch.equal(few(x), equal(x))
        assert not torch.equal(few(x), many(x))
    with pytest.raises(ValueError, match="cg_iterations"):
        UnrolledGenerator(**SMALL | {"cascades": 3}, cg_iterations=[2, 2])
    with pytest.raises(ValueError, match="denoising"):
        UnrolledGenerator(**SMALL, denoising=1.5)


def with_prior(network, real, imaginary):
    """A network that is sure of its estimate, with supports of the real and the imaginary part (0 and above: 1)."""
    for refine in network.refine:
        bias = torch.tensor([0.0, 0.0, real, imaginary, -9.0, -9.0])
        torch.nn.init.zeros_(refine.head[0].weight)
        refine.head[0].bias.data[:] = bias.repeat_interleave(len(refine.head[0].bias) // 6)
    return network


@pytest.mark.parametrize("coils", [1, 3])
@pytest.mark.parametrize("noise_std", [0.0, 0.2])
def test_where_there_is_an_object_the_prior_is_never_quite_sure(coils, noise_std):
    x = network_input((32, 40), coils=coils, noise_std=noise_std)

    def moved(real, imaginary):
        sure = with_prior(randomised(UnrolledGenerator(**NOISY)), real, imaginary)
        unsure = UnrolledGenerator(**NOISY, least_std=(0.3, 2.0, 0.5)).eval()
        unsure.load_state_dict(sure.state_dict())
        with torch.no_grad():
            return float((unsure(x) - sure(x)).norm() / sure(x).norm()) > 1e-3

    assert moved(0.0, -9.0) is (coils > 1 or noise_std > 0)  # of a real object too
    assert not moved(-9.0, -9.0)  # the air


@pytest.mark.parametrize("wrong", [(0.3,), (-1, 0, 0)])
def test_lower_bounds_are_three_numbers(wrong):
    with pytest.raises(ValueError, match="least_std"):
        UnrolledGenerator(**SMALL, least_std=wrong)
