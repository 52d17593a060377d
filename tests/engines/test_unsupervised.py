"""Training without references: no fully sampled image reaches generator, critic or losses."""

import copy

import pytest
import torch

from monai_gan_recon.engines import LastModelSaver, MagnitudeView, MeasuredView, PrepareMeasuredBatch
from monai_gan_recon.losses import MeasuredLoss
from monai_gan_recon.measurement import fft2c, from_channels, magnitude
from monai_gan_recon.networks import ResNetCritic


@pytest.fixture
def unsupervised(training):
    """Function that builds an unsupervised trainer; ``spoil`` changes each batch before the trainer gets it."""

    def build(spoil=None, **kwargs):
        torch.manual_seed(0)
        trainer = training(
            max_epochs=1,
            critic=ResNetCritic(in_channels=2, layers=(1, 1, 1, 1), width=4),
            loss=MeasuredLoss(),
            critic_view=MeasuredView(),
            adversarial_share=0.2,
            penalty_weight=10.0,
            **kwargs,
        )
        prepare = PrepareMeasuredBatch(held_out=0.4, transpose_probability=0.5)
        trainer.prepare_batch = lambda batch, *a, **k: prepare(spoil(batch) if spoil else batch, *a, **k)
        return trainer

    return build


def train(trainer):
    torch.manual_seed(1)
    trainer.run()
    networks = (trainer.state.g_network, trainer.state.d_network, trainer.ema_network)
    return [copy.deepcopy(network.state_dict()) for network in networks]


def test_poisoned_references_change_nothing(unsupervised):
    def spoil(batch):
        return batch | {"target": torch.full_like(batch["target"], float("nan")), "zero_filled": None}

    clean, poisoned, without = (train(unsupervised(s)) for s in (None, spoil, lambda batch: {"input": batch["input"]}))
    for networks in (poisoned, without):
        for ours, theirs in zip(clean, networks, strict=True):
            assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_training_moves_generator_and_critic(unsupervised):
    trainer = unsupervised()
    before = [copy.deepcopy(n.state_dict()) for n in (trainer.state.g_network, trainer.state.d_network)]
    for start, end in zip(before, train(trainer)[:2], strict=True):
        assert any(not torch.equal(start[name], end[name]) for name in start)
        assert all(value.isfinite().all() for value in end.values())


def test_the_critic_sees_undersampled_images_only(unsupervised):
    trainer, seen, batches = unsupervised(), [], []
    prepare = trainer.prepare_batch
    trainer.prepare_batch = lambda *a, **k: batches.append(prepare(*a, **k)) or batches[-1]
    trainer.state.d_network.register_forward_pre_hook(lambda _, inputs: seen.append((len(batches), inputs[0])))
    train(trainer)
    # real, fake, on the line between them (penalty), fake for the generator
    assert len(seen) == 4 * len(batches)
    for number, images in seen:
        masks = batches[number - 1][1][:, 2] != 0
        union = masks.any(dim=0)
        assert union.float().mean() < 0.9
        outside = fft2c(from_channels(images.detach().float())) * ~union
        assert outside.abs().max() < 1e-4 * images.abs().max()


def test_reconstructions_are_measured_through_other_slices_masks():
    torch.manual_seed(0)
    masks = (torch.rand(3, 1, 1, 32) < 0.5).float().expand(3, 1, 16, 32)
    target = torch.cat((torch.randn(3, 2, 16, 32), masks, torch.zeros(3, 1, 16, 32)), dim=1)
    image = torch.randn(3, 2, 16, 32)
    spectra = fft2c(from_channels(MeasuredView().fake(image, target)))
    for i in range(3):
        wanted = fft2c(from_channels(image))[i] * masks[i - 1, 0]
        torch.testing.assert_close(spectra[i], wanted, rtol=0, atol=1e-5)
    assert torch.equal(MeasuredView().real(target), target[:, :2])


def test_the_usual_view_is_of_magnitudes():
    target, image = torch.randn(2, 2, 2, 16, 16).unbind()
    assert torch.equal(MagnitudeView().real(target), magnitude(target))
    torch.testing.assert_close(MagnitudeView().fake(image, target), image.square().sum(1, keepdim=True).sqrt())


def test_a_batch_of_one_is_refused():
    with pytest.raises(ValueError, match="--batch_size"):
        MeasuredView().fake(torch.zeros(1, 2, 16, 16), torch.zeros(1, 4, 16, 16))


def test_coils_are_refused():
    with pytest.raises(ValueError, match="one coil"):
        PrepareMeasuredBatch()({"input": torch.ones(2, 8, 16, 16)})


def test_the_last_model_is_kept(unsupervised, tmp_path):
    trainer = unsupervised()
    LastModelSaver(trainer.ema_network.module, tmp_path).attach(trainer)
    mean = train(trainer)[2]
    kept = torch.load(tmp_path / "model.pt", weights_only=True)
    assert {f"module.{name}" for name in kept} | {"n_averaged"} == set(mean)
    assert all(torch.equal(value, mean[f"module.{name}"]) for name, value in kept.items())
