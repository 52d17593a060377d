"""MONAI's own reconstruction networks for one coil, held to our contract."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.apps.reconstruction.networks.nets.complex_unet import ComplexUnet
from monai.apps.reconstruction.networks.nets.varnet import VariationalNetworkModel
from torch import nn

from monai_gan_recon.measurement import fft2c, from_channels, ifft2c, unpack

_PAD_FACTOR = 32  # MONAI's 16 leaves one pixel of a 16x16 image, which instance norm cannot normalise
_EIGHTH_TURN = torch.polar(torch.tensor(1.0), torch.tensor(torch.pi / 4)).item()


class MonaiComplexUNet(nn.Module):
    """``monai.apps.reconstruction``'s ComplexUnet from zero-filled complex image to complex image.

    It has no data consistency. It divides real and imaginary part each by its standard deviation, and the imaginary
    part of a real object is but rounding noise: the image is turned by 45° before and back after, so that both parts
    hold the object.

    Args:
        features: six numbers of channels, as ``BasicUNet`` takes them; MONAI's default.
    """

    def __init__(self, features: Sequence[int] = (32, 32, 64, 128, 256, 32)) -> None:
        super().__init__()
        self.unet = ComplexUnet(features=tuple(features), pad_factor=_PAD_FACTOR)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Network input (B, 4 + 2 C, H, W) to real and imaginary part (B, 2, H, W)."""
        zero_filled = torch.view_as_real(from_channels(unpack(x).adjoint) * _EIGHTH_TURN)
        image = self.unet(zero_filled[:, None])[:, 0].float()
        return _to_channels(torch.view_as_complex(image.contiguous()))


class MonaiVarNet(nn.Module):
    """``monai.apps.reconstruction``'s end-to-end variational network (Sriram et al. 2020) with one coil.

    MONAI's model of coil sensitivities asks for one mask of columns for the whole batch; one coil has a sensitivity of
    1 everywhere, and that is what takes its place. As in :class:`MonaiComplexUNet` the image is turned by 45°.

    Args:
        cascades: refinement and soft data consistency pairs; MONAI's tutorial and fastMRI have 12.
        features: channels of each refinement network; those of MONAI's tutorial.
    """

    def __init__(self, cascades: int = 4, features: Sequence[int] = (18, 18, 36, 72, 144, 18)) -> None:
        super().__init__()
        refinement = ComplexUnet(features=tuple(features), pad_factor=_PAD_FACTOR)
        self.model = VariationalNetworkModel(OneCoil(), refinement, num_cascades=cascades)
        for cascade in self.model.cascades:
            cascade.zeros = torch.zeros(1)  # MONAI's, of five axes, refuses channels-last memory

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Network input of one coil (B, 4, H, W) to real and imaginary part (B, 2, H, W).

        Raises:
            ValueError: for coil sensitivities or a phase.
        """
        data = unpack(x)
        if data.maps is not None:
            raise ValueError("MONAI's variational network takes one coil without phase here")
        measured = fft2c(from_channels(data.adjoint) * _EIGHTH_TURN)
        measured = torch.view_as_real(measured)[:, None]
        mask = (data.mask > 0)[..., None]
        sensitivity = self.model.coil_sensitivity_model(measured, mask)
        kspace = measured
        for cascade in self.model.cascades:  # the model's own loop, whose end keeps the magnitude only
            kspace = cascade(kspace, measured, mask, sensitivity)
        return _to_channels(ifft2c(torch.view_as_complex(kspace[:, 0].float().contiguous())))


class OneCoil(nn.Module):
    """Coil sensitivities of a single, uniform coil: 1 + 0i everywhere."""

    def forward(self, masked_kspace: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Sensitivities (B, 1, H, W, 2) for k-space of that shape."""
        return torch.cat((torch.ones_like(masked_kspace[..., :1]), torch.zeros_like(masked_kspace[..., :1])), -1)


def _to_channels(image: torch.Tensor) -> torch.Tensor:
    """Turn a complex image (B, H, W) back, as channels; 0 where an empty slice had no variance to divide by."""
    return torch.view_as_real(image / _EIGHTH_TURN).movedim(-1, -3).nan_to_num()
