"""The U-net on zero-filled magnitude, with or without k-space correction."""

from __future__ import annotations

import torch
from monai.networks.nets import BasicUNet
from torch import nn

from monai_gan_recon.measurement import (
    data_consistency,
    fft2c,
    from_channels,
    low_resolution_phase,
    normal_operator,
    to_channels,
    unpack,
)
from monai_gan_recon.networks.blocks import pad_to_multiple
from monai_gan_recon.networks.generator import signal_intensity

SIGNAL_ERROR = 0.05
"""Expected error of the U-net's image, relative to its intensity, which noisy samples are weighed against."""

_MULTIPLE = 32  # four poolings, and two pixels or more for the innermost norm


class UNet(nn.Module):
    """MONAI's ``BasicUNet`` from zero-filled magnitude to magnitude, any size.

    Four poolings, two 3x3 convolutions at each level and upsampling without weights, as the U-net of Hyun et al. (Phys
    Med Biol 63, 135007, 2018) has them. Instance norm is MONAI's; it is what lets the network train in minutes, and
    since it forgets the intensity, the input is divided by :func:`signal_intensity` and the output multiplied by it.

    Args:
        width: channels of the first level, doubled with each further one.
        residual: add the input to the output, which is so at the start the input itself. Where structural similarity is
            the only loss it is needed: an image and its negative are similar, too, since both of the measure's factors
            change sign, and an untrained network may find the negative first.
    """

    def __init__(self, width: int = 64, residual: bool = False) -> None:
        super().__init__()
        self.residual = residual
        features = (width, 2 * width, 4 * width, 8 * width, 16 * width, width)
        self.unet = BasicUNet(spatial_dims=2, in_channels=1, out_channels=1, features=features, upsample="nontrainable")
        if residual:
            nn.init.zeros_(self.unet.final_conv.weight)
            nn.init.zeros_(self.unet.final_conv.bias)

    def extra_repr(self) -> str:
        """What the parts do not show, if it is not the default."""
        return "residual=True" if self.residual else ""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Zero-filled magnitude (B, 1, H, W) to magnitude in the same scale, (B, 1, H, W), float32."""
        height, width = x.shape[-2:]
        scale = signal_intensity(x)
        image = self.unet(pad_to_multiple(x.float() / scale, _MULTIPLE))[..., :height, :width]
        return image.float() * scale + (x.float() if self.residual else 0.0)


class CorrectedUNet(nn.Module):
    """The U-net of Hyun et al. 2018 with its k-space correction: measured samples are put back into its output.

    The U-net sees the zero-filled magnitude. Its image is transformed, the measured samples replace its own, and the
    transform back gives the reconstruction. The source trains the U-net before that step: so in training mode
    ``forward`` gives the U-net's own image, in evaluation mode the corrected one.

    The source has real images. For objects with phase the U-net's magnitude gets the phase of the central k-space back
    first, which for a real, positive object is zero.

    Args:
        width: channels of the U-net's first level.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.unet = UNet(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Network input (B, 4 + 2 C, H, W) to real and imaginary part (B, 2, H, W)."""
        data = unpack(x)
        image = self.unet(torch.linalg.vector_norm(data.adjoint, dim=1, keepdim=True))
        if self.training:
            return torch.cat((image, torch.zeros_like(image)), dim=1)
        phase = to_channels(low_resolution_phase(fft2c(from_channels(data.adjoint)).unsqueeze(-3)))
        normal = normal_operator(data.mask, data.maps)
        signal_variance = (SIGNAL_ERROR * signal_intensity(data.adjoint)).square()
        return data_consistency(image * phase, data.adjoint, normal, data.noise_std.square(), signal_variance)
