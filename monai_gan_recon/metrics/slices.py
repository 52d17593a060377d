"""Metrics of slices against their reference: MSE, RMSE, NMSE, PSNR, SSIM and HFEN, some inside the brain alone."""

from __future__ import annotations

import torch
from monai.data import MetaTensor
from monai.metrics.regression import MSEMetric, PSNRMetric, RMSEMetric, compute_ssim_and_cs
from scipy.fft import next_fast_len
from torch import Tensor

from monai_gan_recon.metrics.conventions import DATA_RANGE, HFEN_SIGMA, HFEN_WINDOW, PSNR_CAP, SSIM_SIGMA, SSIM_WINDOW


def plain(image: Tensor) -> Tensor:
    """The tensor without metadata or gradient, float32."""
    tensor = image.as_tensor() if isinstance(image, MetaTensor) else image
    return tensor.detach().to(torch.float32)


def check_pair(image: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Both as plain float32 tensors; a ValueError if they are not (N, 1, H, W), or of different shapes."""
    if image.shape != reference.shape or image.ndim != 4 or image.shape[1] != 1:
        raise ValueError(
            "metrics compare slices (N, 1, H, W) of one shape, "
            f"got an image {tuple(image.shape)} and a reference {tuple(reference.shape)}"
        )
    return plain(image), plain(reference)


def check_brain(brain: Tensor, reference: Tensor) -> Tensor:
    """The mask as booleans on the reference's device; a ValueError if its shape is not the reference's."""
    if brain.shape != reference.shape:
        raise ValueError(f"the brain mask is {tuple(brain.shape)} but the slices are {tuple(reference.shape)}")
    return brain.to(reference.device, torch.bool)


def mse(image: Tensor, reference: Tensor) -> Tensor:
    """Mean squared error of each slice (N, 1, H, W), shape (N,)."""
    return MSEMetric(reduction="none")(*check_pair(image, reference))[:, 0]


def rmse(image: Tensor, reference: Tensor) -> Tensor:
    """Root of the mean squared error of each slice (N, 1, H, W), shape (N,)."""
    return RMSEMetric(reduction="none")(*check_pair(image, reference))[:, 0]


def nmse(image: Tensor, reference: Tensor) -> Tensor:
    r"""Normalised squared error of each slice, :math:`\|y - x\|_2^2 / \|y\|_2^2` (fastMRI), shape (N,).

    NaN where the reference is zero everywhere.
    """
    image, reference = check_pair(image, reference)
    error = (reference - image).square().sum(dim=(1, 2, 3))
    energy = reference.square().sum(dim=(1, 2, 3))
    return torch.where(energy > 0, error / energy, torch.nan)


def psnr(image: Tensor, reference: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each slice in dB, data range 1, at most 100 dB, shape (N,)."""
    return PSNRMetric(DATA_RANGE, reduction="none")(*check_pair(image, reference))[:, 0].clamp_max(PSNR_CAP)


def psnr_brain(image: Tensor, reference: Tensor, brain: Tensor) -> Tensor:
    """PSNR in dB of the brain's pixels only: a zero background does not flatter it.

    Of slices and brain mask (N, 1, H, W); shape (N,), at most 100 dB, NaN for slices without brain.
    """
    image, reference = check_pair(image, reference)
    inside = check_brain(brain, reference)
    error = ((reference - image).square() * inside).sum(dim=(1, 2, 3)) / inside.sum(dim=(1, 2, 3))
    return (-10 * torch.log10(error / DATA_RANGE**2)).clamp_max(PSNR_CAP)


def ssim_map(image: Tensor, reference: Tensor) -> Tensor:
    """SSIM at each pixel whose window lies inside the slice (Wang et al. 2004, eq. 13), MONAI's defaults.

    Of slices (N, 1, H, W) in [0, 1]; shape (N, 1, H - 10, W - 10), values in [-1, 1].

    Raises:
        ValueError: if a slice is smaller than the window of 11 pixels.
    """
    image, reference = check_pair(image, reference)
    if min(image.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(
            f"SSIM needs slices of at least {SSIM_WINDOW}x{SSIM_WINDOW} pixels, got {tuple(image.shape[-2:])}"
        )
    channels = (x.transpose(0, 1) for x in (image, reference))  # slices as channels: a faster convolution
    similarity: Tensor = compute_ssim_and_cs(
        *channels, 2, (SSIM_WINDOW, SSIM_WINDOW), (SSIM_SIGMA, SSIM_SIGMA), DATA_RANGE
    )[0]
    return similarity.transpose(0, 1)


def ssim(image: Tensor, reference: Tensor) -> Tensor:
    """SSIM of each slice (N, 1, H, W), the mean of its map as in MONAI's SSIMMetric, shape (N,)."""
    return ssim_map(image, reference).mean(dim=(1, 2, 3))


def ssim_brain(image: Tensor, reference: Tensor, brain: Tensor) -> Tensor:
    """SSIM map averaged over the brain mask (N, 1, H, W); NaN for slices without brain, shape (N,)."""
    return mean_in_brain(ssim_map(image, reference), brain)


def mean_in_brain(similarity: Tensor, brain: Tensor) -> Tensor:
    """Mean of an SSIM map (N, 1, H - 10, W - 10) over the brain mask (N, 1, H, W), shape (N,)."""
    border = SSIM_WINDOW // 2
    inside = check_brain(brain[..., border:-border, border:-border], similarity)
    return torch.where(inside, similarity, 0).sum(dim=(1, 2, 3)) / inside.sum(dim=(1, 2, 3))


def log_filter() -> Tensor:
    """Laplacian-of-Gaussian filter (15, 15) of zero sum, as MATLAB's ``fspecial('log', 15, 1.5)``."""
    size, sigma = HFEN_WINDOW, HFEN_SIGMA
    x = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    squared = x[:, None].square() + x[None, :].square()
    gaussian = torch.exp(-squared / (2 * sigma**2))
    laplacian = gaussian / gaussian.sum() * (squared - 2 * sigma**2) / sigma**4
    return (laplacian - laplacian.mean()).to(torch.float32)


def hfen(image: Tensor, reference: Tensor) -> Tensor:
    r"""High-frequency error norm of each slice (N, 1, H, W), :math:`\|L(y - x)\|_2 / \|L y\|_2`, shape (N,).

    ``L`` is a Laplacian-of-Gaussian filter of 15×15 pixels, sigma 1.5 (Ravishankar & Bresler, IEEE TMI 2011);
    slices are zero outside. 0 is a perfect rendering of edges and texture; NaN where the reference has no detail.
    """
    image, reference = check_pair(image, reference)
    error, detail = (torch.linalg.vector_norm(_filtered(x), dim=(1, 2, 3)) for x in (reference - image, reference))
    return torch.where(detail > 0, error / detail, torch.nan)


def _filtered(image: Tensor) -> Tensor:
    """Slices (N, 1, H, W) through the filter, same size, zero outside; by FFT, which is faster."""
    border = HFEN_WINDOW // 2
    size = tuple(next_fast_len(n + 2 * border, real=True) for n in image.shape[-2:])
    kernel = torch.fft.rfft2(log_filter().to(image.device), s=size)
    filtered = torch.fft.irfft2(torch.fft.rfft2(image, s=size) * kernel, s=size)
    return filtered[..., border : border + image.shape[-2], border : border + image.shape[-1]]
