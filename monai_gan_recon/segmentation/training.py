"""What a training of tissue segmentation adds to MONAI's trainer: validation, progress."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import IgniteMetricHandler
from monai.inferers import Inferer
from monai.metrics import DiceMetric
from monai.networks import one_hot
from torch import nn

from monai_gan_recon.engines.runtime import check_device
from monai_gan_recon.engines.training_log import TrainingProgress
from monai_gan_recon.segmentation.labels import NUM_CLASSES, TISSUES

KEY_METRIC = "val_dice"


class TissueTrainer(SupervisedTrainer):
    """MONAI's trainer, whose output keeps no graph: handlers may hold the loss and the prediction."""

    def _iteration(self, engine: SupervisedTrainer, batchdata: dict[str, torch.Tensor]) -> dict[str, Any]:
        output: dict[str, Any] = super()._iteration(engine, batchdata)
        return {name: v.detach() if isinstance(v, torch.Tensor) else v for name, v in output.items()}


class TissueValidator(SupervisedEvaluator):
    """MONAI's evaluator on patches; key metric: mean Dice of the tissues over patches, absent tissues left out.

    Further metrics: the Dice of each tissue, such as ``val_dice_gm``. The loader gives dictionaries with ``image``
    (B, 4, X, Y, Z) and ``label`` (B, 1, X, Y, Z), of which the network makes logits (B, 4, X, Y, Z).
    """

    def __init__(
        self,
        device: torch.device | str,
        val_data_loader: Iterable[Any],
        network: nn.Module,
        inferer: Inferer | None = None,
        val_handlers: Sequence[Any] | None = None,
    ) -> None:
        super().__init__(
            device=check_device(device),
            val_data_loader=val_data_loader,
            network=network,
            inferer=inferer,
            key_val_metric={KEY_METRIC: _dice(None)},
            additional_metrics={f"{KEY_METRIC}_{name}": _dice(label) for label, name in TISSUES.items()},
            val_handlers=val_handlers,
            decollate=False,
        )


def _dice(label: int | None) -> IgniteMetricHandler:
    def pick(output: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        prediction = one_hot(output["pred"].argmax(1, keepdim=True), NUM_CLASSES)
        reference = one_hot(output["label"], NUM_CLASSES)
        classes = slice(1, None) if label is None else slice(label, label + 1)
        return prediction[:, classes], reference[:, classes]

    return IgniteMetricHandler(DiceMetric(include_background=True), output_transform=pick)


class TissueProgress(TrainingProgress):
    """A progress bar with the loss (on terminals only), and after each validation a line with the Dice."""

    def describe(self, metrics: Mapping[str, Any]) -> str:
        """Mean Dice, and that of each tissue."""
        tissues = (f"{name.upper()} {metrics[f'{KEY_METRIC}_{name}']:.4f}" for name in TISSUES.values())
        return f"validation Dice {metrics[KEY_METRIC]:.4f} ({', '.join(tissues)})"
