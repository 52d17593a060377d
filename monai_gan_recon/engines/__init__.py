"""Engines: the GAN trainer on MONAI's AdversarialTrainer, validation, resumable checkpoints."""

from monai_gan_recon.engines.batch import MagnitudeView, MeasuredView, PrepareMeasuredBatch, PrepareReconstructionBatch
from monai_gan_recon.engines.checkpoint import ResumableCheckpoint
from monai_gan_recon.engines.config_hash import result_record, training_identity
from monai_gan_recon.engines.runtime import (
    bf16_pays,
    check_device,
    join_processes,
    keep_freed_memory,
    leave_processes,
    local_device,
    parallel,
    resolve_amp,
    set_seed,
)
from monai_gan_recon.engines.saving import BestModelSaver, LastModelSaver
from monai_gan_recon.engines.trainer import ReconstructionGANTrainer, ResumableWarmupCosine, ema_of
from monai_gan_recon.engines.training_log import (
    EarlyStop,
    StartValidation,
    TrainingLog,
    TrainingProgress,
    read_log,
    scalars,
)
from monai_gan_recon.engines.validator import ReconstructionValidator

__all__ = [
    "BestModelSaver",
    "EarlyStop",
    "LastModelSaver",
    "MagnitudeView",
    "MeasuredView",
    "PrepareMeasuredBatch",
    "PrepareReconstructionBatch",
    "ReconstructionGANTrainer",
    "ReconstructionValidator",
    "ResumableCheckpoint",
    "ResumableWarmupCosine",
    "StartValidation",
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
    "result_record",
    "scalars",
    "set_seed",
    "training_identity",
]
