"""Training throughput of the trainer beside a bare PyTorch loop with the same networks, losses and data.

    python -m benchmarks.training_throughput

Full ResNet-50 generator and critic, 256x256, batch 8, supervised and adversarial iterations; moving average, gradient
clipping and the same precision on both sides. The two take turns in one process, so that the machine's other load
meets both alike; the ratio of their median times is what counts. The trainer's side includes its log of the losses.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Events

from benchmarks.result_files import write_json
from monai_gan_recon.engines import (
    PrepareReconstructionBatch,
    ReconstructionGANTrainer,
    TrainingLog,
    ema_of,
    resolve_amp,
)
from monai_gan_recon.errors import exit_code
from monai_gan_recon.losses import ReconstructionLoss, WassersteinLoss, gradient_penalty
from monai_gan_recon.measurement import magnitude
from monai_gan_recon.networks import ResNetCritic, UnrolledGenerator
from monai_gan_recon.simulation import Undersample

SHARE = 0.1


def main() -> None:
    """Run the comparison, print it and write ``benchmarks/results/training_throughput.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch_size", type=int, default=8)
    parser.add_argument("--width", type=int, default=64, help="64 is ResNet-50")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "training_throughput.json")
    arguments = parser.parse_args()
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    batch = random_batch(arguments.size, arguments.batch_size)
    result: dict[str, Any] = {
        "device": device.type,
        "threads": torch.get_num_threads(),
        "size": arguments.size,
        "batch_size": arguments.batch_size,
        "width": arguments.width,
        "bf16": resolve_amp("auto", device),
    }
    log = Path(tempfile.mkdtemp()) / "log.csv"
    for phase, adversarial in (("supervised", False), ("adversarial", True)):
        sides = {
            "trainer": trainer_iteration(batch, device, arguments.width, adversarial, log),
            "bare loop": bare_iteration(batch, device, arguments.width, adversarial),
        }
        seconds = take_turns(sides, arguments.rounds, device)
        rate = {name: arguments.batch_size / statistics.median(times) for name, times in seconds.items()}
        ratio = rate["trainer"] / rate["bare loop"]
        print(f"{phase}: trainer {rate['trainer']:.2f}, bare loop {rate['bare loop']:.2f} slices/s, ratio {ratio:.3f}")
        result[phase] = {**{f"{n} slices/s": round(r, 3) for n, r in rate.items()}, "ratio": round(ratio, 4)}
    write_json(arguments.output, result)


def random_batch(size: int, batch_size: int) -> dict[str, torch.Tensor]:
    """Random images, undersampled."""
    images = torch.rand(1, batch_size, size, size, generator=torch.Generator().manual_seed(0))
    return Undersample(rate=0.3)(images)


def networks(device: torch.device, width: int) -> tuple[UnrolledGenerator, ResNetCritic, list[torch.optim.Optimizer]]:
    """Generator, critic and their optimisers, the same for both sides."""
    torch.manual_seed(0)
    generator = UnrolledGenerator(width=width).to(device, memory_format=torch.channels_last)
    critic = ResNetCritic(width=width).to(device, memory_format=torch.channels_last)
    return (
        generator,
        critic,
        [torch.optim.Adam(network.parameters(), lr=1e-4) for network in (generator, critic)],
    )


def trainer_iteration(
    batch: dict[str, torch.Tensor], device: torch.device, width: int, adversarial: bool, log: Path
) -> Callable[[], None]:
    """One iteration of the trainer, the engine's own overhead included."""
    generator, critic, (g_optimizer, d_optimizer) = networks(device, width)
    trainer = ReconstructionGANTrainer(
        device=device,
        max_epochs=10**6,
        train_data_loader=[batch],
        g_network=generator,
        g_optimizer=g_optimizer,
        d_network=critic,
        d_optimizer=d_optimizer,
        recon_loss_function=ReconstructionLoss(a=1.0, b=0.0),
        adversarial_loss=WassersteinLoss(),
        warmup_epochs=0 if adversarial else 10**6,
        adversarial_share=SHARE,
        penalty_weight=10.0,
        max_grad_norm=1.0,
        ema_network=ema_of(generator),
        prepare_batch=PrepareReconstructionBatch(),
        train_handlers=[TrainingLog(log)],
    )
    trainer.add_event_handler(Events.EPOCH_COMPLETED, trainer.interrupt)
    return trainer.run


def bare_iteration(
    batch: dict[str, torch.Tensor], device: torch.device, width: int, adversarial: bool
) -> Callable[[], None]:
    """The same computation without an engine."""
    generator, critic, (g_optimizer, d_optimizer) = networks(device, width)
    loss_function = ReconstructionLoss(a=1.0, b=0.0)
    ema = ema_of(generator)

    def autocast() -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=resolve_amp("auto", device))

    def iteration() -> None:
        x, y = (batch[key].to(device, memory_format=torch.channels_last) for key in ("input", "target"))
        with autocast():
            fake = generator(x).float()
        if adversarial:
            d_optimizer.zero_grad(set_to_none=True)
            with autocast():
                loss = critic(magnitude(fake.detach())).float().mean() - critic(magnitude(y)).float().mean()
            (loss + gradient_penalty(critic, magnitude(y), magnitude(fake.detach()), 10.0)).backward()
            d_optimizer.step()
        g_optimizer.zero_grad(set_to_none=True)
        image = fake.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(loss_function(image, y, x), image)
        if adversarial:
            critic.requires_grad_(False)
            with autocast():
                adversarial_loss = -critic(magnitude(image)).float().mean()
            (other,) = torch.autograd.grad(adversarial_loss, image)
            critic.requires_grad_(True)
            gradient = gradient + SHARE / (1 - SHARE) * gradient.norm() / other.norm() * other
        fake.backward(gradient)
        torch.nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
        g_optimizer.step()
        ema.update_parameters(generator)

    return iteration


def take_turns(sides: dict[str, Callable[[], None]], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Seconds of each round of each side, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, iteration in sides.items():
            start = time.perf_counter()
            iteration()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    sys.exit(exit_code(main))
