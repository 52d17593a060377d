"""Validation on slices during training, with the zero-filled image beside the reconstruction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from monai.engines import SupervisedEvaluator
from monai.handlers import IgniteMetricHandler, from_engine
from monai.inferers import Inferer
from monai.metrics import PSNRMetric, SSIMMetric
from torch import nn

from monai_gan_recon.engines.batch import PrepareReconstructionBatch
from monai_gan_recon.engines.runtime import autocast, resolve_amp
from monai_gan_recon.measurement import magnitude

KEY_METRIC = "val_psnr"


class ReconstructionValidator(SupervisedEvaluator):
    """MONAI's evaluator with PSNR (the key metric) and SSIM of the reconstruction, and of the zero-filled image.

    The PSNR is -inf if a reconstruction has a value that is not finite. The data loader gives dictionaries with
    ``input``, ``target`` and ``zero_filled``; the network is the generator, usually its moving average; ``amp`` is
    bfloat16 autocast: true, false or "auto". Further arguments are MONAI's.
    """

    def __init__(
        self,
        device: torch.device | str,
        val_data_loader: Iterable[Any],
        network: nn.Module,
        inferer: Inferer | None = None,
        amp: bool | str = "auto",
        val_handlers: Sequence[Any] | None = None,
    ) -> None:
        def psnr(image: str) -> IgniteMetricHandler:
            return IgniteMetricHandler(PSNRMetric(1.0), output_transform=from_engine([image, "label"]))

        def ssim(image: str) -> IgniteMetricHandler:
            return IgniteMetricHandler(SSIMMetric(2), output_transform=from_engine([image, "label"]))

        super().__init__(
            device=torch.device(device),
            val_data_loader=val_data_loader,
            network=network,
            inferer=inferer,
            prepare_batch=PrepareReconstructionBatch(),
            key_val_metric={KEY_METRIC: psnr("pred")},
            additional_metrics={
                "val_ssim": ssim("pred"),
                "zero_filled_psnr": psnr("zero_filled"),
                "zero_filled_ssim": ssim("zero_filled"),
            },
            val_handlers=val_handlers,
            amp=False,
            decollate=False,
        )
        self.bf16 = resolve_amp(amp, device)

    def _iteration(self, engine: SupervisedEvaluator, batchdata: dict[str, torch.Tensor]) -> dict[str, Any]:
        with autocast(batchdata["input"], self.bf16):
            output: dict[str, Any] = super()._iteration(engine, batchdata)
        for key in ("pred", "label"):
            output[key] = magnitude(output[key].float())
        # MONAI's mean leaves out what is NaN, and is 0 of nothing: a broken slice makes the PSNR -inf instead
        output["pred"] = output["pred"].nan_to_num(nan=math.inf, posinf=math.inf)
        output["zero_filled"] = magnitude(batchdata["zero_filled"].to(self.state.device))
        return output
