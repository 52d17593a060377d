"""Compressed sensing by SigPy, slice by slice on the CPU: no weights, no training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from monai_gan_recon.measurement import fft2c, from_channels, to_channels, unpack
from monai_gan_recon.networks.generator import signal_intensity

METHODS = ("wavelet", "tv")
# step sizes from the operators' norms: ||W F||^2 <= 1, and ||D||^2 <= 8 of the differences along two axes. SigPy's own
# estimate starts from random numbers, and its results would differ from run to run
_STEPS = {"wavelet": {"alpha": 1.0}, "tv": {"sigma": 1.0, "tau": 1 / 9}}


class CompressedSensing(nn.Module):
    r"""The image that fits the measured samples and is sparse in its wavelets or its differences.

    :math:`\min_x \frac12 \|W^{1/2} (F x - y)\|_2^2 + \lambda \|\Psi x\|_1` (Lustig, Donoho & Pauly 2007), by SigPy's
    ``L1WaveletRecon`` (FISTA) or ``TotalVariationRecon`` (primal-dual hybrid gradient) with one uniform coil.

    Args:
        method: "wavelet" (Daubechies 4) or "tv" (total variation).
        lamda: the weight :math:`\lambda`, for images divided by their :func:`signal_intensity`; SigPy's spelling.
        noisy_lamda: the weight for noisy samples; None: the same.
        iterations: steps of the solver.

    Raises:
        ValueError: for an unknown method, a number that is not positive, or without SigPy.
    """

    def __init__(
        self,
        method: str = "wavelet",
        lamda: float = 0.01,
        noisy_lamda: float | None = None,
        iterations: int = 200,
    ) -> None:
        super().__init__()
        if method not in METHODS:
            raise ValueError(f"compressed sensing: unknown method {method!r}; choose one of {', '.join(METHODS)}")
        self.method, self.iterations = method, int(iterations)
        self.lamda, self.noisy_lamda = float(lamda), float(lamda if noisy_lamda is None else noisy_lamda)
        if not min(self.lamda, self.noisy_lamda) > 0 or iterations < 1:
            raise ValueError(f"compressed sensing: lamda and iterations must be above 0, got {self.extra_repr()}")
        self.app = _app(method)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Network input of one coil (B, 4, H, W) to real and imaginary part (B, 2, H, W).

        Raises:
            ValueError: for coil sensitivities or a phase.
        """
        data = unpack(x)
        if data.maps is not None:
            raise ValueError("compressed sensing takes one coil without phase")
        scale = signal_intensity(data.adjoint)
        kspace = fft2c(from_channels(data.adjoint / scale)).cpu().numpy()
        lamdas = [self.noisy_lamda if sigma > 0 else self.lamda for sigma in data.noise_std.flatten()]
        images = [self._solve(*case) for case in zip(kspace, data.mask[:, 0].cpu().numpy(), lamdas, strict=True)]
        return to_channels(torch.from_numpy(np.stack(images)).to(x.device)) * scale

    def extra_repr(self) -> str:
        """Method and numbers, which the hash of a result's configuration reads."""
        weights = f"lamda={self.lamda}, noisy_lamda={self.noisy_lamda}"
        return f"method={self.method!r}, {weights}, iterations={self.iterations}"

    def _solve(self, kspace: np.ndarray, weight: np.ndarray, lamda: float) -> np.ndarray:
        app = self.app(
            kspace[None] * (weight > 0),
            np.ones((1, *kspace.shape), kspace.dtype),
            lamda,
            weights=weight[None],
            max_iter=self.iterations,
            show_pbar=False,
            **_STEPS[self.method],
        )
        return np.asarray(app.run(), dtype=np.complex64)


def _app(method: str) -> Any:
    try:
        from sigpy.mri.app import L1WaveletRecon, TotalVariationRecon
    except ImportError as error:
        raise ValueError("compressed sensing needs SigPy: pip install -e '.[benchmarks]'") from error
    return L1WaveletRecon if method == "wavelet" else TotalVariationRecon
