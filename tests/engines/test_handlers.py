"""Best model, training log, validation, moving average, precision."""

import math

import pytest
import torch
from ignite.engine import Engine, Events
from monai.handlers import ValidationHandler
from torch import nn
from torch.utils.data import DataLoader

from monai_gan_recon.engines import (
    BestModelSaver,
    EarlyStop,
    LastModelSaver,
    ReconstructionValidator,
    ResumableCheckpoint,
    ResumableWarmupCosine,
    TrainingLog,
    TrainingProgress,
    bf16_pays,
    ema_of,
    read_log,
    resolve_amp,
)
from monai_gan_recon.measurement import magnitude
from monai_gan_recon.metrics import psnr


@pytest.fixture
def validated(training, tmp_path):
    """Function that runs a training with validation, log and best model; gives the trainer and its validator."""

    def run(max_epochs=3, warmup_epochs=2, scores=None, interval=1, checkpoint=None, compared=None, patience=None):
        trainer = training(
            max_epochs=max_epochs, warmup_epochs=warmup_epochs, adversarial_share=0.1, penalty_weight=1.0
        )
        loader = DataLoader(trainer.data_loader.dataset, batch_size=3)
        validator = ReconstructionValidator("cpu", loader, trainer.ema_network.module)
        ValidationHandler(interval=interval, validator=validator, epoch_level=True).attach(trainer)
        if scores is not None:
            validator.add_event_handler(
                Events.COMPLETED, lambda e: e.state.metrics.update(val_psnr=scores[trainer.state.epoch - 1])
            )
        first_phase = compared or warmup_epochs
        BestModelSaver(validator, trainer.ema_network.module, tmp_path, first_phase).attach(trainer)
        TrainingLog(tmp_path / "log.csv", validator, trainer.state.g_optimizer).attach(trainer)
        TrainingProgress(validator).attach(trainer)
        if checkpoint is not None:
            networks = {"generator": trainer.state.g_network, "ema": trainer.ema_network}
            ResumableCheckpoint(checkpoint, networks, resume=True).attach(trainer)
        if patience is not None:
            EarlyStop(patience, interval).attach(trainer)
        trainer.run()
        return trainer, validator

    return run


def test_a_phase_without_validation_keeps_its_last_model(validated, tmp_path, caplog):
    trainer, _ = validated(max_epochs=3, warmup_epochs=2, interval=2)
    model = torch.load(tmp_path / "model.pt", weights_only=True)
    last = trainer.ema_network.module.state_dict()
    assert all(torch.equal(model[name], last[name]) for name in last)
    assert "is the last model, not the best" in caplog.text


def test_log_has_a_row_an_epoch(validated, tmp_path, capsys):
    validated()
    rows = read_log(tmp_path / "log.csv")
    assert [int(r["epoch"]) for r in rows] == [1, 2, 3]
    assert rows[0]["adversarial_share"] == ""
    assert float(rows[2]["adversarial_share"]) == pytest.approx(0.1, rel=1e-3)
    assert all(float(r["val_psnr"]) > 0 and float(r["zero_filled_psnr"]) > 0 for r in rows)
    assert "epoch 3/3: validation PSNR" in capsys.readouterr().out


def test_validation_metrics_are_the_means_over_slices(validated):
    trainer, validator = validated(max_epochs=1, warmup_epochs=1)
    items = [trainer.data_loader.dataset[i] for i in range(8)]
    target, zero_filled = (magnitude(torch.stack([i[k] for i in items])) for k in ("target", "zero_filled"))
    with torch.no_grad():
        pred = magnitude(trainer.ema_network.module.eval()(torch.stack([i["input"] for i in items])))
    assert validator.state.metrics["val_psnr"] == pytest.approx(psnr(pred, target).mean().item(), rel=1e-4)
    assert validator.state.metrics["zero_filled_psnr"] == pytest.approx(
        psnr(zero_filled, target).mean().item(), rel=1e-4
    )


def test_best_of_each_phase_is_kept(validated, tmp_path):
    trainer, _ = validated(max_epochs=5, warmup_epochs=3, scores=[30.0, 32.0, 31.0, 28.0, 27.0])
    assert (tmp_path / "model_supervised.pt").exists()
    assert trainer.state.best_metric == 28.0
    assert trainer.state.best_metric_epoch == 4
    supervised, tuned = (torch.load(tmp_path / n, weights_only=True) for n in ("model_supervised.pt", "model.pt"))
    final = trainer.ema_network.module.state_dict()
    name = "refine.0.head.0.weight"
    assert not torch.equal(supervised[name], tuned[name])
    assert not torch.equal(tuned[name], final[name])


def test_without_adversary_there_is_one_model(validated, tmp_path):
    validated(max_epochs=2, warmup_epochs=2)
    assert [p.name for p in tmp_path.glob("*.pt")] == ["model.pt"]


def test_moving_average_follows_its_formula():
    network = nn.Linear(1, 1, bias=False)
    ema = ema_of(network, 0.5)
    expected = None
    for n, value in enumerate([1.0, 2.0, 4.0, 8.0]):
        nn.init.constant_(network.weight, value)
        ema.update_parameters(network)
        if expected is None:
            expected = value
        else:
            decay = min(0.5, (1 + n) / (10 + n))
            expected = decay * expected + (1 - decay) * value
    assert ema.module.weight.item() == pytest.approx(expected)
    with pytest.raises(ValueError, match="decay"):
        ema_of(network, 1.0)


def test_precision():
    assert resolve_amp(True, "cpu") is True
    assert resolve_amp(False, "cpu") is False
    assert resolve_amp("auto", "cpu") is bf16_pays("cpu")
    with pytest.raises(ValueError, match="amp"):
        resolve_amp("yes", "cpu")


@pytest.mark.parametrize(("capability", "pays"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_gpus_that_emulate_bfloat16_compute_in_float32(monkeypatch, capability, pays):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert bf16_pays("cuda:0") is pays


def test_moving_average_of_batch_norm():
    """Batch norm counts its batches in an integer, which has no average."""
    network = nn.BatchNorm2d(2)
    ema = ema_of(network, 0.9)
    for _ in range(3):
        network(torch.randn(4, 2, 3, 3))
        ema.update_parameters(network)
    assert ema.module.num_batches_tracked == 3
    assert (ema.module.running_mean - network.running_mean).abs().max() > 0


def weights(path):
    return torch.load(path, weights_only=True)["refine.0.head.0.weight"]


def test_best_with_the_adversary_outlives_a_longer_warm_up(validated, tmp_path):
    """Resumed with a warm-up that reaches past the epoch of the best: a worse one does not replace it."""
    scores = [30.0, 31.0, 29.0, 28.0, 28.5]
    validated(4, 2, scores, checkpoint=tmp_path / "checkpoint.pt")
    best = weights(tmp_path / "model.pt")
    trainer, _ = validated(5, 3, scores, checkpoint=tmp_path / "checkpoint.pt")
    assert trainer.state.best_metric == 29.0
    assert torch.equal(weights(tmp_path / "model.pt"), best)


@pytest.mark.parametrize("interval", [1, 3])
def test_model_of_a_finished_warm_up_gives_way_to_the_adversary(validated, tmp_path, interval):
    """A training without the adversary, resumed with it: the model is then of the new phase, validated or not."""
    scores = [30.0, 31.0, 29.0, 28.0]
    validated(2, 2, scores, checkpoint=tmp_path / "checkpoint.pt")
    supervised = weights(tmp_path / "model.pt")
    trainer, _ = validated(4, 3 if interval == 3 else 2, scores, interval, checkpoint=tmp_path / "checkpoint.pt")
    assert not torch.equal(weights(tmp_path / "model.pt"), supervised)
    if interval == 3:
        assert torch.equal(weights(tmp_path / "model.pt"), trainer.ema_network.module.refine[0].head[0].weight)
    else:
        assert trainer.state.best_metric == 29.0


def test_worse_epoch_does_not_replace_the_only_model(validated, tmp_path):
    trainer, _ = validated(max_epochs=2, warmup_epochs=2, scores=[30.0, 28.0])
    assert trainer.state.best_metric_epoch == 1
    kept = torch.load(tmp_path / "model.pt", weights_only=True)
    final = trainer.ema_network.module.state_dict()
    assert not torch.equal(kept["refine.0.head.0.weight"], final["refine.0.head.0.weight"])


def test_schedule_follows_the_length_of_the_resumed_training():
    def schedule(length):
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        return optimizer, ResumableWarmupCosine(optimizer, warmup_steps=2, t_total=length, end_lr=0.01)

    def run(optimizer, scheduler, steps):
        for _ in range(steps):
            optimizer.step()
            scheduler.step()
        return scheduler.get_last_lr()[0]

    optimizer, scheduler = schedule(10)
    assert run(optimizer, scheduler, 10) == pytest.approx(0.01)
    longer_optimizer, longer = schedule(20)
    longer.load_state_dict(scheduler.state_dict())
    after = run(longer_optimizer, longer, 1)
    reference_optimizer, reference = schedule(20)
    assert after == pytest.approx(run(reference_optimizer, reference, 11))
    assert run(longer_optimizer, longer, 9) == pytest.approx(0.01)


def test_resumed_training_takes_the_configured_learning_rate(tmp_path):
    """A tenth of the rate: each step of the resumed cosine has a tenth; other settings are the new ones, too."""

    def rates(lr, epochs, path, weight_decay=0.0):
        optimizer = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=lr, weight_decay=weight_decay)
        scheduler = ResumableWarmupCosine(optimizer, warmup_steps=2, t_total=10, end_lr=0.0)
        seen = []

        def step(_engine, _batch):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()

        engine = Engine(step)
        engine.state.best_metric, engine.state.best_metric_epoch = 0.0, -1
        ResumableCheckpoint(path, {"optimizer": optimizer, "scheduler": scheduler}, resume=True).attach(engine)
        engine.run([0], max_epochs=epochs)
        assert optimizer.param_groups[0]["weight_decay"] == weight_decay
        return seen

    reference = rates(1.0, 10, tmp_path / "whole.pt")
    assert rates(1.0, 4, tmp_path / "cut.pt") == reference[:4]
    resumed = rates(0.1, 10, tmp_path / "cut.pt", weight_decay=0.01)
    assert resumed == pytest.approx([0.1 * rate for rate in reference[4:]])


def test_phases_are_compared_where_all_is_one(validated, tmp_path):
    """The adversary's epochs are worse than the second of the warm-up, which stays; there is one file."""
    scores = [30.0, 32.0, 31.0, 28.0]
    trainer, _ = validated(4, 2, scores, compared=float("inf"))
    assert (trainer.state.best_metric, trainer.state.best_metric_epoch) == (32.0, 2)
    assert [file.name for file in tmp_path.glob("*.pt")] == ["model.pt"]
    assert not torch.equal(weights(tmp_path / "model.pt"), trainer.ema_network.module.refine[0].head[0].weight)


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_what_is_not_finite_is_never_the_best(validated, tmp_path, broken):
    trainer, _ = validated(3, 1, [30.0, broken, 20.0])
    assert (trainer.state.best_metric, trainer.state.best_metric_epoch) == (20.0, 3)
    trainer, _ = validated(3, 3, [30.0, broken, broken])
    assert (trainer.state.best_metric, trainer.state.best_metric_epoch) == (30.0, 1)


def test_a_phase_that_diverged_ends_with_an_error_every_time(validated, tmp_path):
    """The best of the warm-up stays, no model.pt is written, also when the training is started again."""
    for _ in range(2):
        with pytest.raises(ValueError, match="diverged"):
            validated(3, 1, [30.0, math.nan, math.nan], checkpoint=tmp_path / "state" / "checkpoint.pt")
        assert [file.name for file in tmp_path.glob("*.pt")] == ["model_supervised.pt"]


@pytest.mark.parametrize("saver", ["best", "last"])
def test_weights_that_are_not_finite_are_not_saved(training, tmp_path, saver):
    """They break in the second epoch; the first one's stay."""
    trainer = training(max_epochs=2, warmup_epochs=2)
    network = trainer.ema_network.module

    @trainer.on(Events.EPOCH_COMPLETED(once=2))
    def _break(engine):
        torch.nn.init.constant_(network.refine[0].head[0].weight, math.nan)

    if saver == "best":
        validator = ReconstructionValidator("cpu", DataLoader(trainer.data_loader.dataset, batch_size=4), network)
        ValidationHandler(interval=1, validator=validator, epoch_level=True).attach(trainer)
        validator.add_event_handler(
            Events.COMPLETED, lambda e: e.state.metrics.update(val_psnr=30.0 + trainer.state.epoch)
        )
        BestModelSaver(validator, network, tmp_path, 2).attach(trainer)
        trainer.run()
    else:
        LastModelSaver(network, tmp_path).attach(trainer)
        with pytest.raises(ValueError, match="diverged"):
            trainer.run()
    assert weights(tmp_path / "model.pt").isfinite().all()


@pytest.mark.parametrize(("interval", "end"), [(1, 4), (2, 6)])
def test_training_that_stopped_early_stops_at_once_when_started_again(validated, tmp_path, interval, end):
    """The second epoch is the best: two more validations, then it ends, now and later, unless patience grows."""
    scores = [30.0, 32.0, *[31.0] * 10]
    options = {"interval": interval, "checkpoint": tmp_path / "checkpoint.pt"}
    trainer, _ = validated(9, 9, scores, patience=2, **options)
    assert trainer.state.epoch == end
    log = (tmp_path / "log.csv").read_bytes()
    trainer, _ = validated(12, 12, scores, patience=2, **options)
    assert trainer.state.epoch == end
    assert (tmp_path / "log.csv").read_bytes() == log
    trainer, _ = validated(12, 12, scores, patience=3, **options)
    assert trainer.state.epoch == end + interval


def test_a_broken_slice_is_not_left_out_of_the_validation(training):
    """NaN in one of eight reconstructions: the mean of the others would hide it."""

    class Breaks(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return x[:, :2] * (math.nan if self.calls == 3 else 1.0)

    validator = ReconstructionValidator("cpu", DataLoader(training().data_loader.dataset), Breaks())
    validator.run()
    assert validator.state.metrics["val_psnr"] == -math.inf
    assert math.isfinite(validator.state.metrics["zero_filled_psnr"])
