"""A resumed training repeats the one that was never interrupted, number by number."""

import pytest
import torch
from ignite.engine import Events
from torch.optim.lr_scheduler import StepLR

from monai_gan_recon.engines import ResumableCheckpoint


def run(training, path, epochs, kill_after=None, seed=0, resume=True, identity=None, **kwargs):
    trainer = training(
        seed=seed, max_epochs=epochs, warmup_epochs=2, adversarial_share=0.1, penalty_weight=1.0, **kwargs
    )
    scheduler = StepLR(trainer.state.g_optimizer, 3, gamma=0.5)
    losses = []
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda e: (scheduler.step(), losses.append(float(e.state.output["loss"])))
    )
    ResumableCheckpoint(
        path,
        {
            "generator": trainer.state.g_network,
            "critic": trainer.state.d_network,
            "optimizer": trainer.state.g_optimizer,
            "critic_optimizer": trainer.state.d_optimizer,
            "ema": trainer.ema_network,
            "scheduler": scheduler,
        },
        resume=resume,
        identity=identity,
    ).attach(trainer)

    class Killed(Exception):
        pass

    if kill_after is not None:

        def kill(engine):
            if engine.state.iteration == kill_after:
                raise Killed

        trainer.add_event_handler(Events.ITERATION_COMPLETED, kill)
        with pytest.raises(Killed):
            trainer.run()
    else:
        trainer.run()
    return losses, trainer


@pytest.mark.parametrize("kill_after", [3, 7])
def test_killed_training_resumes_to_the_same_curve(training, tmp_path, kill_after):
    """Killed in the middle of an epoch, in the warm-up and in the adversarial phase."""
    whole, reference = run(training, tmp_path / "a.pt", 5)
    run(training, tmp_path / "b.pt", 5, kill_after=kill_after)
    torch.rand(17)  # another process has another random state
    resumed, trainer = run(training, tmp_path / "b.pt", 5)
    assert len(resumed) < len(whole)
    assert resumed == whole[-len(resumed) :]
    for a, b in zip(reference.ema_network.parameters(), trainer.ema_network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_finished_training_does_nothing_more(training, tmp_path):
    run(training, tmp_path / "a.pt", 3)
    losses, trainer = run(training, tmp_path / "a.pt", 3)
    assert losses == []
    assert trainer.state.epoch == 3


def test_refuses_to_overwrite(training, tmp_path):
    run(training, tmp_path / "a.pt", 1)
    with pytest.raises(ValueError, match="--resume"):
        run(training, tmp_path / "a.pt", 1, resume=False)


def test_checkpoint_of_another_network(training, tmp_path):
    run(training, tmp_path / "a.pt", 1)
    state = torch.load(tmp_path / "a.pt", weights_only=True)
    state["objects"]["generator"].popitem()
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(ValueError, match="does not fit this configuration"):
        run(training, tmp_path / "a.pt", 2)


def test_checkpoint_of_another_training_is_refused_before_the_start(training, tmp_path):
    """With another identity, and without the entry, the file stays as it was."""
    path = tmp_path / "a.pt"
    one = {"data": "1", "learning_rate": "2"}
    run(training, path, 1, identity=one)
    assert run(training, path, 2, identity=one)[1].state.epoch == 2
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"learning_rate.*--output_dir") as refusal:
        ResumableCheckpoint(path, {}, identity=one | {"learning_rate": "3"})
    assert "data" not in str(refusal.value)
    assert path.read_bytes() == before
    state = torch.load(path, weights_only=True)
    del state["identity"]
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"a\.pt.*--output_dir"):
        ResumableCheckpoint(path, {}, identity=one)
