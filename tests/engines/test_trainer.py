"""The GAN trainer: balance of gradients, critic steps, constraints, events, learning."""

import copy

import pytest
import torch
from ignite.engine import Events
from monai.handlers import CheckpointSaver
from monai.utils import AdversarialIterationEvents

from monai_gan_recon.losses import BCEAdversarialLoss
from monai_gan_recon.measurement import magnitude
from monai_gan_recon.networks import ResNetCritic


def record(trainer):
    outputs = []
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED,
        lambda e: outputs.append({k: float(v) for k, v in e.state.output.items() if torch.as_tensor(v).numel() == 1}),
    )
    trainer.run()
    return outputs


def test_supervised_training_learns(training):
    trainer = training(max_epochs=100, warmup_epochs=100)
    for group in trainer.state.g_optimizer.param_groups:
        group["lr"] = 3e-3
    outputs = record(trainer)
    assert sum(o["loss"] for o in outputs[-2:]) < 0.6 * sum(o["loss"] for o in outputs[:2])
    assert "discriminator_loss" not in outputs[-1]


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_adversarial_share_is_what_was_asked_for(training, share):
    outputs = record(training(adversarial_share=share, penalty_weight=10.0, warmup_epochs=1))
    assert "adversarial_share" not in outputs[0]
    assert outputs[-1]["adversarial_share"] == pytest.approx(share, rel=1e-3)


def test_fixed_weight_is_used(training):
    outputs = record(training(adversarial_weight=0.25))
    assert {o["adversarial_weight"] for o in outputs} == {0.25}
    assert outputs[0]["loss"] == pytest.approx(
        outputs[0]["reconstruction_loss"] + 0.25 * outputs[0]["generator_loss"], rel=1e-4
    )


def test_gradient_is_that_of_the_whole_loss(training):
    """The gradient formed at the output equals that of the weighted sum of both losses."""
    trainer = training(max_epochs=1, adversarial_weight=0.5, clip_limit=0.5)
    batch = next(iter(trainer.data_loader))
    trainer.state.epoch = 1
    trainer.prepare_batch = lambda b, *a, **k: (b["input"], b["target"])
    generator = copy.deepcopy(trainer.state.g_network).train()
    trainer._iteration(trainer, batch)
    critic = trainer.state.d_network  # after its step: the generator plays against this one
    fake = generator(batch["input"])
    loss = trainer.state.recon_loss_function(fake, batch["target"], batch["input"])
    loss = loss - 0.5 * critic(magnitude(fake)).mean()
    loss.backward()
    for ours, theirs in zip(trainer.state.g_network.parameters(), generator.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-6, rtol=1e-3)


def test_critic_takes_n_steps(training):
    steps = []
    trainer = training(max_epochs=1, n_critic=3)
    trainer.add_event_handler(AdversarialIterationEvents.DISCRIMINATOR_MODEL_COMPLETED, lambda e: steps.append(1))
    trainer.run()
    assert len(steps) == 3 * 2


def test_weights_are_clipped(training):
    trainer = training(max_epochs=1, clip_limit=0.01)
    trainer.run()
    assert max(p.abs().max() for p in trainer.state.d_network.parameters()) <= 0.01


def test_penalty_and_batch_norm_do_not_go_together(training):
    critic = ResNetCritic(layers=(1, 1, 1, 1), width=4, norm="batch")
    with pytest.raises(ValueError, match="gradient penalty needs a critic without batch norm"):
        training(critic=critic, penalty_weight=10.0)


def test_bce_form_runs_with_batch_norm(training):
    critic = ResNetCritic(layers=(1, 1, 1, 1), width=4, norm="batch")
    outputs = record(training(critic=critic, adversarial_loss=BCEAdversarialLoss(), adversarial_weight=0.01))
    assert outputs[-1]["discriminator_loss"] > 0


def test_moving_average_lags_behind(training):
    trainer = training(max_epochs=3, warmup_epochs=3)
    start = copy.deepcopy(trainer.state.g_network.state_dict())
    trainer.run()
    now, mean = trainer.state.g_network.state_dict(), trainer.ema_network.module.state_dict()
    name = "refine.0.head.0.weight"
    assert 0 < (now[name] - mean[name]).norm() < (now[name] - start[name]).norm()


def test_critic_is_not_touched_by_the_generator(training):
    trainer = training(max_epochs=1, adversarial_weight=1.0)
    before = []
    for event in (AdversarialIterationEvents.DISCRIMINATOR_MODEL_COMPLETED, Events.ITERATION_COMPLETED):
        trainer.add_event_handler(event, lambda e: before.append(copy.deepcopy(e.state.d_network.state_dict())))
    trainer.run()
    for name, value in before[0].items():
        assert torch.equal(value, before[1][name])
    assert all(p.requires_grad for p in trainer.state.d_network.parameters())


def test_monai_handlers_stay_usable(training, tmp_path):
    """Also those on adversarial events, given to the constructor."""
    fired = []

    class Counter:
        def attach(self, engine):
            engine.add_event_handler(AdversarialIterationEvents.GENERATOR_LOSS_COMPLETED, lambda e: fired.append(1))

    trainer = training(max_epochs=1, train_handlers=[Counter()])
    CheckpointSaver(str(tmp_path), {"net": trainer.state.g_network}, save_final=True).attach(trainer)
    trainer.run()
    assert len(fired) == 2
    assert list(tmp_path.glob("*.pt"))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("adversarial_share", 1.0),
        ("adversarial_share", -0.1),
        ("adversarial_weight", -1.0),
        ("penalty_weight", float("nan")),
        ("clip_limit", "much"),
        ("n_critic", 0),
        ("max_epochs", 1.5),
    ],
)
def test_wrong_numbers(training, option, value):
    with pytest.raises(ValueError, match=f"{option} must be"):
        training(**{option: value})


def test_bf16_autocast_trains(training):
    outputs = record(training(amp=True, max_epochs=1, adversarial_share=0.1, penalty_weight=1.0))
    assert all(torch.tensor(list(o.values())).isfinite().all() for o in outputs)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_trains_on_a_gpu(training):
    trainer = training(device="cuda:0", amp="auto", max_epochs=2, adversarial_share=0.1, penalty_weight=1.0)
    trainer.state.g_network.cuda()
    trainer.state.d_network.cuda()
    trainer.ema_network.cuda()
    outputs = record(trainer)
    assert all(torch.tensor(list(o.values())).isfinite().all() for o in outputs)


def test_a_broken_gradient_is_skipped(training, caplog):
    trainer = training(max_epochs=1, warmup_epochs=1)
    before = copy.deepcopy(trainer.state.g_network.state_dict())
    for _ in range(2):
        trainer.state.g_network.refine[0].head[0].bias.register_hook(lambda g: g * float("nan"))
    trainer.run()
    assert "not finite" in caplog.text
    assert all(torch.equal(value, before[name]) for name, value in trainer.state.g_network.state_dict().items())


def test_a_broken_gradient_of_the_critic_is_skipped(training, caplog):
    """One NaN costs one step, and not all the later ones of both networks."""
    trainer = training(max_epochs=2, adversarial_share=0.1)
    before = copy.deepcopy(trainer.state.g_network.state_dict())
    broken = []

    def once(gradient):
        broken.append(len(broken) == 0)
        return gradient * float("nan") if broken[-1] else gradient

    next(iter(trainer.state.d_network.parameters())).register_hook(once)
    trainer.run()
    assert caplog.text.count("the critic's gradient is not finite") == 1
    assert len(broken) > 1
    assert all(parameter.isfinite().all() for parameter in trainer.state.d_network.parameters())
    assert any(not torch.equal(value, before[name]) for name, value in trainer.state.g_network.state_dict().items())
