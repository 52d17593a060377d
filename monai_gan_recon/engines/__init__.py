"""Engines: the GAN trainer on MONAI's AdversarialTrainer, validation, resumable checkpoints."""

from monai_gan_recon.engines.batch import PrepareReconstructionBatch
from monai_gan_recon.engines.best_model import BestModelSaver
from monai_gan_recon.engines.checkpoint import ResumableCheckpoint
from monai_gan_recon.engines.critic_view import MagnitudeView, MeasuredView
from monai_gan_recon.engines.distributed import join_processes, leave_processes, local_device, parallel
from monai_gan_recon.engines.ema import ema_of
from monai_gan_recon.engines.host_memory import keep_freed_memory
from monai_gan_recon.engines.last_model import LastModelSaver
from monai_gan_recon.engines.measured_batch import PrepareMeasuredBatch
from monai_gan_recon.engines.precision import bf16_pays, check_device, resolve_amp
from monai_gan_recon.engines.progress import TrainingProgress
from monai_gan_recon.engines.schedule import ResumableWarmupCosine
from monai_gan_recon.engines.seeding import set_seed
from monai_gan_recon.engines.trainer import ReconstructionGANTrainer
from monai_gan_recon.engines.training_log import TrainingLog, read_log, scalars
from monai_gan_recon.engines.validator import ReconstructionValidator

__all__ = [
    "BestModelSaver",
    "LastModelSaver",
    "MagnitudeView",
    "MeasuredView",
    "PrepareMeasuredBatch",
    "PrepareReconstructionBatch",
    "ReconstructionGANTrainer",
    "ReconstructionValidator",
    "ResumableCheckpoint",
    "ResumableWarmupCosine",
    "TrainingLog",
    "TrainingProgress",
    "bf16_pays",
    "check_device",
    "ema_of",
    "join_processes",
    "keep_freed_memory",
    "leave_processes",
    "local_device",
    "parallel",
    "read_log",
    "resolve_amp",
    "scalars",
    "set_seed",
]
