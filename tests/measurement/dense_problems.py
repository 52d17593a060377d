"""Random measurements, and operators as dense matrices."""

import torch

from monai_gan_recon.measurement import SenseOperator, sampling_mask


def complex_randn(*shape, seed=0, dtype=torch.complex64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def coil_maps(coils, size, seed=0, dtype=torch.complex64):
    """Random sensitivities whose squares sum to 1, or None for no coil."""
    if coils == 0:
        return None
    maps = complex_randn(1, coils, *size, seed=seed + 100, dtype=dtype)
    return maps / torch.linalg.vector_norm(maps, dim=1, keepdim=True)


def mask_of(kind, size, rate=0.4, seed=0):
    """Mask (1, 1, H, W): columns, rows or points."""
    pattern, axis = {"columns": ("gaussian1d", -1), "rows": ("gaussian1d", -2), "points": ("gaussian2d", -1)}[kind]
    return sampling_mask(pattern, size, rate, axis, seed)[None, None]


def dense(operator, size, dtype=torch.complex128):
    """The matrix of a :class:`SenseOperator` of one image, (coils H W, H W)."""
    basis = torch.eye(size[0] * size[1], dtype=dtype).view(-1, *size)
    return operator.forward(basis).flatten(1).T


def real_form(matrix):
    """A complex matrix as one on real parts followed by imaginary parts."""
    return torch.cat(
        (torch.cat((matrix.real, -matrix.imag), dim=1), torch.cat((matrix.imag, matrix.real), dim=1)), dim=0
    )


def operator_of(coils, kind, size, dtype=torch.complex128):
    return SenseOperator(mask_of(kind, size), coil_maps(coils, size, dtype=dtype))


def chi_squared(difference, mask, sigma):
    """Mean of |A x - y|^2 / (2 sigma^2) over the measured samples; 1 for the true image, (B,)."""
    measured = (mask != 0).expand_as(difference)
    energy = (difference.abs().square() / (2 * sigma**2) * measured).sum(dim=(1, 2, 3))
    return energy / measured.sum(dim=(1, 2, 3))
