r"""The measurement as a linear operator, :math:`A = M F S`: coil sensitivities, Fourier transform, sampling.

:class:`SenseOperator` is the door for people; the functions below it do the work and compile with TorchScript, so that
networks can call them. Estimated phase is part of ``S`` (:func:`~monai_gan_recon.measurement.with_phase`).
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional  # noqa: UP035 - TorchScript reads these

import torch

from monai_gan_recon.measurement.fourier import fft2c, ifft2c, real_fourier_matrix, transform_real


class SenseOperator:
    r"""Cartesian parallel MRI, :math:`A = M F S` (Pruessmann et al., Magn Reson Med 42, 1999).

    ``S`` multiplies the image by each coil's sensitivity, ``F`` is the centred orthonormal 2-D Fourier transform, ``M``
    keeps the measured samples and zeroes the others.

    Args:
        mask: sampling mask, (\*batch, 1, H, W) or anything that broadcasts to it; non-zero = measured, zero frequency
            at ``n // 2``.
        maps: complex coil sensitivities (\*batch, coils, H, W); None: one coil of sensitivity 1.

    Raises:
        ValueError: if mask and maps are of different sizes; at a call, if the image or k-space is.

    Example:
        >>> import torch
        >>> operator = SenseOperator(torch.rand(1, 1, 32, 32) < 0.5)
        >>> image = torch.randn(1, 32, 32, dtype=torch.complex64)
        >>> operator.adjoint(operator.forward(image)).shape
        torch.Size([1, 32, 32])
    """

    def __init__(self, mask: torch.Tensor, maps: torch.Tensor | None = None) -> None:
        if mask.ndim < 3 or mask.shape[-3] != 1:
            raise ValueError(f"the sampling mask must be (..., 1, H, W), got {tuple(mask.shape)}")
        if maps is not None and not _fits(mask, maps):
            raise ValueError(
                f"the coil sensitivities are {tuple(maps.shape[-2:])} but the sampling mask is "
                f"{tuple(mask.shape[-2:])}: give both for slices of one size"
            )
        self.mask, self.maps = mask != 0, maps
        self.normal = normal_operator(self.mask, maps)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        r"""Complex image (\*batch, H, W) to measured k-space (\*batch, coils, H, W)."""
        self._check(image)
        coil_images = image.unsqueeze(-3) if self.maps is None else self.maps * image.unsqueeze(-3)
        return fft2c(coil_images) * self.mask

    def adjoint(self, kspace: torch.Tensor) -> torch.Tensor:
        r"""k-space (\*batch, coils, H, W) to complex image (\*batch, H, W); of one coil, the zero-filled image."""
        self._check(kspace)
        coil_images = ifft2c(kspace * self.mask)
        return coil_images.squeeze(-3) if self.maps is None else (self.maps.conj() * coil_images).sum(-3)

    def gram(self, image: torch.Tensor) -> torch.Tensor:
        r""":math:`A^H A` of a complex image (\*batch, H, W); along one axis only where the mask is of whole lines."""
        self._check(image)
        return gram(image, self.normal)

    def _check(self, x: torch.Tensor) -> None:
        known = self.mask if self.maps is None else self.maps
        if not _fits(known, x):
            raise ValueError(
                f"the measurement is of slices {tuple(known.shape[-2:])}, but this is {tuple(x.shape[-2:])}: use one "
                "size"
            )


def _fits(known: torch.Tensor, x: torch.Tensor) -> bool:
    """Whether the slices of a mask or of maps, whose axes may be of size 1, are of the size of ``x``."""
    return all(n in (1, size) for n, size in zip(known.shape[-2:], x.shape[-2:], strict=True))


class NormalOperator(NamedTuple):
    """What :func:`gram` needs: the mask with its zero frequency first, the maps, and the axes to transform.

    ``conjugate`` is the maps' complex conjugate in memory: PyTorch copies a lazy one at every product.
    ``matrices`` is empty but under ``torch.export``: there it holds what :func:`gram_real` needs to do without complex
    numbers: the Fourier matrices of H and W; of maps, (real, imaginary) and (-imaginary, real).
    """

    weight: torch.Tensor
    maps: Optional[torch.Tensor]  # noqa: UP045 - TorchScript reads it
    conjugate: Optional[torch.Tensor]  # noqa: UP045
    axes: List[int]  # noqa: UP006 - TorchScript reads it
    matrices: List[torch.Tensor]  # noqa: UP006


def normal_operator(mask: torch.Tensor, maps: Optional[torch.Tensor] = None) -> NormalOperator:  # noqa: UP045
    """Prepare :math:`A^H A`.

    Args:
        mask: centred sampling mask, broadcastable to (B, 1, H, W).
        maps: complex coil sensitivities (B, C, H, W), or None for one coil of sensitivity 1.
    """
    axes = [-2, -1]
    if not torch.jit.is_scripting():  # noqa: SIM102 - TorchScript leaves out the block of this condition alone
        if torch.compiler.is_exporting():
            return _normal_operator_in_real_numbers(mask, maps)
    if torch.jit.is_scripting() or not (torch.jit.is_tracing() or torch.compiler.is_compiling()):
        if bool((mask == mask[..., :1, :]).all()):
            mask, axes = mask[..., :1, :], [-1]
        elif bool((mask == mask[..., :1]).all()):
            mask, axes = mask[..., :1], [-2]
    weight = torch.fft.ifftshift(mask, dim=axes).to(torch.float32)
    return NormalOperator(weight, maps, None if maps is None else maps.conj().resolve_conj(), axes, [])


def _normal_operator_in_real_numbers(mask: torch.Tensor, maps: torch.Tensor | None) -> NormalOperator:
    """Both axes always: an exported graph keeps no decision on values. ONNX has few complex operations."""
    height, width = mask.shape[-2:]
    mask = torch.cat((mask[..., height // 2 :, :], mask[..., : height // 2, :]), dim=-2)
    mask = torch.cat((mask[..., width // 2 :], mask[..., : width // 2]), dim=-1)
    matrices = [real_fourier_matrix(n, mask.device) for n in (height, width)]
    if maps is not None:
        parts = torch.view_as_real(maps)
        matrices += [parts, torch.stack((-parts[..., 1], parts[..., 0]), -1)]
    return NormalOperator(mask.to(torch.float32), maps, None, [-2, -1], matrices)


def gram(image: torch.Tensor, normal: NormalOperator) -> torch.Tensor:
    """:math:`A^H A` of complex images (B, H, W), in time without shifts: they commute with a product in k-space."""
    maps, conjugate = normal.maps, normal.conjugate
    if maps is None:
        kspace = torch.fft.fftn(image, dim=normal.axes) * normal.weight.squeeze(-3)
        return torch.fft.ifftn(kspace, dim=normal.axes)
    assert conjugate is not None
    kspace = torch.fft.fftn(maps * image.unsqueeze(-3), dim=normal.axes) * normal.weight
    return (conjugate * torch.fft.ifftn(kspace, dim=normal.axes)).sum(-3)


def gram_real(x: torch.Tensor, normal: NormalOperator) -> torch.Tensor:
    """:func:`gram` of real and imaginary part (B, H, W, 2); without a complex number where ``normal`` has matrices."""
    if len(normal.matrices) == 0:
        return torch.view_as_real(gram(torch.view_as_complex(x.contiguous()), normal))
    rows, columns = normal.matrices[0], normal.matrices[1]
    image = x.unsqueeze(1)
    if len(normal.matrices) > 2:
        image = image[..., :1] * normal.matrices[2] + image[..., 1:] * normal.matrices[3]
    kspace = transform_real(image, rows, columns) * normal.weight.unsqueeze(-1)
    image = transform_real(kspace, rows.t(), columns.t())
    if len(normal.matrices) == 2:
        return image.squeeze(1)
    return torch.stack([(image * part).sum(dim=(1, -1)) for part in normal.matrices[2:]], -1)
