"""Train the brain extraction of the segmentation bundle on simulated heads around stripped brains.

    python -m benchmarks.training.brain_extraction --data_root DATA --output_dir outputs/brain_extraction

Heads are built around the training people of two manifests (T1 brains, skull-stripped) and shown in a new contrast at
every step. Validation: simulated heads of the manifests' validation people, always the same. One thread of a CPU is
enough. Goes on from its checkpoint; ``model.pt`` there, in half precision, is what the bundle ships.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from monai.data import MetaTensor
from monai.losses import DiceCELoss
from monai.metrics import compute_dice
from monai.transforms import Compose, Orientation, RandAffined, RandFlipd, Randomizable

from monai_gan_recon.data import load_manifest
from monai_gan_recon.engines import ResumableWarmupCosine, set_seed
from monai_gan_recon.engines.saving import save_state
from monai_gan_recon.io import load_volume
from monai_gan_recon.networks import load_weights
from monai_gan_recon.segmentation.brain_extraction import (
    TRAINED_ON,
    BrainNetwork,
    network_input,
    network_shape,
    resize,
)
from monai_gan_recon.segmentation.brain_mask import spacing_mm
from monai_gan_recon.simulation.head_anatomy import HeadAnatomy, RandHeadAnatomy
from monai_gan_recon.simulation.heads import RandHeadImage

MANIFESTS = ("oasis_malc", "ds002748")
MADE_MM = 2.0
"""Spacing that heads are made at; averages of these voxels are what the network sees, as of a scan's."""


class SimulatedHeads(Randomizable):
    """Pairs of image and share of brain (1, 64, 80, 64), 3 mm, of random heads around brains of a manifest's section.

    Args:
        section: of the manifests.
        data_root: folder of the data sets.
        heads: anatomies made of each brain; each is shown in many contrasts.
        seed: of all that is drawn.
    """

    def __init__(self, section: str, data_root: Path, heads: int, seed: int) -> None:
        self.set_random_state(seed)
        anatomy = RandHeadAnatomy().set_random_state(seed)
        self.image = RandHeadImage().set_random_state(seed)
        self.anatomies: list[HeadAnatomy] = []
        for name in MANIFESTS:
            manifest = load_manifest(name, data_root / name)
            for entry in manifest.section(section):
                brain = coarse_brain(load_volume(entry["image"]), MADE_MM)
                self.anatomies += [anatomy(brain) for _ in range(heads)]
        keys = ("image", "mask")
        self.augment = Compose(
            [
                RandAffined(
                    keys,
                    prob=1.0,
                    spatial_size=TRAINED_ON,
                    rotate_range=[0.3, 0.2, 0.2],
                    scale_range=[0.15, 0.15, 0.15],
                    translate_range=[12, 15, 15],
                    padding_mode="zeros",
                ),
                RandFlipd(keys, prob=0.5, spatial_axis=0),
            ]
        ).set_random_state(seed)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            for index in self.R.permutation(len(self.anatomies)):
                yield self.sample(index)

    def sample(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """A new image of an anatomy, and the share of brain in each voxel."""
        image, mask = self.image(self.anatomies[index])
        shape = network_shape(image.shape[1:], spacing_mm(image))
        pair = self.augment({"image": resize(image[0], shape)[None], "mask": resize(mask[0], shape)[None]})
        return network_input(pair["image"].as_tensor()), pair["mask"].as_tensor()


def coarse_brain(volume: MetaTensor, spacing_to: float) -> MetaTensor:
    """A stripped brain (1, X, Y, Z) at a wider spacing in mm, 0 in voxels of which the lesser part is brain."""
    upright = Orientation("RAS", labels=None)(volume)
    spacing = spacing_mm(upright)
    values = upright.as_tensor()[0].float()
    shape = network_shape(values.shape, spacing, spacing_to)
    share = resize((values != 0).float(), shape)
    brain = torch.where(share > 0.5, resize(values, shape) / share.clamp_min(0.5), 0)
    step = [n * old / new for n, old, new in zip(values.shape, spacing, shape, strict=True)]
    return MetaTensor(brain[None], affine=torch.diag(torch.tensor([*step, 1.0])))


def validation_dice(network: BrainNetwork, heads: list[tuple[torch.Tensor, torch.Tensor]]) -> list[float]:
    """Dice of each validation head."""
    network.eval()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        scores = [
            float(compute_dice((network(image[None]) > 0).float(), (mask[None] > 0.5).float())) for image, mask in heads
        ]
    network.train()
    return scores


def main() -> None:
    """Train, and write checkpoints, the log and the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add(
        "--data_root",
        type=Path,
        default=os.environ.get("MONAI_GAN_RECON_DATA"),
        help="folder of the data sets",
    )
    add("--output_dir", type=Path, default=Path("outputs") / "brain_extraction")
    add("--init_weights", type=Path, help="start from these")
    add("--steps", type=int, default=1500)
    add("--heads", type=int, default=2, help="anatomies of each brain")
    add("--learning_rate", type=float, default=2e-3)
    add("--seed", type=int, default=0)
    options = parser.parse_args()
    set_seed(options.seed)
    network = load_weights(BrainNetwork(), options.init_weights)
    optimizer = torch.optim.AdamW(network.parameters(), options.learning_rate, weight_decay=1e-4)
    schedule = ResumableWarmupCosine(optimizer, 30, options.steps, end_lr=0.01 * options.learning_rate)
    objects = {"network": network, "optimizer": optimizer, "schedule": schedule}
    checkpoint, done = options.output_dir / "checkpoint.pt", 0
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        done = state.pop("done")
        for name, thing in objects.items():
            thing.load_state_dict(state[name])
    validation = SimulatedHeads("validation", options.data_root, 2, 1)
    held_out = [validation.sample(index) for index in range(len(validation.anatomies))]
    loss_function = DiceCELoss(sigmoid=True, batch=True)
    losses: list[float] = []
    began = time.monotonic()
    heads = iter(SimulatedHeads("training", options.data_root, options.heads, options.seed + done))
    for step in range(done + 1, options.steps + 1):
        image, mask = next(heads)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(image[None])
        loss = loss_function(logits.float(), mask[None])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0, error_if_nonfinite=True)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 25 == 0:
            print(f"step {step}: loss {np.mean(losses[-25:]):.4f}, {time.monotonic() - began:.0f} s", flush=True)
        if step % 150 == 0 or step == options.steps:
            scores = validation_dice(network, held_out)
            print(f"step {step}: validation Dice {np.mean(scores):.4f}, least {min(scores):.4f}", flush=True)
            save_state({name: thing.state_dict() for name, thing in objects.items()} | {"done": step}, checkpoint)
            half = {name: value.half() for name, value in network.state_dict().items()}
            save_state(half, options.output_dir / "model.pt")


if __name__ == "__main__":
    main()
