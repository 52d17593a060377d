"""Reconstruction of whole volumes, one an iteration: for inference and for evaluation."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from monai.engines import SupervisedEvaluator
from monai.inferers import Inferer, SliceInferer
from torch import nn

from monai_gan_recon.engines.precision import resolve_amp
from monai_gan_recon.networks.estimate import estimate


class VolumeReconstructionEvaluator(SupervisedEvaluator):
    """MONAI's evaluator on volumes: all slices go through the network in batches, the volume stays together.

    The data loader gives one volume at a time, as a dictionary of tensors without batch axis
    (``DataLoader(..., batch_size=None)``): ``input`` (C, N, H, W), ``zero_filled`` (2, N, H, W), ``mask``
    (1, N, H, W), ``case``, and where known ``target`` (1, N, H, W) and ``person``. An item with ``error``
    instead passes through to the handlers.

    ``engine.state.output`` holds, with a batch axis of 1:

    * ``pred``: complex estimate (1, 2, N, H, W), or magnitude (1, 1, N, H, W) of a network of one channel;
    * ``zero_filled`` (1, 2, N, H, W), ``mask`` (1, 1, N, H, W) and, where known, the reference ``label``
      (1, 1, N, H, W);
    * ``seconds`` of the network stage, ``case`` and ``person`` (the case's name if not known).

    Args:
        device: device to compute on.
        val_data_loader: gives the volumes.
        network: the network contract: ``complex_estimate(x)`` for three input channels, else ``network(x)``.
        inferer: feeds the slices to the network; None: 4 slices at a time, with a progress bar.
        amp: bfloat16 autocast: true, false or "auto".
        val_handlers: MONAI or Ignite handlers.
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
        super().__init__(
            device=torch.device(device),
            val_data_loader=val_data_loader,
            network=network.to(torch.device(device), memory_format=torch.channels_last),  # type: ignore[call-overload]
            inferer=inferer or slice_inferer(),
            val_handlers=val_handlers,
            decollate=False,
        )
        self.bf16 = resolve_amp(amp, device)

    def run(self, global_epoch: int = 1) -> None:
        """Reconstruct all volumes, without gradients."""
        with torch.inference_mode():
            super().run(global_epoch)

    def _iteration(self, engine: SupervisedEvaluator, batchdata: Mapping[str, Any]) -> dict[str, Any]:
        case = str(batchdata.get("case", ""))
        output: dict[str, Any] = {"case": case, "person": str(batchdata.get("person", case))}
        engine.state.output = output
        if "error" in batchdata:
            return output | {"error": batchdata["error"]}
        volume = {key: batchdata[key].as_subclass(torch.Tensor)[None] for key in ("zero_filled", "mask")}
        inputs = batchdata["input"].as_subclass(torch.Tensor)[None].to(self.state.device)
        self._synchronize()
        start = time.perf_counter()
        with (
            self.mode(self.network),
            torch.autocast(self.state.device.type, torch.bfloat16, enabled=self.bf16),
        ):
            prediction: torch.Tensor = self.inferer(inputs, self._estimate)
        self._synchronize()
        output |= {"seconds": time.perf_counter() - start, "pred": prediction.float().cpu(), **volume}
        if "target" in batchdata:
            output["label"] = batchdata["target"].as_subclass(torch.Tensor)[None]
        return output

    def _estimate(self, x: torch.Tensor) -> torch.Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        return estimate(self.network, x).float()

    def _synchronize(self) -> None:
        if self.state.device.type == "cuda":
            torch.cuda.synchronize(self.state.device)


def slice_inferer(batch_size: int = 4, progress: bool = True) -> SliceInferer:
    """MONAI's inferer over the slices (first spatial axis) of a volume (1, C, N, H, W), each slice whole.

    Args:
        batch_size: slices that go through the network at a time.
        progress: show a progress bar.
    """
    return SliceInferer(
        spatial_dim=0,
        roi_size=(-1, -1),
        sw_batch_size=batch_size,
        overlap=0.0,
        mode="constant",
        progress=progress,
    )
