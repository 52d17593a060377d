"""Two measures of similarity that follow the eye: HaarPSI and VIF, for gray slices in [0, 1].

The same numbers as the package piq gives, which needs torchvision.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, pad

_C, _ALPHA = 30.0, 4.2
_NOISE, _EPS = 2.0, 1e-8
VIF_LEAST = 41
"""Least side of a slice of which the VIF can be told."""


def haarpsi(image: Tensor, reference: Tensor) -> Tensor:
    """Haar wavelet-based perceptual similarity index (Reisenhofer et al., Signal Process Image Commun 61, 2018).

    Args:
        image: slices (N, 1, H, W), clipped to [0, 1].
        reference: slices (N, 1, H, W).

    Returns:
        Shape (N,), in [0, 1]; 1 for equal slices.
    """
    details = [_haar_details(x) for x in (image, reference)]
    weights = torch.maximum(details[0][:, 4:], details[1][:, 4:])
    similar = []
    for orientation in (0, 1):
        a, b = (detail[:, [orientation, orientation + 2]] for detail in details)
        similar.append(((2 * a * b + _C) / (a.square() + b.square() + _C)).mean(1, keepdim=True))
    score = (torch.cat(similar, 1) * _ALPHA).sigmoid() * weights
    eps = torch.finfo(torch.float64).eps
    mean = (score.sum((1, 2, 3)) + eps) / (weights.sum((1, 2, 3)) + eps)
    return (torch.log(mean / (1 - mean)) / _ALPHA).square().float()


def _haar_details(slices: Tensor) -> Tensor:
    """Magnitudes of the Haar coefficients of three scales (N, 6, H / 2, W / 2): two orientations each, in turn."""
    x = 255 * slices.double().clamp(0, 1)
    odd = max(x.shape[-2] % 2, x.shape[-1] % 2)
    x = avg_pool2d(pad(x, (0, odd, 0, odd)), 2)
    details = []
    for scale in (1, 2, 3):
        side = 2**scale
        step = torch.full((side, side), 1 / side, dtype=x.dtype)
        step[side // 2 :] *= -1
        border = (side // 2 - 1, side // 2)
        details.append(conv2d(pad(x, border + border), torch.stack((step, step.T))[:, None]).abs())
    return torch.cat(details, 1)


def vif(image: Tensor, reference: Tensor) -> Tensor:
    """Visual information fidelity in the pixel domain (Sheikh & Bovik, IEEE TIP 15, 2006).

    Args:
        image: slices (N, 1, H, W), clipped to [0, 1], H and W at least :data:`VIF_LEAST`.
        reference: slices (N, 1, H, W).

    Returns:
        Shape (N,), at least 0; 1 for equal slices, more for one of higher contrast.
    """
    x, y = (255 * slices.double().clamp(0, 1) for slices in (image, reference))
    kept = whole = torch.zeros(len(x), dtype=torch.float64)
    for scale in range(4):
        side = 2 ** (4 - scale) + 1
        if scale > 0:
            x, y = (_blurred(slices, side)[..., ::2, ::2] for slices in (x, y))
        products = torch.cat((x, y, x.square(), y.square(), x * y))
        mean_x, mean_y, *squares, product = _blurred(products, side).chunk(5)
        var_x, var_y = ((square - mean.square()).relu() for square, mean in zip(squares, (mean_x, mean_y), strict=True))
        covariance = product - mean_x * mean_y
        gain = covariance / (var_y + _EPS)
        rest = var_x - gain * covariance
        flat = var_y < _EPS
        gain, rest, var_y = (
            gain.masked_fill(flat, 0),
            torch.where(flat, var_x, rest),
            var_y.masked_fill(flat, 0),
        )
        flat = var_x < _EPS
        gain, rest = gain.masked_fill(flat, 0), rest.masked_fill(flat, 0)
        rest, gain = torch.where(gain >= 0, rest, var_x).clamp_min(_EPS), gain.relu()
        kept = kept + torch.log10(1 + gain.square() * var_y / (rest + _NOISE)).sum((1, 2, 3))
        whole = whole + torch.log10(1 + var_y / _NOISE).sum((1, 2, 3))
    return ((kept + _EPS) / (whole + _EPS)).float()


def _blurred(slices: Tensor, side: int) -> Tensor:
    """Slices (N, 1, H, W) under a Gaussian window whose standard deviation is a fifth of its side, where it fits."""
    place = torch.arange(side, dtype=slices.dtype) - (side - 1) / 2
    line = torch.exp(-0.5 * (place / (side / 5)).square())
    line = (line / line.sum())[None, None, :, None]
    return conv2d(conv2d(slices, line), line.mT)
