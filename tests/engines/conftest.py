"""A small training: tiny networks, random images, everything seeded."""

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from monai_gan_recon.data import EpochSampler
from monai_gan_recon.engines import PrepareReconstructionBatch, ReconstructionGANTrainer, ema_of
from monai_gan_recon.losses import ReconstructionLoss, WassersteinLoss
from monai_gan_recon.networks import ResNetCritic, UnrolledGenerator
from monai_gan_recon.simulation import Undersampled


class Blobs(Dataset):
    """Smooth random images, undersampled; item i is always the same."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index % len(self))
        low = torch.rand(1, 1, 5, 5, generator=generator)
        image = torch.nn.functional.interpolate(low, size=(32, 32), mode="bicubic").clamp(0, 1)[0]
        scan = Undersampled("image", rate=0.3)({"image": image, "case": str(index)})
        return {key: scan[key] for key in ("input", "target", "zero_filled")}


@pytest.fixture
def training():
    """Function that builds a trainer of tiny networks; keyword arguments go to the trainer."""

    def build(seed=0, max_epochs=2, loader=None, **kwargs):
        torch.manual_seed(seed)
        generator = UnrolledGenerator(layers=(1, 1), width=4, stem="pixel_unshuffle", cascades=2)
        critic = kwargs.pop("critic", None) or ResNetCritic(layers=(1, 1, 1, 1), width=4)
        data = Blobs()
        loader = loader or DataLoader(data, batch_size=4, sampler=EpochSampler(len(data), seed=seed))
        return ReconstructionGANTrainer(
            device=kwargs.pop("device", "cpu"),
            max_epochs=max_epochs,
            train_data_loader=loader,
            g_network=generator,
            g_optimizer=torch.optim.AdamW(generator.parameters(), lr=1e-3),
            d_network=critic,
            d_optimizer=torch.optim.Adam(critic.parameters(), lr=1e-3),
            recon_loss_function=kwargs.pop("loss", ReconstructionLoss(a=1.0, b=0.0)),
            adversarial_loss=kwargs.pop("adversarial_loss", WassersteinLoss()),
            ema_network=ema_of(generator, 0.9),
            prepare_batch=PrepareReconstructionBatch(transpose_probability=0.5),
            amp=kwargs.pop("amp", False),
            **kwargs,
        )

    return build
