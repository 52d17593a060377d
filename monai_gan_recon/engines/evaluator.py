"""Reconstruction of whole volumes, one an iteration and a block of slices at a time: for inference and evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from monai.engines import SupervisedEvaluator
from monai.inferers import Inferer
from torch import nn
from tqdm import tqdm

from monai_gan_recon.checks import check_counts
from monai_gan_recon.data.scans import Scan
from monai_gan_recon.engines.runtime import autocast, resolve_amp
from monai_gan_recon.errors import failed
from monai_gan_recon.measurement import from_channels, gram, kspace_residual, magnitude, normal_operator, unpack

RESIDUALS = ("kspace_residual", "kspace_residual_complex", "chi_squared")


class VolumeReconstructionEvaluator(SupervisedEvaluator):
    """MONAI's evaluator on volumes: slices are scanned and reconstructed in blocks, magnitudes alone are kept.

    The data loader gives one volume at a time, as a dictionary without batch axis
    (``DataLoader(..., batch_size=None)``) with ``scan`` (:class:`monai_gan_recon.data.scans.Scan`), ``case`` and, where
    known, ``person``. An item with ``error`` or ``finished`` instead passes through to the handlers.

    ``engine.state.output`` holds

    * magnitudes ``pred``, ``zero_filled`` if asked for and, where known, ``label``, each (1, N, H, W) on the CPU;
    * a number a slice, each (N,): ``strength``, the norm of the zero-filled image; ``kspace_residual`` of the magnitude
      and ``kspace_residual_complex`` of the complex estimate (see ``measurement.kspace_residual``); ``chi_squared`` a
      measured sample (NaN without noise); ``noise_std`` of each real and imaginary part that the network was told;
    * ``sampled_fraction`` and ``known_fraction``, of k-space, the latter with what Hermitian symmetry adds; number of
      ``coils``, and whether whole ``lines`` were sampled, 1 or 0;
    * ``seconds`` of the network stage, ``case``, ``person`` (the case's name if not known) and ``plane``.

    Arguments that are not listed are MONAI's.

    Args:
        network: from network input (B, 4 + 2 C, H, W) to complex images (B, 2, H, W).
        inferer: for a block of slices.
        batch_size: slices at a time.
        amp: bfloat16 autocast: true, false or "auto".
        progress: show a progress bar over the slices of each volume, on a terminal.
        zero_filled: keep the zero-filled volume, too.
        coverage: called with the output and the item; what it gives is the output's ``caution``: what to be careful
            about, see :class:`monai_gan_recon.engines.inference.Coverage`.
        keep_going: True: a volume that cannot be reconstructed is an output with its message under ``error``; False: it
            is raised as a ValueError of one line.
    """

    def __init__(
        self,
        device: torch.device | str,
        val_data_loader: Iterable[Any],
        network: nn.Module,
        inferer: Inferer | None = None,
        batch_size: int = 4,
        amp: bool | str = "auto",
        progress: bool = True,
        zero_filled: bool = True,
        coverage: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, str]] | None = None,
        keep_going: bool = False,
        val_handlers: Sequence[Any] | None = None,
    ) -> None:
        check_counts(batch_size=batch_size)
        super().__init__(
            device=torch.device(device),
            val_data_loader=val_data_loader,
            network=network.to(torch.device(device), memory_format=torch.channels_last),  # type: ignore[call-overload]
            inferer=inferer,
            val_handlers=val_handlers,
            decollate=False,
        )
        self.batch_size, self.progress, self.bf16 = batch_size, progress, resolve_amp(amp, device)
        self.zero_filled, self.coverage, self.keep_going = zero_filled, coverage, keep_going

    def run(self, global_epoch: int = 1) -> None:
        """Reconstruct all volumes, without gradients."""
        with torch.inference_mode():
            super().run(global_epoch)

    def _iteration(self, engine: SupervisedEvaluator, batchdata: Mapping[str, Any]) -> dict[str, Any]:
        case = str(batchdata.get("case", ""))
        output: dict[str, Any] = {"case": case, "person": str(batchdata.get("person", case))}
        engine.state.output = output
        if passed := passed_on(batchdata):
            return output | passed
        name = getattr(batchdata.get("image"), "meta", {}).get("filename_or_obj", case)
        try:
            with self.mode(self.network):
                output |= self._reconstruct(batchdata["scan"])
        except (RuntimeError, ValueError, MemoryError) as error:
            return output | failed(error, name, self.keep_going)
        caution = {} if self.coverage is None else self.coverage(output, batchdata)
        return output | {"caution": caution, "plane": batchdata.get("plane")}

    def _reconstruct(self, scan: Scan) -> dict[str, Any]:
        slices = scan.size[0]
        volumes: dict[str, torch.Tensor] = {}
        numbers: dict[str, torch.Tensor] = {}  # filled in place: small tensors that stay would fragment the memory
        seconds = 0.0
        starts = range(0, slices, self.batch_size)
        for start in tqdm(starts, desc="slices", leave=False, disable=None if self.progress else True):
            block = scan.block(start, min(start + self.batch_size, slices))
            inputs = block["input"].to(self.state.device).contiguous(memory_format=torch.channels_last)
            self._synchronize()
            began = time.perf_counter()
            with autocast(inputs, self.bf16):
                estimate: torch.Tensor = self.inferer(inputs, self.network).float()
            self._synchronize()
            seconds += time.perf_counter() - began
            estimate = estimate.cpu()
            target = block.get("target") if scan.reference is None else None
            zero_filled = block["zero_filled"] if self.zero_filled else None
            images = {"pred": estimate, "zero_filled": zero_filled, "label": target}
            for name, image in images.items():
                if image is not None:
                    volume = volumes.setdefault(name, torch.empty(1, *scan.size))
                    volume[0, start : start + len(image)] = magnitude(image)[:, 0]
            for name, values in measurement_residuals(estimate, block).items():
                numbers.setdefault(name, torch.empty(slices))[start : start + len(values)] = values
        if scan.reference is not None:
            volumes["label"] = scan.reference
        means = {
            name: float(numbers.pop(name).mean()) for name in ("sampled_fraction", "known_fraction", "coils", "lines")
        }
        return {**volumes, **numbers, **means, "seconds": seconds}

    def _synchronize(self) -> None:
        if self.state.device.type == "cuda":
            torch.cuda.synchronize(self.state.device)


def passed_on(item: Mapping[str, Any]) -> dict[str, Any]:
    """What an item has instead of a volume, each a line: ``error``, or ``finished`` where its results are there."""
    return {key: item[key] for key in ("error", "finished") if key in item}


def measurement_residuals(estimate: torch.Tensor, block: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """How far estimates (B, 2, H, W) are from what was measured.

    ``block`` is that of :func:`monai_gan_recon.simulation.measured_block`.

    Returns:
        :data:`RESIDUALS`, ``strength``, ``noise_std``, ``sampled_fraction``, ``known_fraction``, ``coils`` and
        ``lines``, each (B,).
    """
    data = unpack(block["input"])
    normal = normal_operator(block["mask"], data.maps)
    adjoint, image = from_channels(block["zero_filled"]), from_channels(estimate)
    agreement = (image.conj() * (gram(image, normal) - 2 * adjoint)).real.sum(dim=(-2, -1))
    coils = 1 if data.maps is None else data.maps.shape[1]
    samples = coils * block["mask"].sum(dim=(1, 2, 3))
    variance = data.noise_std[:, 0, 0, 0].square()
    chi_squared = (agreement + block["energy"]) / (2 * variance * samples)
    return {
        "kspace_residual": kspace_residual(image.abs().to(image.dtype), adjoint, normal),
        "kspace_residual_complex": kspace_residual(image, adjoint, normal),
        "chi_squared": torch.where(variance > 0, chi_squared, torch.nan),
        "strength": torch.linalg.vector_norm(adjoint, dim=(-2, -1)),
        "sampled_fraction": block["mask"].mean(dim=(1, 2, 3)),
        "known_fraction": data.mask.mean(dim=(1, 2, 3)),
        "noise_std": data.noise_std[:, 0, 0, 0],
        "coils": torch.full((len(image),), float(coils)),
        "lines": torch.full((len(image),), float(len(normal.axes) == 1)),
    }
